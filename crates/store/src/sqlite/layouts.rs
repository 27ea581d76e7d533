//! How the queue list looks to people and in offices.

use async_trait::async_trait;
use postroom_domain::{Layout, OfficeId, SortOrder, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::audit;
use super::inbox::Lane;
use super::open::SqliteStore;
use crate::StoreError;
use crate::contract::{AuditAction, AuditEntry, AuditNote, KeptLayout, LayoutOf, Layouts};

/// A layout as its column holds it.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// Keys and widths, from left to right.
    columns: Vec<(String, u32)>,
    sort: String,
    descending: bool,
}

#[async_trait]
impl Layouts for SqliteStore {
    async fn layout(&self, of: LayoutOf) -> Result<Option<KeptLayout>, StoreError> {
        self.readers.run(move |conn| read(conn, of)).await
    }

    async fn set_layout(
        &self,
        of: LayoutOf,
        layout: Layout,
        from: i64,
        at: Timestamp,
        note: AuditNote,
    ) -> Result<i64, StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| {
                let held = version(group.conn, of)?;
                if held != from {
                    return Err(StoreError::Stale("layout"));
                }
                write(group.conn, of, &layout, from + 1)?;
                if let LayoutOf::Office(office) = of {
                    let subject = format!("office {office} layout");
                    let entry = AuditEntry::new(at, &note, AuditAction::LayoutChange, subject);
                    audit::append(group.conn, &entry.of_office(office))?;
                }
                Ok(from + 1)
            })
            .await
    }

    async fn clear_layout(&self, of: LayoutOf) -> Result<bool, StoreError> {
        let (office, user) = key(of);
        self.writer
            .run(Lane::Hot, 0, move |group| {
                let gone = group
                    .conn
                    .prepare_cached("DELETE FROM layout WHERE office = ?1 AND user = ?2")?
                    .execute((office, user))?;
                Ok(gone > 0)
            })
            .await
    }
}

/// The row of a person or an office: the other of the two ids is 0.
const fn key(of: LayoutOf) -> (i64, i64) {
    match of {
        LayoutOf::Person(UserId(user)) => (0, user),
        LayoutOf::Office(OfficeId(office)) => (office, 0),
    }
}

/// The version that is kept; 0 where none is.
fn version(conn: &Connection, of: LayoutOf) -> Result<i64, StoreError> {
    let held = conn
        .prepare_cached("SELECT version FROM layout WHERE office = ?1 AND user = ?2")?
        .query_row(key(of), |row| row.get(0))
        .optional()?;
    Ok(held.unwrap_or(0))
}

fn write(conn: &Connection, of: LayoutOf, layout: &Layout, version: i64) -> Result<(), StoreError> {
    let (office, user) = key(of);
    let (by, order) = layout.sort();
    let kept = Kept {
        columns: layout
            .columns()
            .iter()
            .map(|shown| (shown.column.key().to_owned(), u32::from(shown.width_px)))
            .collect(),
        sort: by.column().key().to_owned(),
        descending: order == SortOrder::Descending,
    };
    let text = serde_json::to_string(&kept).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    conn.prepare_cached(
        "INSERT INTO layout (office, user, version, layout) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (office, user) DO UPDATE SET version = excluded.version, layout = excluded.layout",
    )?
    .execute(params![office, user, version, text])?;
    Ok(())
}

fn read(conn: &Connection, of: LayoutOf) -> Result<Option<KeptLayout>, StoreError> {
    let row: Option<(i64, String)> = conn
        .prepare_cached("SELECT version, layout FROM layout WHERE office = ?1 AND user = ?2")?
        .query_row(key(of), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((version, text)) = row else {
        return Ok(None);
    };
    let corrupt = |why: String| StoreError::Corrupt(format!("layout of {of:?}: {why}"));
    let kept: Kept = serde_json::from_str(&text).map_err(|error| corrupt(error.to_string()))?;
    let order = if kept.descending {
        SortOrder::Descending
    } else {
        SortOrder::Ascending
    };
    let columns = kept.columns.iter().map(|(key, width)| (key.as_str(), *width));
    let layout = Layout::new(columns, (&kept.sort, order)).map_err(|error| corrupt(error.to_string()))?;
    Ok(Some(KeptLayout { layout, version }))
}
