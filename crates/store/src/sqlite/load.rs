//! Loads what an attempt needs, on a reader.

use postroom_domain::{Damage, MessageId, OfficeId, RecipientState, UserId};
use rusqlite::{Connection, OptionalExtension};

use super::codes::from_json;
use super::content_read::{Found, verified_up_to};
use crate::StoreError;
use crate::contract::{Deliverable, Loaded, PendingRecipient, SmtpParameters};

/// Loads leased messages, the damaged ones and those whose content is larger than `content_max` apart; those deleted
/// since are missing.
pub(crate) fn load(conn: &Connection, ids: &[MessageId], content_max: u64) -> Result<Loaded, StoreError> {
    let snapshot = conn.unchecked_transaction()?;
    let mut loaded = Loaded::default();
    for &id in ids {
        match one(&snapshot, id, content_max) {
            Ok(Some(One::Message(message))) => loaded.messages.push(*message),
            Ok(Some(One::Larger(bytes))) => loaded.larger.push((id, bytes)),
            Ok(None) => {}
            Err(StoreError::Damaged(id, damage)) => loaded.damaged.push((id, damage)),
            Err(error) if error.is_of_content() => loaded.damaged.push((id, Damage::Record)),
            Err(error) => return Err(error),
        }
    }
    snapshot.finish()?;
    Ok(loaded)
}

enum One {
    Message(Box<Deliverable>),
    Larger(u64),
}

fn one(conn: &Connection, id: MessageId, content_max: u64) -> Result<Option<One>, StoreError> {
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
        return if has_work(conn, id)? {
            Err(StoreError::Damaged(id, Damage::Record))
        } else {
            Ok(None)
        };
    };
    let content = match verified_up_to(conn, id, content_max)? {
        Some(Found::Content(content)) => content,
        Some(Found::Larger(octets)) => return Ok(Some(One::Larger(octets))),
        None => return Err(StoreError::Damaged(id, Damage::Content)),
    };
    let (pending, failed_before) = recipients(conn, id)?;
    let parameters = match parameters {
        Some(text) => from_json("message.parameters", &text)?,
        None => SmtpParameters::default(),
    };
    Ok(Some(One::Message(Box::new(Deliverable {
        id,
        sender,
        office,
        mail_from,
        pending,
        failed_before,
        parameters,
        content,
    }))))
}

fn has_work(conn: &Connection, id: MessageId) -> Result<bool, StoreError> {
    Ok(conn
        .prepare_cached("SELECT 1 FROM work WHERE ord = ?1")?
        .exists([id.ord()])?)
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
        match RecipientState::from_number(row.get(1)?) {
            Some(RecipientState::Failed) => {
                failed_before = true;
                continue;
            }
            Some(RecipientState::Pending) => {}
            Some(RecipientState::Sent) | None => return Err(StoreError::Damaged(id, Damage::Record)),
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
