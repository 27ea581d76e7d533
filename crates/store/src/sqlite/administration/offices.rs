//! Offices: the tree, and what must not happen to it.

use postroom_domain::{OFFICES_ABOVE_MAX, OfficeId, PeopleRule, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

use super::log;
use crate::StoreError;
use crate::contract::{AuditAction, By, NewOffice, Office, OfficeChange, OfficeSecurity};
use crate::sqlite::people::{exists, insert_office};
use crate::sqlite::people_rows::{OFFICE, read_office};

/// Where the search for the height of a subtree ends, whatever a file has.
const HEIGHT_MAX: i64 = 10_000;

/// Makes an office.
pub(super) fn add(conn: &Connection, new: &NewOffice, by: &By) -> Result<Office, StoreError> {
    match new.parent {
        None if root(conn)?.is_some() => return Err(PeopleRule::OneRoot.into()),
        Some(parent) if find(conn, parent)?.is_none() => return Err(StoreError::Missing("office")),
        Some(parent) if depth_of(conn, parent)? >= OFFICES_ABOVE_MAX => {
            return Err(PeopleRule::TooDeep.into());
        }
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
    // Names are read without hidden characters: one that is given as it was read stays as it is kept.
    let name = change.name.as_ref().filter(|name| **name != before.name);
    let security = change.security.unwrap_or(before.security);
    let domains = change
        .allowed_sender_domains
        .as_ref()
        .unwrap_or(&before.allowed_sender_domains);
    if parent != before.parent {
        may_lie_below(conn, &before, parent)?;
    }
    if (name.is_some() || parent != before.parent) && is_taken(conn, id, parent, name)? {
        return Err(exists("office", name.unwrap_or(&before.name)));
    }
    conn.prepare_cached(
        "UPDATE office SET parent = ?1, name = coalesce(?2, name), security = ?3, allowed_sender_domains = ?5, version = version + 1
         WHERE id = ?4",
    )?
    .execute(params![
        parent.map(|parent| parent.0),
        name,
        security == OfficeSecurity::On,
        id.0,
        (!domains.is_empty()).then(|| json!(domains).to_string())
    ])?;
    let mut facts = Vec::new();
    if parent != before.parent {
        facts.push(("parent", json!(parent)));
    }
    if name.is_some() {
        facts.push(("renamed", json!(true)));
    }
    if security != before.security {
        facts.push(("security", json!(security == OfficeSecurity::On)));
    }
    if *domains != before.allowed_sender_domains {
        facts.push(("allowed_sender_domains", json!(domains)));
    }
    log::office(conn, by, AuditAction::OfficeChange, id, &facts)?;
    known(conn, id)
}

/// Whether another office below `parent` has the name that an office is given, or has.
fn is_taken(
    conn: &Connection,
    id: OfficeId,
    parent: Option<OfficeId>,
    name: Option<&String>,
) -> Result<bool, StoreError> {
    Ok(conn
        .prepare_cached(
            "SELECT 1 FROM office WHERE ifnull(parent, 0) = ifnull(?1, 0)
             AND name = coalesce(?2, (SELECT name FROM office WHERE id = ?3)) AND removed = 0 AND id <> ?3",
        )?
        .exists(params![parent.map(|parent| parent.0), name, id.0])?)
}

/// Removes an office that nothing belongs to; its row stays, so that its id is never given again.
pub(super) fn remove(conn: &Connection, id: OfficeId, version: i64, by: &By) -> Result<(), StoreError> {
    let office = at_version(conn, id, version)?;
    if office.parent.is_none() {
        return Err(PeopleRule::RootStays.into());
    }
    let mut is_empty = !has_keys(conn, id, by.at)?;
    for sql in [
        "SELECT 1 FROM office WHERE parent = ?1 AND removed = 0",
        "SELECT 1 FROM user WHERE office = ?1",
        "SELECT 1 FROM message WHERE office = ?1",
    ] {
        is_empty = is_empty && !conn.prepare_cached(sql)?.exists([id.0])?;
    }
    if !is_empty {
        return Err(PeopleRule::OfficeNotEmpty.into());
    }
    conn.prepare_cached("UPDATE office SET removed = 1, version = version + 1 WHERE id = ?1")?
        .execute([id.0])?;
    log::office(conn, by, AuditAction::OfficeDelete, id, &[])
}

/// Whether an office has API keys that work.
fn has_keys(conn: &Connection, id: OfficeId, now: Timestamp) -> Result<bool, StoreError> {
    Ok(conn
        .prepare_cached(
            "SELECT 1 FROM api_key WHERE office = ?1 AND revoked = 0 AND (ends_at IS NULL OR ends_at > ?2)",
        )?
        .exists(params![id.0, now.as_micros()])?)
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

/// Whether `office` lies below `above`, at any depth.
pub(super) fn lies_below(conn: &Connection, office: OfficeId, above: OfficeId) -> Result<bool, StoreError> {
    let sql = format!("{ABOVE} SELECT 1 FROM above WHERE id = ?2");
    Ok(conn.prepare_cached(&sql)?.exists(params![office.0, above.0])?)
}

/// Every office above ?1. UNION adds none twice, so that it would end in a ring, too.
const ABOVE: &str = "WITH RECURSIVE above (id) AS (
    SELECT parent FROM office WHERE id = ?1 AND parent IS NOT NULL
    UNION
    SELECT office.parent FROM office JOIN above ON office.id = above.id WHERE office.parent IS NOT NULL
)";

/// How many offices are above an office.
fn depth_of(conn: &Connection, office: OfficeId) -> Result<usize, StoreError> {
    let sql = format!("{ABOVE} SELECT count(*) FROM above");
    let n: i64 = conn
        .prepare_cached(&sql)?
        .query_row([office.0], |row| row.get(0))?;
    Ok(usize::try_from(n).unwrap_or(usize::MAX))
}

/// How many levels of offices are below an office.
fn height_of(conn: &Connection, office: OfficeId) -> Result<usize, StoreError> {
    let n: i64 = conn
        .prepare_cached(
            "WITH RECURSIVE below (id, level) AS (
                SELECT ?1, 0
                UNION
                SELECT office.id, level + 1 FROM office JOIN below ON office.parent = below.id
                 WHERE office.removed = 0 AND level < ?2
             ) SELECT max(level) FROM below",
        )?
        .query_row(params![office.0, HEIGHT_MAX], |row| row.get(0))?;
    Ok(usize::try_from(n).unwrap_or(usize::MAX))
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
    // A tree that was deeper before there was a limit may move, but not further down.
    let depth = depth_of(conn, parent)?.saturating_add(1);
    let deepest = depth.saturating_add(height_of(conn, office.id)?);
    if deepest > OFFICES_ABOVE_MAX && depth > depth_of(conn, office.id)? {
        return Err(PeopleRule::TooDeep.into());
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

#[cfg(test)]
mod tests {
    use postroom_domain::{RouteId, Timestamp};

    use super::*;
    use crate::contract::Actor;
    use crate::sqlite::migrate::migrate;

    fn by() -> By {
        By::of(Actor::Operator, Timestamp::from_micros(1))
    }

    fn empty() -> Connection {
        let conn = Connection::open_in_memory().expect("memory");
        migrate(&conn).expect("the schema");
        conn
    }

    fn office(parent: Option<OfficeId>, n: usize) -> NewOffice {
        NewOffice {
            parent,
            name: format!("Office {n}"),
            route: RouteId::SERVER,
        }
    }

    /// A chain as it could be made before there was a limit; its first one is the root.
    fn chain(conn: &Connection, n: usize) -> Vec<OfficeId> {
        let mut made: Vec<OfficeId> = Vec::new();
        for place in 0..n {
            let new = office(made.last().copied(), place);
            made.push(insert_office(conn, &new).expect("an office"));
        }
        made
    }

    fn moved(conn: &Connection, id: OfficeId, parent: OfficeId) -> Result<Office, StoreError> {
        let version = known(conn, id)?.version;
        let change_to = OfficeChange {
            parent: Some(parent),
            ..OfficeChange::default()
        };
        change(conn, id, version, &change_to, &by())
    }

    #[test]
    fn chain_of_seventy_is_not_turned_into_a_ring() {
        let conn = empty();
        let made = chain(&conn, 71);
        let refused = moved(&conn, made[1], made[70]);
        assert!(
            matches!(refused, Err(StoreError::People(PeopleRule::Cycle))),
            "{refused:?}"
        );
        assert!(lies_below(&conn, made[70], made[0]).expect("an answer"));
        assert!(!lies_below(&conn, made[0], made[70]).expect("an answer"));
    }

    #[test]
    fn deeper_tree_of_before_becomes_shallower_and_not_deeper() {
        let conn = empty();
        let made = chain(&conn, 71);
        moved(&conn, made[60], made[59]).expect("where it is already");
        moved(&conn, made[40], made[10]).expect("up");
        let deeper = moved(&conn, made[40], made[11]);
        assert!(
            matches!(deeper, Err(StoreError::People(PeopleRule::TooDeep))),
            "{deeper:?}"
        );
        moved(&conn, made[40], made[0]).expect("up again");
    }

    #[test]
    fn every_office_reaches_the_root_whatever_is_moved() {
        let conn = empty();
        let made = chain(&conn, 12);
        let mut seed: usize = 7;
        let mut draw = |n: usize| {
            seed = seed.wrapping_mul(1_103_515_245).wrapping_add(12_345) % (1 << 31);
            seed / 65_536 % n
        };
        let mut done = 0;
        for _ in 0..400 {
            let (what, below) = (made[draw(12)], made[draw(12)]);
            done += usize::from(moved(&conn, what, below).is_ok());
            for id in &made[1..] {
                assert!(
                    lies_below(&conn, *id, made[0]).expect("an answer"),
                    "{what} {below}"
                );
            }
        }
        assert!(done > 50, "{done} moves were done");
    }
}
