//! What waits for the writer: two bounded queues.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::group::Group;
use super::open::Threads;
use crate::StoreError;

/// Operations that may wait in one queue.
const WAITING_MAX: usize = 8_192;
/// KiB of content that may wait.
const WAITING_KIB: usize = 64 * 1_024;
/// Background work gets this share of the time while hot work goes on: one part in five.
const BACKGROUND_SHARE: u32 = 5;
/// With no hot operation for so long, background work runs without a pause.
const QUIET: Duration = Duration::from_millis(20);

/// Which queue an operation waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Somebody or some mail waits for it.
    Hot,
    /// Nobody does.
    Background,
}

/// Something the writer does inside a group's transaction, perhaps more than once: a group that failed is run again
/// one by one.
pub(crate) trait Operation: Send {
    /// Does it and keeps its answer.
    fn run(&mut self, group: &mut Group<'_>) -> Result<(), StoreError>;

    /// Answers the caller, after the commit.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// An operation that waits, with its share of the bounds.
pub(crate) struct Waiting {
    pub(crate) operation: Box<dyn Operation>,
    pub(crate) bytes: usize,
    _room: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

/// The queues.
pub(crate) struct Inbox {
    queues: Mutex<Queues>,
    wake: Wake,
    hot_room: Arc<Semaphore>,
    background_room: Arc<Semaphore>,
    byte_room: Arc<Semaphore>,
    /// Why the writer ended though nobody closed it.
    ended: watch::Sender<Option<String>>,
}

/// What the writer sleeps on.
enum Wake {
    Thread(Condvar),
    Task(Notify),
}

impl Wake {
    fn wake(&self) {
        match self {
            Self::Thread(condvar) => condvar.notify_one(),
            Self::Task(notify) => notify.notify_one(),
        }
    }
}

struct Queues {
    hot: VecDeque<Waiting>,
    background: VecDeque<Waiting>,
    closed: bool,
    writer_sleeps: bool,
    hot_seen: Instant,
    background_from: Instant,
}

/// What the writer does next.
pub(crate) enum Next {
    /// Run these, of one queue.
    Run(Lane),
    /// Nothing waits and nothing more will come.
    Closed,
}

/// What the writer finds when it looks at the queues.
enum Found {
    /// Something to do, or the end.
    Next(Next),
    /// Nothing yet; what waits in the background is due at the given time.
    Nothing(Option<Instant>),
}

impl Inbox {
    pub(crate) fn new(threads: Threads) -> Self {
        let now = Instant::now();
        Self {
            queues: Mutex::new(Queues {
                hot: VecDeque::new(),
                background: VecDeque::new(),
                closed: false,
                writer_sleeps: false,
                hot_seen: now,
                background_from: now,
            }),
            wake: match threads {
                Threads::Own => Wake::Thread(Condvar::new()),
                Threads::Inline => Wake::Task(Notify::new()),
            },
            hot_room: Arc::new(Semaphore::new(WAITING_MAX)),
            background_room: Arc::new(Semaphore::new(WAITING_MAX)),
            byte_room: Arc::new(Semaphore::new(WAITING_KIB)),
            ended: watch::Sender::new(None),
        }
    }

    /// Waits for room, then queues `operation`.
    pub(crate) async fn put(
        &self,
        lane: Lane,
        bytes: usize,
        operation: Box<dyn Operation>,
    ) -> Result<(), StoreError> {
        let room = match lane {
            Lane::Hot => &self.hot_room,
            Lane::Background => &self.background_room,
        };
        let place = Arc::clone(room)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let kib = u32::try_from((bytes / 1_024).min(WAITING_KIB)).unwrap_or(0);
        let bulk = Arc::clone(&self.byte_room)
            .acquire_many_owned(kib)
            .await
            .map_err(|_| StoreError::Closed)?;
        let waiting = Waiting {
            operation,
            bytes,
            _room: (place, bulk),
        };
        let mut queues = self.lock();
        if queues.closed {
            return Err(StoreError::Closed);
        }
        match lane {
            Lane::Hot => queues.hot.push_back(waiting),
            Lane::Background => queues.background.push_back(waiting),
        }
        if queues.writer_sleeps {
            queues.writer_sleeps = false;
            drop(queues);
            self.wake.wake();
        }
        Ok(())
    }

    /// Waits on the caller's thread until something is to be done and moves at most `max` operations of one queue into
    /// `into`.
    pub(crate) fn take(&self, into: &mut VecDeque<Waiting>, max: usize) -> Next {
        let mut queues = self.lock();
        loop {
            match queues.look(into, max) {
                Found::Next(next) => return next,
                Found::Nothing(due) => queues = self.sleep(queues, due),
            }
        }
    }

    /// The same without holding a thread.
    pub(crate) async fn next(&self, into: &mut VecDeque<Waiting>, max: usize) -> Next {
        loop {
            let found = self.lock().look(into, max);
            let due = match found {
                Found::Next(next) => return next,
                Found::Nothing(due) => due,
            };
            let Wake::Task(notify) = &self.wake else {
                return Next::Closed;
            };
            match due {
                Some(due) => drop(tokio::time::timeout_at(due, notify.notified()).await),
                None => notify.notified().await,
            }
        }
    }

    /// Moves more hot operations that came meanwhile into `into`, without waiting.
    pub(crate) fn take_more(&self, into: &mut VecDeque<Waiting>, max: usize) {
        let mut queues = self.lock();
        let n = queues.hot.len().min(max);
        into.extend(queues.hot.drain(..n));
    }

    /// Tells how long a background operation took, which sets when the next one may run.
    pub(crate) fn background_took(&self, took: Duration) {
        self.lock().background_from = Instant::now() + took * (BACKGROUND_SHARE - 1);
    }

    /// Takes nothing more; what waits is still done.
    pub(crate) fn close(&self) {
        self.hot_room.close();
        self.background_room.close();
        self.byte_room.close();
        self.lock().closed = true;
        self.wake.wake();
    }

    /// Closes for `reason`: the writer cannot go on.
    pub(crate) fn end(&self, reason: String) {
        self.close();
        self.ended.send_if_modified(|ended| {
            let first = ended.is_none();
            ended.get_or_insert(reason);
            first
        });
    }

    /// Whether the writer has ended though nobody closed the queues.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.borrow().is_some()
    }

    /// Waits until the writer ends though nobody closed the queues, and answers why.
    pub(crate) async fn ended(&self) -> String {
        let mut ended = self.ended.subscribe();
        match ended.wait_for(Option::is_some).await.map(|reason| reason.clone()) {
            Ok(Some(reason)) => reason,
            // The sender is this inbox's own.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Drops what waits; callers see their answer's channel close.
    pub(crate) fn clear(&self) {
        let mut queues = self.lock();
        let closed = std::mem::replace(&mut queues.closed, true);
        queues.hot.clear();
        queues.background.clear();
        drop(queues);
        if !closed {
            self.end("the writer's thread ended unexpectedly".to_owned());
        }
    }

    fn sleep<'q>(&self, queues: MutexGuard<'q, Queues>, due: Option<Instant>) -> MutexGuard<'q, Queues> {
        let Wake::Thread(wake) = &self.wake else {
            return queues;
        };
        match due {
            None => wake.wait(queues).unwrap_or_else(PoisonError::into_inner),
            Some(due) => {
                let time = due.saturating_duration_since(Instant::now());
                let (queues, _) = wake
                    .wait_timeout(queues, time)
                    .unwrap_or_else(PoisonError::into_inner);
                queues
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queues {
    /// Moves what is to be done into `into`, or notes that the writer sleeps.
    fn look(&mut self, into: &mut VecDeque<Waiting>, max: usize) -> Found {
        let now = Instant::now();
        self.writer_sleeps = false;
        if !self.background.is_empty() && (self.background_is_due(now) || self.closed) {
            into.extend(self.background.pop_front());
            return Found::Next(Next::Run(Lane::Background));
        }
        if !self.hot.is_empty() {
            self.hot_seen = now;
            let n = self.hot.len().min(max);
            into.extend(self.hot.drain(..n));
            return Found::Next(Next::Run(Lane::Hot));
        }
        if self.closed {
            return Found::Next(Next::Closed);
        }
        self.writer_sleeps = true;
        let due = self.background_from.min(self.hot_seen + QUIET);
        Found::Nothing((!self.background.is_empty()).then_some(due))
    }

    fn background_is_due(&self, now: Instant) -> bool {
        now >= self.background_from || (self.hot.is_empty() && now >= self.hot_seen + QUIET)
    }
}
