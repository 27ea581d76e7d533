//! What must hold, whatever happened.

mod alerts;
mod ends;
mod facts;
mod promises;
mod reached;
mod share;
mod trace;
mod waits;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use postroom_domain::health::HealthState;
use postroom_domain::{Clock as _, HoldReason, MessageId, MessageState, Scope};
use postroom_engine::EngineHandle;
use postroom_store::sqlite::SqliteStore;
use postroom_store::{
    Attempt, AttemptResult, Consumer, FactId, FactKind, Facts as _, Limits as _, List as _, RelayDetail, Row,
    Situations as _, StoreError,
};

use crate::clock::SimClock;
use crate::coverage::{self, Coverage};
use crate::letters::{Letter, Sender, route};
use crate::relay::{Relay, Taken};
use crate::script::LIMIT;

use alerts::Causes;
use promises::Promise;
use share::{Seen, Single};
use trace::Trace;

/// A rule that a run must keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// What was acknowledged is there.
    Missing,
    /// A message that is Sent was taken by a relay, for each recipient.
    SentInTruth,
    /// No recipient gets a message twice, unless an attempt's end was unknown.
    Twice,
    /// A lease ends in time: no message stays in "sending".
    LeaseEnds,
    /// What is due and nothing keeps goes in time.
    DueGoes,
    /// What waits for a time is done at that time.
    TimesAreKept,
    /// No time that somebody waits for lies further ahead than the rules can say.
    TimesAreNear,
    /// A relay that behaves does not stay Down while mail waits for it.
    ComesUp,
    /// A relay goes Down only when it was truly bad.
    DownInTruth,
    /// Down and Up alternate.
    EdgesAlternate,
    /// A message has at most ten attempts.
    TenAttempts,
    /// A relay's limit costs no attempt.
    LimitsCostNothing,
    /// A fault of this machine costs no attempt.
    LocalFaultsCostNothing,
    /// Mail expires only after it waited long enough for relays that were bad, and were tried in this run.
    ExpiresInTruth,
    /// Mail that waited too long fails in time.
    ExpiresInTime,
    /// What a person asks to be tried now is tried now.
    TryNow,
    /// Daily limits are kept.
    DailyLimits,
    /// A sender's single message goes within so many messages of others beyond those on the wire.
    FairShare,
    /// What an explanation says happens next happens by then, or the explanation changed before.
    ExplainedInTruth,
    /// Down, Up, a limit and a failure are each told once to whom they concern, with a time of this run.
    ToldOnce,
    /// Mail whose stored content is damaged is never handed to a relay as if it were right.
    DamagedStays,
    /// Kept counts are right.
    Counts,
    /// Everything has ended when everything behaved for long enough.
    AllEnds,
    /// The store answers when nothing is wrong with it.
    StoreAnswers,
}

/// A rule that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// When, since the beginning.
    pub at: Duration,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = self.at.as_secs();
        let (d, h, m, s) = (s / 86_400, s / 3_600 % 24, s / 60 % 60, s % 60);
        write!(f, "{:?} at {d}d {h:02}:{m:02}:{s:02}: {}", self.rule, self.what)
    }
}

/// How long a lease may last while its relays behave.
const LEASE_ENDS: Duration = Duration::from_mins(5);
/// How long what is due may wait while everything behaves: the longest pause between probes, twice.
const GOES: Duration = Duration::from_mins(22);
/// How long after a relay behaves again its failures of before may still come in: the longest time limit of a session.
const ECHO: Duration = Duration::from_mins(12);
/// How long after its time mail may take to expire: each of the route's two relays may have to be tried first, which may
/// answer nothing for as long as a session's longest time limit.
const EXPIRES: Duration = Duration::from_mins(15 + 2 * 12);
/// The furthest time that a deferred message can wait for.
const FURTHEST: Duration = Duration::from_hours(9);
/// How long after the time is right again everything must be right.
const RIGHTED: Duration = Duration::from_mins(15);
/// How long after its end a wait may go on.
const LATE: Duration = Duration::from_mins(22);
/// How long after a relay behaves its probe is due: the longest pause between probes.
const PROBED: Duration = Duration::from_mins(12);
/// Mail with so many attempts keeps the rest for its own times: it probes no relay early.
const KEEPS_ATTEMPTS: u16 = 5;
/// How long a person waits for what is tried now.
pub(crate) const NOW: Duration = Duration::from_secs(90);

