//! Reads the kept counts of a selection (DESIGN invariant 11).

use std::collections::{BTreeMap, HashSet};

use postroom_domain::{Kind, MessageId, MessageState, Timestamp};
use rusqlite::{CachedStatement, Connection};

use super::arms::{IndexArm, RowKey, Selection, Span, TallyKey};
use super::cells::{cells, kind_and_state};
use super::merge::Direction;
use super::probe::Leased;
use super::tally::{OFFICE, OFFICE_WEEKS, SERVER, SERVER_HOURS, TOTAL};

const MICROS_PER_DAY: i64 = 86_400_000_000;
const DAYS_PER_WEEK: i64 = 7;
/// From so many ranges on, kept counts first tell which of them have rows.
const THIN_FROM_STREAMS: usize = 96;
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
    /// One day.
    pub(super) const fn only(day: i64) -> Self {
        Self {
            first: day,
            last: day,
        }
    }

    /// The days of a week as [`week_of`] counts them.
    pub(super) const fn of_week(week: i64) -> Self {
        let first = week.saturating_mul(DAYS_PER_WEEK);
        Self {
            first,
            last: first.saturating_add(DAYS_PER_WEEK - 1),
        }
    }

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

    /// Takes the first so many days in a direction off.
    pub(super) fn take_window(&mut self, length: i64, direction: Direction) -> Self {
        let mut window = *self;
        match direction {
            Direction::Down => {
                window.first = window.first.max(window.last - length + 1);
                self.last = window.first - 1;
            }
            Direction::Up => {
                window.last = window.last.min(window.first + length - 1);
                self.first = window.last + 1;
            }
        }
        window
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

/// The week that a day lies in, counted from the Thursday that was the first day of 1970.
pub(super) const fn week_of(day: i64) -> i64 {
    day.div_euclid(DAYS_PER_WEEK)
}

/// The first ord of a day.
pub(super) const fn start_of(day: i64) -> i64 {
    MessageId::first_at(Timestamp::from_micros(day.saturating_mul(MICROS_PER_DAY))).ord()
}

/// The first ord of an hour, counted from 1970.
pub(super) const fn start_of_hour(hour: i64) -> i64 {
    MessageId::first_at(Timestamp::from_micros(hour.saturating_mul(MICROS_PER_DAY / 24))).ord()
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
    for &(key, kinds) in selection.tallies() {
        let mut rows = statement.query((key.dimension, key.id, days.first, days.last))?;
        while let Some(row) = rows.next()? {
            for (cell, n) in cells(row.get_ref(0)?.as_bytes().unwrap_or_default()) {
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
    let mut counts = Counts::prepare(conn, selection)?;
    for &(key, kinds) in selection.tallies() {
        counts.add(key, kinds, days, |day| day)?;
    }
    Ok(counts.sums)
}

/// How many rows of the selection each week from `first` to `last` holds, by what is kept: an office's weeks are, so
/// that a jump over many offices reads a fraction of their days.
pub(super) fn by_week(
    conn: &Connection,
    selection: &Selection,
    first: i64,
    last: i64,
) -> rusqlite::Result<BTreeMap<i64, i64>> {
    let mut counts = Counts::prepare(conn, selection)?;
    let days = Days {
        first: Days::of_week(first).first,
        last: Days::of_week(last).last,
    };
    for &(key, kinds) in selection.tallies() {
        if key.dimension == OFFICE {
            let weeks = TallyKey {
                dimension: OFFICE_WEEKS,
                ..key
            };
            counts.add(weeks, kinds, Days { first, last }, |week| week)?;
        } else {
            counts.add(key, kinds, days, week_of)?;
        }
    }
    Ok(counts.sums)
}

/// Sums of kept rows by the stretch that each lies in.
struct Counts<'c> {
    statement: CachedStatement<'c>,
    states: i64,
    sums: BTreeMap<i64, i64>,
}

impl<'c> Counts<'c> {
    fn prepare(conn: &'c Connection, selection: &Selection) -> rusqlite::Result<Self> {
        Ok(Self {
            statement: conn.prepare_cached(
                "SELECT day, cells FROM tally WHERE dimension = ?1 AND id = ?2 AND day >= ?3 AND day <= ?4",
            )?,
            states: selection.state_mask(),
            sums: BTreeMap::new(),
        })
    }

    /// Adds the rows of a tally whose `day` (or what stands there) lies in `days`.
    fn add(
        &mut self,
        key: TallyKey,
        kinds: i64,
        days: Days,
        stretch: fn(i64) -> i64,
    ) -> rusqlite::Result<()> {
        let mut rows = self
            .statement
            .query((key.dimension, key.id, days.first.max(0), days.last))?;
        while let Some(row) = rows.next()? {
            let n = sum_of(row.get_ref(1)?.as_bytes().unwrap_or_default(), kinds, self.states);
            if n != 0 {
                *self.sums.entry(stretch(row.get(0)?)).or_insert(0) += n;
            }
        }
        Ok(())
    }
}

/// How many rows of the selection each hour of a day holds, where the selection is of the whole server: else no hours
/// are kept.
pub(super) fn by_hour(
    conn: &Connection,
    selection: &Selection,
    day: i64,
) -> rusqlite::Result<Option<Vec<(Span, i64)>>> {
    let tallies = selection.tallies();
    let (
        Some((
            TallyKey {
                dimension: SERVER, ..
            },
            kinds,
        )),
        1,
    ) = (tallies.first(), tallies.len())
    else {
        return Ok(None);
    };
    let hours = TallyKey {
        dimension: SERVER_HOURS,
        id: 0,
    };
    let of_day = Days {
        first: day * 24,
        last: day * 24 + 23,
    };
    let mut counts = Counts::prepare(conn, selection)?;
    counts.add(hours, *kinds, of_day, |hour| hour)?;
    let span = |hour| Span {
        low: start_of_hour(hour),
        high: start_of_hour(hour + 1),
    };
    Ok(Some(
        counts.sums.into_iter().map(|(hour, n)| (span(hour), n)).collect(),
    ))
}

/// By whom, of which category and Type there is any mail at all.
pub(super) type Inhabited = HashSet<(TallyKey, i64, i64)>;

/// Which ranges of a wide selection a day has rows in: most of 1,200 have none.
pub(super) fn inhabited(conn: &Connection, selection: &Selection, day: i64) -> rusqlite::Result<Inhabited> {
    let mut found = HashSet::new();
    let mut statement =
        conn.prepare_cached("SELECT cells FROM tally WHERE dimension = ?1 AND id = ?2 AND day = ?3")?;
    for &(key, _) in selection.tallies() {
        let mut rows = statement.query((key.dimension, key.id, day))?;
        while let Some(row) = rows.next()? {
            for (cell, n) in cells(row.get_ref(0)?.as_bytes().unwrap_or_default()) {
                let (kind, state) = kind_and_state(cell);
                if n != 0
                    && let Some(state) = MessageState::from_number(state)
                {
                    found.insert((key, category_of(kind), state.shown().number()));
                }
            }
        }
    }
    Ok(found)
}

/// The one day that the span of so many ranges lies in, for which [`inhabited`] pays.
pub(super) fn day_to_thin(streams: usize, span: Span) -> Option<i64> {
    let day = day_of(span.low);
    (streams >= THIN_FROM_STREAMS && span.high < i64::MAX && day == day_of(span.high - 1)).then_some(day)
}

fn sum_of(text: &[u8], kinds: i64, states: i64) -> i64 {
    cells(text)
        .filter(|(cell, _)| {
            let (kind, state) = kind_and_state(*cell);
            has_bit(kinds, kind) && has_bit(states, state)
        })
        .map(|(_, n)| n)
        .sum()
}

/// Counts the selection's rows within `span` by looking: for the parts of a day that no tally tells.
pub(super) fn look(conn: &Connection, selection: &Selection, span: Span) -> rusqlite::Result<Matrix> {
    let mut matrix = Matrix::default();
    if span.is_empty() {
        return Ok(matrix);
    }
    let states = selection.state_mask();
    let thin = match day_to_thin(selection.streams(), span) {
        Some(day) => Some(inhabited(conn, selection, day)?),
        None => None,
    };
    for arm in &selection.arms {
        for shown in &selection.types {
            if thin
                .as_ref()
                .is_some_and(|thin| !thin.contains(&arm.inhabitant(*shown)))
            {
                continue;
            }
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
