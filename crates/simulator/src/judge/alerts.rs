//! What people are told: once for each cause, of each end, with a time that can be.

use std::collections::BTreeSet;

use postroom_domain::alert::AlertKind;
use postroom_domain::{Category, UserId};
use postroom_store::{
    Alert, AlertPage, Alerts as _, DailyLimit, Fact, FailedDetail, LimitDetail, WhichAlerts,
};

use super::*;
use crate::letters::{ADMINISTRATOR, Sender};

/// Alerts of one page.
const PAGE: u32 = 200;
/// The furthest that a clock is ever set back.
const CLOCK_BACK: Duration = Duration::from_hours(24 * 40);

/// What facts came to, by person.
#[derive(Debug, Default)]
pub(super) struct Causes {
    /// Outages of an office's relays that began, and that ended, by the office's place.
    began: BTreeMap<u8, u64>,
    ended: BTreeMap<u8, u64>,
    /// Days on which the limit of each user held mail of the person.
    limited: BTreeMap<UserId, BTreeSet<String>>,
    /// Days on which the limit of the server held mail of the person.
    limited_all: BTreeMap<UserId, BTreeSet<String>>,
    /// Messages of which the person was to hear that they failed.
    failed: BTreeMap<UserId, u64>,
    /// Messages that were found damaged.
    damaged: u64,
    /// Whether something was added since alerts were looked at.
    pub(super) news: bool,
}

impl Causes {
    /// Adds a fact.
    pub(super) fn add(&mut self, fact: &Fact) {
        self.news = true;
        match fact.kind {
            FactKind::RelayDown | FactKind::RelayUp => {
                let Some(detail) = fact.detail::<RelayDetail>() else {
                    return;
                };
                let place = u8::try_from(detail.route - 1).unwrap_or(0);
                let edges = if fact.kind == FactKind::RelayUp {
                    &mut self.ended
                } else {
                    &mut self.began
                };
                *edges.entry(place).or_default() += 1;
            }
            FactKind::LimitReached => {
                let Some(detail) = fact.detail::<LimitDetail>() else {
                    return;
                };
                let days = match detail.limit {
                    DailyLimit::System => &mut self.limited_all,
                    DailyLimit::User => &mut self.limited,
                };
                days.entry(fact.person.unwrap_or(UserId(0)))
                    .or_default()
                    .insert(detail.day);
            }
            FactKind::MessageFailed => {
                let Some(detail) = fact.detail::<FailedDetail>() else {
                    return;
                };
                let place = u8::try_from(fact.office.0 - 1).unwrap_or(0);
                let person = match (detail.kind.category(), fact.person) {
                    (Category::User, Some(person)) => person,
                    _ => Sender::of(place, ADMINISTRATOR).user(),
                };
                *self.failed.entry(person).or_default() += 1;
            }
            FactKind::MessageDamaged => self.damaged += 1,
            FactKind::RelayTrouble | FactKind::ServerTrouble => {}
        }
    }
}

impl Judge {
    /// Compares everybody's alerts with what happened. Whoever raises them has nothing left to do.
    pub(crate) async fn alerts(&mut self, sight: &Sight<'_>) -> Result<(), StoreError> {
        if !std::mem::take(&mut self.causes.news) {
            return Ok(());
        }
        for place in 0..u8::try_from(sight.relays.len() / 2).unwrap_or(0) {
            for sender in 0..=ADMINISTRATOR {
                let person = Sender::of(place, sender).user();
                let alerts = all_alerts(sight, person).await?;
                self.person(sight, place, person, &alerts);
            }
        }
        self.outages_as_stored(sight).await
    }

    fn person(&mut self, sight: &Sight<'_>, place: u8, person: UserId, alerts: &[Alert]) {
        let now = sight.clock.elapsed();
        let of = |kind| alerts.iter().filter(move |alert| alert.kind == kind);
        let mut wrong = Vec::new();
        let mut is = |what: &str, told: u64, right: std::ops::RangeInclusive<u64>| {
            if !right.contains(&told) {
                wrong.push(format!("{person} was told {told} times {what}, of {right:?}"));
            }
        };
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let (down, up) = (
            count(of(AlertKind::ServerDown).count()),
            count(of(AlertKind::ServerUp).count()),
        );
        let began = self.causes.began.get(&place).copied().unwrap_or(0);
        let ended = self.causes.ended.get(&place).copied().unwrap_or(0);
        if person == Sender::of(place, ADMINISTRATOR).user() {
            is("that a relay is Down", down, began..=began);
            is("that a relay is Up", up, ended..=ended);
            let told: u64 = of(AlertKind::Damaged).map(|alert| alert.count).sum();
            let found = if place == 0 { self.causes.damaged } else { 0 };
            is("of damage", told, found..=found);
        } else {
            is("that a relay is Down", down, 0..=began);
            is(
                "that a relay is Up",
                up,
                down.saturating_sub(began - ended)..=down,
            );
            let days = |of: &BTreeMap<UserId, BTreeSet<String>>| of.get(&person).map_or(0, BTreeSet::len);
            let limited = count(days(&self.causes.limited));
            let told = count(of(AlertKind::LimitReached).count());
            let most = limited + count(days(&self.causes.limited_all));
            is("of a daily limit", told, limited..=most);
        }
        let failed: u64 = of(AlertKind::Undeliverable).map(|alert| alert.count).sum();
        let right = self.causes.failed.get(&person).copied().unwrap_or(0);
        is("of mail that failed", failed, right..=right);
        let first = sight.clock.beginning().minus(CLOCK_BACK);
        if let Some(alert) = alerts.iter().find(|alert| alert.last_at < first) {
            wrong.push(format!(
                "{person} has an alert of {}: {}",
                alert.last_at, alert.title
            ));
        }
        for alert in alerts {
            self.coverage.see("alerts", alert.kind.name());
        }
        for what in wrong {
            self.broken(Rule::ToldOnce, now, what);
        }
    }

    /// What is stored of relays agrees with the edges that were told.
    async fn outages_as_stored(&mut self, sight: &Sight<'_>) -> Result<(), StoreError> {
        // What happened since the look began is read first.
        self.facts(sight.store, sight.clock, sight.relays, sight.right_since)
            .await?;
        for relay in sight.store.relay_states().await? {
            let told = self.edges.get(&(relay.route.0, relay.place));
            if relay.down.is_some() != (told == Some(&FactKind::RelayDown)) {
                let what = format!(
                    "{} is stored as {:?}, and {told:?} was told",
                    relay.name, relay.down
                );
                self.broken(Rule::ToldOnce, sight.clock.elapsed(), what);
            }
        }
        Ok(())
    }
}

async fn all_alerts(sight: &Sight<'_>, person: UserId) -> Result<Vec<Alert>, StoreError> {
    let mut all: Vec<Alert> = Vec::new();
    loop {
        let page = AlertPage {
            which: WhichAlerts::Open,
            after: all.last().map(|alert| (alert.last_at, alert.id)),
            limit: PAGE,
        };
        let some = sight.store.alerts(person, page).await?;
        let is_last = some.len() < usize::try_from(PAGE).unwrap_or(0);
        all.extend(some);
        if is_last {
            return Ok(all);
        }
    }
}
