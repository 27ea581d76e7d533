//! The machine's clock, and what a process makes of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use postroom_domain::{Clock, SteadyClock, Timestamp};
use tokio::time::Instant;

/// When every run begins.
const START: Timestamp = Timestamp::from_micros(1_750_000_000_000_000);

/// What outlives a process of the machine's clock.
#[derive(Debug, Default)]
pub(crate) struct Wrong {
    by_micros: AtomicI64,
    /// The days of the calendar that a process was shown, each with the true time when it was last.
    days: Mutex<BTreeMap<i64, Duration>>,
}

/// The machine's clock: the runtime's time, plus what it is wrong by.
#[derive(Debug)]
struct MachineClock {
    /// What had passed before this process began.
    before: Duration,
    began: Instant,
    wrong: Arc<Wrong>,
}

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        let right = START.plus(self.before + self.began.elapsed());
        right.moved(self.wrong.by_micros.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        self.began.elapsed()
    }
}

/// A process's clock: it reads the machine's as the server does.
#[derive(Debug)]
pub(crate) struct SimClock {
    machine: Arc<MachineClock>,
    steady: SteadyClock,
}

impl SimClock {
    /// The clock of a process that begins now, `before` after the run's beginning.
    pub(crate) fn new(before: Duration, wrong: Arc<Wrong>) -> Self {
        let machine = Arc::new(MachineClock {
            before,
            began: Instant::now(),
            wrong,
        });
        Self {
            steady: SteadyClock::new(Arc::clone(&machine) as Arc<dyn Clock>),
            machine,
        }
    }

    /// What a right clock showed at the run's beginning.
    pub(crate) fn beginning(&self) -> Timestamp {
        START
    }

    /// What everybody else's clock shows.
    pub(crate) fn right(&self) -> Timestamp {
        START.plus(self.elapsed())
    }

    /// Days that the clock showed since the true day began: each grants what its limits allow.
    pub(crate) fn days_shown(&self) -> u64 {
        let mut days = self
            .machine
            .wrong
            .days
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let now = self.elapsed();
        days.insert(self.now().utc_day(), now);
        let began = START.plus(now).utc_day();
        days.retain(|_, last| START.plus(*last).utc_day() == began);
        u64::try_from(days.len()).unwrap_or(u64::MAX)
    }

    /// The true time since the run's beginning.
    pub(crate) fn elapsed(&self) -> Duration {
        self.machine.before + self.machine.began.elapsed()
    }

    /// Sets the machine's clock.
    pub(crate) fn set_wrong_by(&self, minutes: i64) {
        // What the process reads all the time it reads just before.
        self.days_shown();
        self.machine
            .wrong
            .by_micros
            .store(minutes.saturating_mul(60_000_000), Ordering::Relaxed);
        self.days_shown();
    }

    /// When, since the run's beginning, this clock showed `at`, if it has not been moved since.
    pub(crate) fn true_time(&self, at: Timestamp) -> Duration {
        let ahead = self.now().as_micros().saturating_sub(at.as_micros());
        let now = i64::try_from(self.elapsed().as_micros()).unwrap_or(i64::MAX);
        Duration::from_micros(u64::try_from(now.saturating_sub(ahead)).unwrap_or(0))
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.steady.now()
    }

    fn monotonic(&self) -> Duration {
        self.machine.monotonic()
    }

    fn moved(&self) -> i64 {
        self.steady.moved()
    }

    fn moved_at(&self) -> Timestamp {
        self.steady.moved_at()
    }
}
