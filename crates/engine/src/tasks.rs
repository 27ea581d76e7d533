//! The engine's long-lived tasks, watched: one that ends while nobody stops the engine is reported.

use std::future::Future;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A long-lived task of the engine that ended although nobody stopped the engine. No mail moves properly from then on:
/// whoever runs the engine ends the process, and its supervisor starts it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskEnded {
    /// Its name.
    pub task: &'static str,
    /// How it ended.
    pub how: TaskEnd,
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskEnd {
    /// It panicked.
    Panicked,
    /// It returned, or was dropped.
    Returned,
}

impl std::fmt::Display for TaskEnded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let how = match self.how {
            TaskEnd::Panicked => "panicked",
            TaskEnd::Returned => "ended unexpectedly",
        };
        write!(f, "the engine's {} {how}", self.task)
    }
}

/// Starts tasks and reports the first that ends too soon.
#[derive(Debug, Clone)]
pub(crate) struct TaskWatch {
    report: watch::Sender<Option<TaskEnded>>,
    stop: CancellationToken,
}

impl TaskWatch {
    /// Watches until `stop` is cancelled; from then on tasks may end.
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self {
            report: watch::Sender::new(None),
            stop,
        }
    }

    /// Starts a task that lives as long as the engine.
    pub(crate) fn spawn(
        &self,
        task: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> JoinHandle<()> {
        let guard = Guard {
            watch: self.clone(),
            task,
        };
        tokio::spawn(async move {
            let _guard = guard;
            work.await;
        })
    }

    /// Waits for a task that ended too soon; for ever where none does.
    pub(crate) async fn ended(&self) -> TaskEnded {
        let mut report = self.report.subscribe();
        // Cloned at once: a future that holds the watch's lock is not Send.
        match report.wait_for(Option::is_some).await.map(|ended| ended.clone()) {
            Ok(Some(ended)) => ended,
            // The sender lives in `self`.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}

struct Guard {
    watch: TaskWatch,
    task: &'static str,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let how = if std::thread::panicking() {
            TaskEnd::Panicked
        } else if self.watch.stop.is_cancelled() {
            return;
        } else {
            TaskEnd::Returned
        };
        let ended = TaskEnded { task: self.task, how };
        tracing::error!(task = self.task, "{ended}");
        self.watch.report.send_if_modified(|report| {
            let first = report.is_none();
            if first {
                *report = Some(ended);
            }
            first
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn task_that_ends_is_reported_with_how_it_ended() {
        for (panics, how) in [(true, TaskEnd::Panicked), (false, TaskEnd::Returned)] {
            let watch = TaskWatch::new(CancellationToken::new());
            let task = watch.spawn("recorder", async move { assert!(!panics, "as the test says") });
            assert_eq!(task.await.is_err(), panics);
            assert_eq!(
                watch.ended().await,
                TaskEnded {
                    task: "recorder",
                    how
                }
            );
        }
    }

    #[tokio::test]
    async fn task_that_ends_once_the_engine_is_stopped_is_not_reported() {
        let watch = TaskWatch::new(CancellationToken::new());
        watch.stop.cancel();
        watch.spawn("loop", async {}).await.expect("ends");
        assert_eq!(*watch.report.borrow(), None);
    }
}
