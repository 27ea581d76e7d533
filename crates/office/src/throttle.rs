//! Slows down guessing of passwords, over HTTP and SMTP together (SPEC X1).
//!
//! Every try takes a token from its login's bucket and from its address's bucket; with one of them empty the password
//! is not even looked at. A success gives back what it took and fills the login's bucket, so that the address of a
//! guesser who has an account of their own stays slow. Tries under way hold tokens, so the caller takes one only when
//! it is about to look: a client with fifty right passwords at a time must not run out.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use postroom_domain::Timestamp;

/// Tries of a login at once, and the time after which there is one more.
const LOGIN: Rate = Rate {
    burst: 10,
    every: Duration::from_secs(30),
};
/// Tries of an address at once, over all logins, and the time after which there is one more.
const ADDRESS: Rate = Rate {
    burst: 30,
    every: Duration::from_secs(10),
};
/// Most logins and most addresses that are remembered; beyond that the ones furthest back are forgotten.
const MOST: usize = 20_000;

/// Counts tries to sign in.
#[derive(Debug, Default)]
pub struct Throttle {
    buckets: Mutex<Buckets>,
}

#[derive(Debug, Default)]
struct Buckets {
    logins: HashMap<String, Timestamp>,
    addresses: HashMap<IpAddr, Timestamp>,
}

/// Too many tries: how long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// After this time there is one more try.
    pub retry_after: Duration,
}

impl Throttle {
    /// Takes one try of `login` (in lower case) from `peer`.
    ///
    /// # Errors
    /// [`TooMany`] when the login or the address has none left; then nothing is taken.
    pub fn take(&self, login: &str, peer: IpAddr, now: Timestamp) -> Result<(), TooMany> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let peer = network_of(peer);
        let login_next = LOGIN.next(buckets.logins.get(login), now)?;
        let address_next = ADDRESS.next(buckets.addresses.get(&peer), now)?;
        make_room(&mut buckets.logins, now);
        make_room(&mut buckets.addresses, now);
        buckets.logins.insert(login.to_owned(), login_next);
        buckets.addresses.insert(peer, address_next);
        Ok(())
    }

    /// Says whether there is a try, and takes none: for turning a flood away before it queues.
    ///
    /// # Errors
    /// [`TooMany`] when the login or the address has none left.
    pub fn look(&self, login: &str, peer: IpAddr, now: Timestamp) -> Result<(), TooMany> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        LOGIN.next(buckets.logins.get(login), now)?;
        ADDRESS.next(buckets.addresses.get(&network_of(peer)), now)?;
        Ok(())
    }

    /// Gives a try back that succeeded, and forgets the login's failures, but not the address's.
    pub fn succeeded(&self, login: &str, peer: IpAddr) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.logins.remove(login);
        if let Some(full_at) = buckets.addresses.get_mut(&network_of(peer)) {
            *full_at = full_at.minus(ADDRESS.every);
        }
    }
}

/// A token bucket as one moment: when it will be full again.
struct Rate {
    burst: u32,
    every: Duration,
}

impl Rate {
    fn next(&self, full_at: Option<&Timestamp>, now: Timestamp) -> Result<Timestamp, TooMany> {
        let next = full_at.copied().unwrap_or(now).max(now).plus(self.every);
        let most = self.every.saturating_mul(self.burst);
        let ahead = next.since(now);
        if ahead > most {
            return Err(TooMany {
                retry_after: ahead.saturating_sub(most),
            });
        }
        Ok(next)
    }
}

/// One person has a whole /64 of IPv6.
fn network_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

fn make_room<K: Hash + Eq + Clone>(map: &mut HashMap<K, Timestamp>, now: Timestamp) {
    if map.len() < MOST {
        return;
    }
    map.retain(|_, full_at| *full_at > now);
    if map.len() >= MOST {
        let mut times: Vec<Timestamp> = map.values().copied().collect();
        times.sort_unstable();
        if let Some(&middle) = times.get(times.len() / 2) {
            map.retain(|_, full_at| *full_at > middle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));
    const START: Timestamp = Timestamp::from_micros(1_000_000_000);

    #[test]
    fn login_has_ten_tries_and_then_one_every_half_minute() {
        let throttle = Throttle::default();
        for _ in 0..10 {
            assert_eq!(throttle.take("case", HERE, START), Ok(()));
        }
        let wait = throttle.take("case", THERE, START).unwrap_err().retry_after;
        assert_eq!(wait, Duration::from_secs(30));
        assert_eq!(throttle.take("lee", HERE, START), Ok(()));
        assert_eq!(throttle.take("case", HERE, START.plus(wait)), Ok(()));
        assert!(throttle.take("case", HERE, START.plus(wait)).is_err());
    }

    #[test]
    fn success_frees_the_login_but_not_the_address() {
        let throttle = Throttle::default();
        for n in 0..29 {
            assert_eq!(throttle.take(&format!("victim{n}"), HERE, START), Ok(()));
        }
        assert_eq!(throttle.take("mine", HERE, START), Ok(()));
        throttle.succeeded("mine", HERE);
        assert_eq!(throttle.take("victim", HERE, START), Ok(()));
        assert!(throttle.take("victim", HERE, START).is_err());
        assert_eq!(throttle.take("victim", THERE, START), Ok(()));
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let throttle = Throttle::default();
        for n in 0..30 {
            let peer = format!("2001:db8::{n}").parse().unwrap();
            assert_eq!(throttle.take(&format!("l{n}"), peer, START), Ok(()));
        }
        assert!(
            throttle
                .take("l", "2001:db8::ffff".parse().unwrap(), START)
                .is_err()
        );
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        for n in 0..u32::try_from(MOST).unwrap() + 10 {
            let peer = IpAddr::V4(n.into());
            assert_eq!(throttle.take(&n.to_string(), peer, START), Ok(()));
        }
        let buckets = throttle.buckets.lock().unwrap();
        assert!(buckets.logins.len() <= MOST && buckets.addresses.len() <= MOST);
    }
}
