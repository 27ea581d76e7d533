//! What the connections of a relay's account share: which of them work, and what was learnt of its limits (SPEC D8).
//!
//! Routes whose relays are the same server and mailbox share one account: the provider counts them together.

mod slot;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postroom_domain::{
    LearntLimits, LimitValues, Others, RateLimiter, Rates, RelayAccount, Throttle, Timestamp,
};
use postroom_smtp::client::Progress as ContentProgress;
use tokio::sync::Notify;
use tokio::time::Instant;

pub(crate) use self::slot::Slot;
use crate::scheduler::RelayId;

/// How long another session shows after its last answer that the relay works.
const WORKS_FOR: Duration = Duration::from_secs(30);
/// How long a connection that failed to open waits for those that opened at the same time.
const SETTLES_WITHIN: Duration = Duration::from_secs(30);
/// How long sessions that are open without an answer explain a refusal: RFC 5321 §4.5.3.2.6 allows the dot ten minutes.
const OPEN_COUNTS_FOR: Duration = Duration::from_mins(15);
/// How long a connection that has ended may still be one of those that the relay counts.
const ENDED_COUNTS_FOR: Duration = Duration::from_secs(30);
/// The first wait before a relay without a connection tries again for one, and the longest.
const CROWDED: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// An account.
#[derive(Debug)]
pub(crate) struct Account {
    name: RelayAccount,
    state: Mutex<State>,
    /// Told when a connection was answered, was refused or ended.
    settled: Notify,
}

#[derive(Debug, Default)]
struct State {
    limits: LearntLimits,
    /// Connections that are open or opening, by number.
    connections: BTreeMap<u64, Vital>,
    opened: u64,
    /// When the relay took a message last.
    took: Option<Timestamp>,
    /// When a connection that came as far as content ended last; the relay may notice late.
    ended: Option<Instant>,
    /// What it took in the last minute.
    taken: RateLimiter,
    /// Messages that its relays were given and are not done with.
    in_hand: BTreeMap<RelayId, u32>,
    /// Relays that have no connection because the others hold all of them.
    crowded: BTreeMap<RelayId, Crowded>,
}

/// What a connection showed last.
#[derive(Debug)]
struct Vital {
    relay: RelayId,
    /// When it showed last that the relay works; `None` before it was answered.
    shown: Option<Timestamp>,
    /// What else the account's connections showed while this one opened.
    meanwhile: Meanwhile,
    stage: Stage,
    /// How far its message has come.
    progress: ContentProgress,
}

impl Vital {
    fn came_to_content(&self) -> bool {
        match self.stage {
            Stage::Opens => self.progress.content_began(),
            Stage::Serves | Stage::Closes => true,
            Stage::Refused => false,
        }
    }
}

/// How far a connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It carries no mail yet.
    Opens,
    /// The relay took or judged a message of it.
    Serves,
    /// It says QUIT; the relay counts it until it has answered.
    Closes,
    /// It failed to open, or was one too many, and closes.
    Refused,
}

/// What the account's other connections showed while one opened. That may take long after the refusal that it ends with,
/// for further addresses are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meanwhile {
    /// Nothing that it is known by now.
    Nothing,
    /// One said QUIT, and the relay answered it.
    OtherServed,
}

#[derive(Debug, Clone, Copy)]
struct Crowded {
    wait: Duration,
    until: Timestamp,
    /// When the first of its connections was refused, with none taken since.
    since: Timestamp,
}

