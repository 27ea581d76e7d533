//! A route: its relay, and the second one that takes over while the first is Down (SPEC D1).

use std::time::Duration;

use postroom_domain::health::HealthPolicy;
use postroom_domain::{Reply, RouteId, Timestamp};

use super::relay::{Relay, RelayId, RelayLimits};
use super::{Patience, SeekProbe, Suits};
use crate::settings::Pace;

/// How often at most a search for a probe that found nothing is repeated because mail began to wait.
pub(super) const SEARCH_EVERY: Duration = Duration::from_secs(10);

/// A route.
#[derive(Debug)]
pub(super) struct Route {
    /// The first serves while it is Up, else the second; never none.
    pub(super) relays: Vec<Relay>,
    /// Whether a lease may find mail; false after one that found less than it asked for.
    pub(super) promising: bool,
    pub(super) exhaust_at: Timestamp,
    /// Whether deferred mail was looked through for the probe that is due.
    pub(super) sought: Sought,
    /// When it was last sought.
    searched_at: Timestamp,
    /// When a search that found nothing is repeated.
    pub(super) search_at: Option<Timestamp>,
}

/// Which messages were sought for a probe that is due, and are due now where there were any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sought {
    /// None.
    NotYet,
    /// Those of other senders than the one whose mail failed last.
    OfOthers,
    /// All.
    Done,
}

impl Route {
    pub(super) fn new(relays: &[RelayLimits], policy: HealthPolicy, now: Timestamp) -> Self {
        Self {
            relays: relays
                .iter()
                .cloned()
                .map(|limits| Relay::new(limits, policy))
                .collect(),
            promising: true,
            exhaust_at: now,
            sought: Sought::NotYet,
            searched_at: now,
            search_at: None,
        }
    }

    /// Takes over what is known of the route as it was: each relay follows the one in the same place.
    pub(super) fn in_place_of(self, old: &Self, policy: HealthPolicy, now: Timestamp) -> Self {
        let mut olds = old.relays.iter();
        let follow = |relay: Relay| match olds.next() {
            Some(old) => relay.in_place_of(old, policy, now),
            None => relay,
        };
        Self {
            relays: self.relays.into_iter().map(follow).collect(),
            exhaust_at: old.exhaust_at,
            ..self
        }
    }

    /// What each relay of the route can take now: the first that serves takes mail, and those before it that are Down take
    /// their probes first, or the serving one's capacity would leave them none. A relay behind the serving one is not
    /// probed: nobody's mail is spent on a relay that is not needed. While the serving one can take nothing there is no
    /// probe either: a message that does not suit it could go nowhere.
    pub(super) fn grants(&self, now: Timestamp) -> Vec<(RelayId, u32, Suits)> {
        let serving = self.relays.iter().position(|relay| relay.serves(now));
        let before = serving.unwrap_or(self.relays.len());
        let probed = if serving.is_some() {
            Suits::Untried
        } else {
            Suits::Any
        };
        let probes = self.relays.iter().take(before);
        let mut probes: Vec<_> = probes.filter(|relay| relay.wants_probe(now)).collect();
        // Where one message is all there is, it tries them in turn.
        probes.sort_by_key(|relay| relay.health.next_probe_at());
        let probes = probes.into_iter().map(|relay| (relay, probed));
        let serves = serving.and_then(|at| self.relays.get(at));
        if serves.is_some_and(|relay| relay.capacity(now) == 0) {
            return Vec::new();
        }
        probes
            .chain(serves.map(|relay| (relay, Suits::Any)))
            .map(|(relay, suits)| (relay.id, relay.capacity(now), suits))
            .filter(|(_, n, _)| *n > 0)
            .collect()
    }

    /// Whether waiting mail stays where it is: no relay serves and none wants a probe.
    pub(super) fn is_blocked(&self, now: Timestamp) -> bool {
        !self
            .relays
            .iter()
            .any(|relay| relay.serves(now) || relay.wants_probe(now))
    }

    /// Whether mail can count on a relay of the route.
    pub(super) fn is_served(&self) -> bool {
        self.relays.iter().any(Relay::is_fit)
    }

    /// The clock was moved by so many microseconds.
    pub(super) fn clock_moved(&mut self, micros: i64) {
        for at in [&mut self.exhaust_at, &mut self.searched_at] {
            *at = at.moved(micros);
        }
        self.search_at = self.search_at.map(|at| at.moved(micros));
    }

