//! Offices, users, sessions and API keys.

use async_trait::async_trait;
use postroom_domain::{KeyId, OfficeId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::inbox::Lane;
use super::known_sources;
use super::open::SqliteStore;
use super::people_rows::{KEY, OFFICE, USER, read_key, read_office, read_user, rights_bits};
use crate::StoreError;
use crate::contract::{
    ApiKey, KeyHash, NewApiKey, NewOffice, NewSession, NewUser, Office, People, Session, SignInClash,
    SignInSource, User,
};

impl SqliteStore {
    pub(super) async fn people_write<T, F>(&self, mut write: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.writer
            .run(Lane::Hot, 0, move |group| write(group.conn))
            .await
    }
}

#[async_trait]
impl People for SqliteStore {
    async fn offices(&self) -> Result<Vec<Office>, StoreError> {
        self.readers
            .run(|conn| {
                Ok(all(
                    conn,
                    &format!("{OFFICE} WHERE removed = 0 ORDER BY id"),
                    read_office,
                )?)
            })
            .await
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        self.readers
            .run(|conn| Ok(all(conn, &format!("{USER} ORDER BY u.login"), read_user)?))
            .await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.readers
            .run(move |conn| {
                let sql = format!("{USER} WHERE u.id = ?1");
                Ok(conn
                    .prepare_cached(&sql)?
                    .query_row([id.0], read_user)
                    .optional()?)
            })
            .await
    }

    async fn user_by_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        let login = login.to_lowercase();
        self.readers
            .run(move |conn| Ok(user_by_login(conn, &login)?))
            .await
    }

    async fn sign_in_clashes(&self) -> Result<Vec<SignInClash>, StoreError> {
        self.readers.run(|conn| Ok(sign_in_clashes(conn)?)).await
    }

    async fn create_session(&self, session: NewSession) -> Result<(), StoreError> {
        self.people_write(move |conn| {
            conn.prepare_cached(
                "INSERT INTO session (hash, user, started_at, ends_at) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                session.hash.0,
                session.user.0,
                session.started_at.as_micros(),
                session.ends_at.as_micros()
            ])?;
            Ok(())
        })
        .await
    }

    async fn session(&self, hash: &KeyHash, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let hash = *hash;
        self.readers.run(move |conn| Ok(session(conn, &hash, now)?)).await
    }

    async fn end_session(&self, hash: &KeyHash) -> Result<(), StoreError> {
        let hash = *hash;
        self.people_write(move |conn| {
            conn.prepare_cached("DELETE FROM session WHERE hash = ?1")?
                .execute([hash.0])?;
            Ok(())
        })
        .await
    }

    async fn key(&self, hash: &KeyHash) -> Result<Option<ApiKey>, StoreError> {
        let hash = *hash;
        self.readers
            .run(move |conn| {
                let sql = format!("{KEY} WHERE hash = ?1 AND revoked = 0");
                Ok(conn
                    .prepare_cached(&sql)?
                    .query_row([hash.0], read_key)
                    .optional()?)
            })
            .await
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.readers
            .run(|conn| {
                Ok(all(
                    conn,
                    &format!("{KEY} WHERE revoked = 0 ORDER BY id"),
                    read_key,
                )?)
            })
            .await
    }

    async fn source_seen(&self, user: UserId, source: SignInSource) -> Result<Option<Timestamp>, StoreError> {
        self.readers
            .run(move |conn| Ok(known_sources::seen(conn, user, source)?))
            .await
    }

    async fn note_sources(
        &self,
        user: UserId,
        sources: Vec<SignInSource>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.people_write(move |conn| known_sources::note(conn, user, &sources, at))
            .await
    }

    async fn keys_used(&self, uses: Vec<(KeyId, Timestamp)>) -> Result<(), StoreError> {
        self.people_write(move |conn| {
            let mut update = conn.prepare_cached("UPDATE api_key SET last_used_at = ?2 WHERE id = ?1")?;
            for (id, at) in &uses {
                update.execute(params![id.0, at.as_micros()])?;
            }
            Ok(())
        })
        .await
    }
}

fn all<T>(
    conn: &Connection,
    sql: &str,
    read: fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    conn.prepare_cached(sql)?.query_map([], read)?.collect()
}

