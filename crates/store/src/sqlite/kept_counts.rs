//! Reads the kept counts of a selection (DESIGN invariant 11).

use std::collections::BTreeMap;

use postroom_domain::{Kind, MessageId, Timestamp};
use rusqlite::Connection;

use super::arms::{IndexArm, RowKey, Selection, Span};
use super::cells::{cells, kind_and_state};
use super::probe::Leased;

const MICROS_PER_DAY: i64 = 86_400_000_000;
const TOTAL: i64 = -1;
/// The last day that an ord can lie in.
const LAST_DAY: i64 = MessageId::MAX.submitted_at().utc_day();

/// Counts by category (user, notification) and by state, in the order of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Matrix(pub(super) [[i64; 7]; 2]);

impl Matrix {
    /// Adds `n` rows of a category and state; numbers that neither has are left out.
    pub(super) fn add(&mut self, category: i64, state: i64, n: i64) {
        let cell = usize::try_from(category)
            .ok()
            .and_then(|category| self.0.get_mut(category))
            .zip(usize::try_from(state).ok())
            .and_then(|(states, state)| states.get_mut(state));
        if let Some(cell) = cell {
            *cell += n;
        }
    }

    /// Adds every cell of `other`, `sign` times.
    pub(super) fn merge(&mut self, other: &Self, sign: i64) {
        for (mine, theirs) in self.0.iter_mut().flatten().zip(other.0.iter().flatten()) {
            *mine += sign * theirs;
        }
    }
}

/// Whole days, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    /// The first.
    pub(super) first: i64,
    /// The last.
    pub(super) last: i64,
}

impl Days {
    /// The days that lie wholly inside `span`; none where `first` is after `last`.
    pub(super) fn inside(span: Span) -> Self {
        let first = if span.low == start_of(day_of(span.low)) {
            day_of(span.low)
        } else {
            day_of(span.low) + 1
        };
        let last = if span.high == i64::MAX {
            LAST_DAY
        } else {
            day_of(span.high) - 1
        };
        Self { first, last }
    }

    /// The ords of these days.
    pub(super) fn span(self) -> Span {
        Span {
            low: start_of(self.first),
            high: if self.last >= LAST_DAY {
                i64::MAX
            } else {
                start_of(self.last + 1)
            },
        }
    }

    /// Whether there is none.
    pub(super) const fn is_empty(self) -> bool {
        self.first > self.last
    }
}

/// The days from the first message to the last; `None` for an empty store.
pub(super) fn lived(conn: &Connection) -> rusqlite::Result<Option<Days>> {
    let (first, last): (Option<i64>, Option<i64>) = conn
        .prepare_cached("SELECT (SELECT min(ord) FROM message), (SELECT max(ord) FROM message)")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(first.zip(last).map(|(first, last)| Days {
        first: day_of(first),
        last: day_of(last),
    }))
}

/// The day that an ord lies in.
pub(super) const fn day_of(ord: i64) -> i64 {
    MessageId::from_ord(ord).submitted_at().utc_day()
}

/// The first ord of a day.
pub(super) const fn start_of(day: i64) -> i64 {
    MessageId::first_at(Timestamp::from_micros(day.saturating_mul(MICROS_PER_DAY))).ord()
}

/// Everything that the selection's arms hold, by category and kept state.
pub(super) fn totals(conn: &Connection, selection: &Selection) -> rusqlite::Result<Matrix> {
    let all = Days {
        first: TOTAL,
        last: TOTAL,
    };
    days(conn, selection, all)
}

/// What the selection's arms hold of some days, by category and kept state.
pub(super) fn days(conn: &Connection, selection: &Selection, days: Days) -> rusqlite::Result<Matrix> {
    let mut matrix = Matrix::default();
    let states = selection.state_mask();
    let mut statement = conn.prepare_cached(
        "SELECT cells FROM tally WHERE dimension = ?1 AND id = ?2 AND day >= ?3 AND day <= ?4",
    )?;
    for (key, kinds) in selection.tallies() {
        let mut rows = statement.query((key.dimension, key.id, days.first, days.last))?;
        while let Some(row) = rows.next()? {
            for (cell, n) in cells(row.get_ref(0)?.as_str()?) {
                let (kind, state) = kind_and_state(cell);
                if has_bit(kinds, kind) && has_bit(states, state) {
                    matrix.add(category_of(kind), state, n);
                }
            }
        }
    }
    Ok(matrix)
}

