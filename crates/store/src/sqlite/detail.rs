//! One message in full, and its attempt log.

use std::collections::HashMap;
use std::time::Duration;

use postroom_domain::{MessageId, RecipientState, Reply, Scope, Timestamp, UserId};
use rusqlite::Connection;

use super::rows::{is_in_scope, json, numbered, reply, row_in_scope, size, time};
use crate::{Attempt, AttemptRecipient, AttemptResult, Detail, RecipientDetail, RecipientRole, Submitter};

/// Reads a message; `None` outside the scope.
pub(super) fn detail(conn: &Connection, scope: &Scope, id: MessageId) -> rusqlite::Result<Option<Detail>> {
    let Some(row) = row_in_scope(conn, scope, id)? else {
        return Ok(None);
    };
    let recipients = recipients(conn, id)?;
    let resent_as = resent_as(conn, scope, id)?;
    let detail = conn
        .prepare_cached(
            "SELECT message_id, mail_from, submitted_by, metadata, resent_from, sender FROM message WHERE ord = ?1",
        )?
        .query_row([id.ord()], |kept| {
            let sender = UserId(kept.get(5)?);
            Ok(Detail {
                row,
                message_id: kept.get(0)?,
                mail_from: kept.get(1)?,
                submitted_by: json(kept, 2)?.unwrap_or(Submitter::User(sender)),
                recipients,
                metadata: kept.get(3)?,
                resent_from: kept.get::<_, Option<i64>>(4)?.map(MessageId::from_ord),
                resent_as,
            })
        })?;
    Ok(Some(detail))
}

/// Reads a message's attempt log; `None` outside the scope.
pub(super) fn attempts(
    conn: &Connection,
    scope: &Scope,
    id: MessageId,
) -> rusqlite::Result<Option<Vec<Attempt>>> {
    if !is_in_scope(conn, scope, id)? {
        return Ok(None);
    }
    let addresses: HashMap<i64, String> = conn
        .prepare_cached("SELECT n, address FROM recipient WHERE ord = ?1")?
        .query_map([id.ord()], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    conn.prepare_cached(
        "SELECT number, cycle, started_at, duration_us, relay, tls, result, code, enhanced, text, recipients \
         FROM attempt WHERE ord = ?1 ORDER BY seq",
    )?
    .query_map([id.ord()], |row| read_attempt(row, &addresses))?
    .collect::<rusqlite::Result<_>>()
    .map(Some)
}

fn read_attempt(row: &rusqlite::Row<'_>, addresses: &HashMap<i64, String>) -> rusqlite::Result<Attempt> {
    let told: Vec<(i64, Reply)> = json(row, 10)?.unwrap_or_default();
    Ok(Attempt {
        number: row.get(0)?,
        cycle: row.get(1)?,
        started_at: Timestamp::from_micros(row.get(2)?),
        duration: Duration::from_micros(size(row, 3)?),
        relay: row.get(4)?,
        tls: row.get(5)?,
        result: numbered(row, 6, attempt_result)?,
        reply: reply(row, 7)?.unwrap_or_else(|| Reply::none("")),
        recipients: told
            .into_iter()
            .map(|(index, reply)| AttemptRecipient {
                address: addresses.get(&index).cloned().unwrap_or_default(),
                reply,
            })
            .collect(),
    })
}

fn recipients(conn: &Connection, id: MessageId) -> rusqlite::Result<Vec<RecipientDetail>> {
    conn.prepare_cached(
        "SELECT address, role, state, code, enhanced, text, at FROM recipient WHERE ord = ?1 ORDER BY n",
    )?
    .query_map([id.ord()], |row| {
        Ok(RecipientDetail {
            address: row.get(0)?,
            role: numbered(row, 1, recipient_role)?,
            state: numbered(row, 2, RecipientState::from_number)?,
            reply: reply(row, 3)?,
            at: time(row, 6)?,
        })
    })?
    .collect()
}

/// The messages that sent this one again, as far as they are in scope.
fn resent_as(conn: &Connection, scope: &Scope, id: MessageId) -> rusqlite::Result<Vec<MessageId>> {
    let ords: Vec<i64> = conn
        .prepare_cached("SELECT ord FROM message WHERE resent_from = ?1 ORDER BY ord")?
        .query_map([id.ord()], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut seen = Vec::new();
    for resent in ords.into_iter().map(MessageId::from_ord) {
        if is_in_scope(conn, scope, resent)? {
            seen.push(resent);
        }
    }
    Ok(seen)
}

fn attempt_result(number: i64) -> Option<AttemptResult> {
    AttemptResult::ALL
        .into_iter()
        .find(|result| result.number() == number)
}

fn recipient_role(number: i64) -> Option<RecipientRole> {
    RecipientRole::ALL
        .into_iter()
        .find(|role| role.number() == number)
}
