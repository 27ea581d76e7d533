//! Counts that are kept, not counted (DESIGN invariant 11): folded in memory, written once for a group.

use std::collections::{BTreeMap, HashMap};

use postroom_domain::{Category, MessageState, RouteId};
use rusqlite::{Connection, OptionalExtension, params};

use super::cells::{cell, with_added};
use super::group::Owner;
use super::kept_counts::week_of;
use crate::StoreError;

/// The whole server.
pub(crate) const SERVER: i64 = 0;
/// An office.
pub(crate) const OFFICE: i64 = 1;
/// A sender; user mail alone.
pub(crate) const SENDER: i64 = 2;
/// The whole server by hours, which stand where days do: a jump lands within an hour's mail, not a day's.
pub(crate) const SERVER_HOURS: i64 = 3;
/// An office by weeks, which stand where days do: a jump over many offices adds up weeks, then the days of one.
pub(crate) const OFFICE_WEEKS: i64 = 4;
/// The day that stands for all days.
pub(crate) const TOTAL: i64 = -1;

const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// Where an unfinished message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Due, in a lane.
    Ready,
    /// Due later.
    Waiting,
    /// Kept back.
    Held,
    /// Under way.
    Leased,
}

impl Phase {
    /// Every phase, in the order of their numbers.
    pub(crate) const ALL: [Self; 4] = [Self::Ready, Self::Waiting, Self::Held, Self::Leased];

    /// The number that the table keeps.
    pub(crate) const fn number(self) -> i64 {
        match self {
            Self::Ready => 0,
            Self::Waiting => 1,
            Self::Held => 2,
            Self::Leased => 3,
        }
    }

    /// The phase of a kept number.
    pub(crate) fn from_number(number: i64) -> Result<Self, StoreError> {
        usize::try_from(number)
            .ok()
            .and_then(|n| Self::ALL.get(n).copied())
            .ok_or_else(|| StoreError::Corrupt(format!("work.phase {number}")))
    }
}

/// dimension, id, day: a row of the table.
pub(crate) type TallyKey = (i64, i64, i64);

/// What a group adds to counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tallies {
    messages: HashMap<(TallyKey, i64), i64>,
    depths: HashMap<(i64, i64), i64>,
    marks: usize,
}

impl Tallies {
    /// Counts a message from one state to another.
    pub(crate) fn moved(&mut self, owner: &Owner, from: Option<MessageState>, to: Option<MessageState>) {
        if from == to {
            return;
        }
        self.marks += 1;
        if let Some(state) = from {
            self.add(owner, state, -1);
        }
        if let Some(state) = to {
            self.add(owner, state, 1);
        }
    }

    /// Counts unfinished messages of a route from one phase to another.
    pub(crate) fn phase(&mut self, route: RouteId, from: Option<Phase>, to: Option<Phase>, n: i64) {
        self.marks += 1;
        if let Some(phase) = from {
            *self.depths.entry((route.0, phase.number())).or_default() -= n;
        }
        if let Some(phase) = to {
            *self.depths.entry((route.0, phase.number())).or_default() += n;
        }
    }

    /// Counts the changes so far.
    pub(crate) const fn marks(&self) -> usize {
        self.marks
    }

    /// Writes the sums.
    pub(crate) fn flush(&mut self, conn: &Connection) -> Result<(), StoreError> {
        let mut rows: BTreeMap<TallyKey, Vec<(i64, i64)>> = BTreeMap::new();
        for ((row, cell), n) in self.messages.drain().filter(|(_, n)| *n != 0) {
            rows.entry(row).or_default().push((cell, n));
        }
        for (row, added) in rows {
            add_to(conn, row, &added)?;
        }
        for ((route, phase), n) in self.depths.drain().filter(|(_, n)| *n != 0) {
            conn.prepare_cached(
                "INSERT INTO depth (route, phase, n) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET n = n + excluded.n",
            )?
            .execute(params![route, phase, n])?;
        }
        Ok(())
    }

    fn add(&mut self, owner: &Owner, state: MessageState, n: i64) {
        let category = owner.category();
        let cell = cell(owner.kind.number(), state.number());
        for day in [TOTAL, owner.id.submitted_at().utc_day()] {
            let mut count = |dimension, id| {
                *self.messages.entry(((dimension, id, day), cell)).or_default() += n;
            };
            count(SERVER, 0);
            count(OFFICE, owner.office.0);
            if category == Category::User {
                count(SENDER, owner.sender.0);
            }
        }
        let at = owner.id.submitted_at();
        let hour = at.as_micros() / MICROS_PER_HOUR;
        let week = week_of(at.utc_day());
        for row in [(SERVER_HOURS, 0, hour), (OFFICE_WEEKS, owner.office.0, week)] {
            *self.messages.entry((row, cell)).or_default() += n;
        }
    }
}

/// Adds counts to a row; one that comes to nothing goes.
fn add_to(conn: &Connection, row: TallyKey, added: &[(i64, i64)]) -> Result<(), StoreError> {
    let kept = conn
        .prepare_cached("SELECT cells FROM tally WHERE dimension = ?1 AND id = ?2 AND day = ?3")?
        // Counts that are not text are damaged: they begin anew, and a recount names the difference.
        .query_row(row, |kept| {
            Ok(with_added(kept.get_ref(0)?.as_str().unwrap_or(""), added))
        })
        .optional()?;
    let cells = kept.unwrap_or_else(|| with_added("", added));
    if cells.is_empty() {
        conn.prepare_cached("DELETE FROM tally WHERE dimension = ?1 AND id = ?2 AND day = ?3")?
            .execute(row)?;
        return Ok(());
    }
    conn.prepare_cached(
        "INSERT INTO tally (dimension, id, day, cells) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET cells = excluded.cells",
    )?
    .execute(params![row.0, row.1, row.2, cells])?;
    Ok(())
}
