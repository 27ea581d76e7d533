//! Offices: the tree, and what must not happen to it.

use postroom_domain::{OfficeId, PeopleRule};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

use super::log;
use crate::StoreError;
use crate::contract::{AuditAction, By, NewOffice, Office, OfficeChange, OfficeSecurity};
use crate::sqlite::people::{exists, insert_office};
use crate::sqlite::people_rows::{OFFICE, read_office};

/// Deepest tree; deeper ones would be a mistake.
const DEPTH_MAX: usize = 64;

/// Makes an office.
pub(super) fn add(conn: &Connection, new: &NewOffice, by: &By) -> Result<Office, StoreError> {
    match new.parent {
        None if root(conn)?.is_some() => return Err(PeopleRule::OneRoot.into()),
        Some(parent) if find(conn, parent)?.is_none() => return Err(StoreError::Missing("office")),
        None | Some(_) => {}
    }
    let id = insert_office(conn, new)?;
    let parent = new.parent.map_or(Value::Null, |parent| json!(parent));
    log::office(conn, by, AuditAction::OfficeCreate, id, &[("parent", parent)])?;
    known(conn, id)
}

/// Changes an office.
pub(super) fn change(
    conn: &Connection,
    id: OfficeId,
    version: i64,
    change: &OfficeChange,
    by: &By,
) -> Result<Office, StoreError> {
    let before = at_version(conn, id, version)?;
    let parent = change.parent.or(before.parent);
    let name = change.name.as_ref().unwrap_or(&before.name);
    let security = change.security.unwrap_or(before.security);
    if parent != before.parent {
        may_lie_below(conn, &before, parent)?;
    }
    let taken = conn
        .prepare_cached(
            "SELECT 1 FROM office WHERE ifnull(parent, 0) = ifnull(?1, 0) AND name = ?2 AND removed = 0 AND id <> ?3",
        )?
        .exists(params![parent.map(|parent| parent.0), name, id.0])?;
    if taken {
        return Err(exists("office", name));
    }
    conn.prepare_cached(
        "UPDATE office SET parent = ?1, name = ?2, security = ?3, version = version + 1 WHERE id = ?4",
    )?
    .execute(params![
        parent.map(|parent| parent.0),
        name,
        security == OfficeSecurity::On,
        id.0
    ])?;
    let mut facts = Vec::new();
    if parent != before.parent {
        facts.push(("parent", json!(parent)));
    }
    if *name != before.name {
        facts.push(("renamed", json!(true)));
    }
    if security != before.security {
        facts.push(("security", json!(security == OfficeSecurity::On)));
    }
    log::office(conn, by, AuditAction::OfficeChange, id, &facts)?;
    known(conn, id)
}

/// Removes an office that nothing belongs to; its row stays, so that its id is never given again.
pub(super) fn remove(conn: &Connection, id: OfficeId, version: i64, by: &By) -> Result<(), StoreError> {
    let office = at_version(conn, id, version)?;
    if office.parent.is_none() {
        return Err(PeopleRule::RootStays.into());
    }
    for sql in [
        "SELECT 1 FROM office WHERE parent = ?1 AND removed = 0",
        "SELECT 1 FROM user WHERE office = ?1",
        "SELECT 1 FROM api_key WHERE office = ?1 AND revoked = 0",
        "SELECT 1 FROM message WHERE office = ?1",
    ] {
        if conn.prepare_cached(sql)?.exists([id.0])? {
            return Err(PeopleRule::OfficeNotEmpty.into());
        }
    }
    conn.prepare_cached("UPDATE office SET removed = 1, version = version + 1 WHERE id = ?1")?
        .execute([id.0])?;
    log::office(conn, by, AuditAction::OfficeDelete, id, &[])
}

/// An office that is there.
pub(super) fn find(conn: &Connection, id: OfficeId) -> Result<Option<Office>, StoreError> {
    Ok(conn
        .prepare_cached(&format!("{OFFICE} WHERE id = ?1 AND removed = 0"))?
        .query_row([id.0], read_office)
        .optional()?)
}

/// The System Office.
pub(super) fn root(conn: &Connection) -> Result<Option<Office>, StoreError> {
    Ok(conn
        .prepare_cached(&format!(
            "{OFFICE} WHERE parent IS NULL AND removed = 0 ORDER BY id LIMIT 1"
        ))?
        .query_row([], read_office)
        .optional()?)
}

/// Whether `office` lies below `above`.
pub(super) fn lies_below(conn: &Connection, office: OfficeId, above: OfficeId) -> Result<bool, StoreError> {
    let mut at = office;
    for _ in 0..DEPTH_MAX {
        match find(conn, at)?.and_then(|office| office.parent) {
            Some(parent) if parent == above => return Ok(true),
            Some(parent) => at = parent,
            None => return Ok(false),
        }
    }
    Ok(false)
}

fn may_lie_below(conn: &Connection, office: &Office, parent: Option<OfficeId>) -> Result<(), StoreError> {
    let Some(parent) = parent.filter(|_| office.parent.is_some()) else {
        return Err(PeopleRule::RootStays.into());
    };
    if find(conn, parent)?.is_none() {
        return Err(StoreError::Missing("office"));
    }
    if parent == office.id || lies_below(conn, parent, office.id)? {
        return Err(PeopleRule::Cycle.into());
    }
    Ok(())
}

fn at_version(conn: &Connection, id: OfficeId, version: i64) -> Result<Office, StoreError> {
    match find(conn, id)? {
        None => Err(StoreError::Missing("office")),
        Some(office) if office.version != version => Err(StoreError::Stale("office")),
        Some(office) => Ok(office),
    }
}

fn known(conn: &Connection, id: OfficeId) -> Result<Office, StoreError> {
    find(conn, id)?.ok_or(StoreError::Missing("office"))
}
