//! What the engine is told at its start.

use std::time::Duration;

use postroom_domain::health::{HealthPolicy, MAX_WAIT_DEFAULT};
use postroom_domain::retry::RetrySchedule;
use postroom_domain::{NodeSlot, Rates, RouteId};
use postroom_smtp::client::RelayConfig;
use postroom_store::REVIVE_MOST;

use crate::budget::SharedBudget;

/// A relay as the engine uses it.
#[derive(Debug, Clone)]
pub struct RelaySettings {
    /// Its name in logs, metrics and the attempt log.
    pub name: String,
    /// The route whose mail leaves through it.
    pub route: RouteId,
    /// Address, TLS, credentials and timeouts of its sessions.
    pub session: RelayConfig,
    /// Most connections at a time.
    pub connections: u32,
    /// Messages that one connection carries before it is closed.
    pub messages_per_connection: u32,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
    /// Most messages of a minute and of an hour.
    pub rates: Rates,
}

impl RelaySettings {
    /// Most connections unless configured otherwise.
    pub const CONNECTIONS_DEFAULT: u32 = 20;
    /// Messages per connection unless configured otherwise.
    pub const MESSAGES_PER_CONNECTION_DEFAULT: u32 = 1_000;
    /// Idle time unless configured otherwise; relays commonly close after 300 s.
    pub const IDLE_TIMEOUT_DEFAULT: Duration = Duration::from_secs(60);

    /// A relay with the default limits.
    #[must_use]
    pub fn new(name: impl Into<String>, route: RouteId, session: RelayConfig) -> Self {
        Self {
            name: name.into(),
            route,
            session,
            connections: Self::CONNECTIONS_DEFAULT,
            messages_per_connection: Self::MESSAGES_PER_CONNECTION_DEFAULT,
            idle_timeout: Self::IDLE_TIMEOUT_DEFAULT,
            rates: Rates::default(),
        }
    }
}

/// Whether mail leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sending {
    /// It does.
    #[default]
    On,
    /// It is kept and waits: the queue service is off, or an operator paused delivery.
    Paused,
}

/// How often the engine looks by itself, and how much it does in one step.
///
/// Nothing depends on the times while every notice arrives; they are what catches one that did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The longest time between two looks at the queue.
    pub look_every: Duration,
    /// The pause before the store is asked again that could not answer.
    pub store_retry: Duration,
    /// The pause between two passes of failing mail that no relay took for too long.
    pub exhaust_every: Duration,
    /// How often the node records that it runs; the time after the last record counts as time in which it did not.
    pub heartbeat_every: Duration,
    /// How long an envelope that went ahead with a dot waits for that dot's answer before another connection may have
    /// its message; also how often a busy connection is looked at.
    pub take_back_after: Duration,
    /// How long no octet may move on a busy connection before it counts as silent.
    pub silent_after: Duration,
    /// Most messages of one step of anything, 1 to 256: the store's contract takes no more.
    pub step: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            look_every: Duration::from_secs(1),
            store_retry: Duration::from_secs(1),
            exhaust_every: Duration::from_mins(1),
            heartbeat_every: Duration::from_mins(1),
            take_back_after: Duration::from_secs(3),
            silent_after: Duration::from_secs(30),
            step: REVIVE_MOST,
        }
    }
}

/// Everything the engine is told.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// This node's place.
    pub slot: NodeSlot,
    /// The relays; of two with one route the first serves, and the second takes over while it is Down.
    pub relays: Vec<RelaySettings>,
    /// When a failed attempt is followed by another.
    pub retry: RetrySchedule,
    /// The times of relay health.
    pub health: HealthPolicy,
    /// How long mail waits for a relay that is Up.
    pub max_wait: Duration,
    /// Whether mail leaves.
    pub sending: Sending,
    /// How long a stop takes at most, with all that is in flight.
    pub stop_timeout: Duration,
    /// How often it looks, and how much it does at a time.
    pub pace: Pace,
    /// Content in memory, shared with intake.
    pub budget: SharedBudget,
}

impl EngineSettings {
    /// Settings with the defaults of the specification and these relays.
    #[must_use]
    pub fn new(slot: NodeSlot, relays: Vec<RelaySettings>) -> Self {
        Self {
            slot,
            relays,
            retry: RetrySchedule::default(),
            health: HealthPolicy::default(),
            max_wait: MAX_WAIT_DEFAULT,
            sending: Sending::On,
            stop_timeout: Duration::from_secs(8),
            pace: Pace::default(),
            budget: SharedBudget::default(),
        }
    }
}
