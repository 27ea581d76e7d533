//! What to do next, as a step function (DESIGN invariant 18): no clock, no store, no task of its own.
//!
//! A step answers what to lease and for which relay, what to make ready, what to fail, and when to look again. Memory
//! is bounded by the leases in flight: each relay has at most two messages per connection, one on the wire and one
//! whose envelope goes with its dot.

mod pause;
mod relay;
mod route;
mod step;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use postroom_domain::health::{FailedMessage, HealthEdge, HealthPolicy, RelayHealth};
use postroom_domain::retry::Chance;
use postroom_domain::{MessageId, Reply, RouteId, Timestamp};
use postroom_store::{Promoted, Settled};

use pause::Pause;
use relay::{LocalEffect, Relay, Tried};
pub(crate) use relay::{RelayId, RelayLimits};
use route::{Route, SEARCH_EVERY, Sought};
pub(crate) use step::{Grant, SeekProbe, Step, Suits};

use crate::delivery::Signal;
use crate::settings::{Pace, Sending};

/// What mail puts up with while its relays are Down.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// How long it waits.
    pub(crate) max_wait: Duration,
    /// Attempts with which it tries a relay before its own time.
    pub(crate) early: u32,
}

/// The state between steps.
#[derive(Debug)]
pub(crate) struct Scheduler {
    routes: BTreeMap<RouteId, Route>,
    policy: HealthPolicy,
    sending: Sending,
    pause: Pause,
    patience: Patience,
    pace: Pace,
    promote_at: Timestamp,
    /// The routes that the last promotion left out.
    left_out: Vec<RouteId>,
    settle_at: Timestamp,
    /// The next poll: it finds what no notice told of.
    look_at: Timestamp,
}

impl Scheduler {
    /// Starts without a route.
    pub(crate) fn new(
        policy: HealthPolicy,
        sending: Sending,
        patience: Patience,
        pace: Pace,
        now: Timestamp,
    ) -> Self {
        Self {
            routes: BTreeMap::new(),
            policy,
            pause: Pause::new(sending, now),
            sending,
            patience,
            pace,
            promote_at: now,
            left_out: Vec::new(),
            settle_at: now,
            look_at: now,
        }
    }

    /// Adds a route, or gives it other relays; at least one. What is known of the relays that it had goes on.
    pub(crate) fn set_route(&mut self, route: RouteId, relays: &[RelayLimits], now: Timestamp) {
        let new = Route::new(relays, self.policy, now);
        let new = match self.routes.get(&route) {
            Some(old) => new.in_place_of(old, self.policy, now),
            None => new,
        };
        self.routes.insert(route, new);
        self.look_anew(now);
    }

    /// Forgets a route: its mail waits until it has one again, or has moved to another.
    pub(crate) fn remove_route(&mut self, route: RouteId) {
        self.routes.remove(&route);
    }

    /// Takes over that a relay was Down when the last start ended: a probe is due at once.
    /// Of the outage's time `unserved` is left out of every wait.
    pub(crate) fn found_down(
        &mut self,
        relay: RelayId,
        (since, unserved): (Timestamp, Duration),
        error: &Reply,
        now: Timestamp,
    ) {
        let mut relays = self.routes.values_mut().flat_map(|route| &mut route.relays);
        if let Some(known) = relays.find(|known| known.id == relay) {
            known.health = RelayHealth::found_down(self.policy, since, error.clone(), now);
            known.unserved = unserved;
        }
    }

    /// The clock was moved by so many microseconds: what is due after a time is due after the rest of it.
    pub(crate) fn clock_moved(&mut self, micros: i64, now: Timestamp) {
        for route in self.routes.values_mut() {
            route.clock_moved(micros);
            for relay in &mut route.relays {
                relay.clock_moved(micros, now);
            }
        }
        self.pause.clock_moved(micros);
        self.look_at = now;
        self.look_anew(now);
    }

    /// Has relays of these routes probed now that are Down: somebody wants their mail tried.
    pub(crate) fn try_now(&mut self, routes: impl Fn(RouteId) -> bool, now: Timestamp) {
        for (_, route) in self.routes.iter_mut().filter(|(id, _)| routes(**id)) {
            for relay in &mut route.relays {
                relay.try_now(now);
            }
            route.sought = Sought::NotYet;
        }
        self.look_anew(now);
    }