/// Whoever has this login or this address. Nobody where two people have it, which an earlier version allowed: one of them
/// would sign in, and get the links, as the other.
fn user_by_login(conn: &Connection, login: &str) -> rusqlite::Result<Option<User>> {
    let sql = format!("{USER} WHERE u.login = ?1 OR u.email = ?1 LIMIT 2");
    let mut found: Vec<User> = conn
        .prepare_cached(&sql)?
        .query_map([login], read_user)?
        .collect::<Result<_, _>>()?;
    let one = found.pop();
    Ok(one.filter(|_| found.is_empty()))
}

/// Refuses a login or an address that somebody else has as either: they are one name space.
pub(super) fn check_name_is_free(
    conn: &Connection,
    name: &str,
    who: Option<UserId>,
) -> Result<(), StoreError> {
    let taken = conn
        .prepare_cached("SELECT 1 FROM user WHERE (login = ?1 OR email = ?1) AND id <> ?2")?
        .exists(params![name, who.map_or(0, |id| id.0)])?;
    if taken {
        return Err(exists("user", name));
    }
    Ok(())
}

fn sign_in_clashes(conn: &Connection) -> rusqlite::Result<Vec<SignInClash>> {
    conn.prepare_cached(
        "SELECT a.login, a.id, b.id FROM user a JOIN user b ON b.email = a.login AND b.id <> a.id ORDER BY a.login",
    )?
    .query_map([], |row| {
        Ok(SignInClash {
            name: row.get(0)?,
            login_of: UserId(row.get(1)?),
            address_of: UserId(row.get(2)?),
        })
    })?
    .collect()
}

fn session(conn: &Connection, hash: &KeyHash, now: Timestamp) -> rusqlite::Result<Option<Session>> {
    let kept = conn
        .prepare_cached("SELECT user, ends_at FROM session WHERE hash = ?1 AND ends_at > ?2")?
        .query_row(params![hash.0, now.as_micros()], |row| {
            Ok((row.get::<_, i64>(0)?, Timestamp::from_micros(row.get(1)?)))
        })
        .optional()?;
    let Some((user, ends_at)) = kept else {
        return Ok(None);
    };
    let user = conn
        .prepare_cached(&format!("{USER} WHERE u.id = ?1 AND u.disabled = 0"))?
        .query_row([user], read_user)
        .optional()?;
    Ok(user.map(|user| Session { user, ends_at }))
}

pub(super) fn insert_office(conn: &Connection, office: &NewOffice) -> Result<OfficeId, StoreError> {
    let parent = office.parent.map(|parent| parent.0);
    let taken = conn
        .prepare_cached(
            "SELECT 1 FROM office WHERE ifnull(parent, 0) = ifnull(?1, 0) AND name = ?2 AND removed = 0",
        )?
        .exists(params![parent, office.name])?;
    if taken {
        return Err(exists("office", &office.name));
    }
    conn.prepare_cached("INSERT INTO office (parent, name, route) VALUES (?1, ?2, ?3)")?
        .execute(params![parent, office.name, office.route.0])?;
    Ok(OfficeId(conn.last_insert_rowid()))
}

pub(super) fn insert_user(conn: &Connection, user: &NewUser) -> Result<UserId, StoreError> {
    for name in [&user.login, &user.email] {
        check_name_is_free(conn, name, None)?;
    }
    conn.prepare_cached(
        "INSERT INTO user (office, login, name, email, password_hash, rights) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        user.office.0,
        user.login,
        user.name,
        user.email,
        user.password_hash,
        rights_bits(user.rights)
    ])?;
    Ok(UserId(conn.last_insert_rowid()))
}

pub(super) fn insert_key(
    conn: &Connection,
    key: &NewApiKey,
    made_by: Option<UserId>,
) -> Result<KeyId, StoreError> {
    conn.prepare_cached(
        "INSERT INTO api_key (hash, prefix, label, office, user, scopes, created_at, made_by, ends_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        key.hash.0,
        key.prefix,
        key.label,
        key.office.0,
        key.user.map(|user| user.0),
        key.scopes.join(" "),
        key.created_at.as_micros(),
        made_by.map(|user| user.0),
        key.ends_at.map(Timestamp::as_micros)
    ])?;
    Ok(KeyId(conn.last_insert_rowid()))
}

pub(super) fn exists(what: &'static str, name: &str) -> StoreError {
    StoreError::Exists {
        what,
        name: name.to_owned(),
    }
}
