//! The open connections of a kind of listener, HTTP or SMTP: who is let in, and who is closed for a newcomer.
//!
//! The rule is [`ConnectionTable`]'s; here are its lock, and the tokens by which a connection hears that it has to go.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use postroom_domain::{
    Activity, ConnectionClass, ConnectionId, ConnectionLimits, ConnectionTable, ConnectionsFull,
};
use tokio_util::sync::CancellationToken;

use crate::descriptors::Capacity;

/// Why a connection that made room for another was closed, as a metric's label.
const EVICTED: &str = "evicted";

/// The connections of every kind of listener.
#[derive(Debug)]
pub struct ConnectionLimiters {
    /// Those by HTTP.
    pub http: ConnectionLimiter,
    /// Requests under way of clients behind trusted proxies, by the address that the proxy names; each counts as a
    /// connection.
    pub forwarded: ConnectionLimiter,
    /// Those by SMTP, of all its listeners.
    pub smtp: ConnectionLimiter,
}

impl ConnectionLimiters {
    /// Lets as many in as there are descriptors for.
    #[must_use]
    pub fn new(capacity: Capacity) -> Self {
        Self {
            http: ConnectionLimiter::new(ConnectionLimits::of(capacity.http)),
            forwarded: ConnectionLimiter::new(ConnectionLimits::of(capacity.http)),
            smtp: ConnectionLimiter::new(ConnectionLimits::of(capacity.smtp)),
        }
    }

    /// Each with its name as a metric's label.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, &ConnectionLimiter); 3] {
        [
            ("http", &self.http),
            ("http_forwarded", &self.forwarded),
            ("smtp", &self.smtp),
        ]
    }
}

/// Counts the open connections of a kind of listener and decides who is let in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ConnectionLimiter(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    table: ConnectionTable<CancellationToken>,
    closed: BTreeMap<&'static str, u64>,
    refused: BTreeMap<&'static str, u64>,
}

/// What a limiter counts.
#[derive(Debug, Clone)]
pub struct ConnectionUsage {
    /// Open connections by class.
    pub open: Vec<(ConnectionClass, usize)>,
    /// Most connections.
    pub connections_max: usize,
    /// Connections that were closed since the start, by reason.
    pub closed: BTreeMap<&'static str, u64>,
    /// Connections that were refused since the start, by limit.
    pub refused: BTreeMap<&'static str, u64>,
}

impl ConnectionLimiter {
    /// Makes one without connections.
    #[must_use]
    pub fn new(limits: ConnectionLimits) -> Self {
        Self(Arc::new(Mutex::new(State {
            table: ConnectionTable::new(limits),
            closed: BTreeMap::new(),
            refused: BTreeMap::new(),
        })))
    }

    /// Lets a connection in, until its [`Place`] is dropped; others may be told to close for it. `from` is `None` where
    /// the address says nothing about who connects.
    ///
    /// # Errors
    /// The limit in which everybody has signed in and is busy.
    pub fn admit(&self, from: Option<IpAddr>, class: ConnectionClass) -> Result<Place, ConnectionsFull> {
        let close = CancellationToken::new();
        let mut state = self.state();
        let entered = match state.table.enter(from, class, close.clone()) {
            Ok(entered) => entered,
            Err(full) => {
                *state.refused.entry(full.name()).or_default() += 1;
                return Err(full);
            }
        };
        if !entered.evicted.is_empty() {
            *state.closed.entry(EVICTED).or_default() += entered.evicted.len() as u64;
        }
        drop(state);
        for evicted in entered.evicted {
            evicted.cancel();
        }
        Ok(Place {
            limiter: self.clone(),
            id: entered.id,
            close,
            is_known: AtomicBool::new(class == ConnectionClass::SignedIn),
        })
    }

    /// Counts a connection that was closed for a reason of its own.
    pub fn note_closed(&self, reason: &'static str) {
        *self.state().closed.entry(reason).or_default() += 1;
    }

    /// What it counts now.
    #[must_use]
    pub fn usage(&self) -> ConnectionUsage {
        let state = self.state();
        let count = |class| (class, state.table.count(class));
        ConnectionUsage {
            open: ConnectionClass::ALL.into_iter().map(count).collect(),
            connections_max: state.table.limits().total.connections_max,
            closed: state.closed.clone(),
            refused: state.refused.clone(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere cannot leave the counts half-changed, so a poisoned lock is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stands for one open connection; dropping it frees its place.
#[derive(Debug)]
pub struct Place {
    limiter: ConnectionLimiter,
    id: ConnectionId,
    close: CancellationToken,
    is_known: AtomicBool,
}

impl Place {
    /// Cancelled when the connection has to be closed for another.
    #[must_use]
    pub fn evicted(&self) -> CancellationToken {
        self.close.clone()
    }

    /// Whether nobody knows who is at the other end.
    pub fn is_stranger(&self) -> bool {
        !self.is_known.load(Ordering::Relaxed)
    }

    /// Somebody has signed in on it: it counts as theirs until it ends.
    pub fn signed_in(&self) {
        if !self.is_known.swap(true, Ordering::Relaxed) {
            self.limiter.state().table.signed_in(self.id);
        }
    }

    /// Something has begun on it, or nothing is under way any more.
    pub fn set_activity(&self, activity: Activity) {
        self.limiter.state().table.set_activity(self.id, activity);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.limiter.state().table.leave(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(places: usize) -> ConnectionLimiter {
        ConnectionLimiter::new(ConnectionLimits::of(places))
    }

    #[test]
    fn stranger_hears_that_it_has_to_go_and_its_place_is_counted_once() {
        let limiter = limiter(4);
        let address = Some(IpAddr::from([192, 0, 2, 1]));
        let first = limiter.admit(address, ConnectionClass::Stranger).unwrap();
        let second = limiter.admit(address, ConnectionClass::Stranger).unwrap();
        assert!(first.evicted().is_cancelled() && !second.evicted().is_cancelled());
        drop(first);
        let usage = limiter.usage();
        assert_eq!(
            usage.open,
            [(ConnectionClass::Stranger, 1), (ConnectionClass::SignedIn, 0)]
        );
        assert_eq!(usage.closed, BTreeMap::from([(EVICTED, 1)]));
        drop(second);
        assert_eq!(limiter.usage().open, ConnectionClass::ALL.map(|class| (class, 0)));
    }

    #[test]
    fn who_has_signed_in_and_is_busy_stays_and_newcomers_are_refused() {
        let limiter = limiter(1);
        let place = limiter.admit(None, ConnectionClass::Stranger).unwrap();
        assert!(place.is_stranger());
        place.signed_in();
        place.set_activity(Activity::Busy);
        let refused = limiter.admit(None, ConnectionClass::Stranger);
        assert_eq!(refused.unwrap_err(), ConnectionsFull::Total);
        assert!(!place.is_stranger() && !place.evicted().is_cancelled());
        assert_eq!(limiter.usage().refused, BTreeMap::from([("total", 1)]));
    }
}
