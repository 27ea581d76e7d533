//! Finds the ords of a page: by merge, by a walk where the arms are dense, or by the full-text index.

use rusqlite::Connection;

use super::arms::{IndexArm, Selection, Span};
use super::kept_counts::{Days, by_day, day_of, lived};
use super::merge::{Direction, Merge};
use super::probe::{Budget, Look, Probe, key_columns, leased, row_key};
use super::search;
use super::words::Words;
use postroom_domain::{Category, MessageState, ShownType};

/// From so many ranges on, a walk of the whole list is tried before the merge: a range costs about 4 µs to open.
const WALK_FROM_STREAMS: usize = 128;
/// A walk goes on while one row in so many is meant (DESIGN invariant 10: 2 %).
const WALK_SPARSITY: usize = 50;
/// Rows of the ranges that need a look are looked at in a walk at a fifth of the cost: it goes on while one row in so
/// many is such a row.
const WALK_OUTSIDE: usize = 5;
/// Rows between two looks at how dense the walk is.
const WALK_STEP: usize = 64;
/// Days of the first window of kept counts; each later one is twice as long.
const WINDOW_DAYS: i64 = 8;
/// Looks in vain before kept counts are asked which days have what is looked for, and more for each tally to read.
const LOOKS_BEFORE_DAYS: usize = 128;
const LOOKS_PER_TALLY: usize = 8;

/// What to find.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quest<'q> {
    /// Which rows.
    pub(super) selection: &'q Selection,
    /// Holding which words.
    pub(super) words: Option<&'q Words>,
    /// Which way.
    pub(super) direction: Direction,
    /// Where; the selection's dates narrow it further.
    pub(super) span: Span,
    /// How many at most.
    pub(super) want: usize,
}

/// The ords found, in the order of the quest.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// The ords.
    pub(super) ords: Vec<i64>,
    /// Why there are no more.
    pub(super) end: End,
}

/// Why a search for rows ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// As many as wanted were found.
    Full,
    /// There are no more.
    Exhausted,
    /// The time was up; this ord was looked at last.
    Spent(i64),
}

/// Finds what is asked for.
pub(super) fn find(conn: &Connection, quest: &Quest<'_>, budget: &mut Budget) -> rusqlite::Result<Found> {
    let mut quest = *quest;
    quest.span = quest.span.within(quest.selection.span);
    if quest.selection.is_empty() || quest.span.is_empty() || quest.want == 0 {
        return Ok(Found {
            ords: Vec::new(),
            end: if quest.want == 0 {
                End::Full
            } else {
                End::Exhausted
            },
        });
    }
    if quest.selection.state == Some(MessageState::Sending) {
        return under_way(conn, &quest);
    }
    match quest.words {
        Some(words) => search::find(conn, &quest, words, budget),
        None if quest.selection.is_residual() => by_days(conn, &quest, budget),
        None => scan(conn, &quest, budget),
    }
}

/// Looks at rows for a kind or a state. Where these are rare, kept counts tell the days that have some, and how many:
/// the other days are passed over.
fn by_days(conn: &Connection, quest: &Quest<'_>, budget: &mut Budget) -> rusqlite::Result<Found> {
    let looks = LOOKS_BEFORE_DAYS + LOOKS_PER_TALLY * quest.selection.tallies().len();
    let mut found = scan(conn, quest, &mut budget.with_looks(looks))?;
    let End::Spent(ord) = found.end else {
        return Ok(found);
    };
    let rest = beyond(quest.span, quest.direction, ord);
    if budget.is_over() || rest.is_empty() {
        return Ok(found);
    }
    found.end = End::Exhausted;
    let Some(mut days) = days_of(conn, rest)? else {
        return Ok(found);
    };
    let mut length = WINDOW_DAYS;
    while !days.is_empty() && found.end == End::Exhausted {
        let window = days.take_window(length, quest.direction);
        length *= 2;
        through_window(conn, quest, rest, window, budget, &mut found)?;
    }
    Ok(found)
}

/// The days that a span touches between the first message and the last.
fn days_of(conn: &Connection, span: Span) -> rusqlite::Result<Option<Days>> {
    Ok(lived(conn)?.map(|lived| Days {
        first: lived.first.max(day_of(span.low)),
        last: lived.last.min(day_of(span.high - 1)),
    }))
}

/// Reads the days of a window that have rows, and adds these to `found`.
fn through_window(
    conn: &Connection,
    quest: &Quest<'_>,
    rest: Span,
    window: Days,
    budget: &mut Budget,
    found: &mut Found,
) -> rusqlite::Result<()> {
    let mut days: Vec<_> = by_day(conn, quest.selection, window)?.into_iter().collect();
    if quest.direction == Direction::Down {
        days.reverse();
    }
    for (day, n) in days {
        let left = quest.want - found.ords.len();
        let day = Quest {
            span: Days {
                first: day,
                last: day,
            }
            .span()
            .within(rest),
            want: left.min(usize::try_from(n).unwrap_or(0)),
            ..*quest
        };
        if day.want == 0 || day.span.is_empty() {
            continue;
        }
        let part = scan(conn, &day, budget)?;
        found.ords.extend(part.ords);
        if let End::Spent(_) = part.end {
            found.end = part.end;
            return Ok(());
        }
        if found.ords.len() == quest.want {
            found.end = End::Full;
            return Ok(());
        }
    }
    Ok(())
}

