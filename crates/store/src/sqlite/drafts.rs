//! Drafts: rows of their owner, each found by id and owner together.

use async_trait::async_trait;
use postroom_domain::{Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::group::Group;
use super::inbox::Lane;
use super::open::SqliteStore;
use super::room::Room;
use super::rows::size;
use crate::StoreError;
use crate::contract::{DRAFTS_MAX, DraftId, DraftRow, Drafts, KeptDraft, NewDraft};

#[async_trait]
impl Drafts for SqliteStore {
    async fn drafts(&self, owner: UserId) -> Result<Vec<DraftRow>, StoreError> {
        self.readers.run(move |conn| Ok(list(conn, owner)?)).await
    }

    async fn draft(&self, owner: UserId, id: DraftId) -> Result<Option<KeptDraft>, StoreError> {
        self.readers.run(move |conn| Ok(read(conn, owner, id)?)).await
    }

    async fn add_draft(
        &self,
        owner: UserId,
        draft: NewDraft,
        at: Timestamp,
    ) -> Result<Option<DraftId>, StoreError> {
        // A form with attachments is kept every few seconds: it takes its turn behind the mail.
        self.writer
            .run(Lane::Background, draft.body.len(), move |group| {
                needs_room(group)?;
                add(group.conn, owner, &draft, at)
            })
            .await
    }

    async fn change_draft(
        &self,
        owner: UserId,
        id: DraftId,
        from: i64,
        draft: NewDraft,
        at: Timestamp,
    ) -> Result<i64, StoreError> {
        self.writer
            .run(Lane::Background, draft.body.len(), move |group| {
                needs_room(group)?;
                match version(group.conn, owner, id)? {
                    None => return Err(StoreError::Missing("draft")),
                    Some(held) if held != from => return Err(StoreError::Stale("draft")),
                    Some(_) => {}
                }
                change(group.conn, id, from + 1, &draft, at)?;
                Ok(from + 1)
            })
            .await
    }

    async fn remove_draft(&self, owner: UserId, id: DraftId) -> Result<bool, StoreError> {
        self.writer
            .run(Lane::Background, 0, move |group| {
                let gone = group
                    .conn
                    .prepare_cached("DELETE FROM draft WHERE id = ?1 AND person = ?2")?
                    .execute((id.0, owner.0))?;
                Ok(gone > 0)
            })
            .await
    }
}

/// A draft can be as large as a message: like new mail it stays out of what is left for the queued mail.
fn needs_room(group: &Group<'_>) -> Result<(), StoreError> {
    match group.room {
        Room::Enough => Ok(()),
        Room::Little => Err(StoreError::Full),
    }
}

fn list(conn: &Connection, owner: UserId) -> rusqlite::Result<Vec<DraftRow>> {
    conn.prepare_cached(
        "SELECT id, subject, recipients, updated_at, size FROM draft
         WHERE person = ?1 ORDER BY updated_at DESC, id DESC",
    )?
    .query_map([owner.0], |row| {
        Ok(DraftRow {
            id: DraftId(row.get(0)?),
            subject: row.get(1)?,
            to: row.get(2)?,
            updated_at: Timestamp::from_micros(row.get(3)?),
            size_bytes: size(row, 4)?,
        })
    })?
    .collect()
}

fn read(conn: &Connection, owner: UserId, id: DraftId) -> rusqlite::Result<Option<KeptDraft>> {
    conn.prepare_cached("SELECT body, version FROM draft WHERE id = ?1 AND person = ?2")?
        .query_row((id.0, owner.0), |row| {
            Ok(KeptDraft {
                body: row.get(0)?,
                version: row.get(1)?,
            })
        })
        .optional()
}

fn version(conn: &Connection, owner: UserId, id: DraftId) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT version FROM draft WHERE id = ?1 AND person = ?2")?
        .query_row((id.0, owner.0), |row| row.get(0))
        .optional()
}

fn add(
    conn: &Connection,
    owner: UserId,
    draft: &NewDraft,
    at: Timestamp,
) -> Result<Option<DraftId>, StoreError> {
    let kept: u32 = conn
        .prepare_cached("SELECT count(*) FROM draft WHERE person = ?1")?
        .query_row([owner.0], |row| row.get(0))?;
    if usize::try_from(kept).is_ok_and(|kept| kept >= DRAFTS_MAX) {
        return Ok(None);
    }
    conn.prepare_cached(
        "INSERT INTO draft (person, version, updated_at, size, subject, recipients, body)
         VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        owner.0,
        at.as_micros(),
        octets(draft),
        draft.subject,
        draft.to,
        draft.body
    ])?;
    Ok(Some(DraftId(conn.last_insert_rowid())))
}

fn change(
    conn: &Connection,
    id: DraftId,
    version: i64,
    draft: &NewDraft,
    at: Timestamp,
) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "UPDATE draft SET version = ?2, updated_at = ?3, size = ?4, subject = ?5, recipients = ?6, body = ?7
         WHERE id = ?1",
    )?
    .execute(params![
        id.0,
        version,
        at.as_micros(),
        octets(draft),
        draft.subject,
        draft.to,
        draft.body
    ])?;
    Ok(())
}

fn octets(draft: &NewDraft) -> i64 {
    i64::try_from(draft.body.len()).unwrap_or(i64::MAX)
}
