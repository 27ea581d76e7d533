//! File descriptors: as many as the process may have, and how many of them connections may take.
//!
//! A connection is a descriptor. Listeners take fewer than there are, so that delivery, the store and health checks
//! always have some: strangers who connect and stay silent must not keep mail from leaving.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Most HTTP connections at a time.
const HTTP_MAX: u64 = 4_096;
/// Most SMTP connections at a time, over all listeners.
const SMTP_MAX: u64 = 2_000;
/// Most SMTP connections at a time of one client address.
const SMTP_PER_ADDRESS_MAX: u64 = 500;
/// Most event streams; each is an HTTP connection.
const STREAMS_MAX: u64 = 1_024;
/// Kept for the store, the listeners, the operator's commands and what the runtime needs.
const RESERVED: u64 = 160;
/// Kept for connections to relays where there is enough for everybody.
const DELIVERY: u64 = 1_024;

/// How many connections of each kind may be open at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// HTTP connections.
    pub http: usize,
    /// Event streams among them.
    pub streams: usize,
    /// SMTP connections of all listeners.
    pub smtp: usize,
    /// SMTP connections of one client address.
    pub smtp_per_address: usize,
}

impl Capacity {
    /// The capacity where the process may have so many descriptors; `None`: any number.
    pub fn of(descriptors: Option<u64>) -> Self {
        let all = descriptors.unwrap_or(u64::MAX);
        let wanted = HTTP_MAX + SMTP_MAX;
        // With few, delivery keeps a quarter.
        let kept = RESERVED.min(all / 4) + DELIVERY.min(all / 4);
        let listeners = wanted.min(all - kept);
        let share = |max: u64| max * listeners / wanted;
        let (http, smtp) = (share(HTTP_MAX), share(SMTP_MAX));
        let count = |n: u64| usize::try_from(n.max(1)).unwrap_or(usize::MAX);
        Self {
            http: count(http),
            streams: count(STREAMS_MAX.min(http / 2)),
            smtp: count(smtp),
            smtp_per_address: count(SMTP_PER_ADDRESS_MAX.min(smtp / 2)),
        }
    }

    /// The capacity of this process.
    pub fn of_process() -> Self {
        Self::of(getrlimit(Resource::Nofile).current)
    }
}

/// Raises the soft limit of descriptors to the hard one, and logs a warning where even that is too low for as many
/// connections as there could be.
pub fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
    let limit = getrlimit(Resource::Nofile).current;
    let (capacity, full) = (Capacity::of(limit), Capacity::of(None));
    if capacity != full {
        tracing::warn!(
            limit,
            needed = HTTP_MAX + SMTP_MAX + RESERVED + DELIVERY,
            http.connections = capacity.http,
            smtp.connections = capacity.smtp,
            "few files may be open at a time: fewer connections are accepted; raise the limit (LimitNOFILE in systemd, ulimit -n)"
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn enough_descriptors_give_every_connection() {
        let full = Capacity {
            http: 4_096,
            streams: 1_024,
            smtp: 2_000,
            smtp_per_address: 500,
        };
        assert_eq!(Capacity::of(None), full);
        assert_eq!(Capacity::of(Some(524_288)), full);
        assert_eq!(
            Capacity::of(Some(HTTP_MAX + SMTP_MAX + RESERVED + DELIVERY)),
            full
        );
    }

    proptest! {
        #[test]
        fn listeners_leave_room_for_delivery_and_the_store(descriptors in 64u64..1_000_000) {
            let capacity = Capacity::of(Some(descriptors));
            let taken = (capacity.http + capacity.smtp) as u64;
            prop_assert!(taken + RESERVED.min(descriptors / 4) + DELIVERY.min(descriptors / 4) <= descriptors + 1);
            prop_assert!(capacity.streams <= capacity.http / 2 || capacity.http < 2);
            prop_assert!(capacity.smtp_per_address <= capacity.smtp);
        }
    }
}
