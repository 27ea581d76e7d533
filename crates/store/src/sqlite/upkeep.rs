//! Background work and checks.

use async_trait::async_trait;
use postroom_domain::{Damage, MessageId, Timestamp};
use rusqlite::params;

use super::group::Group;
use super::inbox::Lane;
use super::{SqliteStore, check, checksum_fill, damage, high_water, integrity, known_sources, space, text};
use crate::StoreError;
use crate::contract::{CheckReport, ContentCheck, Upkeep};

#[async_trait]
impl Upkeep for SqliteStore {
    async fn index_text(&self) -> Result<bool, StoreError> {
        self.writer.run(Lane::Background, 0, text::index).await
    }

    async fn forget(&self, before: Timestamp, now: Timestamp) -> Result<u32, StoreError> {
        self.writer
            .run(Lane::Background, 0, move |group| forget(group, before, now))
            .await
    }

    async fn release_space(&self) -> Result<bool, StoreError> {
        self.writer.run(Lane::Background, 0, space::release).await
    }

    async fn fill_checksums(&self, now: Timestamp) -> Result<bool, StoreError> {
        let Some(filled) = self.readers.run(checksum_fill::compute).await? else {
            return Ok(false);
        };
        let damaged = filled.damaged.iter().map(|id| (*id, Damage::Content));
        self.note_damage(damaged.collect(), now).await;
        self.writer
            .run(Lane::Background, 0, move |group| {
                checksum_fill::write(group, &filled)
            })
            .await?;
        Ok(true)
    }

    async fn check(&self) -> Result<CheckReport, StoreError> {
        self.readers.run(check::check).await
    }

    async fn acknowledge_losses(&self) -> Result<u32, StoreError> {
        self.writer
            .run(Lane::Background, 0, |group| high_water::acknowledge(group.conn))
            .await
    }

    async fn ended(&self) -> String {
        tokio::select! {
            reason = self.writer.ended() => reason,
            reason = self.threads.failed() => reason,
        }
    }

    async fn check_table(&self, table: &str) -> Result<Vec<String>, StoreError> {
        let table = table.to_owned();
        self.readers.run(move |conn| integrity::table(conn, &table)).await
    }

    async fn check_contents(&self, after: MessageId, now: Timestamp) -> Result<ContentCheck, StoreError> {
        let found = self
            .readers
            .run(move |conn| checksum_fill::verify(conn, after))
            .await?;
        self.note_damage(found.damaged.clone(), now).await;
        Ok(found)
    }

    async fn ready(&self) -> Result<(), StoreError> {
        // The cursor is set to what it is: a page is written, and so synced, and nothing changes.
        self.writer
            .run(Lane::Hot, 0, |group| {
                group
                    .conn
                    .prepare_cached("UPDATE text_cursor SET ord = ord")?
                    .execute([])?;
                Ok(())
            })
            .await
    }

    async fn close(&self) {
        self.readers.close().await;
        if let Some(running) = self.writer.close() {
            running.ended().await;
        }
    }
}

impl SqliteStore {
    /// Notes what was found damaged while it was read. A store that cannot take it now is not asked again: whoever reads
    /// the same next finds the same.
    pub(super) async fn note_damage(&self, damaged: Vec<(MessageId, Damage)>, now: Timestamp) {
        if damaged.is_empty() {
            return;
        }
        for (id, damage) in &damaged {
            tracing::error!(message.id = %id, "{}", damage.words());
        }
        let noted = self
            .writer
            .run(Lane::Background, 0, move |group| {
                for &(id, damage) in &damaged {
                    damage::note(group, id, damage, now)?;
                }
                Ok(())
            })
            .await;
        if let Err(error) = noted {
            tracing::warn!(%error, "damage was found but could not be noted");
        }
    }
}

fn forget(group: &mut Group<'_>, before: Timestamp, now: Timestamp) -> Result<u32, StoreError> {
    let step = i64::from(group.step);
    let keys = group
        .conn
        .prepare_cached(
            "DELETE FROM idempotency WHERE (credential, key) IN
                (SELECT credential, key FROM idempotency WHERE made_at < ?1 ORDER BY made_at LIMIT ?2)",
        )?
        .execute(params![before.as_micros(), step])?;
    let left = step - i64::try_from(keys).unwrap_or(step);
    let sessions = group
        .conn
        .prepare_cached(
            "DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE ends_at <= ?1 LIMIT ?2)",
        )?
        .execute(params![now.as_micros(), left])?;
    let left = left - i64::try_from(sessions).unwrap_or(left);
    let sources = known_sources::forget(group.conn, now, left)?;
    Ok(u32::try_from(keys + sessions + sources).unwrap_or(u32::MAX))
}
