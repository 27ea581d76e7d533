//! The figures of one step of time.

use std::time::Duration;

use super::Latencies;
use crate::Timestamp;

/// What was measured in a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// The most messages that waited, neither held nor scheduled.
    pub waiting: u64,
    /// The greatest age that the oldest of them reached.
    pub oldest: Option<Duration>,
    /// Messages taken in.
    pub accepted: u64,
    /// Messages sent.
    pub sent: u64,
    /// Messages that ended undelivered.
    pub failed: u64,
    /// How long the messages sent took, from acceptance to hand-over.
    pub latencies: Latencies,
}

impl Figures {
    /// Adds the figures of another stretch: levels reach as high as the higher, counts add up.
    pub fn merge(&mut self, other: &Self) {
        self.waiting = self.waiting.max(other.waiting);
        self.oldest = self.oldest.max(other.oldest);
        self.accepted += other.accepted;
        self.sent += other.sent;
        self.failed += other.failed;
        self.latencies.merge(&other.latencies);
    }
}

/// The figures of the step that begins at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When it begins.
    pub at: Timestamp,
    /// What was measured in it.
    pub figures: Figures,
}
