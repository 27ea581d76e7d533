//! Proxies: one person's grant to another of the same office.

use postroom_domain::{OfficeId, PeopleRule, ProxyId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

use super::{log, users};
use crate::StoreError;
use crate::contract::{AuditAction, By, NewProxy, PROXIES_MAX, Proxy, ProxyLevel, ProxyTerms};
use crate::sqlite::rows::time;

const PROXY: &str =
    "SELECT id, assistant, principal, level, from_at, until_at, created_at, version FROM proxy";

/// Reads proxies, of one assistant where one is named.
pub(super) fn list(conn: &Connection, assistant: Option<UserId>) -> rusqlite::Result<Vec<Proxy>> {
    match assistant {
        None => conn
            .prepare_cached(&format!("{PROXY} ORDER BY principal, assistant"))?
            .query_map([], read)?
            .collect(),
        Some(user) => conn
            .prepare_cached(&format!("{PROXY} WHERE assistant = ?1 ORDER BY principal"))?
            .query_map([user.0], read)?
            .collect(),
    }
}

/// Makes a proxy.
pub(super) fn add(conn: &Connection, new: &NewProxy, by: &By) -> Result<Proxy, StoreError> {
    if new.assistant == new.principal {
        return Err(PeopleRule::ProxyForOneself.into());
    }
    let assistant = users::known(conn, new.assistant)?;
    let principal = users::known(conn, new.principal)?;
    if assistant.office != principal.office {
        return Err(PeopleRule::ProxyAcrossOffices.into());
    }
    if assistant.disabled {
        return Err(PeopleRule::Disabled.into());
    }
    check(new.terms)?;
    let kept = list(conn, Some(new.assistant))?;
    if kept.iter().any(|proxy| proxy.principal == new.principal) {
        return Err(StoreError::Exists {
            what: "proxy",
            name: format!("{} for {}", assistant.login, principal.login),
        });
    }
    if kept.len() >= PROXIES_MAX {
        return Err(StoreError::TooMuch("one person proxies for at most 200 others"));
    }
    let terms = new.terms;
    conn.prepare_cached(
        "INSERT INTO proxy (assistant, principal, level, from_at, until_at, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        new.assistant.0,
        new.principal.0,
        number(terms.level),
        terms.from.map(Timestamp::as_micros),
        terms.until.map(Timestamp::as_micros),
        by.at.as_micros()
    ])?;
    let id = ProxyId(conn.last_insert_rowid());
    tell(conn, by, AuditAction::ProxyGrant, new, id, principal.office)?;
    known(conn, id)
}

/// Changes a proxy.
pub(super) fn change(
    conn: &Connection,
    id: ProxyId,
    version: i64,
    terms: ProxyTerms,
    by: &By,
) -> Result<Proxy, StoreError> {
    let before = known(conn, id)?;
    if before.version != version {
        return Err(StoreError::Stale("proxy"));
    }
    check(terms)?;
    conn.prepare_cached(
        "UPDATE proxy SET level = ?1, from_at = ?2, until_at = ?3, version = version + 1 WHERE id = ?4",
    )?
    .execute(params![
        number(terms.level),
        terms.from.map(Timestamp::as_micros),
        terms.until.map(Timestamp::as_micros),
        id.0
    ])?;
    let office = users::known(conn, before.principal)?.office;
    let new = NewProxy {
        assistant: before.assistant,
        principal: before.principal,
        terms,
    };
    tell(conn, by, AuditAction::ProxyGrant, &new, id, office)?;
    known(conn, id)
}

/// Ends a proxy.
pub(super) fn remove(conn: &Connection, id: ProxyId, by: &By) -> Result<bool, StoreError> {
    let Some(proxy) = find(conn, id)? else {
        return Ok(false);
    };
    conn.prepare_cached("DELETE FROM proxy WHERE id = ?1")?
        .execute([id.0])?;
    let office = users::known(conn, proxy.principal)?.office;
    let was = NewProxy {
        assistant: proxy.assistant,
        principal: proxy.principal,
        terms: proxy.terms,
    };
    tell(conn, by, AuditAction::ProxyRevoke, &was, id, office)?;
    Ok(true)
}

fn tell(
    conn: &Connection,
    by: &By,
    action: AuditAction,
    proxy: &NewProxy,
    id: ProxyId,
    office: OfficeId,
) -> Result<(), StoreError> {
    let facts = [
        ("assistant", json!(proxy.assistant)),
        ("principal", json!(proxy.principal)),
        ("level", json!(proxy.terms.level)),
        ("from", json!(proxy.terms.from)),
        ("until", json!(proxy.terms.until)),
    ];
    log::write(conn, by, action, format!("proxy {id}"), office, &facts)
}

fn check(terms: ProxyTerms) -> Result<(), StoreError> {
    match (terms.from, terms.until) {
        (Some(from), Some(until)) if until <= from => Err(PeopleRule::ProxyEndsFirst.into()),
        (_, _) => Ok(()),
    }
}

fn find(conn: &Connection, id: ProxyId) -> Result<Option<Proxy>, StoreError> {
    Ok(conn
        .prepare_cached(&format!("{PROXY} WHERE id = ?1"))?
        .query_row([id.0], read)
        .optional()?)
}

fn known(conn: &Connection, id: ProxyId) -> Result<Proxy, StoreError> {
    find(conn, id)?.ok_or(StoreError::Missing("proxy"))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Proxy> {
    let level: i64 = row.get(3)?;
    Ok(Proxy {
        id: ProxyId(row.get(0)?),
        assistant: UserId(row.get(1)?),
        principal: UserId(row.get(2)?),
        terms: ProxyTerms {
            level: if level == number(ProxyLevel::Manage) {
                ProxyLevel::Manage
            } else {
                ProxyLevel::View
            },
            from: time(row, 4)?,
            until: time(row, 5)?,
        },
        created_at: Timestamp::from_micros(row.get(6)?),
        version: row.get(7)?,
    })
}

const fn number(level: ProxyLevel) -> i64 {
    match level {
        ProxyLevel::View => 0,
        ProxyLevel::Manage => 1,
    }
}
