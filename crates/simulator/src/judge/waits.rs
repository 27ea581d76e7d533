//! Mail that waits, and what it waits for.

use postroom_engine::{Place, RelayStatus};
use postroom_store::LimitsNow;

use super::*;

/// The highest limits of the true day: what was used before they were lowered stays used.
#[derive(Debug, Default)]
pub(super) struct Granted {
    day: i64,
    user: u64,
    system: u64,
}

impl Granted {
    fn add(&mut self, limits: &LimitsNow, day: i64) {
        let known = |limit| if limit == 0 { u64::MAX } else { limit };
        let (user, system) = (known(limits.user), known(limits.system));
        *self = if day == self.day {
            Self {
                day,
                user: user.max(self.user),
                system: system.max(self.system),
            }
        } else {
            Self { day, user, system }
        };
    }
}

impl Judge {
    pub(super) async fn sending(
        &mut self,
        sight: &Sight<'_>,
        id: MessageId,
        row: &Row,
        known: &mut Known,
    ) -> Result<(), StoreError> {
        let now = sight.clock.elapsed();
        let situation = sight.store.situation(&Scope::everything(), id).await?;
        let under_way = situation
            .and_then(|s| s.waits)
            .and_then(|waits| waits.under_way_since)
            .map_or(0, |at| at.as_micros());
        let lease = (row.attempts, under_way);
        let since = match known.lease {
            Some((same, since)) if same == lease => since,
            _ => now,
        };
        known.lease = Some((lease, since));
        let office = known.letter.office;
        // What began while a relay was bad may wait for an answer that never comes.
        let began_well = Self::good_since(sight, office).is_some_and(|good| good < since);
        let ends = if began_well { LEASE_ENDS } else { ECHO };
        if self.is_good(sight, office, since, ends) || self.is_calm(sight, since, Duration::from_hours(2)) {
            let what = format!(
                "letter {} is in \"sending\" since {} s",
                known.letter.number,
                (now - since).as_secs()
            );
            self.broken(Rule::LeaseEnds, now, what);
        }
        Ok(())
    }

    pub(super) fn due(&mut self, sight: &Sight<'_>, row: &Row, known: &mut Known) {
        let now = sight.clock.elapsed();
        let wall = sight.clock.now();
        let (number, office) = (known.letter.number, known.letter.office);
        let righted = sight.right_since.is_some_and(|right| right + RIGHTED < now);
        if righted
            && let Some(at) = row.next_attempt_at
            && at.since(wall) > FURTHEST
        {
            let what = format!("letter {number} waits for {} h", at.since(wall).as_secs() / 3_600);
            self.broken(Rule::TimesAreNear, now, what);
        }
        let late = row.next_attempt_at.map_or(now - known.since, |at| wall.since(at));
        // What was before it when it came is carried first.
        known.goes = known.goes.max(GOES + self.carrying(sight, office));
        let goes = known.goes;
        let suffers = Self::suffers(sight, office, known.letter.sender, known.since);
        if late > goes && !suffers && self.is_good(sight, office, known.since.max(sight.began), goes) {
            let what = format!(
                "letter {number} is {} and late by {} s, and nothing keeps it",
                row.state.name(),
                late.as_secs()
            );
            self.broken(Rule::DueGoes, now, what);
        }
        self.waits_too_long(sight, known);
    }

    /// Whether a relay of an office refuses this sender, or hangs up on their mail, or did so from then on.
    fn suffers(sight: &Sight<'_>, office: u8, sender: Sender, from: Duration) -> bool {
        let mut relays = sight.relays.iter().skip(usize::from(office) * 2).take(2);
        relays.any(|relay| relay.state().was_bad_for(sender, from))
    }