/// Reads index ranges or the whole list, testing what the ranges do not say.
pub(super) fn scan(conn: &Connection, quest: &Quest<'_>, budget: &mut Budget) -> rusqlite::Result<Found> {
    let mut scan = Scan {
        quest: *quest,
        probe: Probe::new(conn, quest.selection, quest.words)?,
        looks: quest.words.is_some() || quest.selection.is_residual(),
        ords: Vec::with_capacity(quest.want),
    };
    if walks_first(quest)
        && let Some(end) = scan.walk(conn, budget)?
    {
        return Ok(scan.into_found(end));
    }
    let end = scan.merge(conn, budget)?;
    Ok(scan.into_found(end))
}

struct Scan<'c> {
    quest: Quest<'c>,
    probe: Probe<'c>,
    /// Whether rows of the ranges may not be meant; where they all are, a page always ends in time.
    looks: bool,
    ords: Vec<i64>,
}

impl<'c> Scan<'c> {
    fn merge(&mut self, conn: &'c Connection, budget: &mut Budget) -> rusqlite::Result<End> {
        let selection = self.quest.selection;
        let expect = self.quest.want.saturating_sub(self.ords.len());
        let mut merge = Merge::start(conn, selection, self.quest.direction, self.quest.span, expect)?;
        while !self.is_full() {
            let Some(ord) = merge.next()? else {
                return Ok(End::Exhausted);
            };
            if !self.looks {
                self.ords.push(ord);
                continue;
            }
            let meant = if selection.is_residual() {
                self.probe.admits(selection, ord)?
            } else {
                self.probe.has_words(ord)?
            };
            if meant {
                self.ords.push(ord);
            }
            if !self.is_full() && budget.is_spent(Look::of(meant)) {
                return Ok(End::Spent(ord));
            }
        }
        Ok(End::Full)
    }

    /// Walks the whole list while it is dense with rows that are meant; `None` once it is not, with the span left
    /// to read in the quest.
    fn walk(&mut self, conn: &'c Connection, budget: &mut Budget) -> rusqlite::Result<Option<End>> {
        let selection = self.quest.selection;
        let mut statement = conn.prepare_cached(match self.quest.direction {
            Direction::Down => WALK_DOWN,
            Direction::Up => WALK_UP,
        })?;
        let mut rows = statement.query((self.quest.span.low, self.quest.span.high))?;
        let (mut walked, mut inside) = (0, 0);
        while !self.is_full() {
            let Some(row) = rows.next()? else {
                return Ok(Some(End::Exhausted));
            };
            let ord = row.get(0)?;
            let key = row_key(row, 1);
            let meant = self.probe.admits_key(selection, ord, &key)?;
            if meant {
                self.ords.push(ord);
            }
            if self.looks && !self.is_full() && budget.is_spent(Look::of(meant)) {
                return Ok(Some(End::Spent(ord)));
            }
            walked += 1;
            inside += usize::from(selection.is_residual() && selection.is_inside(&key));
            // For words every row of the span is looked at anyway: a search bounds its span or its looks.
            let pays = self.quest.words.is_some()
                || self.ords.len() * WALK_SPARSITY >= walked
                || inside * WALK_OUTSIDE >= walked;
            if walked % WALK_STEP == 0 && !pays {
                self.quest.span = beyond(self.quest.span, self.quest.direction, ord);
                return Ok(None);
            }
        }
        Ok(Some(End::Full))
    }

    /// Whether as many as wanted were found: then it does not matter that the time is up.
    const fn is_full(&self) -> bool {
        self.ords.len() >= self.quest.want
    }

    fn into_found(self, end: End) -> Found {
        Found { ords: self.ords, end }
    }
}

/// What of `span` is left after `ord`.
pub(super) const fn beyond(span: Span, direction: Direction, ord: i64) -> Span {
    match direction {
        Direction::Down => Span {
            low: span.low,
            high: ord,
        },
        Direction::Up => Span {
            low: ord + 1,
            high: span.high,
        },
    }
}

/// Whether a walk can pay: many ranges, or ranges as wide as the list, with something left to test; and Types that are
/// not rare.
fn walks_first(quest: &Quest<'_>) -> bool {
    let selection = quest.selection;
    let many = selection.streams() > WALK_FROM_STREAMS;
    let wide = selection
        .arms
        .iter()
        .any(|arm| matches!(arm, IndexArm::Server(Category::User)));
    let dense = (wide || many) && selection.is_residual();
    dense && selection.types.contains(&ShownType::Sent) || many && quest.words.is_some()
}

fn under_way(conn: &Connection, quest: &Quest<'_>) -> rusqlite::Result<Found> {
    let selection = quest.selection;
    let mut probe = Probe::new(conn, selection, quest.words)?;
    let mut ords = Vec::new();
    for (ord, key) in leased(conn)? {
        let inside = quest.span.low <= ord && ord < quest.span.high;
        if inside && probe.admits_key(selection, ord, &key)? {
            ords.push(ord);
        }
    }
    ords.sort_unstable();
    if quest.direction == Direction::Down {
        ords.reverse();
    }
    let end = if ords.len() >= quest.want {
        End::Full
    } else {
        End::Exhausted
    };
    ords.truncate(quest.want);
    Ok(Found { ords, end })
}

const WALK_DOWN: &str = concat!(
    "SELECT m.ord, ",
    key_columns!(),
    " FROM message m WHERE m.ord >= ?1 AND m.ord < ?2 ORDER BY m.ord DESC"
);
const WALK_UP: &str = concat!(
    "SELECT m.ord, ",
    key_columns!(),
    " FROM message m WHERE m.ord >= ?1 AND m.ord < ?2 ORDER BY m.ord ASC"
);
