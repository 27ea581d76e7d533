//! Runs parts and acts on the end of one.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::part::Part;
use crate::http::Metrics;

/// Pause before a part is started again the first time; it doubles with each end.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause before a part is started again.
const RESTART_PAUSE_MAX: Duration = Duration::from_secs(60);
/// The reason where a part did not panic.
const RETURNED: &str = "it returned";

/// Why the server cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The part that ended.
    pub part: Part,
    /// How it ended.
    pub reason: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ended unexpectedly: {}", self.part, self.reason)
    }
}

/// Runs the parts of a server until it stops; cheap to clone.
#[derive(Clone)]
pub struct Supervisor(Arc<Inner>);

struct Inner {
    stopping: CancellationToken,
    tasks: TaskTracker,
    /// How many tasks of each part run.
    running: Mutex<BTreeMap<Part, u32>>,
    failure: watch::Sender<Option<Failure>>,
    metrics: Arc<Metrics>,
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("failure", &*self.0.failure.borrow())
            .finish_non_exhaustive()
    }
}

impl Supervisor {
    /// Runs nothing yet.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self(Arc::new(Inner {
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            running: Mutex::default(),
            failure: watch::Sender::new(None),
            metrics,
        }))
    }

    /// Cancelled when the server stops: parts end then.
    pub fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    /// Runs a part until the server stops; where it ends before, the server has failed.
    pub fn essential(&self, part: Part, run: impl Future<Output = ()> + Send + 'static) {
        self.supervise(part, run.map(|()| RETURNED.to_owned()));
    }

    /// Waits, until the server stops, for the unexpected end of a part that runs elsewhere, and for why it ended; the
    /// server has failed then.
    pub fn watch(&self, part: Part, ended: impl Future<Output = String> + Send + 'static) {
        let stopping = self.0.stopping.clone();
        self.supervise(part, async move {
            tokio::select! {
                reason = ended => reason,
                () = stopping.cancelled() => RETURNED.to_owned(),
            }
        });
    }

    /// Fails with the reason that `run` returns, or with its panic, unless the server stops.
    fn supervise(&self, part: Part, run: impl Future<Output = String> + Send + 'static) {
        let this = self.clone();
        let guard = self.enter(part);
        self.0.tasks.spawn(async move {
            let _guard = guard;
            let reason = AssertUnwindSafe(run).catch_unwind().await;
            let reason = reason.unwrap_or_else(|panic| panicked(&*panic));
            if !this.0.stopping.is_cancelled() {
                this.fail(Failure { part, reason });
            }
        });
    }

    /// Runs a part until the server stops; where it ends before, it is made and run again after a pause.
    pub fn restarting<F, R>(&self, part: Part, mut make: F)
    where
        F: FnMut() -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let this = self.clone();
        let guard = self.enter(part);
        self.0.tasks.spawn(async move {
            let _guard = guard;
            let mut pause = RESTART_PAUSE;
            loop {
                let ended = AssertUnwindSafe(make()).catch_unwind().await;
                if this.0.stopping.is_cancelled() {
                    return;
                }
                let reason = ended.map_or_else(|panic| panicked(&*panic), |()| RETURNED.to_owned());
                this.restart(part, &reason, pause).await;
                pause = (pause * 2).min(RESTART_PAUSE_MAX);
            }
        });
    }

    /// Runs something that ends by itself, and that a stop waits for.
    pub fn spawn(&self, run: impl Future<Output = ()> + Send + 'static) {
        self.0.tasks.spawn(run);
    }

    /// Reports the end of a part and waits before it is started again.
    async fn restart(&self, part: Part, reason: &str, pause: Duration) {
        self.0.metrics.part_restarted(part);
        tracing::error!(
            part = part.name(),
            reason,
            pause_s = pause.as_secs(),
            "a part of the server ended unexpectedly and is started again"
        );
        tokio::select! {
            () = self.0.stopping.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }

    fn fail(&self, failure: Failure) {
        tracing::error!(
            part = failure.part.name(),
            reason = failure.reason,
            "a part of the server ended unexpectedly; the server stops"
        );
        // The first failure is the reason; others mostly follow from it.
        self.0.failure.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert(failure);
            is_first
        });
    }

    /// Why the server cannot go on, if so.
    pub fn failure(&self) -> Option<Failure> {
        self.0.failure.borrow().clone()
    }

    /// Waits until the server cannot go on.
    pub async fn failed(&self) -> Failure {
        let mut failure = self.0.failure.subscribe();
        match failure.wait_for(Option::is_some).await.map(|first| first.clone()) {
            Ok(Some(failure)) => failure,
            // The sender is this supervisor's own.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Waits until all that runs has ended; the parts do so once [`Supervisor::stopping`] is cancelled.
    pub async fn finished(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// The parts that still run, by name.
    pub fn running(&self) -> Vec<&'static str> {
        self.parts().keys().map(|part| part.name()).collect()
    }

    fn enter(&self, part: Part) -> Running {
        *self.parts().entry(part).or_default() += 1;
        Running(self.clone(), part)
    }

    fn parts(&self) -> MutexGuard<'_, BTreeMap<Part, u32>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a part's task while it lives.
struct Running(Supervisor, Part);

impl Drop for Running {
    fn drop(&mut self) {
        let mut parts = self.0.parts();
        let left = parts.get(&self.1).map_or(0, |n| n.saturating_sub(1));
        if left == 0 {
            parts.remove(&self.1);
        } else {
            parts.insert(self.1, left);
        }
    }
}

fn panicked(panic: &(dyn Any + Send)) -> String {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("it panicked: {}", message.unwrap_or("a value that is not text"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use postroom_domain::Timestamp;

    use super::*;

    fn supervisor() -> Supervisor {
        Supervisor::new(Arc::new(Metrics::new(Timestamp::from_micros(0))))
    }

    #[tokio::test]
    async fn essential_part_that_panics_fails_the_server() {
        let supervisor = supervisor();
        supervisor.essential(Part::HttpListener, async { panic!("no more") });
        let failure = supervisor.failed().await;
        assert_eq!(failure.part, Part::HttpListener);
        assert_eq!(
            failure.to_string(),
            "http listener ended unexpectedly: it panicked: no more"
        );
        assert_eq!(supervisor.failure(), Some(failure));
    }

    #[tokio::test]
    async fn essential_part_that_returns_fails_the_server() {
        let supervisor = supervisor();
        supervisor.essential(Part::SmtpListener, async {});
        assert_eq!(supervisor.failed().await.reason, "it returned");
    }

    #[tokio::test]
    async fn first_failure_is_the_reason() {
        let supervisor = supervisor();
        supervisor.watch(Part::Store, async { "the writer ended".to_owned() });
        supervisor.failed().await;
        supervisor.watch(Part::Delivery, async { "no store".to_owned() });
        supervisor.stopping().cancel();
        supervisor.finished().await;
        assert_eq!(supervisor.failed().await.part, Part::Store);
    }

    #[tokio::test]
    async fn part_that_ends_at_the_stop_has_not_failed() {
        let supervisor = supervisor();
        let stopping = supervisor.stopping().clone();
        supervisor.essential(Part::Delivery, stopping.cancelled_owned());
        assert_eq!(supervisor.running(), ["delivery"]);
        supervisor.stopping().cancel();
        supervisor.finished().await;
        assert_eq!(supervisor.failure(), None);
        assert!(supervisor.running().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn part_whose_state_is_in_the_store_is_started_again() {
        let supervisor = supervisor();
        let starts = Arc::new(AtomicU32::new(0));
        let (counted, stopping) = (Arc::clone(&starts), supervisor.stopping().clone());
        supervisor.restarting(Part::Alerts, move || {
            let (n, stopping) = (counted.fetch_add(1, Ordering::SeqCst), stopping.clone());
            async move {
                assert!(n >= 2, "start {n} fails");
                stopping.cancel();
            }
        });
        supervisor.finished().await;
        assert_eq!(starts.load(Ordering::SeqCst), 3);
        assert_eq!(supervisor.failure(), None);
    }
}
