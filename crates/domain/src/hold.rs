//! Why a message is kept back on purpose.

use std::fmt;

/// Why a message is held (SPEC §1, S).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HoldReason {
    /// The daily limit of the whole server is used up.
    SystemLimit,
    /// The daily limit of the person who submitted it is used up.
    UserLimit,
    /// A person held it.
    Administrator,
    /// Sending is paused for its office or its sender.
    Paused,
    /// The store was restored from a backup, so its fate is unknown.
    Restored,
}

impl HoldReason {
    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 5] = [
        Self::SystemLimit,
        Self::UserLimit,
        Self::Administrator,
        Self::Paused,
        Self::Restored,
    ];

    /// The word of the API: `system_limit`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SystemLimit => "system_limit",
            Self::UserLimit => "user_limit",
            Self::Administrator => "administrator",
            Self::Paused => "paused",
            Self::Restored => "restored",
        }
    }

    /// The number that the store keeps, from 1.
    pub const fn number(self) -> i64 {
        match self {
            Self::SystemLimit => 1,
            Self::UserLimit => 2,
            Self::Administrator => 3,
            Self::Paused => 4,
            Self::Restored => 5,
        }
    }

    /// The reason of a kept number; `None` for a number that no reason has.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.number() == number)
    }

    /// Whether it ends by itself at the start of a day.
    pub const fn is_limit(self) -> bool {
        matches!(self, Self::SystemLimit | Self::UserLimit)
    }
}

impl fmt::Display for HoldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_reads_back_from_its_number() {
        for reason in HoldReason::ALL {
            assert_eq!(HoldReason::from_number(reason.number()), Some(reason));
        }
        assert_eq!(HoldReason::from_number(0), None);
    }

    #[test]
    fn limits_alone_end_with_the_day_and_each_reason_has_its_word() {
        let ending = HoldReason::ALL.map(HoldReason::is_limit);
        assert_eq!(ending, [true, true, false, false, false]);
        let words = HoldReason::ALL.map(|reason| reason.to_string());
        let expected = [
            "system_limit",
            "user_limit",
            "administrator",
            "paused",
            "restored",
        ];
        assert_eq!(words, expected);
    }
}
