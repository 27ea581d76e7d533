//! Checksums for content of an earlier version, and verifying all content: both in steps, in the order of ids.

use postroom_domain::{Damage, MessageId};
use rusqlite::{Connection, params};

use super::checksum::Digests;
use super::content_read::{unverified, verified_content, walk};
use super::group::Group;
use crate::StoreError;
use crate::contract::ContentCheck;

/// Messages of one step.
const STEP: u32 = 256;

/// Checksums of one step, and what was found damaged.
pub(crate) struct Filled {
    sums: Vec<(MessageId, [i64; 2])>,
    pub(crate) damaged: Vec<MessageId>,
    upto: MessageId,
}

/// Reads the next content without a checksum; `None` where there is none left.
pub(crate) fn compute(conn: &Connection) -> Result<Option<Filled>, StoreError> {
    let (after, last) = range(conn)?;
    if after >= last {
        return Ok(None);
    }
    let mut filled = Filled {
        sums: Vec::new(),
        damaged: Vec::new(),
        upto: last,
    };
    let walked = walk(conn, (after, last), STEP, |id| match unverified(conn, id) {
        Ok(Some(content)) => {
            let digests = Digests::of(&content);
            filled
                .sums
                .push((id, [digests.header.bound_to(id), digests.body.bound_to(id)]));
            Ok(content.header.bytes.len() + content.body.bytes.len())
        }
        Ok(None) => Ok(0),
        Err(StoreError::Damaged(..)) => {
            filled.damaged.push(id);
            Ok(0)
        }
        Err(error) => Err(error),
    })?;
    filled.upto = walked.last.unwrap_or(last);
    Ok(Some(filled))
}

fn range(conn: &Connection) -> Result<(MessageId, MessageId), StoreError> {
    Ok(conn
        .prepare_cached("SELECT after, last FROM content_sum_fill")?
        .query_row([], |row| {
            Ok((MessageId::from_ord(row.get(0)?), MessageId::from_ord(row.get(1)?)))
        })?)
}

/// Writes them; a message that was deleted meanwhile gets none.
pub(crate) fn write(group: &Group<'_>, filled: &Filled) -> Result<(), StoreError> {
    let mut insert = group.conn.prepare_cached(
        "INSERT OR REPLACE INTO content_sum (ord, header_sum, body_sum)
         SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM content WHERE ord = ?1)",
    )?;
    for (id, [header, body]) in &filled.sums {
        insert.execute(params![id.ord(), header, body])?;
    }
    group
        .conn
        .prepare_cached("UPDATE content_sum_fill SET after = max(after, ?1)")?
        .execute([filled.upto.ord()])?;
    Ok(())
}

/// Content that has no checksum yet.
pub(crate) fn without_checksum(conn: &Connection) -> Result<u64, StoreError> {
    let (after, last) = range(conn)?;
    let n: i64 = conn
        .prepare_cached("SELECT count(*) FROM content WHERE ord > ?1 AND ord <= ?2")?
        .query_row(params![after.ord(), last.ord()], |row| row.get(0))?;
    Ok(u64::try_from(n).unwrap_or(0))
}

/// Verifies the content of the messages behind `after`.
pub(crate) fn verify(conn: &Connection, after: MessageId) -> Result<ContentCheck, StoreError> {
    let mut damaged = Vec::new();
    let walked = walk(conn, (after, MessageId::MAX), STEP, |id| {
        match verified_content(conn, id) {
            Ok(Some(content)) => Ok(content.header.bytes.len() + content.body.bytes.len()),
            Ok(None) => Ok(0),
            Err(StoreError::Damaged(id, _)) => {
                damaged.push(id);
                Ok(0)
            }
            Err(error) => Err(error),
        }
    })?;
    Ok(ContentCheck {
        next: walked.last,
        verified: u64::from(walked.looked),
        damaged: damaged.into_iter().map(|id| (id, Damage::Content)).collect(),
    })
}