impl Account {
    /// An account with what was learnt of it before.
    pub(crate) fn new(name: RelayAccount, limits: LearntLimits) -> Self {
        let state = State {
            limits,
            taken: RateLimiter::new(Rates {
                per_minute: Some(u32::MAX),
                per_hour: None,
            }),
            ..State::default()
        };
        Self {
            name,
            state: Mutex::new(state),
            settled: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The clock was moved by so many microseconds to show `moved_at`, and shows `now`: what is known by it moves along, but
    /// for what connections have noted by the moved clock already.
    pub(crate) fn clock_moved(&self, micros: i64, (moved_at, now): (Timestamp, Timestamp)) {
        let mut state = self.state();
        state.limits.clock_moved(micros, now);
        state.taken.clock_moved(micros, now);
        let since = (moved_at, now);
        state.took = state.took.map(|at| at.following(micros, since));
        for vital in state.connections.values_mut() {
            vital.shown = vital.shown.map(|at| at.following(micros, since));
        }
        for crowded in state.crowded.values_mut() {
            let began = crowded.until.minus(crowded.wait);
            crowded.until = began.following(micros, since).plus(crowded.wait);
            crowded.since = crowded.since.following(micros, since);
        }
    }

    /// Whose limits they are.
    pub(crate) const fn name(&self) -> &RelayAccount {
        &self.name
    }

    /// The limits as numbers.
    pub(crate) fn values(&self) -> LimitValues {
        self.state().limits.values()
    }

    /// Until when nothing is given to the relay, because mail came too fast.
    pub(crate) fn paused_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.state().limits.paused_until(now)
    }

    /// Counts a connection from now on, for as long as the answer lives.
    pub(crate) fn connect(self: &Arc<Self>, relay: RelayId) -> Slot {
        let mut state = self.state();
        state.opened += 1;
        let number = state.opened;
        state.connections.insert(
            number,
            Vital {
                relay,
                shown: None,
                meanwhile: Meanwhile::Nothing,
                stage: Stage::Opens,
                progress: ContentProgress::default(),
            },
        );
        Slot {
            account: Arc::clone(self),
            number,
        }
    }

    /// Connections that a relay of this account may have, of `configured` ones: its share where several have mail, of
    /// those that the server takes and that neither close nor are open to a relay without mail.
    pub(crate) fn connections(&self, relay: RelayId, configured: u32) -> u32 {
        let state = self.state();
        let Some(known) = state.limits.values().connections else {
            return configured;
        };
        let busy: BTreeSet<_> = state.in_hand.keys().copied().chain([relay]).collect();
        let is_lost = |vital: &&Vital| match vital.stage {
            Stage::Opens | Stage::Serves => !busy.contains(&vital.relay),
            Stage::Closes => true,
            Stage::Refused => false,
        };
        let lost = state.connections.values().filter(is_lost).count();
        let share = known.saturating_sub(u32::try_from(lost).unwrap_or(u32::MAX))
            / u32::try_from(busy.len()).unwrap_or(1);
        share.max(1).min(configured)
    }

    /// When a relay may be given messages: later than `now` while mail came too fast, or where the account's other relays
    /// hold every connection.
    pub(crate) fn ready_at(&self, relay: RelayId, now: Timestamp) -> Timestamp {
        let state = self.state();
        let paused = state.limits.paused_until(now).unwrap_or(now);
        let crowded = state.crowded.get(&relay).map_or(now, |crowded| crowded.until);
        paused.max(crowded)
    }

    /// Messages that may be given to its relays now without going faster than it takes them.
    pub(crate) fn pace(&self, now: Timestamp) -> u32 {
        let state = self.state();
        let Some(per_minute) = state.limits.values().per_minute else {
            return u32::MAX;
        };
        per_minute.saturating_sub(state.taken_lately(now).saturating_add(state.in_hand()))
    }

    /// Notes that a relay was given messages: all that it may have at once, or fewer.
    pub(crate) fn given(&self, relay: RelayId, n: u32, in_use: u32, configured: u32, now: Timestamp) {
        let mut state = self.state();
        *state.in_hand.entry(relay).or_default() += n;
        let relays = u32::try_from(state.in_hand.len()).unwrap_or(1);
        let in_use = in_use.saturating_mul(relays);
        state
            .limits
            .used(Throttle::Connections, in_use, Some(configured), now);
        let minute = state.taken_lately(now).saturating_add(state.in_hand());
        state.limits.used(Throttle::Pace, minute, None, now);
    }

    /// Notes that a relay is done with `n` messages.
    pub(crate) fn done(&self, relay: RelayId, n: u32) {
        let mut state = self.state();
        if let Some(in_hand) = state.in_hand.get_mut(&relay) {
            *in_hand = in_hand.saturating_sub(n);
            if *in_hand == 0 {
                state.in_hand.remove(&relay);
            }
        }
    }

    /// Forgets a relay that is used no more.
    pub(crate) fn forget(&self, relay: RelayId) {
        let mut state = self.state();
        state.in_hand.remove(&relay);
        state.crowded.remove(&relay);
    }

    /// Recipients that a transaction may have.
    pub(crate) fn recipients(&self) -> usize {
        let known = self.state().limits.values().recipients;
        known.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX))
    }

    /// Messages that a session may carry, of `configured`, where `carried` is the number of the one that comes now.
    pub(crate) fn messages(&self, carried: u32, configured: u32, now: Timestamp) -> u32 {
        let mut state = self.state();
        state
            .limits
            .used(Throttle::Messages, carried, Some(configured), now);
        let known = state.limits.values().messages;
        known.map_or(configured, |n| n.min(configured))
    }

    /// Notes that the relay accepted all `n` recipients of a transaction.
    pub(crate) fn accepted(&self, n: usize, now: Timestamp) {
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        self.state().limits.used(Throttle::Recipients, n, None, now);
    }

    /// Notes a refusal that states a limit other than that of connections; `worked` is what the relay does take.
    pub(crate) fn refused(&self, throttle: Throttle, worked: u32, now: Timestamp) {
        let mut state = self.state();
        let worked = match throttle {
            Throttle::Pace => state.taken_lately(now),
            Throttle::Connections | Throttle::Recipients | Throttle::Messages => worked,
        };
        state.limits.refused(throttle, worked, now);
    }

    /// Notes that the relay works for nobody.
    pub(crate) fn nothing_works(&self) {
        self.state().limits.nothing_works();
    }
}

