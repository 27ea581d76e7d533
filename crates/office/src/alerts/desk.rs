//! Turns facts into alerts, step by step.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::tz::TimeZone;
use postroom_domain::alert::{About, Occasion, Outage, Reader};
use postroom_domain::{Clock, Timestamp, UserId};
use postroom_store::{Consumer, Fact, FactId, Raise, RaiseBatch, Store, StoreError, WaitingMail};

use super::plan::{Meaning, Moment, Plan, meaning};
use super::snapshot::{ServerRelay, Snapshot};
use crate::notices::{NoticeError, Notices};

/// Facts of one step.
const FACTS: u32 = 256;
/// People whom the facts of one transaction concern; the last of them may add more.
const PEOPLE: usize = 200;
/// Alerts of one transaction: the contract's limit.
const RAISES: usize = 256;
/// How often an outage is looked at for senders whose mail came later.
const LATECOMERS_EVERY: Duration = Duration::from_mins(1);

/// What the desk is told.
#[derive(Debug, Clone)]
pub struct AlertSettings {
    /// Where the server's own relay is set.
    pub server_relay: ServerRelay,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stepped {
    /// There may be more to do at once.
    More,
    /// Nothing until something happens.
    Idle,
}

/// Turns facts into alerts and mails them.
pub struct AlertDesk {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    notices: Arc<Notices>,
    settings: Arc<ArcSwap<AlertSettings>>,
    latecomers_at: Timestamp,
}

impl fmt::Debug for AlertDesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlertDesk").finish_non_exhaustive()
    }
}

