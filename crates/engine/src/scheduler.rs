//! What to do next, as a step function (DESIGN invariant 18): no clock, no store, no task of its own.
//!
//! A step answers what to lease, what to make ready, what to fail, what to take back, and when to look again. Memory
//! is bounded by the leases in flight: each relay has at most two messages per connection, one on the wire and one
//! whose envelope goes with its dot.

use std::collections::BTreeMap;
use std::time::Duration;

use postroom_domain::health::{HealthEdge, HealthPolicy, HealthState, RelayHealth};
use postroom_domain::retry::Chance;
use postroom_domain::{MessageId, Reply, RouteId, Timestamp};
use postroom_store::{Promoted, Want};

use crate::delivery::Signal;
use crate::settings::Sending;

/// Most messages of one lease: the contract's limit.
const LEASE_MOST: u32 = 256;
/// Messages of one promotion: the contract's limit.
pub(crate) const PROMOTE_MOST: u32 = 256;
/// Each connection has one message on the wire and one next.
const PER_CONNECTION: u32 = 2;
/// How often a Down relay's oldest mail is looked at.
const EXHAUST_EVERY: Duration = Duration::from_mins(1);
/// The longest time between two looks, should a notice be missed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What the loop is to do now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// Make waiting mail ready, except of these routes.
    pub(crate) promote: Option<Vec<RouteId>>,
    /// Lease these.
    pub(crate) wants: Vec<Want>,
    /// Fail the mail of these routes that waited since before the time.
    pub(crate) exhaust: Vec<(RouteId, Timestamp, Reply)>,
    /// Look again then.
    pub(crate) wake_at: Option<Timestamp>,
}

#[derive(Debug)]
struct Relay {
    health: RelayHealth,
    connections: u32,
    leased: u32,
    /// Whether a lease may find mail; false after one that found less than it asked for.
    promising: bool,
    exhaust_at: Timestamp,
}

/// The state between steps.
#[derive(Debug)]
pub(crate) struct Scheduler {
    relays: BTreeMap<RouteId, Relay>,
    sending: Sending,
    max_wait: Duration,
    promote_at: Timestamp,
    look_at: Timestamp,
}

impl Scheduler {
    /// Starts with relays (route, most connections) that nothing is known against.
    pub(crate) fn new(
        relays: impl IntoIterator<Item = (RouteId, u32)>,
        policy: HealthPolicy,
        sending: Sending,
        max_wait: Duration,
        now: Timestamp,
    ) -> Self {
        let relay = |connections| Relay {
            health: RelayHealth::new(policy),
            connections,
            leased: 0,
            promising: true,
            exhaust_at: now,
        };
        let relays = relays
            .into_iter()
            .map(|(route, connections)| (route, relay(connections)))
            .collect();
        Self {
            relays,
            sending,
            max_wait,
            promote_at: now,
            look_at: now,
        }
    }

    /// Takes over that a relay was Down when the last start ended: a probe is due at once.
    pub(crate) fn found_down(
        &mut self,
        route: RouteId,
        policy: HealthPolicy,
        since: Timestamp,
        error: &Reply,
        now: Timestamp,
    ) {
        if let Some(relay) = self.relays.get_mut(&route) {
            relay.health = RelayHealth::found_down(policy, since, error.clone(), now);
        }
    }

    /// What to do at `now`.
    pub(crate) fn step(&mut self, now: Timestamp) -> Step {
        if self.sending == Sending::Paused {
            return Step {
                wake_at: Some(now.plus(LOOK_EVERY)),
                ..Step::default()
            };
        }
        if now >= self.look_at {
            self.look_at = now.plus(LOOK_EVERY);
            self.mail_arrived();
        }
        let promote = (now >= self.promote_at).then(|| self.blocked(now));
        let max_wait = self.max_wait;
        let (mut wants, mut exhaust) = (Vec::new(), Vec::new());
        let mut left = LEASE_MOST;
        for (&route, relay) in &mut self.relays {
            let n = relay.capacity(now).min(left);
            if n > 0 && relay.promising {
                left -= n;
                wants.push(Want { route, n });
            }
            if relay.exhaust_at <= now
                && let (Some(since), Some(error)) = (relay.health.since(), relay.health.last_error())
                && now.since(since) >= max_wait
            {
                relay.exhaust_at = now.plus(EXHAUST_EVERY);
                exhaust.push((route, now.minus(max_wait), error.clone()));
            }
        }
        Step {
            promote,
            wants,
            exhaust,
            wake_at: Some(self.wake_at(now)),
        }
    }

