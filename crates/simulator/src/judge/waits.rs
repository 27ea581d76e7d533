//! Mail that waits, and what it waits for.

use super::*;

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
        if self.is_good(sight, office, since, LEASE_ENDS)
            || self.is_calm(sight, since, Duration::from_hours(2))
        {
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
        if late > GOES && self.is_good(sight, office, known.since.max(sight.began), GOES) {
            let what = format!(
                "letter {number} is {} and late by {} s, and nothing keeps it",
                row.state.name(),
                late.as_secs()
            );
            self.broken(Rule::DueGoes, now, what);
        }
        self.waits_too_long(sight, known);
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
        if righted && until.since(wall) > Duration::from_hours(25) {
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

    pub(super) fn health(&mut self, sight: &Sight<'_>) {
        let Some(engine) = sight.engine else { return };
        let now = sight.clock.elapsed();
        for status in engine.status().relays {
            let office = u8::try_from(status.route.0 - 1).unwrap_or(u8::MAX);
            let waits = self.open.values().any(|known| {
                known.letter.office == office
                    && matches!(known.state, MessageState::Queued | MessageState::Deferred)
                    && known.since + GOES < now
            });
            let first = status.place == postroom_engine::Place::First;
            if first
                && waits
                && status.state != HealthState::Up
                && self.is_good(sight, office, sight.began, GOES)
            {
                let what = format!("route {} place {:?} stays Down", route(office), status.place);
                self.broken(Rule::ComesUp, now, what);
            }
        }
    }

    pub(super) async fn limits(&mut self, sight: &Sight<'_>) -> Result<(), StoreError> {
        let limits = sight.store.limits(sight.clock.now()).await?;
        let passed = |limit: u64, used: u64| limit > 0 && used > limit;
        if passed(limits.system, limits.system_used) || passed(limits.user, limits.user_used_most) {
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
