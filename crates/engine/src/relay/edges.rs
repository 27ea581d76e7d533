//! Writes what people are told of relays: the edges of their health, in order, each by compare-and-set (the winner's fact
//! raises the alert), and that connections to one are not allowed.

use std::collections::HashMap;
use std::sync::Arc;

use postroom_domain::health::HealthEdge;
use postroom_domain::{OfficeId, Reply, RouteId, Timestamp, Trouble};
use postroom_store::{
    EdgeWritten, NewFact, RelayEdge, RelayKept, RelayTo, Store, StoreError, TroubleDetail, WaitingMail,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::settings::Pace;
use crate::tasks::TaskWatch;

/// A relay: its route, and whether it is the first (0) or second (1) of it.
pub(crate) type RelayPlace = (RouteId, u8);

/// Where the engine puts edges and refusals as it finds them. Few: an edge takes three failures or a success after them, a
/// refusal a connection since the last one.
#[derive(Debug, Clone)]
pub(crate) struct Edges(mpsc::UnboundedSender<Found>);

#[derive(Debug)]
struct Found {
    place: RelayPlace,
    name: String,
    what: What,
    now: Timestamp,
}

#[derive(Debug)]
enum What {
    Edge(RelayTo),
    /// Connections to its address are not allowed, and why.
    Refused(Reply),
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
        self.send(place, name, What::Edge(to), now);
    }

    /// Hands over that connections to a relay are not allowed; it is written soon. No attempt of a message says so: mail
    /// waits and costs none.
    pub(crate) fn tell_refused(&self, place: RelayPlace, name: &str, why: &Reply, now: Timestamp) {
        self.send(place, name, What::Refused(why.clone()), now);
    }

    fn send(&self, place: RelayPlace, name: &str, what: What, now: Timestamp) {
        let found = Found {
            place,
            name: name.to_owned(),
            what,
            now,
        };
        if self.0.send(found).is_err() {
            // The writer only ends with the process; the next start finds the relay as it was before.
            tracing::error!("what became of a relay could not be written: its writer has ended");
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
        let place = found.place;
        let epoch = epochs.get(&place).copied().unwrap_or(0);
        let written = loop {
            match write_one(&*store, &found, epoch).await {
                Ok(written) => break written,
                Err(StoreError::Closed) => return,
                Err(error) => {
                    tracing::warn!(%error, "what became of a relay waits for the store");
                    tokio::time::sleep(pace.store_retry).await;
                }
            }
        };
        epochs.insert(place, written);
    }
}

/// Writes what was found of a relay that had this epoch; answers the one that it has then.
async fn write_one(store: &dyn Store, found: &Found, epoch: i64) -> Result<i64, StoreError> {
    match &found.what {
        What::Edge(to) => {
            let edge = RelayEdge {
                route: found.place.0,
                place: found.place.1,
                name: found.name.clone(),
                epoch,
                to: to.clone(),
                now: found.now,
            };
            Ok(match store.relay_edge(edge).await? {
                EdgeWritten::Won(epoch) => epoch,
                EdgeWritten::Lost(kept) => kept.map_or(0, |kept| kept.epoch),
            })
        }
        What::Refused(why) => {
            if let Some(office) = office_of(store, found.place.0).await? {
                let detail = TroubleDetail {
                    trouble: Trouble::Settings,
                    kind: None,
                    route: found.place.0.0,
                    relay: found.name.clone(),
                    epoch,
                    error: why.to_string(),
                };
                let fact = NewFact::relay_trouble(office, &detail);
                store.note_fact(fact, found.now).await?;
            }
            Ok(epoch)
        }
    }
}

/// Whose administrators set a route's relays: the office's own, or the System Office.
async fn office_of(store: &dyn Store, route: RouteId) -> Result<Option<OfficeId>, StoreError> {
    if route != RouteId::SERVER {
        return Ok(Some(OfficeId(route.0)));
    }
    let offices = store.offices().await?;
    let root = offices.iter().find(|office| office.parent.is_none());
    Ok(root.map(|office| office.id))
}
