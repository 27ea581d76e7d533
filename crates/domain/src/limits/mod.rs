//! Daily limits (SPEC §5) as pure rules: what is admitted, when a day begins, what is to be expected.
//!
//! | system limit | user limit | then |
//! | --- | --- | --- |
//! | used up, or mail waits under it | any | hold, reason `system_limit` |
//! | has room | used up, or mail of the person waits under a limit | hold, reason `user_limit` |
//! | has room | has room | accept: both are charged one unit |
//!
//! Refusing is not decided here: a queue that is off refuses before anything is built (`Refusal::QueueDisabled`).

mod day;
mod forecast;

pub use day::{Day, DayRule};
pub use forecast::{Ahead, DayShare, Forecast, forecast};

use crate::hold::HoldReason;
use crate::kind::{Category, Kind};

/// What one limit allows and what was taken of it today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Meter {
    /// Messages a day; 0 for no limit.
    pub limit: u64,
    /// Messages that were charged today.
    pub used: u64,
}

impl Meter {
    /// How many more fit today; `None` for any number.
    pub const fn room(self) -> Option<u64> {
        if self.limit == 0 {
            None
        } else {
            Some(self.limit.saturating_sub(self.used))
        }
    }

    /// Whether nothing more fits today.
    pub const fn is_used_up(self) -> bool {
        matches!(self.room(), Some(0))
    }
}

/// Whether earlier mail waits under a limit: what comes later then joins it, so that nothing overtakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Line {
    /// Nothing waits.
    #[default]
    Empty,
    /// Something does.
    Waiting,
}

/// A limit as it stands when a message asks to be admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gate {
    /// What it allows and what was taken.
    pub meter: Meter,
    /// Whether mail waits under it.
    pub line: Line,
}

impl Gate {
    const fn is_shut(self) -> bool {
        self.meter.is_used_up() || matches!(self.line, Line::Waiting)
    }
}

/// Whether a message counts against limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    /// It takes one unit of both limits, whatever its recipients (L3).
    One,
    /// It takes nothing and is never held under a limit: a notification (L3).
    Exempt,
}

impl Charge {
    /// What a message of this kind takes.
    pub const fn of(kind: Kind) -> Self {
        match kind.category() {
            Category::User => Self::One,
            Category::Notification => Self::Exempt,
        }
    }
}

/// What becomes of a message that asks to be admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It goes; what it takes is charged in the same transaction.
    Accept,
    /// It waits and takes nothing.
    Hold(HoldReason),
}

/// Decides whether a message goes: the system's limit first, then the user's (L2).
pub const fn admit(system: Gate, user: Gate, charge: Charge) -> Admission {
    match charge {
        Charge::Exempt => Admission::Accept,
        Charge::One if system.is_shut() => Admission::Hold(HoldReason::SystemLimit),
        Charge::One if user.is_shut() => Admission::Hold(HoldReason::UserLimit),
        Charge::One => Admission::Accept,
    }
}

#[cfg(test)]
mod tests;
