//! As many connections to a relay as its mail needs and its health allows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use postroom_domain::Clock;
use postroom_domain::retry::RetrySchedule;
use postroom_smtp::client::Connector;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::feed::Feed;
use super::worker::{AheadLearnt, Ended, Worker};
use crate::delivery::{Job, Recorder};
use crate::random::Random;
use crate::scheduler::RelayId;
use crate::settings::{Pace, RelaySettings};

/// What every connection of the engine shares.
#[derive(Debug, Clone)]
pub(crate) struct PoolParts {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) schedule: Arc<RetrySchedule>,
    pub(crate) recorder: Recorder,
    pub(crate) ended: mpsc::UnboundedSender<Ended>,
    pub(crate) pace: Pace,
    pub(crate) tasks: TaskTracker,
}

/// The connections of one relay.
#[derive(Debug)]
pub(crate) struct Pool {
    id: RelayId,
    relay: Arc<RelaySettings>,
    connector: Arc<Connector>,
    feed: Arc<Feed>,
    ahead: Arc<AheadLearnt>,
    open: Arc<AtomicU32>,
    parts: PoolParts,
}

/// Counts a connection task while it lives.
#[derive(Debug)]
pub(super) struct OpenGuard(Arc<AtomicU32>);

impl Drop for OpenGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Pool {
    /// Prepares the connections of a relay; none is opened before there is mail.
    pub(crate) fn new(id: RelayId, relay: RelaySettings, connector: Connector, parts: PoolParts) -> Self {
        Self {
            id,
            relay: Arc::new(relay),
            connector: Arc::new(connector),
            feed: Arc::default(),
            ahead: Arc::default(),
            open: Arc::default(),
            parts,
        }
    }

    /// Gives jobs to the connections, opening up to `allowed` of them.
    ///
    /// # Errors
    /// The jobs, where the relay is used no more: they are to be given back.
    pub(crate) fn push(&self, jobs: Vec<Job>, allowed: u32) -> Result<(), Vec<Job>> {
        let missing = u32::try_from(self.feed.push(jobs)?).unwrap_or(u32::MAX);
        for _ in 0..missing {
            let opened = self.open.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| {
                (n < allowed).then_some(n + 1)
            });
            if opened.is_err() {
                break;
            }
            let worker = Worker {
                id: self.id,
                relay: Arc::clone(&self.relay),
                connector: Arc::clone(&self.connector),
                feed: Arc::clone(&self.feed),
                ahead: Arc::clone(&self.ahead),
                parts: self.parts.clone(),
                open: OpenGuard(Arc::clone(&self.open)),
            };
            self.parts.tasks.spawn(worker.run());
        }
        Ok(())
    }

    /// Jobs that no connection has taken yet, to be given back.
    pub(crate) fn drain(&self) -> Vec<Job> {
        self.feed.drain()
    }

    /// Lets connections end after their current message.
    pub(crate) fn close(&self) {
        self.feed.close();
    }

    /// Connections that are open or opening.
    pub(crate) fn open(&self) -> u32 {
        self.open.load(Ordering::Acquire)
    }

    /// Its name between the scheduler and the connections.
    pub(crate) const fn id(&self) -> RelayId {
        self.id
    }

    /// The relay's settings.
    pub(crate) fn relay(&self) -> &RelaySettings {
        &self.relay
    }
}

/// Sessions that may give a message back untried before it returns to its lane.
pub(super) const UNTRIED_MOST: u8 = 2;
