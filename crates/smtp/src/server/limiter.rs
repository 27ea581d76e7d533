//! How many connections are open, in all and from each address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use super::replies;
use crate::reply::Reply;

/// Counts open connections and refuses those over a limit.
///
/// An IPv6 client usually owns a /64, so addresses of one /64 count as one.
#[derive(Debug, Clone)]
pub struct ConnectionLimiter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    total_max: usize,
    per_address_max: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Stands for one open connection; dropping it makes room.
#[derive(Debug)]
pub struct ConnectionGuard {
    shared: Arc<Shared>,
    address: IpAddr,
}

/// Which limit a connection would pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionRefusal {
    /// The one for each address.
    Address,
    /// The one for the listener.
    Total,
}

impl ConnectionRefusal {
    /// Says it to the client.
    #[must_use]
    pub fn reply(self) -> Reply {
        match self {
            Self::Address => replies::too_many_connections(),
            Self::Total => replies::server_busy(),
        }
    }
}

impl ConnectionLimiter {
    /// Makes a limiter that lets `total_max` connections in, of them `per_address_max` from one address.
    #[must_use]
    pub fn new(total_max: usize, per_address_max: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                total_max,
                per_address_max,
                open: Mutex::default(),
            }),
        }
    }

    /// Lets a connection in and counts it until the guard is dropped.
    ///
    /// # Errors
    /// [`ConnectionRefusal`] names the limit.
    pub fn try_acquire(&self, address: IpAddr) -> Result<ConnectionGuard, ConnectionRefusal> {
        let address = network_of(address);
        // A panic elsewhere cannot leave the two counts half-changed, so a poisoned lock is as good as any.
        let mut open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.total >= self.shared.total_max {
            return Err(ConnectionRefusal::Total);
        }
        let from_there = open.by_address.get(&address).copied().unwrap_or(0);
        if from_there >= self.shared.per_address_max {
            return Err(ConnectionRefusal::Address);
        }
        open.by_address.insert(address, from_there + 1);
        open.total += 1;
        Ok(ConnectionGuard {
            shared: Arc::clone(&self.shared),
            address,
        })
    }

    /// Counts the open connections.
    #[must_use]
    pub fn open(&self) -> usize {
        self.shared
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .total
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total = open.total.saturating_sub(1);
        match open.by_address.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                open.by_address.remove(&self.address);
            }
        }
    }
}

fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        other @ (IpAddr::V4(_) | IpAddr::V6(_)) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_share_and_a_dropped_guard_makes_room() {
        let limiter = ConnectionLimiter::new(3, 2);
        let (ann, bob): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let first = limiter.try_acquire(ann).unwrap();
        let _second = limiter.try_acquire(ann).unwrap();
        assert_eq!(limiter.try_acquire(ann).unwrap_err(), ConnectionRefusal::Address);
        let _third = limiter.try_acquire(bob).unwrap();
        assert_eq!(limiter.try_acquire(bob).unwrap_err(), ConnectionRefusal::Total);
        drop(first);
        assert_eq!(limiter.open(), 2);
        assert!(limiter.try_acquire(ann).is_ok());
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_as_one() {
        let limiter = ConnectionLimiter::new(10, 1);
        let _guard = limiter.try_acquire("2001:db8:1:2::1".parse().unwrap()).unwrap();
        let same = limiter.try_acquire("2001:db8:1:2:ffff::9".parse().unwrap());
        assert_eq!(same.unwrap_err(), ConnectionRefusal::Address);
        assert!(limiter.try_acquire("2001:db8:1:3::1".parse().unwrap()).is_ok());
        let _four = limiter.try_acquire("192.0.2.1".parse().unwrap()).unwrap();
        assert!(limiter.try_acquire("::ffff:192.0.2.1".parse().unwrap()).is_err());
    }
}
