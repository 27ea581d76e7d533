//! The jobs of one relay that connections take from: first in, first out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::pool::Pool;
use super::roster::{Leave, Roster, Ticket};
use crate::delivery::BoxedJob;

/// What a connection that waits for work gets.
#[derive(Debug)]
pub(crate) enum Taken {
    /// A job.
    Job(BoxedJob),
    /// Nothing came for as long as it wanted to wait.
    Idle,
    /// There will be no more.
    Closed,
}

/// Jobs between the scheduler and the connections of a relay; its length is bounded by what is leased.
#[derive(Debug, Default)]
pub(super) struct Feed {
    roster: Mutex<Roster<BoxedJob>>,
    changed: Notify,
}

impl Feed {
    /// The state under its lock; nothing waits while it is held.
    pub(super) fn roster(&self) -> MutexGuard<'_, Roster<BoxedJob>> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds jobs; returns how many connections are to be started for them, whose places are taken already.
    ///
    /// # Errors
    /// The jobs, where the feed takes them no more.
    pub(super) fn push(
        &self,
        jobs: Vec<BoxedJob>,
        allowed: u32,
        ticket: Ticket,
    ) -> Result<u32, Vec<BoxedJob>> {
        let added = jobs.len();
        let started = self.roster().push(jobs, allowed, ticket)?;
        for _ in 0..added {
            self.changed.notify_one();
        }
        Ok(started)
    }

    /// Gives a job to another connection; returns how many are to be started for it.
    ///
    /// # Errors
    /// The job, where no other connection is free for it.
    pub(super) fn pass_on(&self, job: BoxedJob) -> Result<u32, BoxedJob> {
        let started = self.roster().pass_on(job)?;
        self.changed.notify_one();
        Ok(started)
    }

    /// Puts a job in front that nobody has begun; returns how many connections are to be started for it.
    ///
    /// # Errors
    /// The job, where the feed takes no more.
    pub(super) fn put_back(&self, job: BoxedJob) -> Result<u32, BoxedJob> {
        let started = self.roster().put_back(job)?;
        self.changed.notify_one();
        Ok(started)
    }

    /// No more jobs: connections end after their current one.
    pub(super) fn close(&self) {
        self.roster().close();
        self.changed.notify_waiters();
    }
}

/// A worker's right to one connection. It is given up by [`Place::leave`], or, where the worker's task dies, by being
/// dropped; either way the jobs that wait are looked at in the same moment.
#[derive(Debug)]
pub(super) struct Place {
    pool: Arc<Pool>,
    holding: Holding,
    hearing: Hearing,
    /// Whether its worker's task has run. One that is dropped before it ever ran belongs to a runtime that ends.
    ran: bool,
}

/// Whether the roster counts a place's connection as silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hearing {
    Normal,
    Silent,
}

/// What the roster counts a place as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holding {
    /// Taken, and ready for a job.
    Ready,
    /// Taken, and busy.
    Busy,
    /// Given up.
    Nothing,
}

impl Place {
    /// Wraps a place that the roster has taken for a worker that starts.
    pub(super) const fn taken(pool: Arc<Pool>) -> Self {
        Self {
            pool,
            holding: Holding::Ready,
            hearing: Hearing::Normal,
            ran: false,
        }
    }

    /// Nothing has moved on its busy connection for long.
    pub(super) fn fell_silent(&mut self) {
        if self.hearing == Hearing::Normal {
            self.hearing = Hearing::Silent;
            let started = self.pool.feed.roster().fell_silent();
            self.pool.start(started);
        }
    }

    /// Something moves on its connection, or that has ended.
    pub(super) fn not_silent(&mut self) {
        if self.hearing == Hearing::Silent {
            self.hearing = Hearing::Normal;
            self.pool.feed.roster().not_silent();
        }
    }

    /// The relay answered for a message.
    pub(super) fn answered(&self) {
        let started = self.pool.feed.roster().answered();
        self.pool.start(started);
    }

    /// The pool that it is a place of.
    pub(super) const fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Takes a job, waiting for one at most `idle`. Dropping the future takes none.
    pub(super) async fn take(&mut self, idle: Duration) -> Taken {
        let deadline = Instant::now() + idle;
        self.ran = true;
        loop {
            let waited = {
                let changed = self.pool.feed.changed.notified();
                tokio::pin!(changed);
                // Registered before the look, so that nothing is missed between it and the wait.
                changed.as_mut().enable();
                if let Some(taken) = look(&self.pool, &mut self.holding) {
                    return taken;
                }
                tokio::time::timeout_at(deadline, changed).await
            };
            if waited.is_err() {
                let last = look(&self.pool, &mut self.holding);
                self.busy();
                return last.unwrap_or(Taken::Idle);
            }
        }
    }

    /// Is no longer ready for a job.
    fn busy(&mut self) {
        if self.holding == Holding::Ready {
            self.pool.feed.roster().busy();
            self.holding = Holding::Busy;
        }
    }

    /// Ends although jobs may wait; returns those that nobody is left to take.
    pub(super) fn retire(&mut self) -> Vec<BoxedJob> {
        self.busy();
        self.holding = Holding::Nothing;
        self.pool.feed.roster().retire()
    }

    /// Ends, unless a job waits.
    pub(super) fn leave(&mut self) -> Leave {
        self.busy();
        let leave = self.pool.feed.roster().leave();
        if leave == Leave::Left {
            self.holding = Holding::Nothing;
        }
        leave
    }
}

/// Takes a job or finds that there will be none; else the place counts as ready from here on.
fn look(pool: &Pool, holding: &mut Holding) -> Option<Taken> {
    let mut roster = pool.feed.roster();
    let taken = match roster.take() {
        Some(job) => Some(Taken::Job(job)),
        None => roster.is_closed().then_some(Taken::Closed),
    };
    match (&taken, *holding) {
        (Some(_), Holding::Ready) => {
            roster.busy();
            *holding = Holding::Busy;
        }
        (None, Holding::Busy) => {
            roster.ready();
            *holding = Holding::Ready;
        }
        _ => {}
    }
    taken
}

impl Drop for Place {
    fn drop(&mut self) {
        self.not_silent();
        self.busy();
        if self.holding == Holding::Busy {
            if self.ran {
                let started = self.pool.feed.roster().lost();
                Pool::start(&self.pool, started);
            } else {
                // A successor would be dropped in the same way, and its successor too, without an end.
                self.pool.feed.roster().abandoned();
            }
        }
    }
}
