//! What was learnt of relays' limits: one row an account, written when they change.

use async_trait::async_trait;
use postroom_domain::{LimitValues, RelayAccount, Timestamp};
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::inbox::Lane;
use crate::StoreError;
use crate::contract::{StoredLimits, Throttles};

#[async_trait]
impl Throttles for SqliteStore {
    async fn save_relay_limits(&self, limits: StoredLimits) -> Result<(), StoreError> {
        self.writer
            .run(Lane::Background, 0, move |group| save(group.conn, &limits))
            .await
    }

    async fn relay_limits(&self) -> Result<Vec<StoredLimits>, StoreError> {
        self.readers.run(all).await
    }
}

fn save(conn: &Connection, limits: &StoredLimits) -> Result<(), StoreError> {
    let StoredLimits {
        account,
        values,
        changed_at,
    } = limits;
    if *values == LimitValues::default() {
        conn.prepare_cached("DELETE FROM relay_limit WHERE host = ?1 AND port = ?2 AND user = ?3")?
            .execute(params![account.host, account.port, account.user])?;
        return Ok(());
    }
    conn.prepare_cached(
        "INSERT INTO relay_limit (host, port, user, connections, recipients, messages, per_minute, changed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (host, port, user) DO UPDATE SET connections = excluded.connections,
            recipients = excluded.recipients, messages = excluded.messages, per_minute = excluded.per_minute,
            changed_at = excluded.changed_at",
    )?
    .execute(params![
        account.host,
        account.port,
        account.user,
        values.connections,
        values.recipients,
        values.messages,
        values.per_minute,
        changed_at.as_micros()
    ])?;
    Ok(())
}

fn all(conn: &Connection) -> Result<Vec<StoredLimits>, StoreError> {
    Ok(conn
        .prepare_cached(
            "SELECT host, port, user, connections, recipients, messages, per_minute, changed_at FROM relay_limit
             ORDER BY host, port, user",
        )?
        .query_map([], read)?
        .collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredLimits> {
    Ok(StoredLimits {
        account: RelayAccount {
            host: row.get(0)?,
            port: row.get(1)?,
            user: row.get(2)?,
        },
        values: LimitValues {
            connections: row.get(3)?,
            recipients: row.get(4)?,
            messages: row.get(5)?,
            per_minute: row.get(6)?,
        },
        changed_at: Timestamp::from_micros(row.get(7)?),
    })
}