    fn wake_at(&self, now: Timestamp) -> Timestamp {
        let probes = self
            .relays
            .values()
            .filter_map(|relay| relay.health.next_probe_at());
        let soonest = probes
            .chain([self.promote_at, self.look_at])
            .min()
            .unwrap_or(self.look_at);
        soonest.max(now)
    }

    /// Routes whose waiting mail stays: those Down, unless a probe is due and needs a message.
    fn blocked(&self, now: Timestamp) -> Vec<RouteId> {
        let stays =
            |relay: &Relay| relay.health.state() != HealthState::Up && !relay.health.probe_is_due(now);
        self.relays
            .iter()
            .filter(|(_, relay)| stays(relay))
            .map(|(&route, _)| route)
            .collect()
    }

    /// New mail, or mail that somebody put back: leases may find something.
    pub(crate) fn mail_arrived(&mut self) {
        for relay in self.relays.values_mut() {
            relay.promising = true;
        }
    }

    /// Mail was put back to wait or to be due: look at what is due, too.
    pub(crate) fn look_anew(&mut self, now: Timestamp) {
        self.promote_at = now;
        self.mail_arrived();
    }

    /// A promotion ended.
    pub(crate) fn promoted(&mut self, promoted: Promoted, now: Timestamp) {
        if promoted.moved > 0 {
            self.mail_arrived();
        }
        self.promote_at = match promoted.next_due {
            _ if promoted.moved >= PROMOTE_MOST => now,
            // Mail that is scheduled meanwhile may be due sooner than what was seen.
            Some(due) => due.max(now).min(now.plus(LOOK_EVERY)),
            None => now.plus(LOOK_EVERY),
        };
    }

    /// A lease of `asked` messages of a route found these.
    pub(crate) fn leased(&mut self, want: Want, found: &[MessageId], now: Timestamp) {
        let Some(relay) = self.relays.get_mut(&want.route) else {
            return;
        };
        let n = u32::try_from(found.len()).unwrap_or(u32::MAX);
        relay.leased = relay.leased.saturating_add(n);
        relay.promising = n >= want.n;
        if let Some(&probe) = found.first()
            && relay.health.start_probe(probe, now)
        {
            tracing::info!(message.id = %probe, "a message probes the relay that is Down");
        }
    }

    /// A lease ended; answers the edge of the relay's health, if this was one.
    pub(crate) fn ended(
        &mut self,
        route: RouteId,
        id: MessageId,
        signal: &Signal,
        now: Timestamp,
        chance: Chance,
    ) -> Option<HealthEdge> {
        let relay = self.relays.get_mut(&route)?;
        relay.leased = relay.leased.saturating_sub(1);
        let edge = match signal {
            Signal::Answered => relay.health.relay_answered(now),
            Signal::Failed(error) => relay.health.relay_failed(id, error, now, chance),
            Signal::Untried => {
                relay.health.probe_given_back(id, now);
                relay.promising = true;
                None
            }
        };
        if let Some(HealthEdge::CameUp { .. }) = &edge {
            relay.promising = true;
            self.promote_at = now;
        }
        edge
    }

    /// Pauses or resumes.
    pub(crate) fn set_sending(&mut self, sending: Sending, now: Timestamp) {
        self.sending = sending;
        self.look_anew(now);
    }

    /// Connections that a relay may have now.
    pub(crate) fn connections_allowed(&self, route: RouteId, now: Timestamp) -> u32 {
        self.relays.get(&route).map_or(0, |relay| relay.allowed(now))
    }

    /// The health of each relay.
    pub(crate) fn health(&self) -> impl Iterator<Item = (RouteId, &RelayHealth)> {
        self.relays.iter().map(|(&route, relay)| (route, &relay.health))
    }
}

impl Relay {
    fn allowed(&self, now: Timestamp) -> u32 {
        if self.connections == 0 {
            0
        } else {
            self.health.connections_allowed(self.connections, 1, now)
        }
    }

