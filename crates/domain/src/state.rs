//! A message's life (SPEC §3) as a pure function.
//!
//! | from | event | to |
//! | --- | --- | --- |
//! | queued, deferred (due) | lease | sending |
//! | sending | accepted (every recipient final, none failed) | sent |
//! | sending | undelivered (every recipient final, one failed) | failed |
//! | sending | defer | deferred |
//! | sending | give back (untried) | queued |
//! | queued, deferred | exhaust (no relay within `max_wait`) | failed |
//! | scheduled | due | queued |
//! | queued, deferred, scheduled | hold | held |
//! | held | release | queued |
//! | held | postpone (let go before its `send_at`) | scheduled |
//! | deferred, held, failed, queued, scheduled | requeue | queued |
//!
//! Everything else is an [`InvalidTransition`]. Deleting is no state: the record goes.

use serde::{Deserialize, Serialize};

/// The state of a message (SPEC §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// Due now.
    Queued,
    /// `send_at` lies ahead.
    Scheduled,
    /// Kept back on purpose, with a reason.
    Held,
    /// Leased by a node, an attempt is under way.
    Sending,
    /// Tried, not delivered, will be tried again.
    Deferred,
    /// Every recipient was accepted by the relay.
    Sent,
    /// At least one recipient ended undelivered.
    Failed,
}

/// The three Types that the list shows (SPEC Q1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShownType {
    /// Not finished.
    Outbox,
    /// Every recipient was accepted.
    Sent,
    /// Could not be delivered.
    Failed,
}

impl ShownType {
    /// Every type, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Outbox, Self::Sent, Self::Failed];

    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Outbox => "outbox",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }

    /// The number that the store keeps.
    pub const fn number(self) -> i64 {
        match self {
            Self::Outbox => 0,
            Self::Sent => 1,
            Self::Failed => 2,
        }
    }
}

/// What can happen to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageEvent {
    /// A node takes it for an attempt.
    Lease,
    /// The attempt ended with every recipient accepted, now or before.
    Accepted,
    /// Every recipient is final and at least one was not accepted.
    Undelivered,
    /// The attempt left recipients to try again.
    Defer,
    /// The lease ended without an attempt.
    GiveBack,
    /// Its time has come.
    Due,
    /// No relay was Up for `max_wait`.
    Exhaust,
    /// Kept back on purpose.
    Hold,
    /// Let go.
    Release,
    /// Let go while its time to be sent still lies ahead.
    Postpone,
    /// Somebody asked to try it anew (C1).
    Requeue,
}

/// An event that cannot happen in a state; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message that is {state:?} cannot {event:?}")]
pub struct InvalidTransition {
    /// The state it was in.
    pub state: MessageState,
    /// What was to happen.
    pub event: MessageEvent,
}

impl MessageState {
    /// Every state, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Scheduled,
        Self::Held,
        Self::Sending,
        Self::Deferred,
        Self::Sent,
        Self::Failed,
    ];

    /// The state after `event`.
    ///
    /// # Errors
    /// [`InvalidTransition`] for every pair that the module's table does not list.
    pub const fn after(self, event: MessageEvent) -> Result<Self, InvalidTransition> {
        use MessageEvent as E;
        match (self, event) {
            (Self::Queued | Self::Deferred, E::Lease) => Ok(Self::Sending),
            (Self::Sending, E::Accepted) => Ok(Self::Sent),
            (Self::Sending, E::Undelivered) | (Self::Queued | Self::Deferred, E::Exhaust) => Ok(Self::Failed),
            (Self::Sending, E::Defer) => Ok(Self::Deferred),
            (Self::Sending, E::GiveBack)
            | (Self::Scheduled, E::Due)
            | (Self::Held, E::Release)
            | (Self::Deferred | Self::Held | Self::Failed | Self::Queued | Self::Scheduled, E::Requeue) => {
                Ok(Self::Queued)
            }
            (Self::Held, E::Postpone) => Ok(Self::Scheduled),
            (Self::Queued | Self::Deferred | Self::Scheduled, E::Hold) => Ok(Self::Held),
            (state, event) => Err(InvalidTransition { state, event }),
        }
    }

    /// The Type that the list shows.
    pub const fn shown(self) -> ShownType {
        match self {
            Self::Queued | Self::Scheduled | Self::Held | Self::Sending | Self::Deferred => ShownType::Outbox,
            Self::Sent => ShownType::Sent,
            Self::Failed => ShownType::Failed,
        }
    }

    /// Whether nothing more happens by itself.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Sent | Self::Failed)
    }

    /// The number that the store keeps.
    pub const fn number(self) -> i64 {
        match self {
            Self::Queued => 0,
            Self::Scheduled => 1,
            Self::Held => 2,
            Self::Sending => 3,
            Self::Deferred => 4,
            Self::Sent => 5,
            Self::Failed => 6,
        }
    }

    /// The state of a kept number; `None` for a number that no state has.
    pub fn from_number(number: i64) -> Option<Self> {
        usize::try_from(number)
            .ok()
            .and_then(|n| Self::ALL.get(n).copied())
    }

    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Scheduled => "scheduled",
            Self::Held => "held",
            Self::Sending => "sending",
            Self::Deferred => "deferred",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}

/// The state of one recipient of a message (S2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecipientState {
    /// Not accepted yet.
    Pending,
    /// Accepted by the relay.
    Sent,
    /// Ended undelivered.
    Failed,
}

impl RecipientState {
    /// The number that the store keeps.
    pub const fn number(self) -> i64 {
        match self {
            Self::Pending => 0,
            Self::Sent => 1,
            Self::Failed => 2,
        }
    }

    /// The state of a kept number; `None` for a number that no state has.
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Pending),
            1 => Some(Self::Sent),
            2 => Some(Self::Failed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
