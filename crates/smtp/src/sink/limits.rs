//! Limits that a sink states and keeps, as real relays do.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::ledger::lock;
use crate::reply::Reply;

/// The limits of a sink; none by default.
#[derive(Debug, Clone, Default)]
pub struct SinkLimits {
    /// Connections at a time.
    pub connections: Option<ConnectionLimit>,
    /// Recipients of a transaction, and the reply to one more.
    pub recipients: Option<(usize, Reply)>,
    /// Messages of a session, and the reply to one more MAIL; 421 closes the connection.
    pub messages: Option<(u64, Reply)>,
    /// Messages in any time of this length, and the reply to one more MAIL.
    pub pace: Option<(usize, Duration, Reply)>,
    /// Senders that are refused at MAIL, with the reply.
    pub refused_senders: Vec<(String, Reply)>,
}

/// A limit of connections at a time.
#[derive(Debug, Clone)]
pub enum ConnectionLimit {
    /// One more gets this in place of a greeting, and is closed.
    AtGreeting(usize, Reply),
    /// One more is greeted and gets this at each MAIL, until another one is closed.
    AtMail(usize, Reply),
}

impl ConnectionLimit {
    const fn most(&self) -> usize {
        match self {
            Self::AtGreeting(most, _) | Self::AtMail(most, _) => *most,
        }
    }
}

/// What the connections of a sink have used of its limits.
#[derive(Debug)]
pub(super) struct Used {
    places: Option<Arc<Semaphore>>,
    mails: Mutex<VecDeque<Instant>>,
}

impl Used {
    pub(super) fn new(limits: &SinkLimits) -> Self {
        let places = limits.connections.as_ref().map(ConnectionLimit::most);
        Self {
            places: places.map(|most| Arc::new(Semaphore::new(most))),
            mails: Mutex::default(),
        }
    }

    /// Takes a place among the connections; `None` where all are taken, or none are counted.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        let places = self.places.as_ref()?;
        Arc::clone(places).try_acquire_owned().ok()
    }

    /// Counts a MAIL; answers whether it came within the pace.
    pub(super) fn keeps_pace(&self, most: usize, length: Duration) -> bool {
        let now = Instant::now();
        let mut mails = lock(&self.mails);
        while mails.front().is_some_and(|at| now.duration_since(*at) >= length) {
            mails.pop_front();
        }
        let keeps = mails.len() < most;
        if keeps {
            mails.push_back(now);
        }
        keeps
    }
}
