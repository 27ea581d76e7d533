//! What of a stored message is damaged (SPEC X5), and what that means.
//!
//! A damaged message is never delivered, shown or exported as if it were right: it ends Failed with this as its reason.

use crate::outcome::Reply;

/// What of a stored message is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Damage {
    /// The content: it is missing, does not match its checksum, or cannot be unpacked.
    Content,
    /// The record: the envelope, the recipients or the state cannot be read.
    Record,
    /// A mail server answered, but the result cannot be written into the record.
    Result,
}

impl Damage {
    /// Every sort of damage, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Content, Self::Record, Self::Result];

    /// The number that the store keeps.
    pub const fn number(self) -> i64 {
        match self {
            Self::Content => 0,
            Self::Record => 1,
            Self::Result => 2,
        }
    }

    /// The damage of a stored number.
    pub fn from_number(number: i64) -> Option<Self> {
        usize::try_from(number)
            .ok()
            .and_then(|n| Self::ALL.get(n).copied())
    }

    /// What happened and what it means, in a sentence without a full stop.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Content => {
                "the stored content of this message is damaged (it does not match its checksum or cannot be read), \
                 so it is not sent or shown"
            }
            Self::Record => {
                "the stored record of this message is damaged (its recipients or its state cannot be read), so it is \
                 not sent"
            }
            Self::Result => {
                "the mail server answered, but the result could not be stored because the record of this message is \
                 damaged; it is not sent again, because recipients may have it already"
            }
        }
    }

    /// The same as the error of a message.
    pub fn reply(self) -> Reply {
        Reply::none(self.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_damage_has_a_number_and_words_that_fit_an_error() {
        for damage in Damage::ALL {
            assert_eq!(Damage::from_number(damage.number()), Some(damage));
            assert!(damage.reply().text.len() <= Reply::MAX_TEXT_BYTES);
        }
        assert_eq!(Damage::from_number(3), None);
    }
}