    /// Whether an office's relays are Down by the mail of this sender, on which one of them hung up from then on: others'
    /// mail would show that they work.
    pub(super) fn is_kept_by(sight: &Sight<'_>, office: u8, sender: Sender, from: Duration) -> bool {
        let relays = sight.engine.map(|engine| engine.status().relays);
        let mut of_route = relays
            .iter()
            .flatten()
            .filter(|relay| relay.route == route(office));
        of_route.all(|relay| relay.state != HealthState::Up) && Self::suffers(sight, office, sender, from)
    }

    /// How long the slower of an office's relays takes for all of its mail, one after the other.
    pub(super) fn carrying(&self, sight: &Sight<'_>, office: u8) -> Duration {
        let relays = sight.relays.iter().skip(usize::from(office) * 2).take(2);
        let known = sight.engine.map(EngineHandle::status);
        let known = known.iter().flat_map(|status| &status.relays);
        let learnt = known
            .filter(|relay| relay.route == route(office))
            .filter_map(|relay| relay.limits.recipients);
        let learnt = learnt.min().unwrap_or(u32::MAX);
        let of_relay = |relay: &Relay| {
            let relay = relay.state();
            // What was learnt of a limit lasts longer than it.
            let most = relay.ways.recipients.unwrap_or(u32::MAX).min(learnt);
            let mail = self.open.values().filter(|known| known.letter.office == office);
            let transactions: u32 = mail
                .map(|known| u32::from(known.letter.recipients).max(1).div_ceil(most))
                .sum();
            let setup = &relay.setup;
            let one = Duration::from_millis(setup.latency_ms * 8 + setup.dot_ms + setup.quit_ms);
            let paced = Duration::from_mins(1) / setup.per_minute.max(1);
            let one = if setup.per_minute > 0 { one.max(paced) } else { one };
            one * transactions
        };
        relays.map(of_relay).max().unwrap_or_default()
    }

    /// Mail for which no relay was there for longer than it may wait.
    pub(super) fn waits_too_long(&mut self, sight: &Sight<'_>, known: &Known) {
        let now = sight.clock.elapsed();
        let mut from = known.waits_from.max(sight.began);
        let Some(engine) = sight.engine else { return };
        for relay in engine.status().relays {
            if relay.route != route(known.letter.office) {
                continue;
            }
            match relay.since {
                Some(at) if relay.state != HealthState::Up => from = from.max(sight.clock.true_time(at)),
                _ => return,
            }
        }
        if self.is_calm(sight, from, sight.max_wait + EXPIRES) {
            let what = format!(
                "letter {} waits for relays that are Down for {} min",
                known.letter.number,
                (now - from).as_secs() / 60
            );
            self.broken(Rule::ExpiresInTime, now, what);
        }
    }

    pub(super) fn held(&mut self, sight: &Sight<'_>, row: &Row, known: &Known) {
        let now = sight.clock.elapsed();
        let wall = sight.clock.now();
        let Some(hold) = &row.hold else { return };
        let limits = [HoldReason::SystemLimit, HoldReason::UserLimit];
        if !limits.iter().any(|reason| reason.name() == hold.reason) {
            return;
        }
        let Some(until) = hold.until else {
            let what = format!("letter {} is held for no time", known.letter.number);
            return self.broken(Rule::TimesAreNear, now, what);
        };
        let righted = sight.right_since.is_some_and(|right| right + RIGHTED < now);
        // A day that a clock showed too early stays the day that counts, where it is the next one.
        let days = if sight.clock.days_shown() > 1 { 2 } else { 1 };
        if righted && until.since(wall) > Duration::from_hours(24 * days + 1) {
            let what = format!(
                "letter {} is held for {} h",
                known.letter.number,
                until.since(wall).as_secs() / 3_600
            );
            self.broken(Rule::TimesAreNear, now, what);
        }
        if wall.since(until) > LATE && self.is_calm(sight, sight.began, LATE) {
            let what = format!("letter {} is held past its day", known.letter.number);
            self.broken(Rule::TimesAreKept, now, what);
        }
    }

