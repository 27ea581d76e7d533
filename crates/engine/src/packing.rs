//! Compresses content before it reaches the writer, and unpacks it again.

use std::cell::RefCell;

use postroom_store::{Encoded, Packed};

/// Level 1: 4 KiB of text in about 10 µs; higher levels cost a multiple for a few percent.
const LEVEL: i32 = 1;
/// Below this Zstandard's frame eats what it saves.
const WORTH_BYTES: usize = 128;

thread_local! {
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Content that the store kept and that does not unpack.
#[derive(Debug, thiserror::Error)]
#[error("the kept content does not unpack: {0}")]
pub struct UnpackError(String);

/// Packs octets: compressed where that makes them smaller, else as they are.
pub fn pack(octets: &[u8]) -> Packed {
    let len = octets.len() as u64;
    if octets.len() >= WORTH_BYTES
        && let Some(bytes) = compressed(octets)
        && bytes.len() < octets.len()
    {
        return Packed {
            encoding: Encoded::Zstd,
            len,
            bytes,
        };
    }
    Packed {
        encoding: Encoded::Plain,
        len,
        bytes: octets.to_vec(),
    }
}

fn compressed(octets: &[u8]) -> Option<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = zstd::bulk::Compressor::new(LEVEL).ok();
        }
        slot.as_mut()?.compress(octets).ok()
    })
}

/// Appends the octets of `packed` to `out`.
///
/// # Errors
/// [`UnpackError`] where the kept octets are not what was packed.
pub fn unpack_into(packed: &Packed, out: &mut Vec<u8>) -> Result<(), UnpackError> {
    let len = usize::try_from(packed.len).map_err(|_| UnpackError("its length does not fit".to_owned()))?;
    match packed.encoding {
        Encoded::Plain => out.extend_from_slice(&packed.bytes),
        Encoded::Zstd => {
            let octets = DECOMPRESSOR.with_borrow_mut(|slot| {
                if slot.is_none() {
                    *slot = zstd::bulk::Decompressor::new().ok();
                }
                match slot.as_mut() {
                    Some(decompressor) => decompressor.decompress(&packed.bytes, len),
                    None => zstd::bulk::decompress(&packed.bytes, len),
                }
            });
            out.extend_from_slice(&octets.map_err(|error| UnpackError(error.to_string()))?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_unpacks() {
        for octets in [Vec::new(), b"short".to_vec(), b"again and ".repeat(1_000)] {
            let mut out = b"before".to_vec();
            unpack_into(&pack(&octets), &mut out).expect("unpacks");
            assert_eq!(out.strip_prefix(b"before"), Some(octets.as_slice()));
        }
    }

    #[test]
    fn text_gets_smaller_and_noise_stays_as_it_is() {
        assert_eq!(pack(&b"again and ".repeat(100)).encoding, Encoded::Zstd);
        let mut state = 88_172_645_463_325_252_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_be_bytes()[0]
        })
        .take(1_000)
        .collect();
        assert_eq!(pack(&noise).encoding, Encoded::Plain);
    }

    #[test]
    fn damaged_content_is_an_error() {
        let mut packed = pack(&b"again and ".repeat(100));
        packed.bytes.truncate(5);
        assert!(unpack_into(&packed, &mut Vec::new()).is_err());
    }
}