    /// Whether mail of the route can count on a relay: one is Up, and connections to its address are allowed.
    pub(crate) fn is_served(&self, route: RouteId) -> bool {
        self.routes.get(&route).is_some_and(Route::is_served)
    }

    /// New mail, or mail that somebody put back: leases may find something.
    pub(crate) fn mail_arrived(&mut self) {
        for route in self.routes.values_mut() {
            route.promising = true;
        }
    }

    /// Mail of these routes is ready again.
    pub(crate) fn mail_returned(&mut self, routes: &BTreeSet<RouteId>) {
        for id in routes {
            if let Some(route) = self.routes.get_mut(id) {
                route.promising = true;
            }
        }
    }

    /// Mail began to wait until then; that of these routes may be what a probe lacks.
    pub(crate) fn falls_due(&mut self, at: Timestamp, routes: &BTreeSet<RouteId>) {
        self.promote_at = self.promote_at.min(at);
        for id in routes {
            if let Some(route) = self.routes.get_mut(id) {
                route.repeat_search(SEARCH_EVERY);
            }
        }
    }

    /// Held mail may be released then.
    pub(crate) fn settles_at(&mut self, at: Timestamp) {
        self.settle_at = self.settle_at.min(at);
    }

    /// Changes were missed: mail may wait that no search saw.
    pub(crate) fn missed_changes(&mut self, now: Timestamp) {
        for route in self.routes.values_mut() {
            route.repeat_search(SEARCH_EVERY);
        }
        self.look_anew(now);
    }

    /// The store could not do what a step said: the next step says it again.
    pub(crate) fn not_done(&mut self, now: Timestamp) {
        for route in self.routes.values_mut() {
            route.sought = Sought::NotYet;
        }
        self.look_anew(now);
    }

    /// Mail was put back to wait or to be due: look at what is due, too.
    pub(crate) fn look_anew(&mut self, now: Timestamp) {
        self.promote_at = now;
        self.settle_at = now;
        self.mail_arrived();
    }

    /// A step of settling ended.
    pub(crate) fn settled(&mut self, settled: Settled, now: Timestamp) {
        if settled.released > 0 {
            self.mail_arrived();
        }
        self.settle_at = if settled.more {
            now
        } else {
            // What comes to wait later is told; the poll is for what was not.
            let look = now.plus(self.pace.look_every);
            settled.next_at.map_or(look, |next| next.max(now).min(look))
        };
    }

    /// A promotion ended.
    pub(crate) fn promoted(&mut self, promoted: Promoted, now: Timestamp) {
        if promoted.moved > 0 {
            self.mail_arrived();
        }
        self.promote_at = match promoted.next_due {
            _ if promoted.moved >= self.pace.step => now,
            // Mail that comes to wait meanwhile and is due sooner is told; the poll is for what was not.
            Some(due) => due.max(now).min(now.plus(self.pace.look_every)),
            None => now.plus(self.pace.look_every),
        };
    }

    /// The lease of a grant found these.
    pub(crate) fn leased(&mut self, grant: Grant, found: &[MessageId], now: Timestamp) {
        let Some(route) = self.routes.get_mut(&grant.want.route) else {
            return;
        };
        let n = u32::try_from(found.len()).unwrap_or(u32::MAX);
        if grant.suits == Suits::Any {
            route.promising = n >= grant.want.n;
        }
        let Some(relay) = route.relays.iter_mut().find(|relay| relay.id == grant.relay) else {
            return;
        };
        relay.took(n, now);
        if let Some(&probe) = found.first()
            && relay.health.start_probe(probe, now)
        {
            tracing::info!(message.id = %probe, "a message probes the relay that is Down");
        }
    }

