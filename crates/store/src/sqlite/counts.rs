//! Counts under a filter.

use std::time::Duration;

use postroom_domain::{Category, MessageState};
use rusqlite::Connection;

use super::arms::{Selection, Span};
use super::find::{End, Quest, find};
use super::kept_counts::{Days, Matrix, day_of, days, lived, look, totals, under_way};
use super::merge::Direction;
use super::probe::{Budget, Probe, leased};
use super::words::Words;
use crate::{Counts, Filter};
use postroom_domain::Scope;

/// A search may take so many times as long as a page.
const SEARCH: u32 = 2;
/// A search is counted exactly up to so many rows.
const SEARCH_ROWS_MAX: usize = 10_000;

/// Counts; the caller has begun a transaction. A search is counted for at most `time`.
pub(super) fn counts(
    conn: &Connection,
    scope: &Scope,
    filter: &Filter,
    time: Duration,
) -> rusqlite::Result<Counts> {
    let wide = Filter {
        shown: None,
        state: None,
        category: None,
        ..filter.clone()
    };
    let selection = Selection::of(conn, scope, &wide)?;
    if selection.is_empty() {
        return Ok(Counts {
            exact: true,
            ..Counts::default()
        });
    }
    if let Some(query) = &filter.search {
        return searched(conn, &selection, &Words::of(query), filter, time);
    }
    let mut matrix = kept(conn, &selection)?;
    let leased = leased(conn)?;
    for (_, key) in under_way(&selection, &leased) {
        matrix.add(key.category, key.state, -1);
        matrix.add(key.category, MessageState::Sending.number(), 1);
    }
    Ok(read(&matrix, filter, Exactness(true)))
}

/// Whether a count is the whole truth.
struct Exactness(bool);

/// What is kept of the selection's dates: totals, or whole days and a look at their edges.
fn kept(conn: &Connection, selection: &Selection) -> rusqlite::Result<Matrix> {
    let span = selection.span;
    if span == Span::ALL {
        return totals(conn, selection);
    }
    let whole = Days::inside(span);
    if whole.is_empty() {
        return look(conn, selection, span);
    }
    let mut matrix = whole_days(conn, selection, whole)?;
    let low_edge = Span {
        low: span.low,
        high: whole.span().low,
    };
    if !low_edge.is_empty() {
        matrix.merge(&part_of_day(conn, selection, low_edge)?, 1);
    }
    if span.high > whole.span().high {
        let day = whole.last + 1;
        matrix.merge(
            &days(
                conn,
                selection,
                Days {
                    first: day,
                    last: day,
                },
            )?,
            1,
        );
        let after = Span {
            low: span.high,
            high: Days {
                first: day,
                last: day,
            }
            .span()
            .high,
        };
        matrix.merge(&part_of_day(conn, selection, after)?, -1);
    }
    Ok(matrix)
}

/// What some whole days hold: added up, or everything less the other days where these are fewer.
fn whole_days(conn: &Connection, selection: &Selection, whole: Days) -> rusqlite::Result<Matrix> {
    let Some(lived) = lived(conn)? else {
        return Ok(Matrix::default());
    };
    let first = whole.first.max(lived.first);
    let last = whole.last.min(lived.last);
    let outside = (first - lived.first) + (lived.last - last);
    if last - first <= outside {
        return days(conn, selection, Days { first, last });
    }
    let before = Days {
        first: lived.first,
        last: first - 1,
    };
    let after = Days {
        first: last + 1,
        last: lived.last,
    };
    let mut matrix = totals(conn, selection)?;
    for others in [before, after] {
        if !others.is_empty() {
            matrix.merge(&days(conn, selection, others)?, -1);
        }
    }
    Ok(matrix)
}

/// The later part of a day, counted from whichever side is shorter.
fn part_of_day(conn: &Connection, selection: &Selection, part: Span) -> rusqlite::Result<Matrix> {
    let day = Days {
        first: day_of(part.low),
        last: day_of(part.low),
    };
    let whole = day.span();
    if part.high - part.low <= part.low - whole.low {
        return look(conn, selection, part);
    }
    let mut matrix = days(conn, selection, day)?;
    let before = Span {
        low: whole.low,
        high: part.low,
    };
    matrix.merge(&look(conn, selection, before)?, -1);
    Ok(matrix)
}

/// Counts the matches of a search one by one.
fn searched(
    conn: &Connection,
    selection: &Selection,
    words: &Words,
    filter: &Filter,
    time: Duration,
) -> rusqlite::Result<Counts> {
    let quest = Quest {
        selection,
        words: Some(words),
        direction: Direction::Down,
        span: Span::ALL,
        want: SEARCH_ROWS_MAX + 1,
    };
    let mut budget = Budget::start(time * SEARCH);
    let mut found = find(conn, &quest, &mut budget)?;
    found.ords.truncate(SEARCH_ROWS_MAX);
    let mut probe = Probe::new(conn, selection, None)?;
    let under_way = leased(conn)?;
    let mut matrix = Matrix::default();
    for ord in found.ords {
        if let Some(key) = probe.key(ord)? {
            let state = if under_way.contains_key(&ord) {
                MessageState::Sending.number()
            } else {
                key.state
            };
            matrix.add(key.category, state, 1);
        }
    }
    Ok(read(&matrix, filter, Exactness(found.end == End::Exhausted)))
}

fn read(matrix: &Matrix, filter: &Filter, exact: Exactness) -> Counts {
    let mut counts = Counts {
        exact: exact.0,
        ..Counts::default()
    };
    let categories = [Category::User, Category::Notification];
    for ((category, row), source) in categories.iter().zip(&matrix.0).zip(&mut counts.sources) {
        let of_source = filter.category.is_none_or(|wanted| wanted == *category);
        for ((state, n), by_state) in MessageState::ALL.iter().zip(row).zip(&mut counts.states) {
            let n = u64::try_from(*n).unwrap_or(0);
            let of_state = filter.shown.is_none_or(|shown| shown == state.shown())
                && filter.state.is_none_or(|wanted| wanted == *state);
            if of_source {
                *by_state += n;
            }
            if of_state {
                *source += n;
            }
            if of_source && of_state {
                counts.total += n;
            }
        }
    }
    counts
}
