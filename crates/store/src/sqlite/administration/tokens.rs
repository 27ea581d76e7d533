//! Tokens that work once: setting up, the first password, a new password.

use postroom_domain::{PeopleRule, RouteId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::{log, offices, users};
use crate::StoreError;
use crate::contract::{
    Actor, Addressee, AuditAction, AuditNote, By, KeyHash, NewOffice, NewToken, NewUser, OpenKeys,
    RESET_LINKS_MAX, Rights, SetUp, TokenPurpose, User,
};
use crate::sqlite::people::{insert_office, insert_user};

const SET_UP: i64 = 0;
const INVITATION: i64 = 1;
const PASSWORD_RESET: i64 = 2;

/// Keeps a token's hash. An invitation or a setup secret takes the place of the earlier one; of links for a new password the
/// person's newest stay, since anybody may ask for one.
pub(super) fn keep(conn: &Connection, token: &NewToken, by: &By) -> Result<(), StoreError> {
    let (purpose, user) = match token.purpose {
        TokenPurpose::SetUp => (SET_UP, None),
        TokenPurpose::Invitation(user) => (INVITATION, Some(user)),
        TokenPurpose::PasswordReset(user) => (PASSWORD_RESET, Some(user)),
    };
    let office = match user {
        Some(user) => Some(addressee(conn, user)?.office),
        None => None,
    };
    let user = user.map_or(UserId(0), |user| user.id);
    conn.prepare_cached("DELETE FROM one_time WHERE ends_at <= ?1")?
        .execute([by.at.as_micros()])?;
    let others_max = if purpose == PASSWORD_RESET {
        RESET_LINKS_MAX - 1
    } else {
        0
    };
    conn.prepare_cached(
        "DELETE FROM one_time WHERE hash IN
            (SELECT hash FROM one_time WHERE user = ?1 AND purpose = ?2 ORDER BY ends_at DESC LIMIT -1 OFFSET ?3)",
    )?
    .execute(params![user.0, purpose, others_max])?;
    conn.prepare_cached("INSERT INTO one_time (hash, purpose, user, ends_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![token.hash.0, purpose, user.0, token.ends_at.as_micros()])?;
    if let Some(office) = office.filter(|_| purpose == PASSWORD_RESET) {
        log::user(conn, by, AuditAction::PasswordReset, user, office, &[])?;
    }
    Ok(())
}

/// The person whom a token is mailed to, as they were when the mail was addressed.
fn addressee(conn: &Connection, to: Addressee) -> Result<User, StoreError> {
    let user = users::known(conn, to.id)?;
    if user.version == to.version {
        Ok(user)
    } else {
        Err(StoreError::Stale("user"))
    }
}

/// Whether there is such a token that has not ended.
pub(super) fn works(conn: &Connection, hash: &KeyHash, now: Timestamp) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT 1 FROM one_time WHERE hash = ?1 AND ends_at > ?2")?
        .exists(params![hash.0, now.as_micros()])
}

/// Takes a token for a new password.
pub(super) fn redeem(
    conn: &Connection,
    hash: &KeyHash,
    password_hash: &str,
    keys: OpenKeys,
    at: Timestamp,
) -> Result<User, StoreError> {
    let user: Option<i64> = conn
        .prepare_cached("SELECT user FROM one_time WHERE hash = ?1 AND purpose <> ?2 AND ends_at > ?3")?
        .query_row(params![hash.0, SET_UP, at.as_micros()], |row| row.get(0))
        .optional()?;
    let user = match user {
        Some(id) => users::find(conn, UserId(id))?.filter(|user| !user.disabled),
        None => None,
    };
    let user = user.ok_or(PeopleRule::TokenInvalid)?;
    let by = By {
        note: AuditNote::by(Actor::User(user.id)),
        at,
    };
    users::change_password(conn, user.id, password_hash, keys, &by)?;
    users::known(conn, user.id)
}

/// Makes the first administrator.
pub(super) fn set_up(conn: &Connection, setup: &SetUp, by: &By) -> Result<User, StoreError> {
    if conn.prepare_cached("SELECT 1 FROM user")?.exists([])? {
        return Err(PeopleRule::SetUpAlready.into());
    }
    if let Some(hash) = setup.token {
        let taken = conn
            .prepare_cached("DELETE FROM one_time WHERE hash = ?1 AND purpose = ?2 AND ends_at > ?3")?
            .execute(params![hash.0, SET_UP, by.at.as_micros()])?;
        if taken == 0 {
            return Err(PeopleRule::TokenInvalid.into());
        }
    }
    conn.prepare_cached("DELETE FROM one_time WHERE purpose = ?1")?
        .execute([SET_UP])?;
    let office = match offices::root(conn)? {
        Some(root) => root.id,
        None => insert_office(
            conn,
            &NewOffice {
                parent: None,
                name: setup.office.clone(),
                route: RouteId::SERVER,
            },
        )?,
    };
    let user = NewUser {
        office,
        login: setup.login.to_lowercase(),
        name: setup.name.clone(),
        email: setup.email.to_lowercase(),
        password_hash: setup.password_hash.clone(),
        rights: Rights {
            super_user: true,
            enterprise_view: true,
            administrator: true,
            customize_list_layout: true,
        },
    };
    let id = insert_user(conn, &user)?;
    log::user(conn, by, AuditAction::Setup, id, office, &[])?;
    users::known(conn, id)
}
