//! One step: what to do now, and when to look again.

use postroom_domain::{MessageId, Reply, RouteId, Timestamp, UserId};
use postroom_store::Want;

use super::{RelayId, Scheduler};
use crate::settings::Sending;

/// What the loop is to do now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// Make one deferred message of these routes due: a probe waits for it.
    pub(crate) seek_probe: Vec<SeekProbe>,
    /// Release what waits for a day, a limit or the end of a pause.
    pub(crate) settle: bool,
    /// Make waiting mail ready, except of these routes.
    pub(crate) promote: Option<Vec<RouteId>>,
    /// Lease these.
    pub(crate) grants: Vec<Grant>,
    /// Fail the mail of these routes that waited since before the time.
    pub(crate) exhaust: Vec<(RouteId, Timestamp, Reply)>,
}

/// A deferred message that a probe waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SeekProbe {
    /// The route.
    pub(crate) route: RouteId,
    /// Behind this one, which probed last.
    pub(crate) behind: Option<MessageId>,
    /// Of another sender than this one, whose mail may have been what failed.
    pub(crate) not_of: Option<UserId>,
    /// With fewer attempts than this.
    pub(crate) attempts_below: u32,
    /// Or with a wait that began by then, and is over.
    pub(crate) since_before: Option<Timestamp>,
}

/// Messages of a route that a relay can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grant {
    /// How many of which route.
    pub(crate) want: Want,
    /// Who carries them.
    pub(crate) relay: RelayId,
    /// Which of them it may be given.
    pub(crate) suits: Suits,
}

/// Which messages suit a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suits {
    /// Any.
    Any,
    /// Those never tried: a probe of a relay that another stands in for. Each message is spent on that once at most.
    Untried,
}

/// The smallest step: one for a probe, one for the relay that serves meanwhile.
const STEP_LEAST: u32 = 2;

impl Scheduler {
    /// What to do at `now`.
    pub(crate) fn step(&mut self, now: Timestamp) -> Step {
        if self.sending == Sending::Paused {
            // A day begins for what is held although nothing leaves.
            return Step {
                settle: now >= self.settle_at,
                ..Step::default()
            };
        }
        if now >= self.look_at {
            self.look_at = now.plus(self.pace.look_every);
            self.mail_arrived();
        }
        let mut step = Step {
            settle: now >= self.settle_at,
            promote: self.promotes(now),
            grants: self.grants(now),
            ..Step::default()
        };
        for (&id, route) in &mut self.routes {
            route.look_again(now);
            if let Some(seek) = route.lacks_probe(id, self.patience, now) {
                route.searches(&seek, now);
                step.seek_probe.push(seek);
            }
            let expired = route.expires(self.patience.max_wait, (self.policy, self.pace), now);
            step.exhaust
                .extend(expired.map(|(before, error)| (id, before, error)));
        }
        step
    }

    fn lacks_probe(&self, now: Timestamp) -> bool {
        let mut routes = self.routes.iter();
        routes.any(|(&id, route)| route.lacks_probe(id, self.patience, now).is_some())
    }

    /// What to lease now for which relay, of all routes at most a step.
    fn grants(&self, now: Timestamp) -> Vec<Grant> {
        let mut left = self.pace.step.max(STEP_LEAST);
        let mut grants = Vec::new();
        for (&id, route) in self.routes.iter().filter(|(_, route)| route.promising) {
            if route.lacks_probe(id, self.patience, now).is_some() {
                continue;
            }
            for (relay, n, suits) in route.grants(now) {
                if suits == Suits::Untried && left <= n {
                    // What does not suit the probe needs a grant of the serving relay in the same step.
                    continue;
                }
                let n = n.min(left);
                left -= n;
                let want = Want { route: id, n };
                grants.extend((n > 0).then_some(Grant { want, relay, suits }));
            }
        }
        grants
    }

    /// Whether waiting mail is to be made ready, and of which routes not: when some of it is due, and when a route can be
    /// tried again that was left out.
    fn promotes(&mut self, now: Timestamp) -> Option<Vec<RouteId>> {
        let blocked = self.blocked(now);
        let is_due = now >= self.promote_at || self.left_out.iter().any(|route| !blocked.contains(route));
        is_due.then(|| {
            self.left_out.clone_from(&blocked);
            blocked
        })
    }

    /// When to step again though nothing happens: at once where there is something to do, else at the first time that
    /// something waits for.
    pub(crate) fn wake_at(&self, now: Timestamp) -> Timestamp {
        if self.sending == Sending::Paused {
            return self.settle_at.max(now);
        }
        if !self.grants(now).is_empty() || self.lacks_probe(now) {
            return now;
        }
        let relays = self.routes.values().flat_map(|route| &route.relays);
        let expiries = self.routes.values().filter_map(|route| {
            let (since, _) = route.outage()?;
            let at = route.exhaust_at.max(since.plus(self.patience.max_wait));
            // Else it waits for a message that tries the relay, or for the next search for one.
            (at > now || route.is_tried(self.policy, now)).then_some(at)
        });
        relays
            .filter_map(|relay| relay.changes_at(now))
            .chain(expiries)
            .chain(self.routes.values().filter_map(|route| route.search_at))
            .chain([self.promote_at, self.settle_at, self.look_at])
            .min()
            .unwrap_or(self.look_at)
            .max(now)
    }

    /// Routes whose waiting mail stays: no relay of theirs is Up, unless a probe is due and needs a message.
    fn blocked(&self, now: Timestamp) -> Vec<RouteId> {
        let blocked = self.routes.iter().filter(|(_, route)| route.is_blocked(now));
        blocked.map(|(&route, _)| route).collect()
    }
}
