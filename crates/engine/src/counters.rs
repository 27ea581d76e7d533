//! What became of mail since the engine started, counted where outcomes are written down: a few additions a message.

use std::sync::atomic::{AtomicU64, Ordering};

use postroom_domain::figures::{LATENCY_CLASSES, Latencies, latency_class};
use postroom_domain::{Timestamp, Totals};
use postroom_store::{Next, Outcome, Recorded};

/// Counts how messages ended.
#[derive(Debug)]
pub(crate) struct Counters {
    sent: AtomicU64,
    failed: AtomicU64,
    latencies: [AtomicU64; LATENCY_CLASSES],
    lost_leases: AtomicU64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            sent: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            latencies: std::array::from_fn(|_| AtomicU64::new(0)),
            lost_leases: AtomicU64::new(0),
        }
    }
}

impl Counters {
    /// Counts an outcome that was written at `now`, of a message whose cycle began at `since`.
    pub(crate) fn count(&self, outcome: &Outcome, recorded: Recorded, since: Timestamp, now: Timestamp) {
        match (outcome.next, recorded) {
            (Next::Sent, Recorded::Done) => {
                self.sent.fetch_add(1, Ordering::Relaxed);
                if let Some(count) = self.latencies.get(usize::from(latency_class(now.since(since)))) {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
            (Next::Failed, Recorded::Done) | (_, Recorded::Damaged) => self.failed(1),
            (Next::Defer(_) | Next::GiveBack | Next::Continue | Next::Damaged(_), Recorded::Done)
            | (_, Recorded::Fenced) => {}
        }
    }

    /// Counts messages that ended without an attempt: they found no relay in time.
    pub(crate) fn failed(&self, messages: u64) {
        self.failed.fetch_add(messages, Ordering::Relaxed);
    }

    /// Counts a lease that was returned because the task that held it died.
    pub(crate) fn lost_lease(&self) {
        self.lost_leases.fetch_add(1, Ordering::Relaxed);
    }

    /// Leases returned because the task that held them died.
    pub(crate) fn lost_leases(&self) -> u64 {
        self.lost_leases.load(Ordering::Relaxed)
    }

    /// Adds up what was counted; what the engine does not see, mail taken in, is none.
    pub(crate) fn totals(&self) -> Totals {
        let classes = self.latencies.iter().zip(0_u8..=u8::MAX);
        let latencies: Latencies = classes
            .map(|(count, class)| (class, count.load(Ordering::Relaxed)))
            .collect();
        Totals {
            accepted: 0,
            sent: self.sent.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            latencies,
        }
    }
}
