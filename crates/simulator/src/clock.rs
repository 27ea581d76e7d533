//! The wall clock: the runtime's time, plus what the machine's clock is wrong by.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use postroom_domain::{Clock, Timestamp};
use tokio::time::Instant;

/// When every run begins.
const START: Timestamp = Timestamp::from_micros(1_750_000_000_000_000);

/// A process's clock.
#[derive(Debug)]
pub(crate) struct SimClock {
    /// What had passed before this process began.
    before: Duration,
    began: Instant,
    wrong_by_micros: Arc<AtomicI64>,
}

impl SimClock {
    /// The clock of a process that begins now, `before` after the run's beginning.
    pub(crate) fn new(before: Duration, wrong_by_micros: Arc<AtomicI64>) -> Self {
        Self {
            before,
            began: Instant::now(),
            wrong_by_micros,
        }
    }

    /// The true time since the run's beginning.
    pub(crate) fn elapsed(&self) -> Duration {
        self.before + self.began.elapsed()
    }

    /// What a right clock showed at the run's beginning.
    pub(crate) fn beginning(&self) -> Timestamp {
        START
    }

    /// Sets the machine's clock.
    pub(crate) fn set_wrong_by(&self, minutes: i64) {
        self.wrong_by_micros
            .store(minutes.saturating_mul(60_000_000), Ordering::Relaxed);
    }

    /// When, since the run's beginning, the machine's clock showed `at`, if nobody has set it since.
    pub(crate) fn true_time(&self, at: Timestamp) -> Duration {
        let wrong = self.wrong_by_micros.load(Ordering::Relaxed);
        let micros = at.as_micros() - START.as_micros() - wrong;
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let right = START.plus(self.elapsed());
        Timestamp::from_micros(right.as_micros() + self.wrong_by_micros.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        self.began.elapsed()
    }
}
