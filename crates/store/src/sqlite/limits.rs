//! Limits inside a group of the writer: what was taken, what waits, and what is admitted (DESIGN invariant 12).
//!
//! The numbers of the day that counts are in the writer's memory; the table is written once a group. All of it can be
//! found again in the file.

use std::collections::{BTreeMap, HashMap, HashSet};

use postroom_domain::limits::{Gate, Line, Meter, admit};
use postroom_domain::{Admission, Charge, Day, HoldReason, Timestamp, UserId};
use rusqlite::{Connection, params};

use super::group::Owner;
use super::limit_settings::Settings;
use crate::StoreError;

/// The whole server in `used`.
pub(crate) const SYSTEM: i64 = 0;
/// `work.charged_day` of mail that needs no charge: a notification, or charged in an earlier cycle.
pub(crate) const SETTLED: i64 = 0;

/// The day that counts, with its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Today {
    pub(crate) day: Day,
    /// The day of the calendar: earlier than `day` where the clock was set back.
    starts: Timestamp,
    pub(crate) ends: Timestamp,
}

/// The writer's memory of limits.
#[derive(Debug, Clone)]
pub(crate) struct LimitsKept {
    settings: Settings,
    today: Option<Today>,
    /// The latest day with anything in `used`.
    day: Option<Day>,
    used: HashMap<i64, u64>,
    told: HashSet<(i64, HoldReason)>,
    /// Messages held under a limit, by whom they will be charged to.
    held: BTreeMap<i64, i64>,
    held_by_system: i64,
    /// The person served last by the release.
    turn: i64,
    /// The earliest end of a day for which something waits.
    waits_until: Timestamp,
    /// Whether what was used on a day ahead of the clock is set aside.
    has_set_aside: bool,
}

impl LimitsKept {
    /// Reads it from the file.
    pub(crate) fn load(conn: &Connection) -> Result<Self, StoreError> {
        let mut kept = Self {
            settings: Settings::load(conn)?,
            today: None,
            day: None,
            used: HashMap::new(),
            told: HashSet::new(),
            held: BTreeMap::new(),
            held_by_system: 0,
            turn: 0,
            waits_until: Timestamp::from_micros(i64::MAX),
            has_set_aside: conn.query_row("SELECT EXISTS (SELECT 1 FROM used_set_aside)", [], |row| {
                row.get(0)
            })?,
        };
        let until: Option<i64> =
            conn.query_row("SELECT min(due_at) FROM work WHERE hold < 3", [], |row| {
                row.get(0)
            })?;
        kept.waits_until = until.map_or(kept.waits_until, Timestamp::from_micros);
        let day: Option<i32> = conn.query_row("SELECT max(day) FROM used", [], |row| row.get(0))?;
        kept.day = day.map(Day);
        let mut used = conn.prepare("SELECT who, n, reached FROM used WHERE day = ?1")?;
        let mut rows = used.query([day])?;
        while let Some(row) = rows.next()? {
            let who = row.get(0)?;
            kept.used
                .insert(who, u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0));
            let reached: i64 = row.get(2)?;
            for reason in [HoldReason::SystemLimit, HoldReason::UserLimit] {
                if reached & reason.number() != 0 {
                    kept.told.insert((who, reason));
                }
            }
        }
        let mut held =
            conn.prepare("SELECT person, hold, count(*) FROM work WHERE hold < 3 GROUP BY 1, 2")?;
        let mut rows = held.query([])?;
        while let Some(row) = rows.next()? {
            let (person, hold, n): (Option<i64>, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            *kept.held.entry(person.unwrap_or(SYSTEM)).or_default() += n;
            if hold == HoldReason::SystemLimit.number() {
                kept.held_by_system += n;
            }
        }
        Ok(kept)
    }

