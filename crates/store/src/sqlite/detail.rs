//! One message in full, and its attempt log.

use std::collections::HashMap;
use std::time::Duration;

use postroom_domain::{Damage, MessageId, RecipientState, Reply, Scope, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension};

use super::rows::{is_in_scope, json, numbered, reply, row_in_scope, shown_time, size, some_text, text};
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
                message_id: text(kept, 0)?,
                mail_from: text(kept, 1)?,
                submitted_by: json(kept, 2).ok().flatten().unwrap_or(Submitter::User(sender)),
                recipients,
                metadata: some_text(kept, 3)?,
                resent_from: kept
                    .get::<_, Option<i64>>(4)
                    .unwrap_or_default()
                    .map(MessageId::from_ord),
                resent_as,
                damage: damage(conn, id)?,
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
        .query_map([id.ord()], |row| Ok((row.get(0)?, text(row, 1)?)))?
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
    let told: Vec<(i64, Reply)> = json(row, 10).ok().flatten().unwrap_or_default();
    Ok(Attempt {
        number: row.get(0).unwrap_or_default(),
        cycle: row.get(1).unwrap_or_default(),
        started_at: Timestamp::from_micros(row.get(2).unwrap_or_default()),
        duration: Duration::from_micros(size(row, 3).unwrap_or_default()),
        relay: text(row, 4)?,
        tls: some_text(row, 5)?,
        result: numbered(row, 6, attempt_result).unwrap_or(AttemptResult::Uncertain),
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
            address: text(row, 0)?,
            role: numbered(row, 1, recipient_role).unwrap_or(RecipientRole::Envelope),
            // One that cannot be read is not tried again.
            state: numbered(row, 2, RecipientState::from_number).unwrap_or(RecipientState::Failed),
            reply: reply(row, 3)?,
            at: shown_time(row, 6),
        })
    })?
    .collect()
}

/// What of it was found damaged.
fn damage(conn: &Connection, id: MessageId) -> rusqlite::Result<Option<Damage>> {
    let found: Option<i64> = conn
        .prepare_cached("SELECT what FROM damage WHERE ord = ?1")?
        .query_row([id.ord()], |row| row.get(0))
        .optional()?;
    Ok(found.map(|what| Damage::from_number(what).unwrap_or(Damage::Record)))
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
