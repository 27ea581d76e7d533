//! As many connections to a relay as its mail needs and its health allows.

use std::sync::Arc;

use postroom_smtp::client::Connector;
use tokio::sync::watch;

use super::account::Account;
use super::feed::{Feed, Place};
use super::parts::PoolParts;
use super::roster::Ticket;
use super::worker::{AheadLearnt, Worker};
use crate::budget::Share;
use crate::delivery::BoxedJob;
use crate::scheduler::RelayId;
use crate::settings::RelaySettings;

/// The connections of one relay.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(super) id: RelayId,
    pub(super) relay: Arc<RelaySettings>,
    pub(super) connector: Connector,
    pub(super) feed: Feed,
    pub(super) ahead: AheadLearnt,
    pub(super) account: Arc<Account>,
    /// Told whenever messages that no connection has taken are to go back.
    recalls: watch::Sender<()>,
    /// What its large messages may hold of the budget of content in memory.
    large: Share,
    pub(super) parts: Arc<PoolParts>,
}

impl Pool {
    /// Prepares the connections of a relay; none is opened before there is mail.
    pub(crate) fn new(
        id: RelayId,
        relay: RelaySettings,
        connector: Connector,
        account: Arc<Account>,
        parts: Arc<PoolParts>,
    ) -> Self {
        Self {
            id,
            relay: Arc::new(relay),
            connector,
            feed: Feed::default(),
            ahead: AheadLearnt::default(),
            account,
            recalls: watch::Sender::new(()),
            large: parts.budget.share_of_one_relay(),
            parts,
        }
    }

    /// What jobs that set out now show when they are pushed.
    pub(crate) fn ticket(&self) -> Ticket {
        self.feed.roster().ticket()
    }

    /// Gives jobs to the connections, opening up to `allowed` of them.
    ///
    /// # Errors
    /// The jobs, where the relay is used no more or its mail was taken back meanwhile: they are to be given back.
    pub(crate) fn push(
        self: &Arc<Self>,
        jobs: Vec<BoxedJob>,
        allowed: u32,
        ticket: Ticket,
    ) -> Result<(), Vec<BoxedJob>> {
        let started = self.feed.push(jobs, allowed, ticket)?;
        self.start(started);
        Ok(())
    }

    /// Gives a job to another connection than the one that holds it.
    ///
    /// # Errors
    /// The job, where no other is free.
    pub(super) fn pass_on(self: &Arc<Self>, job: BoxedJob) -> Result<(), BoxedJob> {
        let started = self.feed.pass_on(job)?;
        self.start(started);
        Ok(())
    }

    /// Puts a job back that a connection took and cannot begin.
    ///
    /// # Errors
    /// The job, where the relay is used no more.
    pub(super) fn put_back(self: &Arc<Self>, job: BoxedJob) -> Result<(), BoxedJob> {
        let started = self.feed.put_back(job)?;
        self.start(started);
        Ok(())
    }

    /// Starts workers whose places are taken. A successor may be started while a runtime shuts down: then nobody is.
    pub(super) fn start(self: &Arc<Self>, workers: u32) {
        if workers == 0 || tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        for _ in 0..workers {
            let worker = Worker::new(Place::taken(Arc::clone(self)));
            self.parts.spawn(worker.run());
        }
    }

    /// Jobs that no connection has taken yet, to be given back.
    pub(crate) fn drain(&self) -> Vec<BoxedJob> {
        self.recalls.send_replace(());
        self.feed.roster().drain()
    }

    /// Lets connections end after their current message.
    pub(crate) fn close(&self) {
        self.feed.close();
        self.recalls.send_replace(());
    }

    /// Changes from now on when mail that is being loaded for it is taken back.
    pub(crate) fn recalled(&self) -> watch::Receiver<()> {
        self.recalls.subscribe()
    }

    /// What its large messages may hold of the budget of content in memory.
    pub(crate) const fn large_share(&self) -> &Share {
        &self.large
    }

    /// Connections that are open or opening.
    pub(crate) fn open(&self) -> u32 {
        self.feed.roster().held()
    }

    /// Its name between the scheduler and the connections.
    pub(crate) const fn id(&self) -> RelayId {
        self.id
    }

    /// What its connections share with those of the same account.
    pub(crate) const fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// The relay's settings.
    pub(crate) const fn relay(&self) -> &Arc<RelaySettings> {
        &self.relay
    }
}

/// Sessions that may give a message back untried before it returns to its lane.
pub(super) const UNTRIED_MAX: u8 = 2;
