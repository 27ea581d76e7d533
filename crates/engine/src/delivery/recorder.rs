//! Writes outcomes in batches: what waits is written together, a lone one at once.

use std::sync::Arc;
use std::time::Duration;

use postroom_domain::Clock;
use postroom_store::{NodeLease, Outcome, OutcomeBatch, Store};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Outcomes of one batch: the contract's limit.
const BATCH: usize = 256;
/// Outcomes that may wait; beyond it connections wait too, which bounds memory.
const WAITING: usize = 1_024;
/// Pause before a batch is tried again that the store could not take (a full disk).
const STORE_RETRY: Duration = Duration::from_secs(1);

/// Where connections put what became of their messages.
#[derive(Debug, Clone)]
pub(crate) struct Recorder(mpsc::Sender<Outcome>);

impl Recorder {
    /// Starts the writing task; it ends when every `Recorder` is gone and all is written.
    pub(crate) fn start(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        node: NodeLease,
    ) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), tokio::spawn(write(store, clock, node, receiver)))
    }

    /// Hands an outcome over; it is written soon.
    pub(crate) async fn record(&self, outcome: Outcome) {
        if self.0.send(outcome).await.is_err() {
            // The writer only ends with the process; the lease is then adopted at the next start.
            tracing::error!("an outcome could not be written: the recorder has ended");
        }
    }
}

async fn write(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    node: NodeLease,
    mut waiting: mpsc::Receiver<Outcome>,
) {
    let mut outcomes = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut outcomes, BATCH).await > 0 {
        let batch = OutcomeBatch {
            node,
            outcomes: std::mem::take(&mut outcomes),
            now: clock.now(),
        };
        while let Err(error) = store.record_outcomes(batch.clone()).await {
            if matches!(error, postroom_store::StoreError::Closed) {
                tracing::error!("outcomes could not be written: the store is closed");
                return;
            }
            tracing::warn!(error = %error, outcomes = batch.outcomes.len(), "outcomes wait for the store");
            tokio::time::sleep(STORE_RETRY).await;
        }
    }
}
