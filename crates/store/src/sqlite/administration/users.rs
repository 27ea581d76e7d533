//! Users, their rights, passwords and keys.

use postroom_domain::{KeyId, OfficeId, PeopleRule, UserId};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;

use super::{log, offices};
use crate::StoreError;
use crate::contract::{
    Account, Actor, AuditAction, Branches, By, NewApiKey, NewUser, OpenKeys, Rights, User, UserChange,
};
use crate::sqlite::people::{check_name_is_free, insert_key, insert_user};
use crate::sqlite::people_rows::{USER, read_user, rights_bits};

/// Most branches that limit one person's Enterprise View.
const BRANCHES_MAX: usize = 256;

/// Makes a user.
pub(super) fn add(
    conn: &Connection,
    new: &NewUser,
    branches: &Branches,
    by: &By,
) -> Result<User, StoreError> {
    if offices::find(conn, new.office)?.is_none() {
        return Err(StoreError::Missing("office"));
    }
    check_branches(conn, new.office, new.rights, branches)?;
    let id = insert_user(conn, new)?;
    set_branches(conn, id, branches)?;
    let facts = [
        ("rights", rights_fact(new.rights)),
        ("branches", branches_fact(branches)),
    ];
    log::user(conn, by, AuditAction::UserCreate, id, new.office, &facts)?;
    known(conn, id)
}

/// Changes a user.
pub(super) fn change(
    conn: &Connection,
    id: UserId,
    version: i64,
    change: &UserChange,
    by: &By,
) -> Result<User, StoreError> {
    let before = match find(conn, id)? {
        None => return Err(StoreError::Missing("user")),
        Some(user) if user.version != version => return Err(StoreError::Stale("user")),
        Some(user) => user,
    };
    conn.prepare_cached("UPDATE user SET version = version + 1 WHERE id = ?1")?
        .execute([id.0])?;
    if change.name.is_some() || change.login.is_some() || change.email.is_some() {
        rename(conn, &before, change, by)?;
    }
    if let Some((rights, branches)) = &change.rights {
        change_rights(conn, &before, *rights, branches, by)?;
    }
    match change.account {
        Some(Account::Disabled) if !before.disabled => disable(conn, &before, by)?,
        Some(Account::Enabled) if before.disabled => {
            conn.prepare_cached("UPDATE user SET disabled = 0 WHERE id = ?1")?
                .execute([id.0])?;
            log::user(conn, by, AuditAction::UserEnable, id, before.office, &[])?;
        }
        Some(Account::Disabled | Account::Enabled) | None => {}
    }
    // Looked at once everything is changed: one request may take rights and account at once.
    if is_system_administrator(conn, &before)? && !has_system_administrator(conn)? {
        return Err(PeopleRule::LastAdministrator.into());
    }
    known(conn, id)
}

/// Sets a password hash and ends what was open under the old one.
pub(super) fn change_password(
    conn: &Connection,
    id: UserId,
    password_hash: &str,
    keys: OpenKeys,
    by: &By,
) -> Result<(), StoreError> {
    let user = known(conn, id)?;
    conn.prepare_cached("UPDATE user SET password_hash = ?1 WHERE id = ?2")?
        .execute(params![password_hash, id.0])?;
    end_sign_ins(conn, id)?;
    let ended = match keys {
        OpenKeys::Keep => None,
        OpenKeys::End => Some(end_keys(conn, id)?),
    };
    let facts: Vec<_> = ended.map(keys_ended).into_iter().collect();
    log::user(conn, by, AuditAction::PasswordSet, id, user.office, &facts)
}

