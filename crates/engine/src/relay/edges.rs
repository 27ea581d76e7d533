//! Writes the edges of relay health, in order, each by compare-and-set: the winner's fact raises the alert.

use std::collections::HashMap;
use std::sync::Arc;

use postroom_domain::health::HealthEdge;
use postroom_domain::{RouteId, Timestamp};
use postroom_store::{EdgeWritten, RelayEdge, RelayKept, RelayTo, Store, StoreError, WaitingMail};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::settings::Pace;
use crate::tasks::TaskWatch;

/// The relay whose edge it is: its route, and whether it is the first (0) or second (1) of it.
pub(crate) type RelayPlace = (RouteId, u8);

/// Where the engine puts edges as it finds them. Few: each takes three failures or a success after them.
#[derive(Debug, Clone)]
pub(crate) struct Edges(mpsc::UnboundedSender<Found>);

#[derive(Debug)]
struct Found {
    place: RelayPlace,
    name: String,
    to: RelayTo,
    now: Timestamp,
}

impl Edges {
    /// Starts the writing task over what the last start left; it ends when every `Edges` is gone and all is written.
    pub(crate) fn start(
        store: Arc<dyn Store>,
        kept: &[RelayKept],
        pace: Pace,
        watch: &TaskWatch,
    ) -> (Self, JoinHandle<()>) {
        let epochs = kept
            .iter()
            .map(|kept| ((kept.route, kept.place), kept.epoch))
            .collect();
        let (sender, receiver) = mpsc::unbounded_channel();
        let writing = watch.spawn("writer of relay health", write(store, epochs, pace, receiver));
        (Self(sender), writing)
    }

    /// Hands an edge over; it is written soon. `mail` says what a Down relay's mail does.
    pub(crate) fn tell(&self, place: RelayPlace, name: &str, edge: &HealthEdge, mail: WaitingMail) {
        let (to, now) = match edge {
            HealthEdge::WentDown { since, error } => {
                let error = error.clone();
                (RelayTo::Down { error, mail }, *since)
            }
            HealthEdge::CameUp { at, .. } => (RelayTo::Up, *at),
        };
        let found = Found {
            place,
            name: name.to_owned(),
            to,
            now,
        };
        if self.0.send(found).is_err() {
            // The writer only ends with the process; the next start finds the relay as it was before.
            tracing::error!("an edge of a relay's health could not be written: its writer has ended");
        }
    }
}

async fn write(
    store: Arc<dyn Store>,
    mut epochs: HashMap<RelayPlace, i64>,
    pace: Pace,
    mut waiting: mpsc::UnboundedReceiver<Found>,
) {
    while let Some(found) = waiting.recv().await {
        let edge = RelayEdge {
            route: found.place.0,
            place: found.place.1,
            name: found.name,
            epoch: epochs.get(&found.place).copied().unwrap_or(0),
            to: found.to,
            now: found.now,
        };
        let written = loop {
            match store.relay_edge(edge.clone()).await {
                Ok(written) => break written,
                Err(StoreError::Closed) => return,
                Err(error) => {
                    tracing::warn!(%error, "an edge of a relay's health waits for the store");
                    tokio::time::sleep(pace.store_retry).await;
                }
            }
        };
        let epoch = match written {
            EdgeWritten::Won(epoch) => epoch,
            EdgeWritten::Lost(kept) => kept.map_or(0, |kept| kept.epoch),
        };
        epochs.insert(found.place, epoch);
    }
}
