//! Identifiers, one type each.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::Timestamp;

/// Low bits of a message id that name the node which made it: 1,024 nodes.
const NODE_BITS: u32 = 10;
/// Crockford's base 32 in lower case: no `i l o u`, so that an id can be read out.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of a message id: 13 × 5 bits hold 64.
const LENGTH: usize = 13;

/// Names a message and places it: microseconds of its submission × 1024 + node slot.
///
/// It is the Date order, the row's key and the content's key in one number. Shown as 13 characters of Crockford's
/// base 32, which sort as the number does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(i64);

impl MessageId {
    /// The smallest id, before every real one.
    pub const MIN: Self = Self(0);
    /// The largest id, after every real one.
    pub const MAX: Self = Self(i64::MAX);

    /// Wraps a number that the store kept.
    pub const fn from_ord(ord: i64) -> Self {
        Self(ord)
    }

    /// Makes the id of a message submitted at `at` on the node `slot`.
    pub const fn new(at: Timestamp, slot: NodeSlot) -> Self {
        Self((at.as_micros() << NODE_BITS) | slot.0 as i64)
    }

    /// The first id that a message submitted at `at` can have; the bound of a date range.
    pub const fn first_at(at: Timestamp) -> Self {
        Self(at.as_micros() << NODE_BITS)
    }

    /// The next id of the same node after `previous`, at `now` or one microsecond after `previous`.
    pub fn next_after(previous: Self, now: Timestamp, slot: NodeSlot) -> Self {
        let floor = Timestamp::from_micros(previous.submitted_at().as_micros() + 1);
        Self::new(now.max(floor), slot)
    }

    /// The number, for the store.
    pub const fn ord(self) -> i64 {
        self.0
    }

    /// When the message was first submitted (the Date column).
    pub const fn submitted_at(self) -> Timestamp {
        Timestamp::from_micros(self.0 >> NODE_BITS)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [b'0'; LENGTH];
        let mut rest = self.0.cast_unsigned();
        for slot in text.iter_mut().rev() {
            let digit = usize::try_from(rest & 31).unwrap_or(0);
            *slot = ALPHABET.get(digit).copied().unwrap_or(b'0');
            rest >>= 5;
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or(""))
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({self})")
    }
}

/// A text that is not a message id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message id: an id has 13 characters of 0-9 and a-z without i, l, o and u")]
pub struct NotAMessageId;

impl FromStr for MessageId {
    type Err = NotAMessageId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != LENGTH {
            return Err(NotAMessageId);
        }
        let mut value: u64 = 0;
        for byte in text.bytes() {
            let byte = byte.to_ascii_lowercase();
            let digit = ALPHABET.iter().position(|&c| c == byte).ok_or(NotAMessageId)?;
            let digit = u64::try_from(digit).map_err(|_| NotAMessageId)?;
            value = value
                .checked_mul(32)
                .and_then(|v| v.checked_add(digit))
                .ok_or(NotAMessageId)?;
        }
        i64::try_from(value).map(Self).map_err(|_| NotAMessageId)
    }
}

impl Serialize for MessageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident($number:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $number);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

number_id!(
    /// Names a user of the server, whatever the office.
    UserId(i64)
);
number_id!(
    /// Names an office.
    OfficeId(i64)
);
number_id!(
    /// Names an API key.
    KeyId(i64)
);
number_id!(
    /// Names a proxy: one person's grant to another.
    ProxyId(i64)
);
number_id!(
    /// Names the way out that a message takes: an office's own, or the server's ([`RouteId::SERVER`]). A route becomes
    /// a relay when a message is leased.
    RouteId(i64)
);
number_id!(
    /// The place of a node in the cluster, 0 to 1023; the low bits of every id that it makes.
    NodeSlot(u16)
);
number_id!(
    /// Counts the starts of a node; a write that names an older epoch changes nothing.
    Epoch(i64)
);
number_id!(
    /// Counts the leases of one message; a write that names an older generation changes nothing.
    Generation(i64)
);

impl RouteId {
    /// The server's own relay, for offices that have none.
    pub const SERVER: Self = Self(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_id_reads_back_and_sorts_as_its_text() {
        let early = MessageId::new(Timestamp::from_micros(1_700_000_000_000_000), NodeSlot(3));
        let late = MessageId::new(Timestamp::from_micros(1_700_000_000_000_001), NodeSlot(0));
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(early.to_string().parse(), Ok(early));
        assert_eq!(
            early.submitted_at(),
            Timestamp::from_micros(1_700_000_000_000_000)
        );
    }

    #[test]
    fn two_ids_in_one_microsecond_differ() {
        let now = Timestamp::from_micros(5);
        let first = MessageId::next_after(MessageId::MIN, now, NodeSlot(1));
        assert!(MessageId::next_after(first, now, NodeSlot(1)) > first);
    }

    #[test]
    fn id_too_large_for_the_store_is_refused() {
        assert_eq!("zzzzzzzzzzzzz".parse::<MessageId>(), Err(NotAMessageId));
        assert_eq!("short".parse::<MessageId>(), Err(NotAMessageId));
    }
}