/// Keeps a key.
pub(super) fn add_key(conn: &Connection, key: &NewApiKey, by: &By) -> Result<KeyId, StoreError> {
    if let Some(user) = key.user
        && known(conn, user)?.disabled
    {
        return Err(PeopleRule::Disabled.into());
    }
    let made_by = match by.note.actor {
        Actor::User(user) => Some(user),
        Actor::Operator | Actor::System | Actor::Key(_) => None,
    };
    let id = insert_key(conn, key, made_by)?;
    let mut facts = vec![("user", json!(key.user)), ("scopes", json!(key.scopes))];
    facts.extend(key.ends_at.map(|ends_at| ("ends_at", json!(ends_at))));
    log::write(
        conn,
        by,
        AuditAction::KeyCreate,
        format!("key {id}"),
        key.office,
        &facts,
    )?;
    Ok(id)
}

/// Ends a key.
pub(super) fn end_key(conn: &Connection, id: KeyId, by: &By) -> Result<bool, StoreError> {
    let office: Option<i64> = conn
        .prepare_cached("UPDATE api_key SET revoked = 1 WHERE id = ?1 AND revoked = 0 RETURNING office")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    let Some(office) = office else {
        return Ok(false);
    };
    log::write(
        conn,
        by,
        AuditAction::KeyRevoke,
        format!("key {id}"),
        OfficeId(office),
        &[],
    )?;
    Ok(true)
}

/// A user.
pub(super) fn find(conn: &Connection, id: UserId) -> Result<Option<User>, StoreError> {
    Ok(conn
        .prepare_cached(&format!("{USER} WHERE u.id = ?1"))?
        .query_row([id.0], read_user)
        .optional()?)
}

/// A user that has to be there.
pub(super) fn known(conn: &Connection, id: UserId) -> Result<User, StoreError> {
    find(conn, id)?.ok_or(StoreError::Missing("user"))
}

/// Ends the API keys of a person; answers how many there were.
fn end_keys(conn: &Connection, id: UserId) -> Result<usize, StoreError> {
    Ok(conn
        .prepare_cached("UPDATE api_key SET revoked = 1 WHERE user = ?1 AND revoked = 0")?
        .execute([id.0])?)
}

/// Tells the audit log of them.
fn keys_ended(ended: usize) -> (&'static str, serde_json::Value) {
    ("keys_ended", json!(ended))
}

/// Ends what lets somebody in as `id` without a password or a key.
fn end_sign_ins(conn: &Connection, id: UserId) -> Result<(), StoreError> {
    conn.prepare_cached("DELETE FROM one_time WHERE user = ?1")?
        .execute([id.0])?;
    end_sessions(conn, id)
}

fn end_sessions(conn: &Connection, id: UserId) -> Result<(), StoreError> {
    conn.prepare_cached("DELETE FROM session WHERE user = ?1")?
        .execute([id.0])?;
    Ok(())
}

/// Changes name, login and address. Sessions and tokens were given by the old ones.
fn rename(conn: &Connection, before: &User, change: &UserChange, by: &By) -> Result<(), StoreError> {
    // Names are read without hidden characters: one that is given as it was read stays as it is kept.
    let name = change.name.as_ref().filter(|name| **name != before.name);
    let lower = |name: &Option<String>, before: &String| {
        name.as_ref()
            .map_or_else(|| before.clone(), |name| name.to_lowercase())
    };
    let login = lower(&change.login, &before.login);
    let email = lower(&change.email, &before.email);
    let mut facts = Vec::new();
    for (fact, now, then) in [
        ("login_changed", &login, &before.login),
        ("address_changed", &email, &before.email),
    ] {
        if now != then {
            check_name_is_free(conn, now, Some(before.id))?;
            facts.push((fact, json!(true)));
        }
    }
    conn.prepare_cached("UPDATE user SET name = coalesce(?1, name), login = ?2, email = ?3 WHERE id = ?4")?
        .execute(params![name, login, email, before.id.0])?;
    if !facts.is_empty() {
        end_sign_ins(conn, before.id)?;
    }
    log::user(
        conn,
        by,
        AuditAction::UserChange,
        before.id,
        before.office,
        &facts,
    )
}

