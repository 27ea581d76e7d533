//! Notices the end of the threads that read and checkpoint. The writer reports its own end through its queue.

use tokio::sync::watch;

/// Tells of the first of the store's threads that panicked; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct ThreadWatch(watch::Sender<Option<&'static str>>);

impl ThreadWatch {
    /// No thread has ended.
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Watches the thread, or the task, that holds the guard.
    pub(crate) fn guard(&self, thread: &'static str) -> ThreadGuard {
        ThreadGuard {
            watch: self.clone(),
            thread,
        }
    }

    /// Waits until a watched thread has panicked, and names it.
    pub(crate) async fn failed(&self) -> String {
        let mut first = self.0.subscribe();
        match first.wait_for(Option::is_some).await.map(|thread| *thread) {
            Ok(Some(thread)) => format!("its thread {thread} panicked"),
            // The sender is this watch's own.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}

/// Lives as long as a watched thread.
pub(crate) struct ThreadGuard {
    watch: ThreadWatch,
    thread: &'static str,
}

impl Drop for ThreadGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.watch.0.send_if_modified(|first| {
                let is_first = first.is_none();
                first.get_or_insert(self.thread);
                is_first
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use postroom_domain::Timestamp;

    use super::ThreadWatch;
    use crate::sqlite::inbox::Lane;
    use crate::{SqliteOptions, SqliteStore, StoreError, Upkeep as _};

    #[tokio::test]
    async fn thread_that_panics_is_named_and_one_that_returns_is_not() {
        let watch = ThreadWatch::new();
        let (returns, panics) = (watch.guard("returns"), watch.guard("panics"));
        let threads = [
            std::thread::spawn(move || drop(returns)),
            std::thread::spawn(move || {
                let _watched = panics;
                panic!("out of order");
            }),
        ];
        assert_eq!(watch.failed().await, "its thread panics panicked");
        drop(threads);
    }

    #[tokio::test]
    async fn end_of_the_writer_is_told_and_leaves_nobody_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("postroom.db"), SqliteOptions::default()).unwrap();
        let panics = store.writer.run(Lane::Hot, 0, |_| -> Result<(), StoreError> {
            panic!("out of order")
        });
        assert!(panics.await.is_err());
        assert_eq!(store.ended().await, "the writer's thread ended unexpectedly");
        let now = Timestamp::from_micros(0);
        assert!(store.forget(now, now).await.is_err());
        store.close().await;
    }
}
