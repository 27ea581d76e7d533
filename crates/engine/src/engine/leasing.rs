//! Leases what the scheduler granted, and hands each message to a relay; none stays leased that nobody has.

use std::sync::Arc;
use std::time::Duration;

use postroom_domain::Timestamp;
use postroom_store::{LeaseRequest, Leased, OutcomeBatch, StoreError};

use super::Engine;
use super::loading::Loading;
use crate::delivery::{HeldLease, untried};
use crate::scheduler::{Grant, Suits};

/// The least that two requests' times differ by.
const APART: Duration = Duration::from_micros(1);
/// A clock that is behind the last request by more than this was set back.
const SET_BACK: Duration = Duration::from_secs(1);

/// The times of this node's requests for leases: no two are the same, so that the time names a request
/// ([`Queue::leased_at`](postroom_store::Queue::leased_at)).
#[derive(Debug, Default)]
pub(super) struct LeaseTimes {
    last: Option<Timestamp>,
    /// The request whose answer did not come.
    unanswered: Option<Timestamp>,
}

impl LeaseTimes {
    /// Gives the next request its time, and holds it for unanswered until [`LeaseTimes::answered`].
    fn next(&mut self, now: Timestamp) -> Timestamp {
        let at = match self.last {
            Some(last) if last >= now && last.since(now) < SET_BACK => last.plus(APART),
            _ => now,
        };
        self.last = Some(at);
        self.unanswered = Some(at);
        at
    }

    fn answered(&mut self) {
        self.unanswered = None;
    }
}

impl Engine {
    /// Leases what was granted and hands it to the relays.
    pub(super) async fn lease(&mut self, grants: Vec<Grant>, now: Timestamp) -> Result<(), StoreError> {
        let at = self.lease_times.next(now);
        let request = LeaseRequest {
            node: self.node,
            wants: grants.iter().map(|grant| grant.want).collect(),
            now: at,
        };
        let mut leases = self.store.lease(request).await?;
        self.lease_times.answered();
        let mut spare = 0;
        for grant in grants {
            let Some(pool) = self.pools.get(grant.relay) else {
                self.scheduler.leased(grant, &[], now);
                continue;
            };
            // The serving relay of a route comes behind its probes and takes what suited none of them.
            let mut left = grant.want.n + std::mem::take(&mut spare);
            let granted = leases.extract_if(.., |lease| {
                let suits = grant.suits == Suits::Any || lease.attempts == 0;
                let granted = left > 0 && suits && lease.route == grant.want.route;
                left -= u32::from(granted);
                granted
            });
            let hold = |lease| {
                let relay = (pool.id(), Arc::clone(pool.relay()));
                HeldLease::new(lease, relay, Arc::clone(&self.parts))
            };
            let granted: Vec<HeldLease> = granted.map(hold).collect();
            if grant.suits == Suits::Untried {
                spare = left;
            }
            let ids: Vec<_> = granted.iter().map(|lease| lease.id).collect();
            self.scheduler.leased(grant, &ids, now);
            self.dispatch(grant, granted, now);
        }
        self.return_unsuited(leases).await;
        Ok(())
    }

    /// Returns what an earlier request leased whose answer was lost: it may have been committed all the same.
    pub(super) async fn return_unanswered(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let Some(at) = self.lease_times.unanswered else {
            return Ok(());
        };
        let leases = self.store.leased_at(self.node, at).await?;
        if !leases.is_empty() {
            let messages = leases.len();
            tracing::warn!(
                messages,
                "the store's answer to a lease was lost; its messages are returned untried"
            );
            let outcomes = leases.iter().map(|lease| untried(lease).outcome).collect();
            let node = self.node;
            self.store
                .record_outcomes(OutcomeBatch { node, outcomes, now })
                .await?;
        }
        self.lease_times.answered();
        self.scheduler.mail_arrived();
        Ok(())
    }

    /// Returns leases untried that suited no grant, so that no message stays leased without a task.
    async fn return_unsuited(&self, leases: Vec<Leased>) {
        for lease in leases {
            tracing::warn!(message.id = %lease.id, route = %lease.route, "a leased message suits no relay now; returned untried");
            if let Some(room) = self.parts.recorder.room().await {
                room.record(&lease, untried(&lease).outcome);
            }
        }
    }

    /// Loads leased messages beside the loop and feeds them to their relay's connections.
    fn dispatch(&self, grant: Grant, leases: Vec<HeldLease>, now: Timestamp) {
        let Some(pool) = self.pools.get(grant.relay).filter(|_| !leases.is_empty()) else {
            return;
        };
        let loading = Loading {
            store: Arc::clone(&self.store),
            pool: Arc::clone(pool),
            parts: Arc::clone(&self.parts),
            allowed: self.scheduler.connections_allowed(grant.relay, now),
            ticket: pool.ticket(),
            recalled: pool.recalled(),
        };
        self.parts.spawn(loading.run(leases));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_750_000_000_000_000);

    #[test]
    fn no_two_requests_have_the_same_time() {
        let mut times = LeaseTimes::default();
        assert_eq!(times.next(NOW), NOW);
        assert_eq!(times.next(NOW), NOW.plus(APART));
        assert_eq!(times.next(NOW), NOW.plus(APART * 2));
        assert_eq!(times.next(NOW.plus(APART)), NOW.plus(APART * 3));
    }

    #[test]
    fn clock_that_was_set_back_is_followed() {
        let mut times = LeaseTimes::default();
        times.next(NOW.plus(Duration::from_secs(86_400)));
        assert_eq!(times.next(NOW), NOW);
    }
}
