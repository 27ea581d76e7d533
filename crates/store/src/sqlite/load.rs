//! Loads what an attempt needs, on a reader.

use postroom_domain::{MessageId, OfficeId, RecipientState, UserId};
use rusqlite::{Connection, OptionalExtension};

use super::codes::from_json;
use super::content_read::kept_content;
use crate::StoreError;
use crate::contract::{Deliverable, PendingRecipient, SmtpParameters};

/// Loads leased messages; those deleted since are missing.
pub(crate) fn load(conn: &Connection, ids: &[MessageId]) -> Result<Vec<Deliverable>, StoreError> {
    let snapshot = conn.unchecked_transaction()?;
    let mut loaded = Vec::with_capacity(ids.len());
    for &id in ids {
        loaded.extend(one(&snapshot, id)?);
    }
    snapshot.finish()?;
    Ok(loaded)
}

fn one(conn: &Connection, id: MessageId) -> Result<Option<Deliverable>, StoreError> {
    let found = conn
        .prepare_cached("SELECT sender, office, mail_from, parameters FROM message WHERE ord = ?1")?
        .query_row([id.ord()], |row| {
            Ok((
                UserId(row.get(0)?),
                OfficeId(row.get(1)?),
                row.get::<_, String>(2)?,
                row.get::<_, Option<String>>(3)?,
            ))
        })
        .optional()?;
    let Some((sender, office, mail_from, parameters)) = found else {
        return Ok(None);
    };
    let Some(content) = kept_content(conn, id)? else {
        return Ok(None);
    };
    let (pending, failed_before) = recipients(conn, id)?;
    let parameters = match parameters {
        Some(text) => from_json("message.parameters", &text)?,
        None => SmtpParameters::default(),
    };
    Ok(Some(Deliverable {
        id,
        sender,
        office,
        mail_from,
        pending,
        failed_before,
        parameters,
        content,
    }))
}

/// The recipients still to be tried, and whether another one ended undelivered in this cycle.
fn recipients(conn: &Connection, id: MessageId) -> Result<(Vec<PendingRecipient>, bool), StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT n, state, address, notify, orcpt FROM recipient WHERE ord = ?1 AND state <> 1 ORDER BY n",
    )?;
    let mut rows = statement.query([id.ord()])?;
    let mut pending = Vec::new();
    let mut failed_before = false;
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(1)? == RecipientState::Failed.number() {
            failed_before = true;
            continue;
        }
        pending.push(PendingRecipient {
            index: row.get(0)?,
            address: row.get(2)?,
            notify: row.get(3)?,
            orcpt: row.get(4)?,
        });
    }
    Ok((pending, failed_before))
}
