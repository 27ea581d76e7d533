//! Reads content: the only place that does, so that nothing leaves the store whose checksum does not match.

use postroom_domain::{Damage, MessageId, Scope};
use rusqlite::{Connection, OptionalExtension, params};

use super::checksum::{Digest, Digests};
use super::rows::{is_in_scope, numbered, size};
use crate::{Content, Encoded, Packed, StoreError};

/// The content of a message in scope.
pub(super) fn content(
    conn: &Connection,
    scope: &Scope,
    id: MessageId,
) -> Result<Option<Content>, StoreError> {
    if !is_in_scope(conn, scope, id)? {
        return Ok(None);
    }
    verified_content(conn, id)
}

/// The content of a message, or its size where that is over a limit.
pub(super) enum Found {
    /// The content, verified.
    Content(Content),
    /// Octets of content that was neither read nor verified.
    Larger(u64),
}

/// The content of a message, whoever asks; an error where it is not what was stored.
pub(super) fn verified_content(conn: &Connection, id: MessageId) -> Result<Option<Content>, StoreError> {
    Ok(match verified_up_to(conn, id, u64::MAX)? {
        Some(Found::Content(content)) => Some(content),
        Some(Found::Larger(_)) | None => None,
    })
}

/// The content of a message if it has at most `content_max` octets; an error where it is not what was stored.
pub(super) fn verified_up_to(
    conn: &Connection,
    id: MessageId,
    content_max: u64,
) -> Result<Option<Found>, StoreError> {
    let (content, [header, body]) = match stored(conn, id, content_max)? {
        None => return Ok(None),
        Some(Stored::Larger(octets)) => return Ok(Some(Found::Larger(octets))),
        Some(Stored::Content(content, sums)) => (content, sums),
    };
    let digests = Digests::of(&content);
    let (header, body) = match (header, body) {
        (Some(header), Some(body)) => (Some(header), Some(body)),
        // Of an earlier version.
        (header, body) => {
            let [filled_header, filled_body] = filled(conn, id)?;
            (header.or(filled_header), body.or(filled_body))
        }
    };
    let matches = |digest: Digest, sum: Option<i64>| match sum {
        Some(sum) => Ok(digest.bound_to(id) == sum),
        None => may_lack_checksum(conn, id),
    };
    if matches(digests.header, header)? && matches(digests.body, body)? {
        Ok(Some(Found::Content(content)))
    } else {
        Err(StoreError::Damaged(id, Damage::Content))
    }
}

/// A row of content.
enum Stored {
    /// The content and the checksums beside it.
    Content(Content, [Option<i64>; 2]),
    /// Octets of content that was not read.
    Larger(u64),
}

fn stored(conn: &Connection, id: MessageId, content_max: u64) -> Result<Option<Stored>, StoreError> {
    conn.prepare_cached(
        "SELECT header_encoding, header_len, header, body_encoding, body_len, body, header_sum, body_sum
         FROM content WHERE ord = ?1",
    )?
    .query_row([id.ord()], |row| {
        // The lengths first: SQLite reads a column when it is asked for, and a body may have thousands of pages.
        let octets = size(row, 1)?.saturating_add(size(row, 4)?);
        if octets > content_max {
            return Ok(Stored::Larger(octets));
        }
        let content = Content {
            header: packed(row, 0)?,
            body: packed(row, 3)?,
        };
        Ok(Stored::Content(content, [row.get(6)?, row.get(7)?]))
    })
    .optional()
    .map_err(|error| of_message(id, error.into()))
}

/// Checksums that were computed after the content was stored.
fn filled(conn: &Connection, id: MessageId) -> Result<[Option<i64>; 2], StoreError> {
    let found = conn
        .prepare_cached("SELECT header_sum, body_sum FROM content_sum WHERE ord = ?1")?
        .query_row([id.ord()], |row| Ok([row.get(0)?, row.get(1)?]))
        .optional()
        .map_err(|error| of_message(id, error.into()))?;
    Ok(found.unwrap_or_default())
}

/// Whether content of an earlier version has no checksum yet.
fn may_lack_checksum(conn: &Connection, id: MessageId) -> Result<bool, StoreError> {
    Ok(conn
        .prepare_cached("SELECT 1 FROM content_sum_fill WHERE after < ?1 AND ?2 <= last")?
        .exists(params![id.ord(), id.ord()])?)
}

/// An error of reading a message's content, in the words of the contract.
fn of_message(id: MessageId, error: StoreError) -> StoreError {
    if error.is_of_content() {
        StoreError::Damaged(id, Damage::Content)
    } else {
        error
    }
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

/// Content that is read in the order of ids, for the background.
pub(super) struct ContentWalk {
    /// Up to which id it came.
    pub(super) last: Option<MessageId>,
    /// How many were looked at.
    pub(super) looked: u32,
}

/// Calls `look` for the content of the messages behind `after` up to `upto`, until `most` of them or so many bytes have
/// been read.
pub(super) fn walk(
    conn: &Connection,
    (after, upto): (MessageId, MessageId),
    most: u32,
    mut look: impl FnMut(MessageId) -> Result<usize, StoreError>,
) -> Result<ContentWalk, StoreError> {
    let ids: Vec<MessageId> = conn
        .prepare_cached("SELECT ord FROM content WHERE ord > ?1 AND ord <= ?2 ORDER BY ord LIMIT ?3")?
        .query_map(params![after.ord(), upto.ord(), most], |row| {
            Ok(MessageId::from_ord(row.get(0)?))
        })?
        .collect::<Result<_, _>>()?;
    let mut walk = ContentWalk {
        last: None,
        looked: 0,
    };
    let mut bytes = 0;
    for id in ids {
        bytes += look(id)?;
        walk.last = Some(id);
        walk.looked += 1;
        if bytes >= WALK_BYTES {
            break;
        }
    }
    Ok(walk)
}

/// Stored bytes after which a walk pauses.
const WALK_BYTES: usize = 4 << 20;

/// The content as it is stored, and how much of it there is; damage is not looked for.
pub(super) fn unverified(conn: &Connection, id: MessageId) -> Result<Option<Content>, StoreError> {
    Ok(match stored(conn, id, u64::MAX)? {
        Some(Stored::Content(content, _)) => Some(content),
        Some(Stored::Larger(_)) | None => None,
    })
}
