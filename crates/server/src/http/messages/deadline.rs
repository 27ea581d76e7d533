//! How long work goes on that somebody waits for.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// When work ends: at a time, or when it is cancelled before.
#[derive(Debug)]
pub(super) struct Deadline {
    at: Instant,
    cancelled: CancellationToken,
}

/// Why work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// It took too long.
    TimedOut,
    /// The reader has left, or the server stops.
    Cancelled,
}

impl Deadline {
    /// Ends after a duration, or when the token is cancelled.
    pub(super) fn new(duration: Duration, cancelled: CancellationToken) -> Self {
        Self {
            at: Instant::now() + duration,
            cancelled,
        }
    }

    /// Whether work goes on.
    ///
    /// # Errors
    /// Why it does not.
    pub(super) fn check(&self) -> Result<(), Stopped> {
        if self.cancelled.is_cancelled() {
            return Err(Stopped::Cancelled);
        }
        if Instant::now() >= self.at {
            return Err(Stopped::TimedOut);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_ends_when_its_time_is_up_or_it_is_cancelled() {
        let cancelled = CancellationToken::new();
        let soon = Deadline::new(Duration::from_millis(10), cancelled.clone());
        let stopped = loop {
            if let Err(stopped) = soon.check() {
                break stopped;
            }
            std::thread::yield_now();
        };
        assert_eq!(stopped, Stopped::TimedOut);
        let late = Deadline::new(Duration::from_secs(3600), cancelled.clone());
        assert_eq!(late.check(), Ok(()));
        cancelled.cancel();
        assert_eq!(late.check(), Err(Stopped::Cancelled));
    }
}
