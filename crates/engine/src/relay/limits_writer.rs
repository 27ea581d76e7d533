//! Writes what was learnt of relays' limits, in order, beside the loop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use postroom_domain::{LimitValues, RelayAccount, Timestamp};
use postroom_store::{Store, StoreError, StoredLimits};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Account;
use crate::settings::Pace;
use crate::tasks::TaskWatch;

/// The shortest time between two writes of an account's limits: while they are being learnt they change often.
const EVERY: Duration = Duration::from_secs(1);

/// Notices changed limits and has them written.
#[derive(Debug)]
pub(crate) struct LimitsWriter {
    written: BTreeMap<RelayAccount, (LimitValues, Option<Timestamp>)>,
    changed: mpsc::UnboundedSender<StoredLimits>,
}

impl LimitsWriter {
    /// Starts the writing task over what is stored; it ends when this is dropped and all is written.
    pub(crate) fn start(
        store: Arc<dyn Store>,
        stored: &[StoredLimits],
        pace: Pace,
        watch: &TaskWatch,
    ) -> (Self, JoinHandle<()>) {
        let written = stored
            .iter()
            .map(|limits| (limits.account.clone(), (limits.values, None)))
            .collect();
        let (changed, receiver) = mpsc::unbounded_channel();
        (
            Self { written, changed },
            watch.spawn("writer of relay limits", write(store, receiver, pace)),
        )
    }

    /// Has an account's limits written if they changed.
    pub(crate) fn look(&mut self, account: &Account, now: Timestamp, looks: Looks) {
        let values = account.values();
        let (written, at) = self
            .written
            .get(account.name())
            .copied()
            .unwrap_or((LimitValues::default(), None));
        let is_early = looks == Looks::Again && at.is_some_and(|at| now.since(at) < EVERY);
        if values == written || is_early {
            return;
        }
        self.written.insert(account.name().clone(), (values, Some(now)));
        let limits = StoredLimits {
            account: account.name().clone(),
            values,
            changed_at: now,
        };
        if self.changed.send(limits).is_err() {
            tracing::error!("the limits of a relay could not be written: their writer has ended");
        }
    }
}

/// Whether there will be another look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Looks {
    /// There will; what changed just before can wait for it.
    Again,
    /// This is the last.
    Last,
}

async fn write(store: Arc<dyn Store>, mut changed: mpsc::UnboundedReceiver<StoredLimits>, pace: Pace) {
    while let Some(limits) = changed.recv().await {
        loop {
            match store.save_relay_limits(limits.clone()).await {
                Ok(()) => break,
                Err(StoreError::Closed) => return,
                Err(error) => {
                    tracing::warn!(%error, "the limits of a relay wait for the store");
                    tokio::time::sleep(pace.store_retry).await;
                }
            }
        }
    }
}
