//! Rows of the list, by their ids.

use postroom_domain::{
    EnhancedCode, Kind, MessageId, MessageState, OfficeId, Reply, Scope, Timestamp, UserId, legible,
};
use rusqlite::types::{Type, ValueRef};
use rusqlite::{Connection, OptionalExtension};

use super::ahead::Ahead;
use super::arms::{RowKey, Selection};
use super::error::is_of_content;
use crate::{Hold, Row};

/// The rows of `ords` in that order; those that are gone or damaged are missing.
pub(super) fn rows_of(conn: &Connection, ords: &[i64], ahead: &Ahead) -> rusqlite::Result<Vec<Row>> {
    let mut statement = conn.prepare_cached(ROW)?;
    let mut rows = Vec::with_capacity(ords.len());
    for ord in ahead.through(ords) {
        rows.extend(unless_damaged(
            ord,
            statement.query_row([ord], read_row).optional(),
        )?);
    }
    Ok(rows)
}

/// What was read of a row; a row whose state or owner is damaged is left out, so that the others are seen.
pub(super) fn unless_damaged<T>(ord: i64, read: rusqlite::Result<Option<T>>) -> rusqlite::Result<Option<T>> {
    match read {
        Err(error) if is_of_content(&error) => {
            let id = MessageId::from_ord(ord);
            tracing::warn!(message.id = %id, %error, "the stored record of a message is damaged: it is left out of the list");
            Ok(None)
        }
        read => read,
    }
}

/// The row of an id in scope.
pub(super) fn row_in_scope(conn: &Connection, scope: &Scope, id: MessageId) -> rusqlite::Result<Option<Row>> {
    let read = conn
        .prepare_cached(ROW)?
        .query_row([id.ord()], read_row)
        .optional();
    let row = unless_damaged(id.ord(), read)?;
    Ok(row.filter(|row| scope.sees(row.sender.0, row.office.0, row.kind.category())))
}

/// Whether an id is in scope and meant by the filter, its words left aside.
pub(super) fn is_meant(conn: &Connection, selection: &Selection, id: MessageId) -> rusqlite::Result<bool> {
    let key = conn
        .prepare_cached(KEY)?
        .query_row([id.ord()], |row| {
            let phase: Option<i64> = row.get(6)?;
            let key = super::probe::row_key(row, 0);
            Ok((key, shown_state(key.state, phase)))
        })
        .optional()?;
    let span = selection.span;
    Ok(span.low <= id.ord()
        && id.ord() < span.high
        && key.is_some_and(|(key, state): (RowKey, i64)| selection.admits(&key, state)))
}

/// Whether an id is in scope.
pub(super) fn is_in_scope(conn: &Connection, scope: &Scope, id: MessageId) -> rusqlite::Result<bool> {
    let key = conn
        .prepare_cached("SELECT sender, office, kind FROM message WHERE ord = ?1")?
        .query_row([id.ord()], |row| {
            Ok((UserId(row.get(0)?), OfficeId(row.get(1)?), kind(row, 2)?))
        })
        .optional()?;
    Ok(key.is_some_and(|(sender, office, kind)| scope.sees(sender, office, kind.category())))
}

/// The rows of ids as far as they are in scope.
pub(super) fn rows_in_scope(
    conn: &Connection,
    scope: &Scope,
    ids: &[MessageId],
    ahead: &Ahead,
) -> rusqlite::Result<Vec<Row>> {
    let ords: Vec<i64> = ids.iter().map(|id| id.ord()).collect();
    let mut rows = rows_of(conn, &ords, ahead)?;
    rows.retain(|row| scope.sees(row.sender.0, row.office.0, row.kind.category()));
    Ok(rows)
}

const PHASE_LEASED: i64 = 3;

fn shown_state(kept: i64, phase: Option<i64>) -> i64 {
    if phase == Some(PHASE_LEASED) {
        MessageState::Sending.number()
    } else {
        kept
    }
}

/// The phase of a row's work. What is finished has none, and is not looked for: on a cold disk that is a page for each.
macro_rules! phase {
    () => {
        "iif(m.state < 5, (SELECT w.phase FROM work w WHERE w.ord = m.ord), NULL)"
    };
}

/// The finished states are the last ones.
const _: () = assert!(MessageState::Sent.number() == 5 && MessageState::Failed.number() == 6);

const ROW: &str = concat!(
    "SELECT m.ord, m.state, ",
    phase!(),
    ", m.kind, m.sender, u.name, m.office, o.name, \
    m.header_from, m.header_to, m.header_cc, m.header_bcc, m.recipients, m.subject, m.preview, m.mime_type, \
    m.size, m.attempts, m.sent_on, m.next_attempt_at, m.hold_reason, m.hold_until, m.send_at, \
    m.error_code, m.error_enhanced, m.error_text, m.tags, m.external_id, m.submitted_at \
    FROM message m LEFT JOIN user u ON u.id = m.sender \
    LEFT JOIN office o ON o.id = m.office WHERE m.ord = ?1"
);

