//! Offices that send form letters from their own mail program.

use async_trait::async_trait;
use postroom_domain::{OfficeId, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use super::audit;
use super::inbox::Lane;
use super::open::SqliteStore;
use crate::StoreError;
use crate::contract::{AuditAction, AuditEntry, AuditNote, FormLetters, LocalSending};

#[async_trait]
impl LocalSending for SqliteStore {
    async fn offices_sending_locally(&self) -> Result<Vec<OfficeId>, StoreError> {
        self.readers
            .run(|conn| {
                let offices = conn
                    .prepare_cached("SELECT id FROM office WHERE sends_locally = 1 ORDER BY id")?
                    .query_map([], |row| row.get(0).map(OfficeId))?
                    .collect::<rusqlite::Result<_>>()?;
                Ok(offices)
            })
            .await
    }

    async fn set_form_letters(
        &self,
        office: OfficeId,
        way: FormLetters,
        at: Timestamp,
        note: AuditNote,
    ) -> Result<(), StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| set(group.conn, office, way, at, &note))
            .await
    }
}

/// Sets how an office sends its form letters, in the caller's transaction.
pub(crate) fn set(
    conn: &Connection,
    office: OfficeId,
    way: FormLetters,
    at: Timestamp,
    note: &AuditNote,
) -> Result<(), StoreError> {
    let held: Option<bool> = conn
        .prepare_cached("SELECT sends_locally FROM office WHERE id = ?1")?
        .query_row([office.0], |row| row.get(0))
        .optional()?;
    let wanted = way == FormLetters::Local;
    match held {
        None => return Err(StoreError::Missing("office")),
        Some(held) if held == wanted => return Ok(()),
        Some(_) => {}
    }
    conn.prepare_cached("UPDATE office SET sends_locally = ?1 WHERE id = ?2")?
        .execute((wanted, office.0))?;
    let entry = AuditEntry::new(
        at,
        note,
        AuditAction::SettingsChange,
        format!("office {office} settings"),
    );
    audit::append(conn, &entry.of_office(office).with("sends_locally", wanted))
}
