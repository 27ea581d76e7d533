//! Compresses content before it reaches the writer, and unpacks it again.

use std::cell::RefCell;
use std::io::Cursor;

use postroom_store::{Content, Encoded, Packed};

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
            // Into place: content is large, and a copy beside it as large again.
            let at = out.len();
            out.try_reserve_exact(len)
                .map_err(|error| UnpackError(error.to_string()))?;
            let mut place = Cursor::new(&mut *out);
            place.set_position(at as u64);
            let written = DECOMPRESSOR.with_borrow_mut(|slot| {
                if slot.is_none() {
                    *slot = zstd::bulk::Decompressor::new().ok();
                }
                match slot.as_mut() {
                    Some(decompressor) => decompressor.decompress_to_buffer(&packed.bytes, &mut place),
                    None => zstd::bulk::Decompressor::new()?.decompress_to_buffer(&packed.bytes, &mut place),
                }
            });
            if let Err(error) = written {
                out.truncate(at);
                return Err(UnpackError(error.to_string()));
            }
        }
    }
    Ok(())
}

/// Unpacks a whole message, dropping each part once it is.
///
/// # Errors
/// [`UnpackError`] where the kept octets are not what was packed.
pub fn unpack(content: Content) -> Result<Vec<u8>, UnpackError> {
    let Content { header, body } = content;
    let length = usize::try_from(header.len.saturating_add(body.len)).unwrap_or(0);
    let mut octets = Vec::new();
    octets
        .try_reserve_exact(length)
        .map_err(|error| UnpackError(error.to_string()))?;
    unpack_into(&header, &mut octets)?;
    unpack_into(&body, &mut octets)?;
    Ok(octets)
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
    fn whole_message_unpacks_into_one_allocation() {
        let (header, body) = (b"A: b\r\n".repeat(50), b"again and ".repeat(1_000));
        let content = Content {
            header: pack(&header),
            body: pack(&body),
        };
        let octets = unpack(content).expect("unpacks");
        assert_eq!(octets, [header, body].concat());
        assert_eq!(octets.capacity(), octets.len());
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
