//! Turns floods away before the store is asked anything: whoever is refused again and again from one network is refused at once.

use std::collections::HashSet;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postroom_domain::Timestamp;
use postroom_store::SignInSource;

use super::TooMany;
use super::buckets::{Buckets, Rate};

/// Refused attempts from a network that the store was asked about: 20 a second.
const REFUSALS: Rate = Rate {
    burst: 40,
    every: Duration::from_millis(50),
};
/// Most names and sources of a generation; two generations are remembered.
const GENERATION_MAX: usize = 10_000;

/// A name that was typed, as a hash, and where.
pub(crate) type NameAt = (SignInSource, u64);

/// Counts refused attempts by network, and knows who signed in lately from where.
#[derive(Debug)]
pub(crate) struct FloodGate(Mutex<State>);

#[derive(Debug)]
struct State {
    refusals: Buckets<IpAddr>,
    signed_in: Recent<NameAt>,
}

impl FloodGate {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State {
            refusals: Buckets::new(REFUSALS),
            signed_in: Recent::default(),
        }))
    }

    /// Says whether an attempt may reach the store. Those of somebody who signed in from there lately always may.
    ///
    /// # Errors
    /// [`TooMany`] while more attempts from the network are refused than [`REFUSALS`] has.
    pub(crate) fn check(&self, network: IpAddr, names: &[NameAt], now: Timestamp) -> Result<(), TooMany> {
        let state = self.state();
        let retry_after = state.refusals.wait(&network, now);
        if retry_after.is_zero() || names.iter().any(|name| state.signed_in.has(name)) {
            return Ok(());
        }
        Err(TooMany { retry_after })
    }

    /// Counts an attempt that was refused after the store was asked.
    pub(crate) fn refused(&self, network: IpAddr, now: Timestamp) {
        let mut state = self.state();
        if state.refusals.wait(&network, now).is_zero() {
            state.refusals.take(network, now);
        }
    }

    /// Remembers that somebody signed in.
    pub(crate) fn signed_in(&self, names: &[NameAt]) {
        let mut state = self.state();
        for name in names {
            state.signed_in.insert(*name);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A set that forgets what was put in long before, so that it stays small.
#[derive(Debug)]
struct Recent<K> {
    young: HashSet<K>,
    old: HashSet<K>,
}

impl<K> Default for Recent<K> {
    fn default() -> Self {
        Self {
            young: HashSet::new(),
            old: HashSet::new(),
        }
    }
}

impl<K: Hash + Eq> Recent<K> {
    fn has(&self, key: &K) -> bool {
        self.young.contains(key) || self.old.contains(key)
    }

    fn insert(&mut self, key: K) {
        if self.young.len() >= GENERATION_MAX && !self.young.contains(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_000_000_000);

    fn network(n: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(n))
    }

    fn name(n: u64) -> NameAt {
        (SignInSource::Network(network(1)), n)
    }

    #[test]
    fn flood_reaches_the_store_twenty_times_a_second() {
        let gate = FloodGate::new();
        let mut asked = 0;
        for ms in 0..10_000 {
            let now = START.plus(Duration::from_millis(ms));
            if gate.check(network(1), &[name(1)], now).is_ok() {
                asked += 1;
                gate.refused(network(1), now);
            }
        }
        assert!((200..=240).contains(&asked), "{asked}");
        let end = START.plus(Duration::from_millis(9_999));
        assert_eq!(gate.check(network(2), &[name(1)], end), Ok(()));
    }

    #[test]
    fn whoever_signed_in_there_goes_on() {
        let gate = FloodGate::new();
        gate.signed_in(&[name(1)]);
        for _ in 0..100 {
            gate.refused(network(1), START);
        }
        assert_eq!(gate.check(network(1), &[name(1)], START), Ok(()));
        let retry_after = REFUSALS.every;
        let refused = gate.check(network(1), &[name(2)], START);
        assert_eq!(refused, Err(TooMany { retry_after }));
    }

    #[test]
    fn memory_is_bounded_and_those_of_late_are_remembered() {
        let mut recent = Recent::default();
        for n in 0..3 * GENERATION_MAX {
            recent.insert(n);
        }
        assert!(recent.young.len() + recent.old.len() <= 2 * GENERATION_MAX);
        assert!(recent.has(&(3 * GENERATION_MAX - 1)) && !recent.has(&0));
    }
}
