//! The system's clock: the one place that asks the machine for the time.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use postroom_domain::{Clock, Timestamp};

/// From when on [`SystemClock::monotonic`] counts.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Tells the machine's time.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where the time comes in")]
    fn now(&self) -> Timestamp {
        jiff::Timestamp::now().into()
    }

    fn monotonic(&self) -> Duration {
        BEGAN.elapsed()
    }
}