    /// A search begins.
    pub(super) fn searches(&mut self, seek: &SeekProbe, now: Timestamp) {
        self.searched_at = now;
        self.search_at = None;
        self.sought = match seek.not_of {
            Some(_) => Sought::OfOthers,
            None => Sought::Done,
        };
    }

    /// Has a search that found nothing repeated, so long after it: mail waits that it did not see, or wants it tried.
    pub(super) fn repeat_search(&mut self, after: Duration) {
        if self.sought == Sought::Done {
            let at = self.searched_at.plus(after);
            self.search_at = Some(self.search_at.map_or(at, |earlier| earlier.min(at)));
        }
    }

    /// Repeats a search whose time has come.
    pub(super) fn look_again(&mut self, now: Timestamp) {
        if self.search_at.is_some_and(|at| at <= now) {
            self.search_at = None;
            self.sought = Sought::NotYet;
        }
    }

    /// The message to seek where a probe is due: first one of another sender, where the last failure may have been its
    /// sender's doing, then any, where no ready one is there for it.
    ///
    /// Mail that is about to fail because it waited for `max_wait` may be sought whatever attempts it had.
    pub(super) fn lacks_probe(
        &self,
        route: RouteId,
        patience: Patience,
        now: Timestamp,
    ) -> Option<SeekProbe> {
        if self.sought == Sought::Done || self.relays.iter().any(|relay| relay.serves(now)) {
            return None;
        }
        let due = self.relays.iter().filter(|relay| relay.wants_probe(now));
        let relay = due.min_by_key(|relay| relay.health.next_probe_at())?;
        let not_of = relay.health.suspect().filter(|_| self.sought == Sought::NotYet);
        let outage = self
            .outage()
            .filter(|(since, _)| now.since(*since) >= patience.max_wait);
        let since_before = outage.map(|_| now.minus(patience.max_wait));
        (!self.promising || not_of.is_some()).then(|| SeekProbe {
            route,
            behind: relay.health.last_probe(),
            not_of,
            // Another sender's mail may well go, where one sender's alone is known not to.
            attempts_below: match not_of {
                Some(_) if relay.health.suspects_one() => u32::MAX,
                _ => patience.early,
            },
            since_before,
        })
    }

    /// Whether a message tried each relay that is Down lately in this run. One whose address is refused cannot be tried.
    pub(super) fn is_tried(&self, policy: HealthPolicy, now: Timestamp) -> bool {
        let mut down = self.relays.iter().filter(|relay| !relay.is_up());
        down.all(|relay| relay.is_tried(policy, now))
    }

    /// Whether the route's oldest mail is to be looked at, once in a while when no relay has served it for long: since
    /// before when mail has waited too long, and the last error of a relay that is Down. Mail fails only where a message found lately that
    /// no relay takes it; else one is to be sought first.
    pub(super) fn expires(
        &mut self,
        max_wait: Duration,
        (policy, pace): (HealthPolicy, Pace),
        now: Timestamp,
    ) -> Option<(Timestamp, Reply)> {
        if self.exhaust_at > now {
            return None;
        }
        let (since, error) = self.outage()?;
        if now.since(since) < max_wait {
            return None;
        }
        let expired = (now.minus(max_wait), error.clone());
        if !self.is_tried(policy, now) {
            self.repeat_search(pace.exhaust_every);
            return None;
        }
        self.exhaust_at = now.plus(pace.exhaust_every);
        Some(expired)
    }

    /// Since when mail can count on no relay, without the time in which no server ran or sent, and what the first that is
    /// Down said last.
    ///
    /// A relay whose address is refused is left out, as if the route did not have it: mail fails for the outage of the
    /// other one, as it would with that one alone. Where every relay is refused there is no outage, and mail waits for
    /// somebody to allow one, however long that takes.
    pub(super) fn outage(&self) -> Option<(Timestamp, &Reply)> {
        if self.is_served() {
            return None;
        }
        let mut down = self.relays.iter().filter(|relay| !relay.is_up());
        let error = down.find_map(|relay| relay.health.last_error())?;
        let since = self.relays.iter().filter_map(Relay::unfit_since).max()?;
        Some((since, error))
    }
}
