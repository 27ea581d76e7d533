//! Entries of the audit log about offices and people: ids and what was decided, never names, addresses or secrets.

use postroom_domain::{OfficeId, UserId};
use rusqlite::Connection;
use serde_json::Value;

use crate::StoreError;
use crate::contract::{AuditAction, AuditEntry, By};
use crate::sqlite::audit;

/// Writes an entry about an office.
pub(super) fn office(
    conn: &Connection,
    by: &By,
    action: AuditAction,
    id: OfficeId,
    facts: &[(&str, Value)],
) -> Result<(), StoreError> {
    write(conn, by, action, format!("office {id}"), id, facts)
}

/// Writes an entry about a user.
pub(super) fn user(
    conn: &Connection,
    by: &By,
    action: AuditAction,
    id: UserId,
    office: OfficeId,
    facts: &[(&str, Value)],
) -> Result<(), StoreError> {
    write(conn, by, action, format!("user {id}"), office, facts)
}

/// Writes an entry about something else of an office.
pub(super) fn write(
    conn: &Connection,
    by: &By,
    action: AuditAction,
    subject: String,
    office: OfficeId,
    facts: &[(&str, Value)],
) -> Result<(), StoreError> {
    let entry = AuditEntry::new(by.at, &by.note, action, subject).of_office(office);
    let entry = facts
        .iter()
        .fold(entry, |entry, (name, value)| entry.with(name, value.clone()));
    audit::append(conn, &entry)
}
