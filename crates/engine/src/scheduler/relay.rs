//! One relay as the scheduler sees it: its health, its rates, and what it has in hand.

use std::sync::Arc;
use std::time::Duration;

use postroom_domain::health::{HealthPolicy, HealthState, RelayHealth};
use postroom_domain::{RateLimiter, Rates, Reply, Timestamp};
use postroom_smtp::client::LocalFault;

use crate::delivery::LocalTrouble;
use crate::relay::Account;

/// Each connection has one message on the wire and one next.
const PER_CONNECTION: u32 = 2;

/// How soon a relay whose own pace is used up is looked at again: the minute is counted by seconds.
const PACE_STEP: Duration = Duration::from_secs(1);

/// Names a relay as it is configured now: changed settings make another one, so that what an old connection still
/// tells is never taken for the new relay's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RelayId(pub(crate) u64);

/// What the scheduler is told of a relay.
#[derive(Debug, Clone)]
pub(crate) struct RelayLimits {
    /// The relay.
    pub(crate) id: RelayId,
    /// Most connections.
    pub(crate) connections: u32,
    /// Most messages of a time.
    pub(crate) rates: Rates,
    /// What is known of its own limits.
    pub(crate) account: Arc<Account>,
}

/// A relay.
#[derive(Debug)]
pub(super) struct Relay {
    pub(super) id: RelayId,
    pub(super) health: RelayHealth,
    rates: RateLimiter,
    account: Arc<Account>,
    connections: u32,
    leased: u32,
    pause: Option<LocalPause>,
    /// When a message tried it last in this run.
    tried_at: Option<Timestamp>,
    /// How much of its outage no server ran, or sent nothing.
    pub(super) unserved: Duration,
}

/// A relay that this machine cannot connect to, by no fault of the relay's.
#[derive(Debug)]
struct LocalPause {
    since: Timestamp,
    until: Timestamp,
    wait: Duration,
    trouble: LocalTrouble,
}

/// What a local fault does to a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LocalEffect {
    /// It pauses.
    Pauses,
    /// No network leads to it for so long that its mail must not wait unseen: it counts as the relay's failure.
    CountsAsFailure,
}

/// The first wait after a local fault, and the longest; it doubles.
const LOCAL_PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// The same where connections to the address are not allowed: nothing helps until the relay's name has another.
const FORBIDDEN_PAUSE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_mins(5));
/// How long a network may be missing before that concerns people.
const NO_NETWORK_MAX: Duration = Duration::from_mins(10);

impl Relay {
    pub(super) fn new(limits: RelayLimits, policy: HealthPolicy) -> Self {
        Self {
            id: limits.id,
            health: RelayHealth::new(policy),
            rates: RateLimiter::new(limits.rates),
            account: limits.account,
            connections: limits.connections,
            leased: 0,
            pause: None,
            tried_at: None,
            unserved: Duration::ZERO,
        }
    }

    /// Pauses after a local fault, longer each time; what it holds back costs nothing.
    pub(super) fn pause(&mut self, trouble: &LocalTrouble, now: Timestamp) -> LocalEffect {
        let (first, longest) = match trouble.fault {
            LocalFault::Resources | LocalFault::Network => LOCAL_PAUSE,
            LocalFault::Permission => FORBIDDEN_PAUSE,
        };
        // Another fault begins another pause: how long the first lasted says nothing of it.
        let same = self
            .pause
            .as_ref()
            .filter(|pause| pause.trouble.fault == trouble.fault);
        let (since, wait) = match same {
            Some(pause) if pause.until > now => (pause.since, pause.wait),
            Some(pause) => (pause.since, (pause.wait * 2).clamp(first, longest)),
            None => {
                tracing::warn!(trouble = %trouble.text, "this server cannot connect; delivery pauses at no cost");
                (now, first)
            }
        };
        self.pause = Some(LocalPause {
            since,
            until: now.plus(wait),
            wait,
            trouble: trouble.clone(),
        });
        if trouble.fault == LocalFault::Network && now.since(since) >= NO_NETWORK_MAX {
            LocalEffect::CountsAsFailure
        } else {
            LocalEffect::Pauses
        }
    }

    /// Nothing was sent for so long until now, which is no part of an outage; the relay may be fit again.
    pub(super) fn was_paused(&mut self, paused: Duration, now: Timestamp) {
        if let Some(since) = self.health.since().filter(|_| !self.is_up()) {
            self.unserved += paused.min(now.since(since));
            self.tried_at = None;
        }
    }

    /// Has it probed now if it is Down, and ends a pause after a local fault.
    pub(super) fn try_now(&mut self, now: Timestamp) {
        self.health.probe_at_once(now);
        if let Some(pause) = &mut self.pause {
            pause.until = pause.until.min(now);
        }
    }

    /// A connection came about, whatever the relay said.
    pub(super) fn was_reached(&mut self) {
        if self.pause.take().is_some() {
            tracing::info!("this server can connect again");
        }
    }

    /// Whether neither this machine nor the relay's own limits keep messages from it now.
    fn is_ready(&self, now: Timestamp) -> bool {
        let is_paused = self.pause.as_ref().is_some_and(|pause| pause.until > now);
        !is_paused && self.account.ready_at(self.id, now) <= now
    }

    /// Why this machine could not connect to it last, while that lasts.
    pub(super) fn local_trouble(&self) -> Option<&Reply> {
        self.pause.as_ref().map(|pause| &pause.trouble.text)
    }

