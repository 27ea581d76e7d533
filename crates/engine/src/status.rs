//! What the engine tells of itself.

use std::time::Duration;

use postroom_domain::health::HealthState;
use postroom_domain::{LimitValues, Reply, RouteId, Timestamp};

/// The engine as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EngineStatus {
    /// Each relay.
    pub relays: Vec<RelayStatus>,
}

/// One relay as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayStatus {
    /// The route it serves.
    pub route: RouteId,
    /// Whether it is its route's first relay.
    pub place: Place,
    /// Its name.
    pub name: String,
    /// Its address, `host:port`.
    pub address: String,
    /// Up, Down or probing.
    pub state: HealthState,
    /// Since when; `None` where it has been Up from the start.
    pub since: Option<Timestamp>,
    /// Why connections to it are not allowed, its last failure while it is not Up, or why this server cannot connect to
    /// it, while that lasts.
    pub last_error: Option<Reply>,
    /// Since when connections to its address are not allowed, until one is made; `last_error` says why.
    pub refused_since: Option<Timestamp>,
    /// When one message tries it next, while it is Down.
    pub next_probe_at: Option<Timestamp>,
    /// How much of its outage no server ran; it counts towards no expiry.
    pub unserved: Duration,
    /// When the load has grown to all connections, after it came up.
    pub full_load_at: Option<Timestamp>,
    /// Open connections.
    pub connections: u32,
    /// What was learnt of its own limits.
    pub limits: LimitValues,
    /// Until when nothing is given to it, because it said that mail comes too fast.
    pub paused_until: Option<Timestamp>,
}

impl RelayStatus {
    /// Whether mail can count on it: it is Up, and connections to its address are allowed.
    #[must_use]
    pub fn is_fit(&self) -> bool {
        self.state == HealthState::Up && self.refused_since.is_none()
    }

    /// Since when mail cannot count on it, without the time in which no server ran or sent.
    #[must_use]
    pub fn unfit_since(&self) -> Option<Timestamp> {
        match self.state {
            HealthState::Up => self.refused_since,
            HealthState::Down | HealthState::Probing => Some(self.since?.plus(self.unserved)),
        }
    }
}

/// A relay's place in its route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Mail goes through it while it is Up.
    First,
    /// It takes over while the first is Down.
    Second,
}
