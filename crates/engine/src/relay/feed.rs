//! The jobs of one relay that connections take from: first in, first out.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::delivery::Job;

/// What a connection that waits for work gets.
#[derive(Debug)]
pub(crate) enum Taken {
    /// A job.
    Job(Box<Job>),
    /// Nothing came for as long as it wanted to wait.
    Idle,
    /// There will be no more.
    Closed,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    waiting: usize,
    closed: bool,
}

/// Jobs between the scheduler and the connections of a relay; its length is bounded by what is leased.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    state: Mutex<State>,
    changed: Notify,
}

impl Feed {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds jobs; answers how many connections are missing to take them all at once.
    ///
    /// # Errors
    /// The jobs, where the feed is closed.
    pub(crate) fn push(&self, jobs: Vec<Job>) -> Result<usize, Vec<Job>> {
        let mut state = self.state();
        if state.closed {
            return Err(jobs);
        }
        let before = state.jobs.len();
        state.jobs.extend(jobs);
        for _ in before..state.jobs.len() {
            self.changed.notify_one();
        }
        Ok(state.jobs.len().saturating_sub(state.waiting))
    }

    /// Takes a job if one waits: the one that goes with the current message's dot.
    pub(crate) fn try_take(&self) -> Option<Job> {
        self.state().jobs.pop_front()
    }

    /// Takes a job, waiting for one at most `idle`.
    pub(crate) async fn take(&self, idle: Duration) -> Taken {
        let deadline = tokio::time::Instant::now() + idle;
        self.state().waiting += 1;
        let taken = self.take_until(deadline).await;
        self.state().waiting -= 1;
        taken
    }

    async fn take_until(&self, deadline: tokio::time::Instant) -> Taken {
        loop {
            {
                let mut state = self.state();
                if let Some(job) = state.jobs.pop_front() {
                    return Taken::Job(Box::new(job));
                }
                if state.closed {
                    return Taken::Closed;
                }
            }
            if tokio::time::timeout_at(deadline, self.changed.notified())
                .await
                .is_err()
            {
                return Taken::Idle;
            }
        }
    }

    /// Takes every waiting job back.
    pub(crate) fn drain(&self) -> Vec<Job> {
        self.state().jobs.drain(..).collect()
    }

    /// Whether the relay is used no more.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// No more jobs: connections end after their current one.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        // A permit for each that waits; those that come later see `closed` first.
        for _ in 0..state.waiting {
            self.changed.notify_one();
        }
        self.changed.notify_waiters();
    }
}