    /// Since when connections to its address are not allowed, and why, until a connection is made.
    pub(super) fn refusal(&self) -> Option<(Timestamp, &Reply)> {
        let pause = self.refused()?;
        Some((pause.since, &pause.trouble.text))
    }

    fn refused(&self) -> Option<&LocalPause> {
        let pause = self.pause.as_ref();
        pause.filter(|pause| pause.trouble.fault == LocalFault::Permission)
    }

    /// Whether mail goes to it now: it is Up, and connections to it are allowed as far as is known. After the pause of a
    /// refusal its name may have another address, so it is tried again.
    pub(super) fn serves(&self, now: Timestamp) -> bool {
        self.is_up() && self.refused().is_none_or(|pause| pause.until <= now)
    }

    /// Whether mail can count on it: it is Up, and connections to it were not refused last.
    pub(super) fn is_fit(&self) -> bool {
        self.is_up() && self.refused().is_none()
    }

    /// Since when mail cannot count on it, without the time in which no server ran or sent.
    pub(super) fn unfit_since(&self) -> Option<Timestamp> {
        if self.is_up() {
            self.refused().map(|pause| pause.since)
        } else {
            Some(self.health.since()?.plus(self.unserved))
        }
    }

    /// The relay that takes another's place. Was that one not Up, a probe of this one is due at once (the settings
    /// may be the cure), and the outage ends only when it succeeds.
    pub(super) fn in_place_of(mut self, old: &Self, policy: HealthPolicy, now: Timestamp) -> Self {
        if let (false, Some(since), Some(error)) = (old.is_up(), old.health.since(), old.health.last_error())
        {
            self.health = RelayHealth::found_down(policy, since, error.clone(), now);
        }
        self.rates = std::mem::take(&mut self.rates).continuing(&old.rates);
        self.unserved = old.unserved;
        self
    }

    pub(super) fn is_up(&self) -> bool {
        self.health.state() == HealthState::Up
    }

    /// Whether one message may try it though it is Down.
    pub(super) fn wants_probe(&self, now: Timestamp) -> bool {
        self.connections > 0 && self.leased == 0 && self.health.probe_is_due(now) && self.is_ready(now)
    }

    /// Connections that it may have now.
    pub(super) fn allowed(&self, now: Timestamp) -> u32 {
        if self.connections == 0 {
            0
        } else {
            let known = self.account.connections(self.id, self.connections);
            self.health
                .connections_allowed(self.connections, 1, now)
                .min(known)
        }
    }

    /// Messages that it can take now.
    pub(super) fn capacity(&self, now: Timestamp) -> u32 {
        let free = match self.health.state() {
            HealthState::Up if !self.is_ready(now) => 0,
            HealthState::Up => (self.allowed(now) * PER_CONNECTION).saturating_sub(self.leased),
            HealthState::Down if self.wants_probe(now) => 1,
            HealthState::Down | HealthState::Probing => 0,
        };
        if free == 0 {
            return 0;
        }
        free.min(self.rates.available(now)).min(self.account.pace(now))
    }

    /// The clock was moved by so many microseconds.
    pub(super) fn clock_moved(&mut self, micros: i64, now: Timestamp) {
        self.health.clock_moved(micros);
        self.rates.clock_moved(micros, now);
        self.tried_at = self.tried_at.map(|at| at.moved(micros));
        if let Some(pause) = &mut self.pause {
            pause.since = pause.since.moved(micros);
            pause.until = pause.until.moved(micros);
        }
    }

    /// Notes that it was given `n` messages.
    pub(super) fn took(&mut self, n: u32, now: Timestamp) {
        self.leased = self.leased.saturating_add(n);
        self.rates.take(n, now);
        let in_use = self.leased.div_ceil(PER_CONNECTION);
        self.account.given(self.id, n, in_use, self.connections, now);
    }

    /// Notes that it is done with one, tried or not.
    pub(super) fn ended(&mut self, tried: Tried, now: Timestamp) {
        self.leased = self.leased.saturating_sub(1);
        self.account.done(self.id, 1);
        match tried {
            Tried::No => self.rates.give_back(now),
            Tried::Yes => self.was_tried(now),
        }
    }

    /// Notes that a message tried it, or that this machine can no longer be the cause.
    pub(super) fn was_tried(&mut self, now: Timestamp) {
        self.tried_at = Some(now);
    }

    /// Whether a message tried it lately in this run: not longer ago than two of the longest pauses between probes.
    pub(super) fn is_tried(&self, policy: HealthPolicy, now: Timestamp) -> bool {
        let lately = policy.probe_longest * 2;
        self.tried_at.is_some_and(|at| now.since(at) <= lately)
    }

    /// When it next changes by itself, later than `now`: its probe is due, or its rates allow more. A probe that is due
    /// already waits for mail and not for the time.
    pub(super) fn changes_at(&self, now: Timestamp) -> Option<Timestamp> {
        let rate = self.rates.next_at(now);
        let at = match (self.health.next_probe_at(), rate) {
            (Some(probe), Some(rate)) => Some(probe.max(rate)),
            (probe, rate) => probe.or(rate),
        };
        let pause = self.pause.as_ref().map(|pause| pause.until);
        let ready = Some(self.account.ready_at(self.id, now));
        let paced = (self.account.pace(now) == 0).then(|| now.plus(PACE_STEP));
        [at, pause, ready, paced]
            .into_iter()
            .flatten()
            .filter(|at| *at > now)
            .min()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.account.forget(self.id);
    }
}

/// Whether the relay saw a message that it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tried {
    Yes,
    No,
}

#[cfg(test)]
mod tests;