    fn capacity(&self, now: Timestamp) -> u32 {
        match self.health.state() {
            HealthState::Up => (self.allowed(now) * PER_CONNECTION).saturating_sub(self.leased),
            HealthState::Down if self.connections > 0 && self.health.probe_is_due(now) => {
                1_u32.saturating_sub(self.leased)
            }
            HealthState::Down | HealthState::Probing => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
    const ROUTE: RouteId = RouteId::SERVER;

    fn scheduler() -> Scheduler {
        Scheduler::new(
            [(ROUTE, 10)],
            HealthPolicy::default(),
            Sending::On,
            Duration::from_hours(24),
            NOW,
        )
    }

    fn id(n: i64) -> MessageId {
        MessageId::from_ord(n)
    }

    fn fail(scheduler: &mut Scheduler, n: i64, at: Timestamp) -> Option<HealthEdge> {
        scheduler.ended(
            ROUTE,
            id(n),
            &Signal::Failed(Reply::none("lost")),
            at,
            Chance::EVEN,
        )
    }

    fn down() -> Scheduler {
        let mut scheduler = scheduler();
        scheduler.leased(Want { route: ROUTE, n: 20 }, &[id(1), id(2), id(3)], NOW);
        assert_eq!(fail(&mut scheduler, 1, NOW), None);
        assert_eq!(fail(&mut scheduler, 2, NOW), None);
        assert!(matches!(
            fail(&mut scheduler, 3, NOW),
            Some(HealthEdge::WentDown { .. })
        ));
        scheduler
    }

    #[test]
    fn leases_two_messages_for_each_connection_and_no_more() {
        let mut scheduler = scheduler();
        let want = Want { route: ROUTE, n: 20 };
        assert_eq!(scheduler.step(NOW).wants, [want]);
        scheduler.leased(want, &(0..20).map(id).collect::<Vec<_>>(), NOW);
        assert_eq!(scheduler.step(NOW).wants, []);
        scheduler.ended(ROUTE, id(0), &Signal::Answered, NOW, Chance::EVEN);
        assert_eq!(scheduler.step(NOW).wants, [Want { route: ROUTE, n: 1 }]);
    }

    #[test]
    fn empty_queue_is_not_asked_again_before_something_came() {
        let mut scheduler = scheduler();
        scheduler.step(NOW);
        scheduler.leased(Want { route: ROUTE, n: 20 }, &[], NOW);
        assert_eq!(scheduler.step(NOW).wants, []);
        scheduler.mail_arrived();
        assert_eq!(scheduler.step(NOW).wants.len(), 1);
    }

    #[test]
    fn down_relay_gets_nothing_until_its_probe_is_due_and_then_one() {
        let mut scheduler = down();
        let soon = NOW.plus(Duration::from_secs(29));
        scheduler.look_anew(soon);
        let step = scheduler.step(soon);
        assert_eq!((step.wants, step.promote), (vec![], Some(vec![ROUTE])));
        let due = NOW.plus(Duration::from_secs(30));
        scheduler.look_anew(due);
        let step = scheduler.step(due);
        assert_eq!(
            (step.wants, step.promote),
            (vec![Want { route: ROUTE, n: 1 }], Some(vec![]))
        );
        scheduler.leased(Want { route: ROUTE, n: 1 }, &[id(7)], due);
        assert_eq!(scheduler.step(due).wants, []);
        assert!(matches!(
            scheduler.ended(ROUTE, id(7), &Signal::Answered, due, Chance::EVEN),
            Some(HealthEdge::CameUp { .. })
        ));
        // The load ramps: one connection at first.
        assert_eq!(scheduler.step(due).wants, [Want { route: ROUTE, n: 2 }]);
    }

    #[test]
    fn mail_of_a_relay_that_stays_down_is_exhausted_after_max_wait_once_a_minute() {
        let mut scheduler = down();
        let day = NOW.plus(Duration::from_hours(24));
        assert!(
            scheduler
                .step(day.minus(Duration::from_secs(1)))
                .exhaust
                .is_empty()
        );
        assert_eq!(scheduler.step(day).exhaust, [(ROUTE, NOW, Reply::none("lost"))]);
        assert!(scheduler.step(day).exhaust.is_empty());
    }

    #[test]
    fn paused_engine_leases_and_promotes_nothing() {
        let mut scheduler = scheduler();
        scheduler.set_sending(Sending::Paused, NOW);
        let step = scheduler.step(NOW);
        assert!(step.wants.is_empty() && step.promote.is_none());
    }

    #[test]
    fn relay_without_connections_gets_nothing() {
        let mut scheduler = Scheduler::new(
            [(ROUTE, 0)],
            HealthPolicy::default(),
            Sending::On,
            Duration::from_hours(24),
            NOW,
        );
        assert_eq!(scheduler.step(NOW).wants, []);
    }
}
