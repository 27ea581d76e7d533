//! Accepting that fails: where file descriptors run short, it fails and succeeds in turns.

use std::future;
use std::time::Duration;

use tokio::time::Instant;

/// How long to wait after accept failed, which mostly means that file descriptors have run out.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Time without a failure after which the trouble is over.
const CALM: Duration = Duration::from_secs(5);

/// The failures of a listener's accept, from the first of a trouble until none has come for five seconds.
///
/// A connection that ends makes room for one other, so that single successes are no news: one trouble has one beginning
/// and one end, however often accepting worked between them.
#[derive(Debug, Default)]
pub struct AcceptFailures {
    count: u64,
    last: Option<Instant>,
}

impl AcceptFailures {
    /// Notes a failure and returns how many there were since the trouble began: 1 for the one that begins it.
    pub fn note(&mut self) -> u64 {
        self.count += 1;
        self.last = Some(Instant::now());
        self.count
    }

    /// Waits until the trouble is over and returns how many failures it had; waits for ever while there is none.
    ///
    /// Cancel safe: nothing changes before it returns.
    pub async fn over(&mut self) -> u64 {
        match self.last {
            Some(last) => tokio::time::sleep_until(last + CALM).await,
            None => future::pending().await,
        }
        self.last = None;
        std::mem::take(&mut self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn trouble_is_over_when_no_failure_came_for_a_while() {
        let mut failures = AcceptFailures::default();
        for expected in 1..=40 {
            assert_eq!(failures.note(), expected);
            let over = tokio::time::timeout(CALM / 2, failures.over()).await;
            assert!(over.is_err(), "over after {expected}");
        }
        assert_eq!(failures.over().await, 40);
        assert_eq!(failures.note(), 1, "the next trouble begins");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_failure_nothing_is_over() {
        let mut failures = AcceptFailures::default();
        assert!(tokio::time::timeout(CALM * 100, failures.over()).await.is_err());
    }
}