    /// Takes in what a committed group has learnt.
    pub(crate) fn learn(&mut self, learnt: LimitsLearnt) {
        if let Some(read) = learnt.read_again {
            *self = *read;
        }
        if let Some(settings) = learnt.settings {
            self.settings = settings;
            self.today = None;
        }
        self.today = learnt.today.or(self.today);
        for ((day, who), n) in learnt.used {
            self.begin(day);
            *self.used.entry(who).or_default() += n;
        }
        for (day, who, reason) in learnt.told {
            self.begin(day);
            self.told.insert((who, reason));
        }
        for (person, n) in learnt.held {
            let held = self.held.entry(person).or_default();
            *held += n;
            if *held <= 0 {
                self.held.remove(&person);
            }
        }
        self.held_by_system += learnt.held_by_system;
        self.turn = learnt.turn;
        self.waits_until = learnt.waits_until;
    }

    fn begin(&mut self, day: Day) {
        if self.day.is_none_or(|kept| kept < day) {
            self.day = Some(day);
            self.used.clear();
            self.told.clear();
        }
    }
}

/// What a group leaves of limits for the writer's memory.
#[derive(Debug)]
pub(crate) struct LimitsLearnt {
    read_again: Option<Box<LimitsKept>>,
    settings: Option<Settings>,
    today: Option<Today>,
    used: Vec<((Day, i64), u64)>,
    told: HashSet<(Day, i64, HoldReason)>,
    held: HashMap<i64, i64>,
    held_by_system: i64,
    turn: i64,
    waits_until: Timestamp,
}

/// What the limits say of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes; `work.charged_day` says when it was charged.
    Goes(i64),
    /// It waits.
    Waits {
        reason: HoldReason,
        until: Timestamp,
        /// Whether it is the first of the person that day; somebody is told.
        first: Option<Reached>,
    },
}

/// What is told when a limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) day: Day,
    pub(crate) most: u64,
}

/// Who asks to be admitted, and from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comes {
    /// From outside: what waits goes first.
    Anew,
    /// From the head of what waits.
    FromLine,
}

/// The limits in a group.
#[derive(Clone)]
pub(crate) struct Limits<'w> {
    kept: &'w LimitsKept,
    read_again: Option<Box<LimitsKept>>,
    settings: Option<Settings>,
    today: Option<Today>,
    used: HashMap<(Day, i64), u64>,
    unwritten: HashMap<(Day, i64), (u64, i64)>,
    told: HashSet<(Day, i64, HoldReason)>,
    held: HashMap<i64, i64>,
    held_by_system: i64,
    turn: i64,
    waits_until: Timestamp,
    marks: usize,
}

impl<'w> Limits<'w> {
    pub(crate) fn new(kept: &'w LimitsKept) -> Self {
        Self {
            kept,
            read_again: None,
            settings: None,
            today: None,
            used: HashMap::new(),
            unwritten: HashMap::new(),
            told: HashSet::new(),
            held: HashMap::new(),
            held_by_system: 0,
            turn: kept.turn,
            waits_until: kept.waits_until,
            marks: 0,
        }
    }

    /// What was known before the group, or was read again in it.
    fn base(&self) -> &LimitsKept {
        self.read_again.as_deref().unwrap_or(self.kept)
    }

    /// The day that counts now, where one was begun.
    pub(crate) fn counting(&self) -> Option<Day> {
        let known = match &self.settings {
            Some(_) => self.today,
            None => self.today.or(self.base().today),
        };
        known.map(|today| today.day).max(self.base().day)
    }

    /// Whether what was used on a day ahead of the clock is set aside.
    pub(crate) fn has_set_aside(&self) -> bool {
        self.base().has_set_aside
    }

    /// The days that count were changed in the file: all of it is read again.
    pub(crate) fn read_again(&mut self, conn: &Connection) -> Result<(), StoreError> {
        self.read_again = Some(Box::new(LimitsKept::load(conn)?));
        self.settings = None;
        self.today = None;
        self.used.clear();
        self.told.clear();
        self.held.clear();
        self.held_by_system = 0;
        self.waits_until = self.base().waits_until;
        self.marks += 1;
        Ok(())
    }

