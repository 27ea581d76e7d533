//! What stored times become when no server ran for a while, or when the clock was moved (SPEC D9).

use postroom_domain::{NodeSlot, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::group::Group;
use crate::StoreError;

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
        shift(group.conn, passed, now)
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

/// Moves by `micros`, as the clock was moved, what counts the time that passes: when deferred mail is due, and since
/// when a cycle or an outage lasts. What is due at a time of the calendar stays: scheduled mail, and holds of a day.
///
/// Only what lies nearer to the time before the move than to the time after it is moved: what was written since stays,
/// and a second call changes nothing.
pub(crate) fn shift(conn: &Connection, micros: i64, now: Timestamp) -> Result<(), StoreError> {
    let (after, before) = (now.as_micros(), now.moved(micros.saturating_neg()).as_micros());
    for sql in [
        "UPDATE work SET due_at = due_at + ?1 WHERE phase = 1 AND abs(due_at - ?2) < abs(due_at - ?3) AND ord IN
            (SELECT w.ord FROM work w JOIN message m ON m.ord = w.ord WHERE w.phase = 1 AND m.state = 4)",
        "UPDATE message SET next_attempt_at = next_attempt_at + ?1
         WHERE state = 4 AND abs(next_attempt_at - ?2) < abs(next_attempt_at - ?3)
            AND ord IN (SELECT ord FROM work)",
        "UPDATE work SET since = since + ?1 WHERE abs(since - ?2) < abs(since - ?3)",
        "UPDATE relay_state SET since = since + ?1 WHERE abs(since - ?2) < abs(since - ?3)",
    ] {
        conn.prepare_cached(sql)?.execute(params![micros, before, after])?;
    }
    Ok(())
}