    /// A lease ended; answers the edge of the relay's health, if this was one.
    pub(crate) fn ended(
        &mut self,
        relay: RelayId,
        id: MessageId,
        signal: &Signal,
        now: Timestamp,
        chance: Chance,
    ) -> Option<HealthEdge> {
        let has = |route: &&mut Route| route.relays.iter().any(|known| known.id == relay);
        let route = self.routes.values_mut().find(has)?;
        let known = route.relays.iter_mut().find(|known| known.id == relay)?;
        let edge = match signal {
            Signal::Answered => {
                known.ended(Tried::Yes, now);
                known.was_reached();
                known.health.relay_answered(now)
            }
            Signal::Failed(failure) => {
                known.ended(Tried::Yes, now);
                known.was_reached();
                route.sought = Sought::NotYet;
                let failed = FailedMessage {
                    id,
                    sender: failure.sender,
                    at: failure.at,
                };
                known.health.relay_failed(failed, &failure.reply, now, chance)
            }
            Signal::Untried => {
                known.ended(Tried::No, now);
                known.health.probe_given_back(id, now);
                route.promising = true;
                None
            }
            Signal::Local(trouble) => {
                known.ended(Tried::No, now);
                route.promising = true;
                match known.pause(trouble, now) {
                    LocalEffect::Pauses => {
                        known.health.probe_given_back(id, now);
                        None
                    }
                    LocalEffect::CountsAsFailure => {
                        known.was_tried(now);
                        route.sought = Sought::NotYet;
                        let failed = FailedMessage::in_session(id);
                        known.health.relay_failed(failed, &trouble.text, now, chance)
                    }
                }
            }
        };
        if edge.is_some() {
            known.unserved = Duration::ZERO;
            // Up: its mail is due. Down: a second relay serves what the first would have.
            route.promising = true;
            route.sought = Sought::NotYet;
            self.promote_at = now;
        }
        edge
    }

    /// Pauses or resumes.
    ///
    /// What was paused counts towards no wait for a relay, and a relay that was Down may be fit again: it is tried first.
    pub(crate) fn set_sending(&mut self, sending: Sending, now: Timestamp) {
        self.count_pause(now);
        self.sending = sending;
        self.pause.set(sending, now);
        self.look_anew(now);
    }

    /// Takes the time since the last call, in which sending was paused, out of the outages.
    fn count_pause(&mut self, now: Timestamp) {
        if let Some(paused) = self.pause.count(now) {
            let relays = self.routes.values_mut().flat_map(|route| &mut route.relays);
            relays.for_each(|relay| relay.was_paused(paused, now));
        }
    }

    /// For how long sending was paused since [`pause_recorded`](Self::pause_recorded) was called last.
    pub(crate) fn paused_for(&mut self, now: Timestamp) -> Duration {
        self.count_pause(now);
        self.pause.unrecorded()
    }

    /// The store holds what [`paused_for`](Self::paused_for) answered.
    pub(crate) fn pause_recorded(&mut self) {
        self.pause.recorded();
    }

    /// Connections that a relay may have now.
    pub(crate) fn connections_allowed(&self, relay: RelayId, now: Timestamp) -> u32 {
        let known = self.relays().find(|(_, known)| known.id == relay);
        known.map_or(0, |(_, known)| known.allowed(now))
    }

    /// Why this machine cannot connect to a relay, while that lasts.
    pub(crate) fn local_trouble(&self, relay: RelayId) -> Option<&Reply> {
        let known = self.relays().find(|(_, known)| known.id == relay);
        known.and_then(|(_, known)| known.local_trouble())
    }

    /// Since when connections to a relay's address are not allowed, and why, until a connection is made.
    pub(crate) fn refusal(&self, relay: RelayId) -> Option<(Timestamp, &Reply)> {
        let known = self.relays().find(|(_, known)| known.id == relay);
        known.and_then(|(_, known)| known.refusal())
    }

    /// In how much of a relay's outage no server ran, or sending was paused.
    pub(crate) fn unserved(&self, relay: RelayId) -> Duration {
        let known = self.relays().find(|(_, known)| known.id == relay);
        known.map_or(Duration::ZERO, |(_, known)| known.unserved)
    }

    /// The health of each relay, by route, the first one first.
    pub(crate) fn health(&self) -> impl Iterator<Item = (RouteId, RelayId, &RelayHealth)> {
        self.relays()
            .map(|(route, relay)| (route, relay.id, &relay.health))
    }

    fn relays(&self) -> impl Iterator<Item = (RouteId, &Relay)> {
        self.routes
            .iter()
            .flat_map(|(&id, route)| route.relays.iter().map(move |relay| (id, relay)))
    }
}