impl AlertDesk {
    /// Reads facts of `store` and mails through `notices`; the settings may change at any time.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        notices: Arc<Notices>,
        settings: Arc<ArcSwap<AlertSettings>>,
    ) -> Self {
        let latecomers_at = clock.steady().plus(LATECOMERS_EVERY);
        Self {
            store,
            clock,
            notices,
            settings,
            latecomers_at,
        }
    }

    /// Does a bounded part of what there is to do: facts first, then latecomers of an outage, then mail.
    ///
    /// # Errors
    /// Those of the store; what was done stays done, and the rest is done by a later step.
    pub async fn step(&mut self) -> Result<Stepped, StoreError> {
        let facts = self.store.facts(Consumer::Alerts, FACTS).await?;
        if let Some(last) = facts.last() {
            let snapshot = Snapshot::read(&*self.store).await?;
            let last = last.id;
            let passed = self.facts(&facts, &snapshot).await?;
            if passed < last || facts.len() >= usize::try_from(FACTS).unwrap_or(0) {
                return Ok(Stepped::More);
            }
        }
        self.latecomers().await?;
        self.mail().await
    }

    /// The store, for the loop.
    pub(super) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Whose midnight parts the days: the limits'.
    async fn zone(&self) -> Result<TimeZone, StoreError> {
        let limits = self.store.limits(self.clock.now()).await?;
        Ok(TimeZone::get(&limits.time_zone).unwrap_or(TimeZone::UTC))
    }

    /// Raises what the first facts come to, and answers up to which it came. A relay's edge may concern thousands: it
    /// is a part of its own.
    async fn facts(&self, facts: &[Fact], snapshot: &Snapshot) -> Result<FactId, StoreError> {
        let brand = self.notices.settings().brand.clone();
        let zone = self.zone().await?;
        let mut plan = Plan::default();
        let mut passed = None;
        for fact in facts {
            let day = day(fact.at, &zone);
            let mut moment = Moment {
                snapshot,
                brand: &brand,
                day: &day,
                at: fact.at,
                fact: Some(fact.id),
            };
            match meaning(fact, snapshot, self.settings.load().server_relay) {
                Meaning::Nothing => {}
                Meaning::Narrow(occasion, about) => {
                    if !self.is_repeated(&occasion, &day, &plan).await? {
                        let people = snapshot.staff.concerned(&occasion, &about);
                        plan.add(&occasion, people, &moment);
                    }
                }
                Meaning::Down(..) | Meaning::Up(..) if passed.is_some() => break,
                Meaning::Down(occasion, about, outage, waiting) => {
                    moment.fact = None;
                    self.went_down(&occasion, about, &moment).await?;
                    if waiting == WaitingMail::Waits {
                        self.tell_senders(&occasion, &outage, &moment).await?;
                    }
                    passed = Some(fact.id);
                    break;
                }
                Meaning::Up(occasion, outage) => {
                    moment.fact = None;
                    self.came_up(&occasion, &outage, &moment).await?;
                    passed = Some(fact.id);
                    break;
                }
            }
            passed = Some(fact.id);
            if plan.len() >= PEOPLE {
                break;
            }
        }
        let Some(to) = passed else {
            return Ok(FactId(0));
        };
        self.raise(plan.into_raises(), Some(to)).await?;
        Ok(to)
    }

    /// Whether the cause was told already and only its first time is an alert.
    async fn is_repeated(&self, occasion: &Occasion, day: &str, plan: &Plan) -> Result<bool, StoreError> {
        if !occasion.is_first_alone() {
            return Ok(false);
        }
        let key = occasion.key(day);
        Ok(plan.has(&key) || !self.store.alerted(&key, None).await?.is_empty())
    }

    async fn went_down(
        &self,
        occasion: &Occasion,
        about: About,
        moment: &Moment<'_>,
    ) -> Result<(), StoreError> {
        let people = moment.snapshot.staff.concerned(occasion, &about);
        self.tell(occasion, &people, moment).await
    }

    /// Tells each sender whose mail waits, who was not told of this outage yet.
    async fn tell_senders(
        &self,
        occasion: &Occasion,
        outage: &Outage,
        moment: &Moment<'_>,
    ) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let part = self.store.waiting_senders(outage.route, after).await?;
            let people: Vec<_> = part
                .senders
                .iter()
                .filter(|(sender, _)| moment.snapshot.staff.member(*sender).is_some())
                .map(|(sender, _)| (*sender, Reader::Sender))
                .collect();
            self.tell(occasion, &people, moment).await?;
            after = part.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn came_up(
        &self,
        occasion: &Occasion,
        outage: &Outage,
        moment: &Moment<'_>,
    ) -> Result<(), StoreError> {
        let (key, mut after) = (outage.down_key(), None);
        loop {
            let told = self.store.alerted(&key, after).await?;
            let Some(&last) = told.last() else {
                return Ok(());
            };
            let people: Vec<_> = told.into_iter().map(|id| (id, Reader::Sender)).collect();
            self.tell(occasion, &people, moment).await?;
            after = Some(last);
        }
    }

    /// Tells any number of people, in parts.
    async fn tell(
        &self,
        occasion: &Occasion,
        people: &[(UserId, Reader)],
        moment: &Moment<'_>,
    ) -> Result<(), StoreError> {
        let key = occasion.key(moment.day);
        for part in people.chunks(PEOPLE) {
            let raises = part
                .iter()
                .map(|&(person, reader)| moment.raise(occasion, &key, person, reader))
                .collect();
            self.raise(raises, None).await?;
        }
        Ok(())
    }

    async fn raise(&self, mut raises: Vec<Raise>, passed: Option<FactId>) -> Result<(), StoreError> {
        // A single fact can concern more people than one transaction takes: the cursor moves with the last part.
        while raises.len() > RAISES {
            let part = raises.drain(..RAISES).collect();
            self.store
                .raise(RaiseBatch {
                    raises: part,
                    passed: None,
                })
                .await?;
        }
        let passed = passed.map(|to| (Consumer::Alerts, to));
        self.store.raise(RaiseBatch { raises, passed }).await
    }

    /// Tells senders of an outage whose mail came after it began: once each, like the others.
    async fn latecomers(&mut self) -> Result<(), StoreError> {
        let now = self.clock.steady();
        if now < self.latecomers_at {
            return Ok(());
        }
        self.latecomers_at = now.plus(LATECOMERS_EVERY);
        let relays = self.store.relay_states().await?;
        let down: Vec<_> = relays
            .into_iter()
            .filter(|relay| relay.down.is_some() && relay.mail == WaitingMail::Waits)
            .collect();
        if down.is_empty() {
            return Ok(());
        }
        let snapshot = Snapshot::read(&*self.store).await?;
        let brand = self.notices.settings().brand.clone();
        for relay in down {
            let outage = Outage {
                route: relay.route,
                place: relay.place,
                relay: relay.name,
                number: relay.epoch,
            };
            let occasion = Occasion::Down {
                outage: outage.clone(),
                home: snapshot.home(relay.route, self.settings.load().server_relay),
                error: relay.down.map(|error| error.to_string()).unwrap_or_default(),
            };
            // Its beginning is told first, with the fact.
            if self.store.alerted(&outage.down_key(), None).await?.is_empty() {
                continue;
            }
            let moment = Moment {
                snapshot: &snapshot,
                brand: &brand,
                day: "",
                at: self.clock.now(),
                fact: None,
            };
            self.tell_senders(&occasion, &outage, &moment).await?;
        }
        Ok(())
    }

    /// Mails alerts to those who chose so, each once.
    async fn mail(&self) -> Result<Stepped, StoreError> {
        let alerts = self.store.alerts_to_mail().await?;
        if alerts.is_empty() {
            return Ok(Stepped::Idle);
        }
        let mut mailed = Vec::with_capacity(alerts.len());
        let mut stepped = Stepped::More;
        for alert in alerts {
            let person = match self.store.user(alert.person).await {
                Err(error) if error.is_of_content() => {
                    tracing::error!(alert.id = alert.id.0, %error, "an alert is not mailed: whose it is cannot be read");
                    None
                }
                read => read?,
            };
            let Some(person) = person.filter(|person| !person.disabled) else {
                mailed.push(alert.id);
                continue;
            };
            match self.notices.mail_alert(&alert, &person).await {
                Ok(()) => mailed.push(alert.id),
                Err(NoticeError::Later(_)) => {
                    stepped = Stepped::Idle;
                    break;
                }
                Err(error @ (NoticeError::Refused(_) | NoticeError::Template(_))) => {
                    tracing::warn!(alert.id = alert.id.0, user.id = %person.id, %error, "an alert is not mailed");
                    mailed.push(alert.id);
                }
            }
        }
        if !mailed.is_empty() {
            self.store.alerts_mailed(&mailed).await?;
        }
        Ok(stepped)
    }
}

/// The day of a time, `2026-11-23`.
fn day(at: Timestamp, zone: &TimeZone) -> String {
    let at = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned(zone.clone()).date().to_string()
}
