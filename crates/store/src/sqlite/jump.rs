//! Scrollbar jumps: the week, the day and the hour by kept counts, then the row within.

use std::time::Duration;

use postroom_domain::MessageState;
use rusqlite::Connection;

use super::arms::{Selection, Span};
use super::find::{End, Quest, find};
use super::kept_counts::{Days, by_day, by_hour, by_week, lived, look, totals, under_way, week_of};
use super::merge::Direction;
use super::probe::{Budget, leased};
use super::words::Words;

/// Weeks of the first window of kept counts at least.
const WINDOW_WEEKS: i64 = 2;
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
    among(conn, selection, parts(conn, selection)?, position)
}

/// Stretches of the list, oldest first, each with its number of rows.
type Parts = Vec<(Span, i64)>;

/// Reads kept counts in windows of weeks, each half as long again as the one before, from the nearer end of the list.
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
    let (mut first, mut last) = (week_of(lived.first), week_of(lived.last));
    let mut length = likely_weeks(last - first + 1, left, total);
    while first <= last {
        let (low, high) = if newest_first {
            (first.max(last - length + 1), last)
        } else {
            (first, last.min(first + length - 1))
        };
        let mut weeks: Vec<_> = by_week(conn, selection, low, high)?.into_iter().collect();
        if newest_first {
            weeks.reverse();
            last = low - 1;
        } else {
            first = high + 1;
        }
        for (week, n) in weeks {
            if left < n {
                let from_newest = if newest_first { left } else { n - 1 - left };
                return inside(conn, selection, Days::of_week(week).span(), n, from_newest);
            }
            left -= n;
        }
        length += length / 2;
    }
    Ok(Landing::Beyond)
}

/// Weeks that hold `left` rows of `total` if all weeks were alike, and a quarter more: reading a few too many costs
/// less than looking up every office once more.
fn likely_weeks(lived: i64, left: i64, total: i64) -> i64 {
    let weeks = i128::from(lived) * i128::from(left) * 5 / (i128::from(total.max(1)) * 4);
    i64::try_from(weeks)
        .unwrap_or(i64::MAX)
        .saturating_add(1)
        .max(WINDOW_WEEKS)
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

/// The selection's dates in parts: weeks, the days that make up no whole week, and the first and the last day where
/// the dates cut them.
fn parts(conn: &Connection, selection: &Selection) -> rusqlite::Result<Parts> {
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
        parts.extend(weeks_and_days(conn, selection, whole)?);
    }
    parts.sort_unstable_by_key(|(span, _)| span.low);
    take_out_under_way(conn, selection, &mut parts)?;
    Ok(parts)
}

/// Whole weeks, and the days before and after them.
fn weeks_and_days(conn: &Connection, selection: &Selection, days: Days) -> rusqlite::Result<Parts> {
    let first = week_of(days.first.saturating_add(6));
    let last = week_of(days.last.saturating_add(1)) - 1;
    if first > last {
        return days_of(conn, selection, days);
    }
    let before = Days {
        last: Days::of_week(first).first - 1,
        ..days
    };
    let after = Days {
        first: Days::of_week(last).last + 1,
        ..days
    };
    let mut parts = days_of(conn, selection, before)?;
    let weeks = by_week(conn, selection, first, last)?;
    parts.extend(weeks.into_iter().map(|(week, n)| (Days::of_week(week).span(), n)));
    parts.extend(days_of(conn, selection, after)?);
    Ok(parts)
}

/// Days one by one.
fn days_of(conn: &Connection, selection: &Selection, days: Days) -> rusqlite::Result<Parts> {
    let counts = by_day(conn, selection, days)?.into_iter();
    Ok(counts.map(|(day, n)| (Days::only(day).span(), n)).collect())
}

/// Rows under way are kept as what they were before and shown as `sending`.
fn take_out_under_way(conn: &Connection, selection: &Selection, parts: &mut Parts) -> rusqlite::Result<()> {
    let Some(state) = selection.state else {
        return Ok(());
    };
    let leased = leased(conn)?;
    for (ord, key) in under_way(selection, &leased) {
        if state.number() != key.state {
            continue;
        }
        if let Some((_, n)) = parts
            .iter_mut()
            .find(|(span, _)| span.low <= ord && ord < span.high)
        {
            *n -= 1;
        }
    }
    Ok(())
}

/// The row at `position` of stretches that follow each other.
fn among(conn: &Connection, selection: &Selection, parts: Parts, position: i64) -> rusqlite::Result<Landing> {
    let mut before = 0;
    for (span, n) in parts.into_iter().rev() {
        if before + n > position {
            return inside(conn, selection, span, n, position - before);
        }
        before += n;
    }
    Ok(Landing::Beyond)
}

/// The row at `position` of the `n` rows of a stretch: by the days of a week, by the hours of a day where these are
/// kept, then row by row.
fn inside(
    conn: &Connection,
    selection: &Selection,
    span: Span,
    n: i64,
    position: i64,
) -> rusqlite::Result<Landing> {
    let days = Days::inside(span);
    let finer = if days.first < days.last {
        Some(days_of(conn, selection, days)?)
    } else if days.span() == span {
        by_hour(conn, selection, days.first)?
    } else {
        None
    };
    let Some(mut parts) = finer else {
        return within(conn, selection, span, n, position);
    };
    take_out_under_way(conn, selection, &mut parts)?;
    among(conn, selection, parts, position)
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