    /// No route whose relays behave is without one while mail waits, and its first serves again once there is mail that
    /// has not been tried: other mail does not probe it while the second serves.
    pub(super) fn health(&mut self, sight: &Sight<'_>) {
        let Some(engine) = sight.engine else { return };
        let now = sight.clock.elapsed();
        let relays = engine.status().relays;
        for status in &relays {
            let office = u8::try_from(status.route.0 - 1).unwrap_or(u8::MAX);
            if status.place != Place::First || status.state == HealthState::Up {
                continue;
            }
            let of_route = relays.iter().filter(|relay| relay.route == status.route);
            let is_served = of_route.clone().any(|relay| relay.state == HealthState::Up);
            let since =
                |relay: &RelayStatus| relay.since.map_or(Duration::ZERO, |at| sight.clock.true_time(at));
            let changed = of_route.map(since).max().unwrap_or_default();
            let good = Self::good_since(sight, office).unwrap_or(Duration::MAX);
            // Mail on which the relays hang up shows nothing good of them, and may be what probed last.
            let shown = good.max(sight.began).max(changed);
            let suffers = |sender| Self::suffers(sight, office, sender, shown);
            let vain = self
                .fresh
                .iter()
                .filter(|&(&(of, sender), _)| of == office && suffers(sender));
            let from = vain.map(|(_, &fresh)| fresh).max().unwrap_or_default().max(shown);
            let waits = self.open.values().any(|known| {
                let probes = known.state == MessageState::Queued
                    || (known.state == MessageState::Deferred && known.attempts < KEEPS_ATTEMPTS);
                known.letter.office == office
                    && probes
                    && known.since.max(changed) + GOES < now
                    && !suffers(known.letter.sender)
            });
            let would_probe = self.fresh.iter().any(|(&(of, sender), &fresh)| {
                of == office && fresh > from.saturating_add(PROBED) && fresh + GOES < now && !suffers(sender)
            });
            if (would_probe || (waits && !is_served)) && self.is_good(sight, office, sight.began, GOES) {
                let what = format!("route {} place {:?} stays Down", route(office), status.place);
                self.broken(Rule::ComesUp, now, what);
            }
        }
    }

    pub(super) async fn limits(&mut self, sight: &Sight<'_>) -> Result<(), StoreError> {
        let limits = sight.store.limits(sight.clock.now()).await?;
        let days = sight.clock.days_shown();
        self.granted.add(&limits, sight.clock.right().utc_day());
        let passed = |limit: u64, used: u64| used > limit.saturating_mul(days);
        if passed(self.granted.system, limits.system_used) || passed(self.granted.user, limits.user_used_most)
        {
            let what = format!(
                "{} of {} and {} of {} were taken",
                limits.system_used, limits.system, limits.user_used_most, limits.user
            );
            self.broken(Rule::DailyLimits, sight.clock.elapsed(), what);
        }
        Ok(())
    }

    /// Whether everything but relays was well for so long, and the clock right.
    pub(super) fn is_calm(&self, sight: &Sight<'_>, since: Duration, long: Duration) -> bool {
        let now = sight.clock.elapsed();
        let right = sight.right_since.is_some_and(|right| right + RIGHTED < now);
        right && sight.calm_since.is_some_and(|calm| calm.max(since) + long < now)
    }

    /// Since when every relay of an office behaves.
    pub(super) fn good_since(sight: &Sight<'_>, office: u8) -> Option<Duration> {
        let first = usize::from(office) * 2;
        let relays = sight.relays.get(first..first + 2)?;
        let mut since = Duration::ZERO;
        for relay in relays {
            since = since.max(relay.state().good_since()?);
        }
        Some(since)
    }

    pub(super) fn is_good(&self, sight: &Sight<'_>, office: u8, since: Duration, long: Duration) -> bool {
        Self::good_since(sight, office).is_some_and(|good| self.is_calm(sight, good.max(since), long))
    }
}
