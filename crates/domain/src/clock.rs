//! Time, which comes in from outside so that tests can move it.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC, in microseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Wraps microseconds since 1970.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The moment `duration` later, at most the last one that can be kept.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// The moment `duration` earlier.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }

    /// The moment `micros` later, or earlier where that is negative.
    #[must_use]
    pub const fn moved(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// This moment after the clock was moved by `micros` to show `moved_at` then, and `now` now: moved along, unless it lies
    /// between the two. Then it was read since.
    #[must_use]
    pub fn following(self, micros: i64, (moved_at, now): (Self, Self)) -> Self {
        if (moved_at..=now).contains(&self) {
            self
        } else {
            self.moved(micros)
        }
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Days since 1970-01-01 in UTC, the day of the kept counts.
    pub const fn utc_day(self) -> i64 {
        self.0.div_euclid(86_400_000_000)
    }

    /// The same moment in the calendar library's words.
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::MAX)
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(moment: jiff::Timestamp) -> Self {
        Self(moment.as_microsecond())
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_jiff().fmt(f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        jiff::Timestamp::deserialize(deserializer).map(Self::from)
    }
}

/// Tells the time. Production has the system's clock, tests a [`ManualClock`].
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time now. It jumps, forwards and back, where somebody sets the machine's clock.
    fn now(&self) -> Timestamp;

    /// The time that has passed since some moment of this run; it never goes back, and nobody can set it.
    fn monotonic(&self) -> Duration;

    /// The monotonic reading as a moment, for deadlines that end with this run. It never jumps, and is no date.
    fn steady(&self) -> Timestamp {
        Timestamp(micros(self.monotonic()))
    }

    /// By how many microseconds [`Clock::now`] was moved in this run, forwards counted positive, because the machine's
    /// clock was set. What was computed from it before is off by as much.
    fn moved(&self) -> i64 {
        0
    }

    /// What [`Clock::now`] showed right after it was moved last; only meaningful where [`Clock::moved`] has changed.
    fn moved_at(&self) -> Timestamp {
        self.now()
    }
}

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct ManualClock {
    wall: AtomicI64,
    passed: AtomicI64,
}

impl ManualClock {
    /// Starts the clock at `at`.
    pub const fn new(at: Timestamp) -> Self {
        Self {
            wall: AtomicI64::new(at.0),
            passed: AtomicI64::new(0),
        }
    }

    /// Lets time pass.
    pub fn advance(&self, duration: Duration) {
        self.passed.fetch_add(micros(duration), Ordering::SeqCst);
        self.wall.fetch_add(micros(duration), Ordering::SeqCst);
    }

    /// Sets the clock, forwards or back, as somebody sets a machine's: no time passes.
    pub fn set(&self, at: Timestamp) {
        self.wall.store(at.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.wall.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.passed.load(Ordering::SeqCst)).unwrap_or(0))
    }
}