impl State {
    fn in_hand(&self) -> u32 {
        self.in_hand.values().sum()
    }

    fn taken_lately(&self, now: Timestamp) -> u32 {
        u32::MAX - self.taken.available(now)
    }

    fn others_work(&self, number: u64, now: Timestamp) -> bool {
        // Two relays of the account that are greeted and refused in step would show for each other for ever.
        let own = self.connections.get(&number).map(|vital| vital.relay);
        let starves = own
            .and_then(|relay| self.crowded.get(&relay))
            .is_some_and(|crowded| crowded.wait >= CROWDED.1);
        let shows = |vital: &Vital| {
            let carries = matches!(vital.stage, Stage::Serves | Stage::Closes);
            (carries || !starves) && vital.shown.is_some_and(|at| now.since(at) <= WORKS_FOR)
        };
        let mut others = self.connections.iter().filter(|(other, _)| **other != number);
        let own = self.connections.get(&number);
        own.is_some_and(|vital| vital.meanwhile == Meanwhile::OtherServed)
            || others.any(|(_, vital)| shows(vital))
    }

    /// Whether other connections are open that came as far as content, however long ago, or ended just now. Two relays of
    /// the account that are refused in turn would give each other that for ever, so it holds for one dot's answer after
    /// the first refusal.
    fn others(&self, number: u64, now: Timestamp) -> Others {
        let own = self.connections.get(&number).map(|vital| vital.relay);
        let crowded = own.and_then(|relay| self.crowded.get(&relay));
        if crowded.is_some_and(|crowded| now.since(crowded.since) > OPEN_COUNTS_FOR) {
            return Others::Closed;
        }
        if self.has_just_ended() || self.others_are_open(number) {
            Others::Open
        } else {
            Others::Closed
        }
    }

    fn others_are_open(&self, number: u64) -> bool {
        let mut others = self.connections.iter().filter(|(other, _)| **other != number);
        others.any(|(_, vital)| vital.came_to_content())
    }

    /// Whether the relay may still count a connection that has ended.
    fn has_just_ended(&self) -> bool {
        self.ended.is_some_and(|at| at.elapsed() <= ENDED_COUNTS_FOR)
    }

    /// Keeps a relay without a connection waiting; refusals while it waits are of the same burst.
    fn crowd(&mut self, relay: RelayId, now: Timestamp) {
        let (first, longest) = CROWDED;
        let (wait, since) = match self.crowded.get(&relay) {
            Some(crowded) if now < crowded.until => return,
            Some(crowded) => ((crowded.wait * 2).min(longest), crowded.since),
            None => (first, now),
        };
        let until = now.plus(wait);
        self.crowded.insert(relay, Crowded { wait, until, since });
    }

    /// Whether a connection up to this number opens and was not answered yet.
    fn opens(&self, last: u64) -> bool {
        let mut until = self.connections.range(..=last);
        until.any(|(_, vital)| vital.stage == Stage::Opens && vital.shown.is_none())
    }
}

#[cfg(test)]
mod tests;
