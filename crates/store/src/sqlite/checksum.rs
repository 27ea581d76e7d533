//! Checksums of content (SPEC X5): computed over the stored octets, so that nothing damaged is ever unpacked.
//!
//! XXH3 with 64 bits: a flipped bit, a torn page or another row's octets go unnoticed once in 2^64 times, and it costs
//! less than copying the octets. How they are stored and the message's id go into it as well.

use postroom_domain::MessageId;
use twox_hash::XxHash3_64;

use super::enqueue::encoding;
use crate::contract::{Content, Packed};

/// Which of a message's two parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The header block.
    Header,
    /// The body.
    Body,
}

/// A hash of a part's octets, which needs no id yet: computed before the writer has its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest(u64);

/// Of both parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digests {
    pub(crate) header: Digest,
    pub(crate) body: Digest,
}

impl Digests {
    /// Hashes a message's content.
    pub(crate) fn of(content: &Content) -> Self {
        Self {
            header: Digest::of(Part::Header, &content.header),
            body: Digest::of(Part::Body, &content.body),
        }
    }
}

impl Digest {
    /// Hashes a part: its octets, their length, how they are packed, and which part it is.
    pub(crate) fn of(part: Part, packed: &Packed) -> Self {
        let [len, bytes] = [packed.len.to_le_bytes(), encoding(packed.encoding).to_le_bytes()];
        let part = match part {
            Part::Header => 1_u64,
            Part::Body => 2,
        };
        let seed = XxHash3_64::oneshot_with_seed(part, &[len, bytes].concat());
        Self(XxHash3_64::oneshot_with_seed(seed, &packed.bytes))
    }

    /// The checksum of that part of message `id`, as the store keeps it.
    pub(crate) fn bound_to(self, id: MessageId) -> i64 {
        XxHash3_64::oneshot_with_seed(self.0, &id.ord().to_le_bytes()).cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Encoded;

    fn packed(bytes: &[u8]) -> Packed {
        Packed {
            encoding: Encoded::Plain,
            len: 9,
            bytes: bytes.to_vec(),
        }
    }

    #[test]
    fn checksum_never_changes_between_versions() {
        let sum = Digest::of(Part::Body, &packed(b"Dear Ada\r\n")).bound_to(MessageId::from_ord(1 << 40));
        assert_eq!(sum, GOLDEN);
    }

    const GOLDEN: i64 = -7_837_477_282_273_904_268;

    #[test]
    fn whatever_differs_gives_another_checksum() {
        let id = MessageId::from_ord(7);
        let right = Digest::of(Part::Body, &packed(b"Dear Ada")).bound_to(id);
        let zstd = Packed {
            encoding: Encoded::Zstd,
            ..packed(b"Dear Ada")
        };
        let longer = Packed {
            len: 10,
            ..packed(b"Dear Ada")
        };
        for other in [
            Digest::of(Part::Header, &packed(b"Dear Ada")).bound_to(id),
            Digest::of(Part::Body, &packed(b"Dear Ida")).bound_to(id),
            Digest::of(Part::Body, &zstd).bound_to(id),
            Digest::of(Part::Body, &longer).bound_to(id),
            Digest::of(Part::Body, &packed(b"Dear Ada")).bound_to(MessageId::from_ord(8)),
        ] {
            assert_ne!(right, other);
        }
    }
}