fn change_rights(
    conn: &Connection,
    before: &User,
    rights: Rights,
    branches: &Branches,
    by: &By,
) -> Result<(), StoreError> {
    check_branches(conn, before.office, rights, branches)?;
    conn.prepare_cached("UPDATE user SET rights = ?1 WHERE id = ?2")?
        .execute(params![rights_bits(rights), before.id.0])?;
    set_branches(conn, before.id, branches)?;
    let mut facts = vec![
        ("before", rights_fact(before.rights)),
        ("rights", rights_fact(rights)),
        ("branches", branches_fact(branches)),
    ];
    // Somebody who could act as the person until now may have a session of theirs or a key, which would show as much.
    if shows_more(before, rights, branches) && by.note.actor != Actor::User(before.id) {
        end_sessions(conn, before.id)?;
        let ended = end_keys(conn, before.id)?;
        facts.extend((ended > 0).then(|| keys_ended(ended)));
    }
    log::user(
        conn,
        by,
        AuditAction::RightsChange,
        before.id,
        before.office,
        &facts,
    )
}

/// Whether somebody may see mail with the rights of now that they did not see before.
fn shows_more(before: &User, now: Rights, branches: &Branches) -> bool {
    let had = before.rights;
    let fewer = match (branches, &before.branches) {
        (_, Branches::All) => true,
        (Branches::All, Branches::Only(_)) => false,
        (Branches::Only(now), Branches::Only(had)) => now.iter().all(|branch| had.contains(branch)),
    };
    (now.super_user && !had.super_user)
        || (now.enterprise_view && !(had.enterprise_view && fewer))
        || (now.administrator && !had.administrator)
}

fn disable(conn: &Connection, before: &User, by: &By) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE user SET disabled = 1 WHERE id = ?1")?
        .execute([before.id.0])?;
    end_keys(conn, before.id)?;
    end_sign_ins(conn, before.id)?;
    log::user(conn, by, AuditAction::UserDisable, before.id, before.office, &[])
}

fn is_system_administrator(conn: &Connection, user: &User) -> Result<bool, StoreError> {
    let root = offices::root(conn)?;
    Ok(!user.disabled && user.rights.administrator && root.is_some_and(|root| root.id == user.office))
}

fn has_system_administrator(conn: &Connection) -> Result<bool, StoreError> {
    let administrator = rights_bits(Rights {
        administrator: true,
        ..Rights::default()
    });
    Ok(conn
        .prepare_cached(
            "SELECT 1 FROM user WHERE disabled = 0 AND (rights & ?1) <> 0
             AND office IN (SELECT id FROM office WHERE parent IS NULL AND removed = 0)",
        )?
        .exists([administrator])?)
}

fn check_branches(
    conn: &Connection,
    office: OfficeId,
    rights: Rights,
    branches: &Branches,
) -> Result<(), StoreError> {
    let Branches::Only(branches) = branches else {
        return Ok(());
    };
    if !rights.enterprise_view {
        return Err(PeopleRule::BranchWithoutView.into());
    }
    if branches.len() > BRANCHES_MAX {
        return Err(StoreError::TooMuch(
            "Enterprise View is limited to at most 256 branches",
        ));
    }
    for branch in branches {
        if !offices::lies_below(conn, *branch, office)? {
            return Err(PeopleRule::BranchOutside.into());
        }
    }
    Ok(())
}

fn set_branches(conn: &Connection, id: UserId, branches: &Branches) -> Result<(), StoreError> {
    let kept = match branches {
        Branches::All => None,
        Branches::Only(branches) => Some(json!(branches).to_string()),
    };
    conn.prepare_cached("UPDATE user SET branches = ?1 WHERE id = ?2")?
        .execute(params![kept, id.0])?;
    Ok(())
}

fn rights_fact(rights: Rights) -> serde_json::Value {
    json!(rights)
}

fn branches_fact(branches: &Branches) -> serde_json::Value {
    match branches {
        Branches::All => serde_json::Value::Null,
        Branches::Only(branches) => json!(branches),
    }
}