/// How many rows of the selection each of some days holds, by what is kept.
pub(super) fn by_day(
    conn: &Connection,
    selection: &Selection,
    days: Days,
) -> rusqlite::Result<BTreeMap<i64, i64>> {
    let mut counts = BTreeMap::new();
    let states = selection.state_mask();
    let mut statement = conn.prepare_cached(
        "SELECT day, cells FROM tally WHERE dimension = ?1 AND id = ?2 AND day >= ?3 AND day <= ?4",
    )?;
    for (key, kinds) in selection.tallies() {
        let first = days.first.max(0);
        let mut rows = statement.query((key.dimension, key.id, first, days.last))?;
        while let Some(row) = rows.next()? {
            let mut n = 0;
            for (cell, of_cell) in cells(row.get_ref(1)?.as_str()?) {
                let (kind, state) = kind_and_state(cell);
                if has_bit(kinds, kind) && has_bit(states, state) {
                    n += of_cell;
                }
            }
            if n != 0 {
                *counts.entry(row.get(0)?).or_insert(0) += n;
            }
        }
    }
    Ok(counts)
}

/// Counts the selection's rows within `span` by looking: for the parts of a day that no tally tells.
pub(super) fn look(conn: &Connection, selection: &Selection, span: Span) -> rusqlite::Result<Matrix> {
    let mut matrix = Matrix::default();
    if span.is_empty() {
        return Ok(matrix);
    }
    let states = selection.state_mask();
    for arm in &selection.arms {
        for shown in &selection.types {
            let (key, category, sql) = match *arm {
                IndexArm::Sender(id) => (id, 0, LOOK_SENDER),
                IndexArm::Office(id, category) => (id, category.number(), LOOK_OFFICE),
                IndexArm::Server(category) => (category.number(), category.number(), LOOK_SERVER),
            };
            // Sent and Failed are a state each: without a kind to test the index alone counts them.
            let exact = match shown {
                postroom_domain::ShownType::Sent => Some(postroom_domain::MessageState::Sent),
                postroom_domain::ShownType::Failed => Some(postroom_domain::MessageState::Failed),
                postroom_domain::ShownType::Outbox => None,
            };
            let parameters = (key, shown.number(), span.low, span.high, category);
            if let (Some(state), None) = (exact, selection.kind) {
                let n = conn
                    .prepare_cached(sql.count)?
                    .query_row(parameters, |row| row.get(0))?;
                matrix.add(category, state.number(), n);
                continue;
            }
            let mut statement = conn.prepare_cached(sql.rows)?;
            let mut rows = statement.query(parameters)?;
            while let Some(row) = rows.next()? {
                let (kind, state): (i64, i64) = (row.get(0)?, row.get(1)?);
                if selection.kind.is_none_or(|wanted| wanted.number() == kind) && has_bit(states, state) {
                    matrix.add(category, state, 1);
                }
            }
        }
    }
    Ok(matrix)
}

/// The rows under way that a selection means, whatever their state: their keys, within the selection's dates.
pub(super) fn under_way<'l>(
    selection: &'l Selection,
    leased: &'l Leased,
) -> impl Iterator<Item = (i64, &'l RowKey)> {
    let span = selection.span;
    leased
        .iter()
        .filter(move |(ord, key)| span.low <= **ord && **ord < span.high && selection.admits_any_state(key))
        .map(|(ord, key)| (*ord, key))
}

/// The category of a kind, by numbers; that of an unknown kind is none.
fn category_of(kind: i64) -> i64 {
    Kind::from_number(kind).map_or(-1, |kind| kind.category().number())
}

/// Whether bit `n` of a mask is set.
pub(super) const fn has_bit(mask: i64, n: i64) -> bool {
    n >= 0 && n < 63 && mask >> n & 1 == 1
}

/// How many kinds there are fits a mask.
const _: () = assert!(Kind::ALL.len() < 63);

struct Look {
    count: &'static str,
    rows: &'static str,
}

macro_rules! look {
    ($index:literal, $key:literal) => {
        Look {
            count: concat!(
                "SELECT count(*) FROM message INDEXED BY ",
                $index,
                " WHERE ",
                $key,
                " AND type = ?2 AND ord >= ?3 AND ord < ?4 AND ?5 >= 0"
            ),
            rows: concat!(
                "SELECT kind, state FROM message INDEXED BY ",
                $index,
                " WHERE ",
                $key,
                " AND type = ?2 AND ord >= ?3 AND ord < ?4 AND ?5 >= 0"
            ),
        }
    };
}

const LOOK_SENDER: Look = look!("message_sender", "category = 0 AND sender = ?1");
const LOOK_OFFICE: Look = look!("message_office", "office = ?1 AND category = ?5");
const LOOK_SERVER: Look = look!("message_type", "category = ?1");