const KEY: &str = concat!(
    "SELECT ",
    super::probe::key_columns!(),
    ", ",
    phase!(),
    " FROM message m WHERE m.ord = ?1"
);

fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let hold = some_text(row, 20)?.map(|reason| Hold {
        reason,
        until: shown_time(row, 21),
    });
    let id = MessageId::from_ord(row.get(0)?);
    // Whose it is and how it stands has to be right; of the rest is shown what can be read.
    Ok(Row {
        id,
        date: shown_time(row, 28).unwrap_or(id.submitted_at()),
        state: state(row, 1, 2)?,
        kind: kind(row, 3)?,
        sender: (UserId(row.get(4)?), visible(row, 5)?),
        office: (OfficeId(row.get(6)?), visible(row, 7)?),
        from: visible(row, 8)?,
        to: visible(row, 9)?,
        cc: visible(row, 10)?,
        bcc: visible(row, 11)?,
        recipients: row.get(12).unwrap_or_default(),
        subject: text(row, 13)?,
        preview: text(row, 14)?,
        mime_type: text(row, 15)?,
        size_bytes: size(row, 16).unwrap_or_default(),
        attempts: row.get(17).unwrap_or_default(),
        sent_on: shown_time(row, 18),
        next_attempt_at: shown_time(row, 19),
        hold,
        send_at: shown_time(row, 22),
        error: reply(row, 23)?,
        tags: tags(row, 26),
        external_id: some_text(row, 27)?,
    })
}

/// A reply kept in three columns from `at` on; `None` where none was kept.
pub(super) fn reply(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Option<Reply>> {
    let code: Option<u16> = row.get(at).unwrap_or_default();
    let words = some_text(row, at + 2)?;
    if code.is_none() && words.is_none() {
        return Ok(None);
    }
    Ok(Some(Reply {
        code: code.unwrap_or(0),
        enhanced: enhanced(row, at + 1)?,
        text: words.unwrap_or_default(),
    }))
}

/// A time kept in microseconds.
pub(super) fn time(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(at)?.map(Timestamp::from_micros))
}

/// A time that is shown, where it can be read.
pub(super) fn shown_time(row: &rusqlite::Row<'_>, at: usize) -> Option<Timestamp> {
    row.get::<_, Option<i64>>(at)
        .unwrap_or_default()
        .map(Timestamp::from_micros)
}

/// A value kept as JSON text.
pub(super) fn json<T: serde::de::DeserializeOwned>(
    row: &rusqlite::Row<'_>,
    at: usize,
) -> rusqlite::Result<Option<T>> {
    let kept = row.get_ref(at)?.as_str_or_null()?;
    kept.map(serde_json::from_str)
        .transpose()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error)))
}

/// A number that is never negative.
pub(super) fn size(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<u64> {
    numbered(row, at, |number| u64::try_from(number).ok())
}

/// A number that the store keeps for a value of an enum.
pub(super) fn numbered<T>(
    row: &rusqlite::Row<'_>,
    at: usize,
    read: impl FnOnce(i64) -> Option<T>,
) -> rusqlite::Result<T> {
    let number = row.get(at)?;
    read(number).ok_or(rusqlite::Error::IntegralValueOutOfRange(at, number))
}

fn enhanced(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Option<EnhancedCode>> {
    Ok(row.get_ref(at)?.as_str().ok().and_then(parse_enhanced))
}

fn parse_enhanced(text: &str) -> Option<EnhancedCode> {
    let mut parts = text.splitn(3, '.');
    let class = parts.next()?.parse().ok()?;
    let subject = parts.next()?.parse().ok()?;
    let detail = parts.next()?.parse().ok()?;
    Some(EnhancedCode(class, subject, detail))
}

fn kind(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Kind> {
    numbered(row, at, Kind::from_number)
}

fn state(row: &rusqlite::Row<'_>, kept: usize, phase: usize) -> rusqlite::Result<MessageState> {
    let number = shown_state(row.get(kept)?, row.get(phase)?);
    MessageState::from_number(number).ok_or(rusqlite::Error::IntegralValueOutOfRange(kept, number))
}

/// A name as it is shown: some were kept before hidden characters were refused.
pub(super) fn name(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<String> {
    let kept: String = row.get(at)?;
    Ok(legible::shown(&kept).into_owned())
}

/// As [`text`], without hidden characters.
fn visible(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<String> {
    let kept = text(row, at)?;
    Ok(legible::shown(&kept).into_owned())
}

/// Tags kept as JSON text, as they are shown; none where they cannot be read.
fn tags(row: &rusqlite::Row<'_>, at: usize) -> Vec<String> {
    let kept: Vec<String> = json(row, at).ok().flatten().unwrap_or_default();
    kept.iter().map(|tag| legible::shown(tag).into_owned()).collect()
}

/// A text that is shown, as far as it can be read; empty where there is none.
pub(super) fn text(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<String> {
    Ok(some_text(row, at)?.unwrap_or_default())
}

/// A text that is shown, as far as it can be read.
pub(super) fn some_text(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Option<String>> {
    Ok(match row.get_ref(at)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => None,
    })
}
