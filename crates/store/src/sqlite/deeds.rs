//! What people did to messages, for the audit log: one entry an action, with the digest of what it was done to.

use postroom_domain::{MessageId, OfficeId, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use super::audit;
use super::group::Group;
use crate::StoreError;
use crate::contract::{ActionOutcome, AuditAction, AuditEntry, AuditNote};

/// Writes the entry of an action whose messages still are there; none where nothing was done.
pub(crate) fn log(
    group: &Group<'_>,
    action: AuditAction,
    ids: &[MessageId],
    outcomes: &[ActionOutcome],
    note: &AuditNote,
    now: Timestamp,
) -> Result<(), StoreError> {
    let done = done(ids, outcomes);
    let office = common_office(group.conn, &done)?;
    write(group, action, &done, office, note, now)
}

/// Writes the entries of a release: what went past a limit has one of its own (L3).
pub(crate) fn log_release(
    group: &Group<'_>,
    ids: &[MessageId],
    outcomes: &[ActionOutcome],
    past: &[MessageId],
    note: &AuditNote,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (beyond, within): (Vec<_>, Vec<_>) =
        done(ids, outcomes).into_iter().partition(|id| past.contains(id));
    for (action, ids) in [
        (AuditAction::Release, within),
        (AuditAction::ReleasePastLimit, beyond),
    ] {
        let office = common_office(group.conn, &ids)?;
        write(group, action, &ids, office, note, now)?;
    }
    Ok(())
}

/// Writes the entry of an action on messages of `office`.
pub(crate) fn log_in(
    group: &Group<'_>,
    action: AuditAction,
    ids: &[MessageId],
    outcomes: &[ActionOutcome],
    office: Option<OfficeId>,
    note: &AuditNote,
    now: Timestamp,
) -> Result<(), StoreError> {
    write(group, action, &done(ids, outcomes), office, note, now)
}

/// The office that all of these messages belong to; `None` where there are several.
pub(crate) fn common_office(conn: &Connection, ids: &[MessageId]) -> Result<Option<OfficeId>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT office FROM message WHERE ord = ?1")?;
    let mut common = None;
    for id in ids {
        let office: Option<i64> = statement.query_row([id.ord()], |row| row.get(0)).optional()?;
        match (common, office) {
            (_, None) => {}
            (None, office) => common = office,
            (Some(one), Some(other)) if one == other => {}
            (Some(_), Some(_)) => return Ok(None),
        }
    }
    Ok(common.map(OfficeId))
}

fn done(ids: &[MessageId], outcomes: &[ActionOutcome]) -> Vec<MessageId> {
    ids.iter()
        .zip(outcomes)
        .filter(|(_, outcome)| matches!(outcome, ActionOutcome::Done))
        .map(|(id, _)| *id)
        .collect()
}

fn write(
    group: &Group<'_>,
    action: AuditAction,
    done: &[MessageId],
    office: Option<OfficeId>,
    note: &AuditNote,
    now: Timestamp,
) -> Result<(), StoreError> {
    if done.is_empty() {
        return Ok(());
    }
    let mut entry = AuditEntry::new(now, note, action, subject(done)).with_ids(done);
    entry.office = office;
    audit::append(group.conn, &entry)
}

fn subject(done: &[MessageId]) -> String {
    match done {
        [one] => format!("message {one}"),
        _ => "messages".to_owned(),
    }
}