/// What is known of a message that was acknowledged.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) letter: Letter,
    pub(crate) state: MessageState,
    /// When this cycle began, at the earliest.
    pub(crate) cycle_from: Duration,
    /// When it was first seen waiting for a relay in this cycle.
    waits_from: Duration,
    /// When it was first seen in this state.
    since: Duration,
    lease: Option<((u16, i64), Duration)>,
    /// Attempts so far.
    attempts: u16,
    /// How long it may take once it is due, with what was before it.
    goes: Duration,
}

/// What a look at the world sees.
pub(crate) struct Sight<'a> {
    pub(crate) store: &'a SqliteStore,
    pub(crate) engine: Option<&'a EngineHandle>,
    pub(crate) clock: &'a SimClock,
    pub(crate) relays: &'a [Relay],
    pub(crate) max_wait: Duration,
    /// Since when nothing but relays is wrong; `None` while something is.
    pub(crate) calm_since: Option<Duration>,
    /// Since when the clock is right and was not moved.
    pub(crate) right_since: Option<Duration>,
    /// When this process began.
    pub(crate) began: Duration,
    /// What is wrong around the engine and is not a relay's.
    pub(crate) faults: Vec<&'static str>,
}

/// Keeps what was promised and compares.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    pub(crate) open: BTreeMap<MessageId, Known>,
    pub(crate) ended: BTreeMap<MessageId, Known>,
    delivered: BTreeMap<u32, BTreeMap<String, u32>>,
    edges: BTreeMap<(i64, u8), FactKind>,
    facts_seen: Option<FactId>,
    causes: Causes,
    singles: Vec<Single>,
    damaged: BTreeSet<u32>,
    promises: BTreeMap<MessageId, Promise>,
    granted: waits::Granted,
    /// When mail that is to go at once last came, of each office and sender.
    fresh: BTreeMap<(u8, Sender), Duration>,
    pub(crate) violations: Vec<Violation>,
    pub(crate) coverage: Coverage,
    trace: Trace,
}

impl Judge {
    /// Adds a line to the trace.
    pub(crate) fn note(&mut self, at: Duration, what: fmt::Arguments<'_>) {
        self.trace.note(at, what);
    }

    /// The hash of the trace.
    pub(crate) const fn trace(&self) -> u64 {
        self.trace.hash
    }

    /// Notes a broken rule; the first few of each are enough.
    pub(crate) fn broken(&mut self, rule: Rule, at: Duration, what: String) {
        self.trace.note(at, format_args!("BROKEN {rule:?} {what}"));
        if self.violations.iter().filter(|v| v.rule == rule).count() < 3 {
            self.violations.push(Violation { rule, at, what });
        }
    }

    /// An office's relays have new settings: what is under way says nothing of them, for it ends with the old ones.
    pub(crate) fn settings_changed(&mut self, office: u8) {
        self.fresh.retain(|&(of, _), _| of != office);
    }

    /// A message was acknowledged.
    pub(crate) fn acknowledged(
        &mut self,
        id: MessageId,
        letter: Letter,
        (state, on_wire): (MessageState, u64),
        now: Duration,
    ) {
        self.forget_share_of(letter.sender);
        if state == MessageState::Queued {
            self.fresh.insert((letter.office, letter.sender), now);
            self.watch_share(id, letter, on_wire, now);
        }
        let known = Known {
            letter,
            state,
            cycle_from: now,
            waits_from: now,
            since: now,
            lease: None,
            attempts: 0,
            goes: Duration::ZERO,
        };
        self.open.insert(id, known);
    }

    /// Somebody put it back.
    pub(crate) fn requeued(&mut self, id: MessageId, now: Duration) {
        if let Some(known) = self.ended.remove(&id) {
            self.open.insert(id, known);
        }
        if let Some(known) = self.open.get_mut(&id) {
            known.cycle_from = now;
            known.waits_from = now;
        }
    }

    /// What is stored of its content was damaged.
    pub(crate) fn damaged(&mut self, id: MessageId) {
        if let Some(known) = self.open.get(&id) {
            self.damaged.insert(known.letter.number);
        }
    }

    /// Whether it can only fail, with nobody asked.
    pub(crate) fn is_damaged(&self, known: &Known) -> bool {
        self.damaged.contains(&known.letter.number)
    }

    /// Somebody deleted it.
    pub(crate) fn deleted(&mut self, id: MessageId) {
        self.open.remove(&id);
        self.ended.remove(&id);
    }

