//! File descriptors: as many as the process may have, and how many of them connections may take.
//!
//! A connection is a descriptor. Listeners take fewer than there are, so that delivery, the store and health checks
//! always have some: strangers who connect and stay silent must not keep mail from leaving.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;

/// Most event streams; each is an HTTP connection. They have a quarter of those at most: one person's, all from one
/// address, must leave the other half of what that address may have.
const STREAMS_MAX: u64 = 1_024;
/// Kept for the store, the listeners, the operator's commands, health checks, connections that are being closed and what
/// the runtime needs.
const RESERVED: u64 = 384;
/// Kept for connections to relays where there is enough for everybody.
const DELIVERY: u64 = 1_024;

/// How many connections the configuration allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedConnections {
    /// HTTP connections.
    pub http: u64,
    /// SMTP connections of all listeners.
    pub smtp: u64,
}

impl WantedConnections {
    /// Those of a configuration.
    pub fn of(config: &Config) -> Self {
        Self {
            http: config.http.max_connections.into(),
            smtp: config.submission.max_connections.into(),
        }
    }
}

/// How many connections of each kind may be open at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// HTTP connections.
    pub http: usize,
    /// Event streams among them.
    pub streams: usize,
    /// SMTP connections of all listeners.
    pub smtp: usize,
}

impl Capacity {
    /// The capacity where the process may have so many descriptors; `None`: any number.
    pub fn of(descriptors: Option<u64>, connections: WantedConnections) -> Self {
        let all = descriptors.unwrap_or(u64::MAX);
        let wanted = (connections.http + connections.smtp).max(1);
        // With few, delivery keeps a quarter.
        let kept = RESERVED.min(all / 4) + DELIVERY.min(all / 4);
        let listeners = wanted.min(all - kept);
        let share = |max: u64| max * listeners / wanted;
        let (http, smtp) = (share(connections.http), share(connections.smtp));
        let count = |n: u64| usize::try_from(n.max(1)).unwrap_or(usize::MAX);
        Self {
            http: count(http),
            streams: count(STREAMS_MAX.min(http / 4)),
            smtp: count(smtp),
        }
    }

    /// The capacity of this process.
    pub fn of_process(connections: WantedConnections) -> Self {
        Self::of(getrlimit(Resource::Nofile).current, connections)
    }
}

/// Raises the soft limit of descriptors to the hard one, and logs a warning where even that is too low for as many
/// connections as there could be.
pub fn raise_limit(connections: WantedConnections) {
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
    let (capacity, full) = (Capacity::of(limit, connections), Capacity::of(None, connections));
    if capacity != full {
        tracing::warn!(
            limit,
            needed = connections.http + connections.smtp + RESERVED + DELIVERY,
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

    fn wanted() -> WantedConnections {
        WantedConnections::of(&Config::default())
    }

    #[test]
    fn enough_descriptors_give_every_connection() {
        let full = Capacity {
            http: 4_096,
            streams: 1_024,
            smtp: 2_000,
        };
        assert_eq!(Capacity::of(None, wanted()), full);
        assert_eq!(Capacity::of(Some(524_288), wanted()), full);
        let needed = 4_096 + 2_000 + RESERVED + DELIVERY;
        assert_eq!(Capacity::of(Some(needed), wanted()), full);
    }

    proptest! {
        #[test]
        fn listeners_leave_room_for_delivery_and_the_store(descriptors in 64u64..1_000_000) {
            let capacity = Capacity::of(Some(descriptors), wanted());
            let taken = (capacity.http + capacity.smtp) as u64;
            prop_assert!(taken + RESERVED.min(descriptors / 4) + DELIVERY.min(descriptors / 4) <= descriptors + 1);
            prop_assert!(capacity.streams <= capacity.http / 4 || capacity.http < 4);
        }
    }
}
