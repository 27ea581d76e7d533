//! Reads content.

use postroom_domain::{MessageId, Scope};
use rusqlite::{Connection, OptionalExtension};

use super::rows::{is_in_scope, numbered, size};
use crate::{Content, Encoded, Packed};

/// The content of a message in scope.
pub(super) fn content(conn: &Connection, scope: &Scope, id: MessageId) -> rusqlite::Result<Option<Content>> {
    if !is_in_scope(conn, scope, id)? {
        return Ok(None);
    }
    kept_content(conn, id)
}

/// The content of a message, whoever asks.
pub(super) fn kept_content(conn: &Connection, id: MessageId) -> rusqlite::Result<Option<Content>> {
    conn.prepare_cached(
        "SELECT header_encoding, header_len, header, body_encoding, body_len, body FROM content WHERE ord = ?1",
    )?
    .query_row([id.ord()], |row| {
        Ok(Content {
            header: packed(row, 0)?,
            body: packed(row, 3)?,
        })
    })
    .optional()
}

fn packed(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Packed> {
    Ok(Packed {
        encoding: numbered(row, at, encoded)?,
        len: size(row, at + 1)?,
        bytes: row.get(at + 2)?,
    })
}

const fn encoded(number: i64) -> Option<Encoded> {
    match number {
        0 => Some(Encoded::Plain),
        1 => Some(Encoded::Zstd),
        _ => None,
    }
}