    /// The settings that count.
    pub(crate) fn settings(&self) -> &Settings {
        self.settings.as_ref().unwrap_or(&self.base().settings)
    }

    /// Other settings count from here on.
    pub(crate) fn set_settings(&mut self, settings: Settings) {
        self.settings = Some(settings);
        self.today = None;
        self.marks += 1;
    }

    /// The day that counts at `now`.
    pub(crate) fn today(&mut self, now: Timestamp) -> Today {
        let known = match &self.settings {
            Some(_) => self.today,
            None => self.today.or(self.base().today),
        };
        if let Some(today) = known.filter(|today| today.starts <= now && now < today.ends) {
            return today;
        }
        let latest = known.map(|today| today.day).max(self.base().day);
        let rule = &self.settings().rule;
        let day = rule.current(now, latest);
        let today = Today {
            day,
            starts: rule.start_of(rule.day_of(now)),
            ends: rule.start_of(day.next()),
        };
        self.today = Some(today);
        today
    }

    /// What one limit allows and what was taken of it today.
    pub(crate) fn meter(&self, day: Day, who: i64) -> Meter {
        let settings = self.settings();
        Meter {
            limit: if who == SYSTEM {
                settings.system
            } else {
                settings.user
            },
            used: self.used(day, who),
        }
    }

    fn used(&self, day: Day, who: i64) -> u64 {
        let before = if self.base().day == Some(day) {
            self.base().used.get(&who).copied().unwrap_or(0)
        } else {
            0
        };
        before + self.used.get(&(day, who)).copied().unwrap_or(0)
    }

    /// The most that any user has taken today.
    pub(crate) fn used_most(&self, day: Day) -> u64 {
        let kept = self.base().used.keys().copied();
        let added = self.used.keys().map(|(_, who)| *who);
        kept.chain(added)
            .filter(|who| *who != SYSTEM)
            .map(|who| self.used(day, who))
            .max()
            .unwrap_or(0)
    }

    /// Messages that wait under a limit, of everybody.
    pub(crate) fn held_in_all(&self) -> i64 {
        self.base().held.values().sum::<i64>() + self.held.values().sum::<i64>()
    }

    /// Messages of a person that wait under a limit.
    pub(crate) fn held(&self, person: i64) -> i64 {
        let kept = self.base().held.get(&person).copied().unwrap_or(0);
        kept + self.held.get(&person).copied().unwrap_or(0)
    }

    /// Messages that wait under the system's limit.
    pub(crate) fn held_by_system(&self) -> i64 {
        self.base().held_by_system + self.held_by_system
    }

    /// Whose mail waits under a limit, from the one after the person served last on.
    pub(crate) fn by_turns(&self) -> Vec<i64> {
        let mut persons: Vec<i64> = self.base().held.keys().chain(self.held.keys()).copied().collect();
        persons.sort_unstable();
        persons.dedup();
        persons.retain(|&person| self.held(person) > 0);
        let first = persons.partition_point(|&person| person <= self.turn);
        persons.rotate_left(first);
        persons
    }

    /// The person served last.
    pub(crate) fn set_turn(&mut self, person: i64) {
        self.turn = person;
        self.marks += 1;
    }

    /// Everything that fits today was let go; what waits, waits for the end of the day.
    pub(crate) fn set_waits_until(&mut self, ends: Timestamp) {
        if self.waits_until != ends {
            self.waits_until = ends;
            self.marks += 1;
        }
    }

