//! Corrects the day of the daily limits after the clock was moved (DESIGN invariant 12).
//!
//! | the clock | the day that counts |
//! | --- | --- |
//! | is set back by up to a day | stays, so that nothing is granted twice |
//! | is set back further | the clock's day, with what was used on the later one; that is set aside |
//! | shows the later day again | the later day, with what was used on it and since |
//! | passes into the next day | the next day; what was set aside is forgotten: the clock had stood ahead |

use postroom_domain::{Day, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::group::Group;
use super::limits::SETTLED;
use crate::StoreError;

/// Brings the day that counts into line with the clock.
pub(crate) fn correct(group: &mut Group<'_>, now: Timestamp) -> Result<(), StoreError> {
    let Some(counting) = group.limits.counting() else {
        return Ok(());
    };
    let today = group.limits.settings().rule.day_of(now);
    if counting > today.next() {
        let ends = group.limits.settings().rule.start_of(today.next());
        group.limits.flush(group.conn)?;
        count_on(group.conn, counting, today)?;
        hold_until(group.conn, ends)?;
        tracing::warn!(day = %today, instead_of = %counting, "the day of the daily limits is the clock's again");
    } else if !group.limits.has_set_aside() {
        return Ok(());
    } else {
        group.limits.flush(group.conn)?;
        if !bring_back(group.conn, today)? {
            return Ok(());
        }
    }
    group.limits.read_again(group.conn)
}

/// Counts what was used on the day `ahead` on `today` instead, and sets it aside.
fn count_on(conn: &Connection, ahead: Day, today: Day) -> Result<(), StoreError> {
    conn.prepare_cached("DELETE FROM used_set_aside")?.execute([])?;
    conn.prepare_cached(
        "INSERT INTO used_set_aside (who, day, corrected, n, reached, base)
         SELECT who, ?1, ?2, sum(iif(day = ?1, n, 0)), max(iif(day = ?1, reached, 0)), sum(n)
         FROM used WHERE day IN (?1, ?2) GROUP BY who",
    )?
    .execute(params![ahead.0, today.0])?;
    conn.prepare_cached(
        "INSERT INTO used (day, who, n, reached)
         SELECT ?2, who, n, reached FROM used_set_aside WHERE day = ?1
         ON CONFLICT DO UPDATE SET n = n + excluded.n, reached = reached | excluded.reached",
    )?
    .execute(params![ahead.0, today.0])?;
    conn.prepare_cached("DELETE FROM used WHERE day > ?1")?
        .execute([today.0])?;
    // What was used on the days between counts no more, and so do those that were charged on them.
    conn.prepare_cached(
        "UPDATE work SET charged_day = iif(charged_day = ?1, ?2, ?3) WHERE charged_day > ?2",
    )?
    .execute(params![ahead.0, today.0, SETTLED])?;
    Ok(())
}

/// Mail that is held for a later day waits for the end of this one.
fn hold_until(conn: &Connection, ends: Timestamp) -> Result<(), StoreError> {
    for sql in [
        "UPDATE message SET hold_until = ?1
         WHERE ord IN (SELECT ord FROM work WHERE hold < 3 AND due_at > ?1)",
        "UPDATE work SET due_at = ?1 WHERE hold < 3 AND due_at > ?1",
    ] {
        conn.prepare_cached(sql)?.execute([ends.as_micros()])?;
    }
    Ok(())
}

/// Ends what is set aside once the clock shows another day than the corrected one; returns whether it did.
fn bring_back(conn: &Connection, today: Day) -> Result<bool, StoreError> {
    let found: Option<(i32, i32)> = conn
        .prepare_cached("SELECT day, corrected FROM used_set_aside LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((day, corrected)) = found else {
        return Ok(false);
    };
    if today.0 <= corrected {
        return Ok(false);
    }
    if today.0 == day {
        count_back(conn, day, corrected)?;
    }
    conn.prepare_cached("DELETE FROM used_set_aside")?.execute([])?;
    Ok(true)
}

/// Counts on `day` again what was used on it, and what was used since on the corrected day. It counts on one day alone,
/// or it would count twice once the clock is set back again. Unfinished mail of that day moves with it, the newest first.
fn count_back(conn: &Connection, day: i32, corrected: i32) -> Result<(), StoreError> {
    for sql in [
        "UPDATE work SET charged_day = ?1 WHERE ord IN (
            SELECT ord FROM work WHERE charged_day = ?2 ORDER BY ord DESC LIMIT max(0, ifnull(
                (SELECT u.n - ifnull(a.base, 0) + ifnull(a.n, 0)
                 FROM used u LEFT JOIN used_set_aside a ON a.who = u.who WHERE u.day = ?2 AND u.who = 0), 0)))",
        "INSERT INTO used (day, who, n, reached)
         SELECT ?1, u.who, max(0, u.n - ifnull(a.base, 0) + ifnull(a.n, 0)), ifnull(a.reached, 0)
         FROM used u LEFT JOIN used_set_aside a ON a.who = u.who WHERE u.day = ?2
         ON CONFLICT DO UPDATE SET n = n + excluded.n, reached = reached | excluded.reached",
        "UPDATE used SET n = min(n, ifnull((SELECT a.base - a.n FROM used_set_aside a WHERE a.who = used.who), 0))
         WHERE day = ?2",
    ] {
        conn.prepare_cached(sql)?.execute(params![day, corrected])?;
    }
    Ok(())
}
