//! Recounts what is kept, in one snapshot.

use std::collections::HashMap;
use std::hash::Hash;

use postroom_domain::{Damage, MessageId};
use rusqlite::{Connection, Row};

use super::cells::{cells, kind_and_state};
use super::kept_counts::week_of;
use super::tally::{OFFICE, OFFICE_WEEKS, SENDER, SERVER, SERVER_HOURS, TOTAL, TallyKey};
use super::{checksum_fill, high_water, integrity};
use crate::StoreError;
use crate::contract::CheckReport;

/// Differences that a report names; the rest is counted.
const NAMED_MAX: usize = 100;
/// Microseconds × 1,024 of an hour: an id divided by it is the hour of its submission.
const ORD_HOUR: i64 = 3_600_000_000 * 1_024;

/// Recounts tallies, depths and lanes, compares work with messages, and says what is known to be damaged.
pub(crate) fn check(conn: &Connection) -> Result<CheckReport, StoreError> {
    let snapshot = conn.unchecked_transaction()?;
    let mut report = CheckReport::default();
    for (what, part) in PARTS {
        if let Err(error) = part(&snapshot, &mut report) {
            if !error.is_of_content() {
                return Err(error);
            }
            report.differences.push(format!("{what} cannot be read: {error}"));
        }
    }
    snapshot.finish()?;
    let beyond = report.differences.len().saturating_sub(NAMED_MAX);
    if beyond > 0 {
        report.differences.truncate(NAMED_MAX);
        report.differences.push(format!("and {beyond} more differences"));
    }
    Ok(report)
}

type Part = fn(&Connection, &mut CheckReport) -> Result<(), StoreError>;

/// What is compared; a part that cannot be read does not keep the others from it.
const PARTS: [(&str, Part); 7] = [
    ("what is known of losses", losses),
    ("the counts of messages", tallies),
    ("the counts of unfinished messages", depths),
    ("the lanes", lanes),
    ("the parts of messages", orphans),
    ("what was taken of daily limits", limits),
    ("what is known of damage", damage),
];

/// Losses of committed work.
fn losses(conn: &Connection, report: &mut CheckReport) -> Result<(), StoreError> {
    report.differences.extend(high_water::losses(conn)?);
    Ok(())
}

/// Messages known to be damaged, what has no checksum yet, and the tables.
fn damage(conn: &Connection, report: &mut CheckReport) -> Result<(), StoreError> {
    report.tables = integrity::tables(conn)?;
    report.without_checksum = checksum_fill::without_checksum(conn)?;
    let contents: i64 = conn.query_row("SELECT count(*) FROM content", [], |row| row.get(0))?;
    report.contents = u64::try_from(contents).unwrap_or(0);
    let mut statement = conn.prepare_cached("SELECT ord, what FROM damage ORDER BY ord LIMIT ?1")?;
    let mut rows = statement.query([i64::try_from(NAMED_MAX).unwrap_or(i64::MAX)])?;
    while let Some(row) = rows.next()? {
        let damage = Damage::from_number(row.get(1)?).unwrap_or(Damage::Record);
        report.damaged.push((MessageId::from_ord(row.get(0)?), damage));
    }
    Ok(())
}

fn tallies(conn: &Connection, report: &mut CheckReport) -> Result<(), StoreError> {
    let mut counted: HashMap<(TallyKey, i64, i64), i64> = HashMap::new();
    let mut statement = conn.prepare_cached(
        "SELECT office, sender, ord / ?1, category, kind, state, count(*) FROM message GROUP BY 1, 2, 3, 4, 5, 6",
    )?;
    let mut rows = statement.query([ORD_HOUR])?;
    while let Some(row) = rows.next()? {
        let [office, sender, hour, category, kind, state, n] = numbers::<7>(row)?;
        report.messages += u64::try_from(n).unwrap_or(0);
        let mut ids = vec![(SERVER, 0), (OFFICE, office)];
        if category == 0 {
            ids.push((SENDER, sender));
        }
        for (dimension, id) in ids {
            for day in [TOTAL, hour / 24] {
                *counted.entry(((dimension, id, day), kind, state)).or_default() += n;
            }
        }
        let weeks = (OFFICE_WEEKS, office, week_of(hour / 24));
        for row in [(SERVER_HOURS, 0, hour), weeks] {
            *counted.entry((row, kind, state)).or_default() += n;
        }
    }
    let mut kept = HashMap::new();
    let mut statement = conn.prepare_cached("SELECT dimension, id, day, cells FROM tally")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let key = (row.get(0)?, row.get(1)?, row.get(2)?);
        for (cell, n) in cells(row.get_ref(3)?.as_bytes().unwrap_or_default()) {
            let (kind, state) = kind_and_state(cell);
            *kept.entry((key, kind, state)).or_default() += n;
        }
    }
    compare("tally ((dimension, id, day), kind, state)", counted, kept, report);
    Ok(())
}

