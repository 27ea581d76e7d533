//! What waits for the writer: two bounded queues.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::group::Group;
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
    wake: Condvar,
    hot_room: Arc<Semaphore>,
    background_room: Arc<Semaphore>,
    byte_room: Arc<Semaphore>,
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

impl Inbox {
    pub(crate) fn new() -> Self {
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
            wake: Condvar::new(),
            hot_room: Arc::new(Semaphore::new(WAITING_MAX)),
            background_room: Arc::new(Semaphore::new(WAITING_MAX)),
            byte_room: Arc::new(Semaphore::new(WAITING_KIB)),
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
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Waits until something is to be done and moves at most `max` operations of one queue into `into`.
    pub(crate) fn take(&self, into: &mut VecDeque<Waiting>, max: usize) -> Next {
        let mut queues = self.lock();
        loop {
            let now = Instant::now();
            if !queues.background.is_empty() && (queues.background_is_due(now) || queues.closed) {
                into.extend(queues.background.pop_front());
                return Next::Run(Lane::Background);
            }
            if !queues.hot.is_empty() {
                queues.hot_seen = now;
                let n = queues.hot.len().min(max);
                into.extend(queues.hot.drain(..n));
                return Next::Run(Lane::Hot);
            }
            if queues.closed {
                return Next::Closed;
            }
            queues = self.sleep(queues, now);
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
        self.wake.notify_one();
    }

    /// Drops what waits; callers see their answer's channel close.
    pub(crate) fn clear(&self) {
        let mut queues = self.lock();
        queues.closed = true;
        queues.hot.clear();
        queues.background.clear();
    }

    fn sleep<'q>(&self, mut queues: MutexGuard<'q, Queues>, now: Instant) -> MutexGuard<'q, Queues> {
        queues.writer_sleeps = true;
        let mut queues = if queues.background.is_empty() {
            self.wake.wait(queues).unwrap_or_else(PoisonError::into_inner)
        } else {
            let due = queues.background_from.min(queues.hot_seen + QUIET);
            let (queues, _) = self
                .wake
                .wait_timeout(queues, due.saturating_duration_since(now))
                .unwrap_or_else(PoisonError::into_inner);
            queues
        };
        queues.writer_sleeps = false;
        queues
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queues {
    fn background_is_due(&self, now: Instant) -> bool {
        now >= self.background_from || (self.hot.is_empty() && now >= self.hot_seen + QUIET)
    }
}
