//! Pauses of sending, which are no part of any wait for a relay.

use std::time::Duration;

use postroom_domain::Timestamp;

use crate::settings::Sending;

/// What is known of the pauses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pause {
    /// Until when its time was counted; `None` while mail is sent.
    counted_until: Option<Timestamp>,
    /// How much of that the store does not hold.
    unrecorded: Duration,
}

impl Pause {
    pub(super) fn new(sending: Sending, now: Timestamp) -> Self {
        Self {
            counted_until: (sending == Sending::Paused).then_some(now),
            unrecorded: Duration::ZERO,
        }
    }

    /// Sending is paused from now on, or goes on.
    pub(super) fn set(&mut self, sending: Sending, now: Timestamp) {
        self.counted_until = (sending == Sending::Paused).then_some(now);
    }

    /// Answers for how long sending was paused since the last call; `None` where it is not paused.
    pub(super) fn count(&mut self, now: Timestamp) -> Option<Duration> {
        let until = self.counted_until.as_mut()?;
        let paused = now.since(*until);
        *until = now.max(*until);
        self.unrecorded += paused;
        Some(paused)
    }

    /// How much of what was counted the store does not hold.
    pub(super) const fn unrecorded(&self) -> Duration {
        self.unrecorded
    }

    /// The store holds all of it.
    pub(super) fn recorded(&mut self) {
        self.unrecorded = Duration::ZERO;
    }

    pub(super) fn clock_moved(&mut self, micros: i64) {
        self.counted_until = self.counted_until.map(|until| until.moved(micros));
    }
}
