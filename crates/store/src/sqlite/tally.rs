//! Counts that are kept, not counted (DESIGN invariant 11): folded in memory, written once for a group.

use std::collections::HashMap;

use postroom_domain::{Category, MessageState, RouteId};
use rusqlite::{Connection, params};

use super::group::Owner;
use crate::StoreError;

/// The whole server.
pub(crate) const SERVER: i64 = 0;
/// An office.
pub(crate) const OFFICE: i64 = 1;
/// A sender; user mail alone.
pub(crate) const SENDER: i64 = 2;
/// The day that stands for all days.
pub(crate) const TOTAL: i64 = -1;

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

/// dimension, id, day, category, kind, state.
pub(crate) type TallyKey = (i64, i64, i64, i64, i64, i64);

/// What a group adds to counts.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    messages: HashMap<TallyKey, i64>,
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
        for ((dimension, id, day, category, kind, state), n) in self.messages.drain().filter(|(_, n)| *n != 0)
        {
            conn.prepare_cached(
                "INSERT INTO tally (dimension, id, day, category, kind, state, n) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT DO UPDATE SET n = n + excluded.n",
            )?
            .execute(params![dimension, id, day, category, kind, state, n])?;
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
        for day in [TOTAL, owner.id.submitted_at().utc_day()] {
            let mut count = |dimension, id| {
                let key = (
                    dimension,
                    id,
                    day,
                    category.number(),
                    owner.kind.number(),
                    state.number(),
                );
                *self.messages.entry(key).or_default() += n;
            };
            count(SERVER, 0);
            count(OFFICE, owner.office.0);
            if category == Category::User {
                count(SENDER, owner.sender.0);
            }
        }
    }
}