fn depths(conn: &Connection, report: &mut CheckReport) -> Result<(), StoreError> {
    let counted = read(
        conn,
        "SELECT route, phase, count(*) FROM work GROUP BY 1, 2",
        pair,
    )?;
    report.work = u64::try_from(counted.values().sum::<i64>()).unwrap_or(0);
    let kept = read(conn, "SELECT route, phase, n FROM depth", pair)?;
    compare("depth (route, phase)", counted, kept, report);
    Ok(())
}

fn lanes(conn: &Connection, report: &mut CheckReport) -> Result<(), StoreError> {
    let counted = read(
        conn,
        "SELECT route, flow, count(*) FROM work WHERE phase = 0 GROUP BY 1, 2",
        pair,
    )?;
    let kept = read(conn, "SELECT route, flow, ready FROM lane", pair)?;
    compare("lane (route, flow)", counted, kept, report);
    Ok(())
}

/// Work without an unfinished message, unfinished messages without work, and parts without a message.
fn orphans(conn: &Connection, report: &mut CheckReport) -> Result<(), StoreError> {
    let questions = [
        (
            "work without an unfinished message",
            "SELECT w.ord FROM work w LEFT JOIN message m ON m.ord = w.ord WHERE m.type IS NULL OR m.type <> 0",
        ),
        (
            "unfinished message without work",
            "SELECT ord FROM message WHERE type = 0 AND ord NOT IN (SELECT ord FROM work)",
        ),
        (
            "state and phase that do not fit",
            "SELECT w.ord FROM work w JOIN message m ON m.ord = w.ord
             WHERE (m.state = 1 AND w.phase <> 1) OR (m.state = 2) <> (w.phase = 2) OR (m.state = 0 AND w.phase = 1)",
        ),
        (
            "held without a reason, or a reason without a hold",
            "SELECT ord FROM work WHERE (phase = 2) <> (hold IS NOT NULL)",
        ),
        (
            "due mail that nothing was charged for",
            "SELECT ord FROM work WHERE phase IN (0, 3) AND charged_day IS NULL",
        ),
        (
            "content without a message",
            "SELECT ord FROM content WHERE ord NOT IN (SELECT ord FROM message)",
        ),
        (
            "recipient without a message",
            "SELECT DISTINCT ord FROM recipient WHERE ord NOT IN (SELECT ord FROM message)",
        ),
    ];
    for (what, sql) in questions {
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id = MessageId::from_ord(row.get(0)?);
            report.differences.push(format!("{what}: {id}"));
        }
    }
    Ok(())
}

/// What each user took adds up to what the server took, and unfinished mail is not more than was taken. Mail that has
/// ended no longer says when it was charged, so the rest cannot be counted anew.
fn limits(conn: &Connection, report: &mut CheckReport) -> Result<(), StoreError> {
    let users = read(
        conn,
        "SELECT day, 0, sum(n) FROM used WHERE who > 0 GROUP BY day HAVING sum(n) > 0",
        pair,
    )?;
    let server = read(conn, "SELECT day, 0, n FROM used WHERE who = 0", pair)?;
    let unfinished = read(
        conn,
        "SELECT charged_day, 0, count(*) FROM work WHERE charged_day > 0 GROUP BY 1",
        pair,
    )?;
    for ((day, _), n) in unfinished {
        let taken = server.get(&(day, 0)).copied().unwrap_or(0);
        if taken < n {
            report.differences.push(format!(
                "used of day {day} says {taken}, but {n} unfinished messages were charged that day"
            ));
        }
    }
    compare("used (day, the whole server)", users, server, report);
    Ok(())
}

fn compare<K: Hash + Eq + Ord + Copy + std::fmt::Debug>(
    what: &str,
    mut counted: HashMap<K, i64>,
    kept: HashMap<K, i64>,
    report: &mut CheckReport,
) {
    let mut wrong: Vec<(K, i64, i64)> = Vec::new();
    for (key, kept) in kept {
        let real = counted.remove(&key).unwrap_or(0);
        if real != kept {
            wrong.push((key, kept, real));
        }
    }
    wrong.extend(counted.into_iter().map(|(key, real)| (key, 0, real)));
    wrong.sort_unstable();
    report.differences.extend(
        wrong
            .into_iter()
            .map(|(key, kept, real)| format!("{what} {key:?} says {kept}, there are {real}")),
    );
}

fn read<K: Hash + Eq>(
    conn: &Connection,
    sql: &str,
    take: impl Fn(&Row<'_>) -> rusqlite::Result<(K, i64)>,
) -> Result<HashMap<K, i64>, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| take(row))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn pair(row: &Row<'_>) -> rusqlite::Result<((i64, i64), i64)> {
    let [a, b, n] = numbers::<3>(row)?;
    Ok(((a, b), n))
}

fn numbers<const N: usize>(row: &Row<'_>) -> rusqlite::Result<[i64; N]> {
    let mut numbers = [0; N];
    for (index, number) in numbers.iter_mut().enumerate() {
        *number = row.get(index)?;
    }
    Ok(numbers)
}
