//! Writes outcomes in batches: what waits is written together, a lone one at once.

use std::sync::Arc;

use postroom_domain::{Clock, Timestamp};
use postroom_store::{Leased, NodeLease, Outcome, OutcomeBatch, Store, StoreError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::counters::Counters;
use crate::settings::Pace;
use crate::tasks::TaskWatch;

/// Outcomes that may wait; beyond it connections wait too, which bounds memory.
const WAITING: usize = 1_024;

/// Where connections put what became of their messages.
#[derive(Debug, Clone)]
pub(crate) struct Recorder(mpsc::Sender<Told>);

/// What became of a message, and since when it was on its way.
#[derive(Debug)]
struct Told {
    since: Timestamp,
    outcome: Outcome,
}

impl Recorder {
    /// Starts the writing task; it ends when every `Recorder` is gone and all is written.
    pub(crate) fn start(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        node: NodeLease,
        counters: Arc<Counters>,
        pace: Pace,
        watch: &TaskWatch,
    ) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let writing = Writing {
            store,
            clock,
            node,
            counters,
            pace,
        };
        (Self(sender), watch.spawn("recorder", writing.run(receiver)))
    }

    /// Waits until another outcome may be handed over; `None` where the writing task has ended.
    pub(crate) async fn room(&self) -> Option<Room<'_>> {
        let room = self.0.reserve().await.ok().map(Room);
        if room.is_none() {
            not_written();
        }
        room
    }

    /// Hands an outcome over from where nothing can wait.
    pub(crate) fn record_now(&self, lease: &Leased, outcome: Outcome) {
        let since = lease.since;
        match self.0.try_send(Told { since, outcome }) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(told)) => {
                let sender = self.0.clone();
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    runtime.spawn(async move {
                        if sender.send(told).await.is_err() {
                            not_written();
                        }
                    });
                }
            }
            Err(mpsc::error::TrySendError::Closed(_)) => not_written(),
        }
    }
}

/// Room for one outcome.
pub(crate) struct Room<'a>(mpsc::Permit<'a, Told>);

impl Room<'_> {
    /// Hands over what became of a lease; it is written soon.
    pub(crate) fn record(self, lease: &Leased, outcome: Outcome) {
        let since = lease.since;
        self.0.send(Told { since, outcome });
    }
}

fn not_written() {
    // The writer only ends with the process; the lease is then adopted at the next start.
    tracing::error!("an outcome could not be written: the recorder has ended");
}

/// The task that writes.
struct Writing {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    node: NodeLease,
    counters: Arc<Counters>,
    pace: Pace,
}

impl Writing {
    async fn run(self, mut waiting: mpsc::Receiver<Told>) {
        let most = usize::try_from(self.pace.step).unwrap_or(1);
        let mut told = Vec::with_capacity(most);
        while waiting.recv_many(&mut told, most).await > 0 {
            let (since, outcomes): (Vec<_>, Vec<_>) =
                told.drain(..).map(|told| (told.since, told.outcome)).unzip();
            let batch = OutcomeBatch {
                node: self.node,
                outcomes,
                now: self.clock.now(),
            };
            if !self.write(&batch, &since).await {
                tracing::error!("outcomes could not be written: the store is closed");
                return;
            }
        }
    }

    /// Writes a batch that the database refuses, one by one.
    async fn write_each(&self, batch: &OutcomeBatch, since: &[Timestamp]) -> bool {
        for (outcome, since) in batch.outcomes.iter().zip(since) {
            let alone = OutcomeBatch {
                outcomes: vec![outcome.clone()],
                ..*batch
            };
            if !Box::pin(self.write(&alone, &[*since])).await {
                return false;
            }
        }
        true
    }

    /// Writes a batch, and tries until the store takes it; answers whether it did before it was closed.
    async fn write(&self, batch: &OutcomeBatch, since: &[Timestamp]) -> bool {
        loop {
            match self.store.record_outcomes(batch.clone()).await {
                Ok(recorded) => {
                    for ((outcome, recorded), since) in batch.outcomes.iter().zip(recorded).zip(since) {
                        self.counters.count(outcome, recorded, *since, batch.now);
                    }
                    return true;
                }
                Err(StoreError::Closed) => return false,
                // The store sets aside what it cannot write for one message's damage; this is about all of them, and
                // trying again gives the same. The leases stay, and are uncertain at the next start.
                Err(error) if error.is_of_content() && batch.outcomes.len() == 1 => {
                    let id = batch.outcomes.first().map(|outcome| outcome.id.to_string());
                    tracing::error!(message.id = id, %error, "an outcome cannot be written: the database is damaged, run postroom check");
                    return true;
                }
                Err(error) if error.is_of_content() => {
                    tracing::error!(%error, outcomes = batch.outcomes.len(), "outcomes cannot be written together and are written one by one");
                    return self.write_each(batch, since).await;
                }
                Err(error) => {
                    tracing::warn!(error = %error, outcomes = batch.outcomes.len(), "outcomes wait for the store");
                    tokio::time::sleep(self.pace.store_retry).await;
                }
            }
        }
    }
}
