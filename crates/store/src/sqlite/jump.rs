//! Scrollbar jumps: the day by kept counts, then the row within the day.

use std::time::Duration;

use postroom_domain::MessageState;
use rusqlite::Connection;

use super::arms::{Selection, Span};
use super::find::{End, Quest, find};
use super::kept_counts::{Days, by_day, by_hour, day_of, lived, look, totals, under_way};
use super::merge::Direction;
use super::probe::{Budget, leased};
use super::words::Words;

/// Days of the first window of kept counts at least.
const WINDOW_DAYS: i64 = 8;
/// A jump within kept counts always ends.
const NO_END: Duration = Duration::from_secs(3_600);

/// Where a jump ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Landing {
    /// On this row.
    On(i64),
    /// After the last row.
    Beyond,
    /// Nowhere within the time; this row was looked at last.
    Spent(i64),
}

/// Finds the row at `position`, counted from 0. A search is walked within the budget.
pub(super) fn land(
    conn: &Connection,
    selection: &Selection,
    words: Option<&Words>,
    position: u64,
    budget: Budget,
) -> rusqlite::Result<Landing> {
    if selection.is_empty() {
        return Ok(Landing::Beyond);
    }
    let walks = words.is_some() || selection.state == Some(MessageState::Sending);
    if walks {
        return walk(conn, selection, words, position, budget);
    }
    let position = i64::try_from(position).unwrap_or(i64::MAX);
    if selection.span == Span::ALL && selection.state.is_none() {
        return by_windows(conn, selection, position);
    }
    let mut before = 0;
    for (span, n) in parts(conn, selection)?.into_iter().rev() {
        if before + n > position {
            return within(conn, selection, span, n, position - before);
        }
        before += n;
    }
    Ok(Landing::Beyond)
}

/// Reads kept counts in windows of days, each half as long again as the one before, from the nearer end of the list.
fn by_windows(conn: &Connection, selection: &Selection, position: i64) -> rusqlite::Result<Landing> {
    let total: i64 = totals(conn, selection)?.0.iter().flatten().sum();
    let Some(lived) = lived(conn)?.filter(|_| position < total) else {
        return Ok(Landing::Beyond);
    };
    let newest_first = position <= total / 2;
    let mut left = if newest_first {
        position
    } else {
        total - 1 - position
    };
    let mut rest = lived;
    let mut length = likely_days(lived, left, total);
    while !rest.is_empty() {
        let window = if newest_first {
            Days {
                first: rest.first.max(rest.last - length + 1),
                last: rest.last,
            }
        } else {
            Days {
                first: rest.first,
                last: rest.last.min(rest.first + length - 1),
            }
        };
        let mut days: Vec<_> = by_day(conn, selection, window)?.into_iter().collect();
        if newest_first {
            days.reverse();
            rest.last = window.first - 1;
        } else {
            rest.first = window.last + 1;
        }
        for (day, n) in days {
            if left < n {
                let from_newest = if newest_first { left } else { n - 1 - left };
                return within_day(conn, selection, day, n, from_newest);
            }
            left -= n;
        }
        length += length / 2;
    }
    Ok(Landing::Beyond)
}

/// Days that hold `left` rows of `total` if all days were alike, and a quarter more: reading a few too many costs less
/// than looking up every office once more.
fn likely_days(lived: Days, left: i64, total: i64) -> i64 {
    let days =
        i128::from(lived.last - lived.first + 1) * i128::from(left) * 5 / (i128::from(total.max(1)) * 4);
    i64::try_from(days).unwrap_or(i64::MAX).max(WINDOW_DAYS)
}

/// Counts its way through the matches from the newest on.
fn walk(
    conn: &Connection,
    selection: &Selection,
    words: Option<&Words>,
    position: u64,
    budget: Budget,
) -> rusqlite::Result<Landing> {
    let want = usize::try_from(position).unwrap_or(usize::MAX - 1) + 1;
    let quest = Quest {
        selection,
        words,
        direction: Direction::Down,
        span: Span::ALL,
        want,
    };
    let found = find(conn, &quest, &mut budget.clone())?;
    Ok(match (found.end, found.ords.last()) {
        (End::Full, Some(ord)) => Landing::On(*ord),
        (End::Spent(ord), _) => Landing::Spent(ord),
        (End::Full | End::Exhausted, _) => Landing::Beyond,
    })
}

/// The selection's dates in parts, oldest first, each with its number of rows: the days, the first and the last of
/// them perhaps cut by the dates.
fn parts(conn: &Connection, selection: &Selection) -> rusqlite::Result<Vec<(Span, i64)>> {
    let span = selection.span;
    let whole = Days::inside(span);
    let mut parts = Vec::new();
    let mut edge = |span: Span| -> rusqlite::Result<()> {
        if !span.is_empty() {
            let n = look(conn, selection, span)?.0.iter().flatten().sum();
            parts.push((span, n));
        }
        Ok(())
    };
    if whole.is_empty() {
        edge(span)?;
    } else {
        let inner = whole.span();
        edge(Span {
            low: span.low,
            high: inner.low,
        })?;
        edge(Span {
            low: inner.high,
            high: span.high,
        })?;
        for (day, n) in by_day(conn, selection, whole)? {
            parts.push((
                Days {
                    first: day,
                    last: day,
                }
                .span(),
                n,
            ));
        }
    }
    parts.sort_unstable_by_key(|(span, _)| span.low);
    if selection.state.is_some() {
        take_out_under_way(conn, selection, &mut parts)?;
    }
    Ok(parts)
}

/// Rows under way are kept as what they were before and shown as `sending`.
fn take_out_under_way(
    conn: &Connection,
    selection: &Selection,
    parts: &mut [(Span, i64)],
) -> rusqlite::Result<()> {
    let leased = leased(conn)?;
    for (ord, key) in under_way(selection, &leased) {
        if selection.state.is_some_and(|state| state.number() != key.state) {
            continue;
        }
        debug_assert!(day_of(ord) >= 0, "ords count from 1970");
        if let Some((_, n)) = parts
            .iter_mut()
            .find(|(span, _)| span.low <= ord && ord < span.high)
        {
            *n -= 1;
        }
    }
    Ok(())
}

/// The row at `position` of the `n` rows of a day, by its hours where these are kept.
fn within_day(
    conn: &Connection,
    selection: &Selection,
    day: i64,
    n: i64,
    position: i64,
) -> rusqlite::Result<Landing> {
    let mut before = 0;
    for (span, of_hour) in by_hour(conn, selection, day)?.into_iter().flatten().rev() {
        if before + of_hour > position {
            return within(conn, selection, span, of_hour, position - before);
        }
        before += of_hour;
    }
    let span = Days {
        first: day,
        last: day,
    }
    .span();
    within(conn, selection, span, n, position)
}

/// The row at `position` of the `n` rows of `span`, counted from the nearer end.
fn within(
    conn: &Connection,
    selection: &Selection,
    span: Span,
    n: i64,
    position: i64,
) -> rusqlite::Result<Landing> {
    let (direction, steps) = if position <= n / 2 {
        (Direction::Down, position + 1)
    } else {
        (Direction::Up, n - position)
    };
    let quest = Quest {
        selection,
        words: None,
        direction,
        span,
        want: usize::try_from(steps).unwrap_or(usize::MAX),
    };
    let found = find(conn, &quest, &mut Budget::start(NO_END))?;
    Ok(found.ords.last().map_or(Landing::Beyond, |ord| Landing::On(*ord)))
}