    /// Looks at everything that is not over.
    pub(crate) async fn look(&mut self, sight: &Sight<'_>) -> Result<(), StoreError> {
        self.collect(sight);
        let ids: Vec<MessageId> = self.open.keys().copied().collect();
        for some in ids.chunks(200) {
            let rows = sight.store.rows(&Scope::everything(), some).await?;
            let mut rows: BTreeMap<MessageId, Row> = rows.into_iter().map(|row| (row.id, row)).collect();
            for &id in some {
                match rows.remove(&id) {
                    Some(row) => self.message(sight, id, &row).await?,
                    None => self.missing(id, sight.clock.elapsed()),
                }
            }
        }
        self.judge_shares(sight);
        self.sees_faults(sight);
        self.health(sight);
        self.limits(sight).await
    }

    fn missing(&mut self, id: MessageId, now: Duration) {
        if let Some(known) = self.open.remove(&id) {
            let what = format!("letter {} was acknowledged and is not there", known.letter.number);
            self.broken(Rule::Missing, now, what);
        }
    }

    /// Takes over what relays took.
    pub(crate) fn collect(&mut self, sight: &Sight<'_>) {
        for (place, relays) in sight.relays.chunks(2).enumerate() {
            let mut seen = Vec::new();
            for relay in relays {
                let taken = std::mem::take(&mut relay.state().taken);
                let begun = std::mem::take(&mut relay.state().begun);
                for &(at, sender) in &begun {
                    self.trace.note(at, format_args!("begun {sender:?}"));
                }
                seen.extend(begun.into_iter().map(|(at, sender)| (at, Seen::Begun(sender))));
                for taken in taken {
                    seen.extend(taken.sender.map(|sender| (taken.at, Seen::Taken(sender))));
                    self.took(taken);
                }
            }
            self.shares(sight, u8::try_from(place).unwrap_or(0), seen);
        }
    }

    fn took(&mut self, taken: Taken) {
        let Taken {
            letter,
            recipients,
            at,
            ..
        } = taken;
        self.trace
            .note(at, format_args!("taken {letter} {}", recipients.len()));
        if self.damaged.contains(&letter) {
            self.broken(Rule::DamagedStays, at, format!("letter {letter} was delivered"));
        }
        let counts = self.delivered.entry(letter).or_default();
        for address in recipients {
            *counts.entry(address).or_default() += 1;
        }
    }

    async fn message(&mut self, sight: &Sight<'_>, id: MessageId, row: &Row) -> Result<(), StoreError> {
        let now = sight.clock.elapsed();
        let Some(mut known) = self.open.remove(&id) else {
            return Ok(());
        };
        if known.state != row.state {
            let change = format!("{} > {}", known.state.name(), row.state.name());
            self.trace
                .note(now, format_args!("letter {} {change}", known.letter.number));
            self.coverage.see("state after state", change);
            if matches!(known.state, MessageState::Held | MessageState::Scheduled) {
                known.waits_from = now;
            }
            known.state = row.state;
            known.since = now;
            known.goes = Duration::ZERO;
        }
        known.attempts = row.attempts;
        if row.state.is_final() {
            self.ends(sight, id, row, &known).await?;
            self.ended.insert(id, known);
            return Ok(());
        }
        match row.state {
            MessageState::Sending => self.sending(sight, id, row, &mut known).await?,
            MessageState::Queued | MessageState::Deferred => self.due(sight, row, &mut known),
            MessageState::Held => self.held(sight, row, &known),
            MessageState::Scheduled => {
                let at = row.send_at.map(|at| sight.clock.now().since(at));
                // While no relay is Up it waits for one.
                let is_served = sight.engine.is_some_and(|engine| {
                    let relays = engine.status().relays;
                    let mut of_office = relays
                        .iter()
                        .filter(|relay| relay.route == route(known.letter.office));
                    of_office.any(|relay| {
                        relay.state == HealthState::Up
                            && relay
                                .since
                                .is_none_or(|at| sight.clock.true_time(at) + LATE < now)
                    })
                });
                if is_served && self.is_calm(sight, known.since, LATE) && at.is_some_and(|late| late > LATE) {
                    let what = format!("letter {} is scheduled past its time", known.letter.number);
                    self.broken(Rule::TimesAreKept, now, what);
                }
            }
            MessageState::Sent | MessageState::Failed => {}
        }
        self.open.insert(id, known);
        Ok(())
    }
}
