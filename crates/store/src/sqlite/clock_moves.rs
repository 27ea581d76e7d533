//! What stored times become when no server ran for a while, or when the clock was moved (SPEC D9).

use std::time::Duration;

use postroom_domain::{NodeSlot, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::group::Group;
use crate::StoreError;
use crate::contract::ClockMove;

/// How long a move is remembered; no mail waits for a relay for so long.
const REMEMBERED: Duration = Duration::from_hours(24 * 60);

/// Within what an attempt that has ended is written down.
const WRITTEN_WITHIN: Duration = Duration::from_secs(1);

/// Accounts for the time since the node was last seen, at its next start.
///
/// A clock that stands before that time was set back while no server ran: how long that was is not known, so waiting
/// mail has the rest of its wait before it.
pub(crate) fn since_last_seen(group: &Group<'_>, slot: NodeSlot, now: Timestamp) -> Result<(), StoreError> {
    let seen: Option<i64> = group
        .conn
        .prepare_cached("SELECT seen_at FROM node WHERE slot = ?1")?
        .query_row([slot.0], |row| row.get(0))
        .optional()?;
    let passed = seen.map_or(0, |seen| now.as_micros().saturating_sub(seen));
    if passed >= 0 {
        leave_out(group.conn, passed)
    } else {
        note(group.conn, passed, now)?;
        // Another node's start must not find the same move once more.
        group
            .conn
            .prepare_cached("UPDATE node SET seen_at = seen_at + ?1")?
            .execute([passed])?;
        shift_times_due(group.conn, passed, Turn::First(now), now)?;
        shift_begun(group.conn, passed, None)
    }
}

/// Takes `micros` in which no server ran out of every wait for a relay that was Down meanwhile.
fn leave_out(conn: &Connection, micros: i64) -> Result<(), StoreError> {
    let outages = conn
        .prepare_cached("UPDATE relay_state SET unserved = unserved + ?1 WHERE down = 1")?
        .execute([micros])?;
    if outages > 0 && micros > 0 {
        conn.prepare_cached(
            "UPDATE work SET since = since + ?1 WHERE route IN (SELECT route FROM relay_state WHERE down = 1)",
        )?
        .execute([micros])?;
    }
    Ok(())
}

/// Takes a pause of sending in the last minute out of the outages that it fell into. Waits that began in an outage, and not
/// before it, keep their beginning.
pub(crate) fn leave_out_pause(conn: &Connection, paused: Duration, now: Timestamp) -> Result<(), StoreError> {
    let micros = i64::try_from(paused.as_micros()).unwrap_or(i64::MAX);
    if micros > 0 {
        conn.prepare_cached(
            "UPDATE relay_state SET unserved = max(unserved, min(unserved + ?1, ?2 - since)) WHERE down = 1",
        )?
        .execute(params![micros, now.as_micros()])?;
    }
    Ok(())
}

/// Moves what counts the time that passes, as the clock was moved: when deferred mail is due, and since when a cycle or an
/// outage lasts. What is due at a time of the calendar stays: scheduled mail, and holds of a day.
pub(crate) fn follow(conn: &Connection, op: ClockMove) -> Result<(), StoreError> {
    let ClockMove { micros, at, now } = op;
    let is_known = conn
        .prepare_cached("SELECT 1 FROM clock_move WHERE micros = ?1 AND at = ?2")?
        .exists(params![micros, at.as_micros()])?;
    let turn = if is_known {
        Turn::Again(at)
    } else {
        Turn::First(at)
    };
    shift_times_due(conn, micros, turn, now)?;
    if !is_known {
        note(conn, micros, at)?;
        // A start must not find the same move once more.
        conn.prepare_cached("UPDATE node SET seen_at = seen_at + ?1")?
            .execute([micros])?;
        // What lies between was written since.
        return shift_begun(conn, micros, Some((at, now)));
    }
    if micros < 0 {
        // What was written since by somebody who had read the clock before lies ahead of it.
        shift_begun(conn, micros, Some((Timestamp::from_micros(i64::MIN), now)))?;
    }
    Ok(())
}

/// Remembers a move while mail of before it may wait.
fn note(conn: &Connection, micros: i64, at: Timestamp) -> Result<(), StoreError> {
    conn.prepare_cached("DELETE FROM clock_move WHERE abs(at - ?1) > ?2")?
        .execute(params![
            at.as_micros(),
            i64::try_from(REMEMBERED.as_micros()).unwrap_or(i64::MAX)
        ])?;
    conn.prepare_cached("INSERT INTO clock_move (micros, at) VALUES (?1, ?2)")?
        .execute(params![micros, at.as_micros()])?;
    Ok(())
}

/// By how much the id of a message may be later than its times: by what the clock was set back since.
pub(crate) fn ids_ahead_by(conn: &Connection) -> rusqlite::Result<Duration> {
    let micros: i64 = conn
        .prepare_cached("SELECT ifnull(-sum(micros), 0) FROM clock_move WHERE micros < 0")?
        .query_row([], |row| row.get(0))?;
    Ok(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
}

/// Whether a move is followed for the first time, and what the clock showed when it was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// For the first time.
    First(Timestamp),
    /// Once more, for what was written since by somebody who had read the clock before.
    Again(Timestamp),
}

/// Moves when mail is due: what lies nearer to the time before the move than to the time after it, and was written before.
/// What was tried since stays. What was overdue when a clock was set back is moved, too: it may lie nearer to the time
/// after, and would have to wait once more.
///
/// A further call moves what an attempt wrote since that ended by the clock before.
fn shift_times_due(conn: &Connection, micros: i64, turn: Turn, now: Timestamp) -> Result<(), StoreError> {
    let before = now.moved(micros.saturating_neg());
    let (which, tried) = match turn {
        Turn::First(_) => (
            "(abs(due - ?2) < abs(due - ?3) OR due <= ?2) AND NOT EXISTS",
            "a.started_at BETWEEN ?4 AND ?3 OR a.started_at + a.duration_us BETWEEN ?5 AND ?2",
        ),
        Turn::Again(_) => (
            "abs(due - ?2) < abs(due - ?3) AND EXISTS",
            "a.started_at + a.duration_us BETWEEN ?5 AND ?2",
        ),
    };
    // When it was moved, by the clock after and before; what ended just before that may have been written behind it.
    let (at, written_within) = match turn {
        Turn::First(at) => (at, Duration::ZERO),
        Turn::Again(at) => (at, WRITTEN_WITHIN),
    };
    let before_at = at.moved(micros.saturating_neg()).minus(written_within);
    let tried = format!(
        "(SELECT 1 FROM attempt a WHERE a.ord = one.ord AND a.seq = (SELECT max(seq) FROM attempt WHERE ord = one.ord)
            AND ({tried}))"
    );
    for sql in [
        format!(
            "UPDATE work SET due_at = due_at + ?1 WHERE ord IN
                (SELECT ord FROM (SELECT w.ord AS ord, w.due_at AS due FROM work w JOIN message m ON m.ord = w.ord
                    WHERE w.phase = 1 AND m.state = 4) one
                WHERE {which} {tried})"
        ),
        format!(
            "UPDATE message SET next_attempt_at = next_attempt_at + ?1 WHERE ord IN
                (SELECT ord FROM (SELECT m.ord AS ord, m.next_attempt_at AS due
                    FROM work w JOIN message m ON m.ord = w.ord WHERE m.state = 4) one
                WHERE {which} {tried})"
        ),
    ] {
        conn.prepare_cached(&sql)?.execute(params![
            micros,
            before.as_micros(),
            now.as_micros(),
            at.as_micros(),
            before_at.as_micros()
        ])?;
    }
    Ok(())
}

/// Moves since when cycles and outages last, but not those that began between the two times.
fn shift_begun(
    conn: &Connection,
    micros: i64,
    but: Option<(Timestamp, Timestamp)>,
) -> Result<(), StoreError> {
    let (from, until) = but.map_or((i64::MAX, i64::MIN), |(from, until)| {
        (from.as_micros(), until.as_micros())
    });
    for sql in [
        "UPDATE work SET since = since + ?1 WHERE since < ?2 OR since > ?3",
        "UPDATE relay_state SET since = since + ?1 WHERE since < ?2 OR since > ?3",
    ] {
        conn.prepare_cached(sql)?.execute(params![micros, from, until])?;
    }
    Ok(())
}