    /// Asks both limits and takes a unit of each where the message goes; where it waits, it is counted as waiting.
    pub(crate) fn admit(&mut self, person: UserId, owner: &Owner, now: Timestamp, comes: Comes) -> Verdict {
        let charge = Charge::of(owner.kind);
        if charge == Charge::Exempt {
            return Verdict::Goes(SETTLED);
        }
        let today = self.today(now);
        let (system, user) = self.gates(person, today.day, comes, now);
        match admit(system, user, charge) {
            Admission::Accept => {
                self.take(today.day, SYSTEM);
                self.take(today.day, person.0);
                Verdict::Goes(i64::from(today.day.0))
            }
            Admission::Hold(reason) => {
                if self.held_in_all() <= 0 || today.ends < self.waits_until {
                    self.waits_until = today.ends;
                }
                self.wait(person.0, reason, 1);
                Verdict::Waits {
                    reason,
                    until: today.ends,
                    first: self.tell(today.day, person.0, reason),
                }
            }
        }
    }

    /// What [`Limits::admit`] would say.
    pub(crate) fn foresee(&mut self, person: UserId, now: Timestamp, comes: Comes) -> Admission {
        let day = self.today(now).day;
        let (system, user) = self.gates(person, day, comes, now);
        admit(system, user, Charge::One)
    }

    fn gates(&self, person: UserId, day: Day, comes: Comes, now: Timestamp) -> (Gate, Gate) {
        let line = |waits: bool| {
            if waits && comes == Comes::Anew {
                Line::Waiting
            } else {
                Line::Empty
            }
        };
        let system = self.meter(day, SYSTEM);
        // Until what waited for this day has had its turn, new mail must not take the system's units away from it.
        let turn_to_come = system.limit > 0 && self.waits_until <= now && self.held_in_all() > 0;
        let system = Gate {
            meter: system,
            line: line(self.held_by_system() > 0 || turn_to_come),
        };
        let user = Gate {
            meter: self.meter(day, person.0),
            line: line(self.held(person.0) > 0),
        };
        (system, user)
    }

    fn take(&mut self, day: Day, who: i64) {
        self.marks += 1;
        *self.used.entry((day, who)).or_default() += 1;
        self.unwritten.entry((day, who)).or_default().0 += 1;
    }

    /// Counts messages of a person as waiting under a limit, or as waiting no longer.
    pub(crate) fn wait(&mut self, person: i64, reason: HoldReason, n: i64) {
        self.marks += 1;
        *self.held.entry(person).or_default() += n;
        if reason == HoldReason::SystemLimit {
            self.held_by_system += n;
        }
    }

    /// Whether this is the first message of a person that is held under a limit that day.
    pub(crate) fn tell(&mut self, day: Day, person: i64, reason: HoldReason) -> Option<Reached> {
        let told = self.base().day == Some(day) && self.base().told.contains(&(person, reason));
        if told || !self.told.insert((day, person, reason)) {
            return None;
        }
        self.marks += 1;
        self.unwritten.entry((day, person)).or_default().1 |= reason.number();
        let who = if reason == HoldReason::SystemLimit {
            SYSTEM
        } else {
            person
        };
        Some(Reached {
            day,
            most: self.meter(day, who).limit,
        })
    }

    /// Counts the changes so far.
    pub(crate) const fn marks(&self) -> usize {
        self.marks
    }

    /// Writes what was taken.
    pub(crate) fn flush(&mut self, conn: &Connection) -> Result<(), StoreError> {
        for ((day, who), (n, reached)) in self.unwritten.drain() {
            conn.prepare_cached(
                "INSERT INTO used (day, who, n, reached) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET n = n + excluded.n, reached = reached | excluded.reached",
            )?
            .execute(params![day.0, who, i64::try_from(n).unwrap_or(i64::MAX), reached])?;
        }
        Ok(())
    }

    /// What to remember after the commit, earlier days first.
    pub(crate) fn finish(self) -> LimitsLearnt {
        let mut used: Vec<_> = self.used.into_iter().collect();
        used.sort_unstable();
        LimitsLearnt {
            read_again: self.read_again,
            settings: self.settings,
            today: self.today,
            used,
            told: self.told,
            held: self.held,
            held_by_system: self.held_by_system,
            turn: self.turn,
            waits_until: self.waits_until,
        }
    }
}
