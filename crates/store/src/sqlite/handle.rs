//! The callers' side of the writer: an operation goes in, its answer comes back after the commit.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::faults::{WriteFault, WriteFaults, WriteOperation};
use super::group::Group;
use super::inbox::{Inbox, Lane, Operation};
use crate::StoreError;

/// What the writer has done since it started.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) commits: AtomicU64,
    pub(crate) operations: AtomicU64,
}

/// What the writer runs on.
pub(crate) enum Running {
    /// A thread of its own.
    Thread(std::thread::JoinHandle<()>),
    /// A task of the caller's runtime.
    Task(tokio::task::JoinHandle<()>),
}

impl Running {
    /// Waits until the writer has ended.
    pub(crate) async fn ended(self) {
        let _ = match self {
            // Joining blocks until what was asked is done.
            Self::Thread(thread) => tokio::task::spawn_blocking(move || thread.join()).await.map(drop),
            Self::Task(task) => task.await,
        };
    }
}

/// Hands operations to the writer.
pub(crate) struct WriterHandle {
    inbox: Arc<Inbox>,
    done: Arc<Done>,
    faults: Option<Arc<dyn WriteFaults>>,
    running: Mutex<Option<Running>>,
}

impl WriterHandle {
    pub(crate) fn new(
        inbox: Arc<Inbox>,
        done: Arc<Done>,
        faults: Option<Arc<dyn WriteFaults>>,
        running: Running,
    ) -> Self {
        Self {
            inbox,
            done,
            faults,
            running: Mutex::new(Some(running)),
        }
    }

    /// Does `work` inside a group's transaction and answers after the commit. It may run more than once, each time
    /// after a rollback.
    ///
    /// # Errors
    /// Those of `work`; [`StoreError::Full`] and [`StoreError::Unavailable`] where the commit failed.
    pub(crate) async fn run<T, F>(&self, lane: Lane, bytes: usize, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Group<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let Some(faults) = &self.faults else {
            return self.queue(lane, bytes, work).await;
        };
        match faults.on_operation(WriteOperation::of::<F>(lane, bytes)) {
            WriteFault::None => {}
            WriteFault::Delay(time) => tokio::time::sleep(time).await,
            WriteFault::Refuse(error) => return Err(error),
            WriteFault::LoseAnswer => {
                self.queue(lane, bytes, work).await?;
                return Err(StoreError::Unavailable("the answer was lost".to_owned()));
            }
        }
        self.queue(lane, bytes, work).await
    }

    async fn queue<T, F>(&self, lane: Lane, bytes: usize, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Group<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Job {
            work,
            made: None,
            reply,
        };
        self.inbox.put(lane, bytes, Box::new(job)).await?;
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("the writer ended".to_owned())))
    }

    /// Commits and operations since the start.
    pub(crate) fn done(&self) -> (u64, u64) {
        (
            self.done.commits.load(Ordering::Relaxed),
            self.done.operations.load(Ordering::Relaxed),
        )
    }

    /// Waits until the writer ends though nobody closed it, and answers why.
    pub(crate) async fn ended(&self) -> String {
        self.inbox.ended().await
    }

    /// Takes nothing more and returns what the writer runs on, which ends when what waits is done.
    pub(crate) fn close(&self) -> Option<Running> {
        self.inbox.close();
        self.running.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for WriterHandle {
    fn drop(&mut self) {
        self.inbox.close();
    }
}

impl fmt::Debug for WriterHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterHandle").finish_non_exhaustive()
    }
}

struct Job<T, F> {
    work: F,
    made: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Operation for Job<T, F>
where
    T: Send,
    F: FnMut(&mut Group<'_>) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, group: &mut Group<'_>) -> Result<(), StoreError> {
        self.made = Some((self.work)(group)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let answer = match (outcome, self.made) {
            (Ok(()), Some(made)) => Ok(made),
            (Ok(()), None) => Err(StoreError::Unavailable("the operation did not run".to_owned())),
            (Err(error), _) => Err(error),
        };
        // A caller that went away is no error: what was asked is done.
        let _ = self.reply.send(answer);
    }
}
