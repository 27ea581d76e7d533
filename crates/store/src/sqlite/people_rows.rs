//! People as rows.

use postroom_domain::{KeyId, OfficeId, RouteId, Timestamp, UserId};
use rusqlite::Row;

use super::rows::{json, name};
use crate::contract::{ApiKey, Branches, Office, OfficeSecurity, Rights, User};

/// Reads offices, see [`read_office`].
pub(super) const OFFICE: &str =
    "SELECT id, parent, name, route, security, version, allowed_sender_domains FROM office";
/// Reads users as `u`, see [`read_user`].
pub(super) const USER: &str = "SELECT u.id, u.office, u.login, u.name, u.email, u.password_hash, u.rights, \
    u.disabled, u.branches, u.version FROM user u";
/// Reads API keys, see [`read_key`].
pub(super) const KEY: &str = "SELECT id, prefix, label, office, user, scopes, created_at, made_by, ends_at, \
    last_used_at FROM api_key";

const SUPER_USER: i64 = 1;
const ENTERPRISE_VIEW: i64 = 2;
const ADMINISTRATOR: i64 = 4;
const CUSTOMIZE_LIST_LAYOUT: i64 = 8;

/// A row of [`OFFICE`].
pub(super) fn read_office(row: &Row<'_>) -> rusqlite::Result<Office> {
    Ok(Office {
        id: OfficeId(row.get(0)?),
        parent: row.get::<_, Option<i64>>(1)?.map(OfficeId),
        name: name(row, 2)?,
        route: RouteId(row.get(3)?),
        security: if row.get(4)? {
            OfficeSecurity::On
        } else {
            OfficeSecurity::Off
        },
        version: row.get(5)?,
        allowed_sender_domains: json(row, 6)?.unwrap_or_default(),
    })
}

/// A row of [`USER`].
pub(super) fn read_user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: UserId(row.get(0)?),
        office: OfficeId(row.get(1)?),
        login: row.get(2)?,
        name: name(row, 3)?,
        email: row.get(4)?,
        password_hash: row.get(5)?,
        rights: rights(row.get(6)?),
        disabled: row.get(7)?,
        branches: json(row, 8)?.map_or(Branches::All, Branches::Only),
        version: row.get(9)?,
    })
}

/// A row of [`KEY`].
pub(super) fn read_key(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    let scopes: String = row.get(5)?;
    Ok(ApiKey {
        id: KeyId(row.get(0)?),
        prefix: row.get(1)?,
        label: name(row, 2)?,
        office: OfficeId(row.get(3)?),
        user: row.get::<_, Option<i64>>(4)?.map(UserId),
        scopes: scopes.split_whitespace().map(str::to_owned).collect(),
        created_at: Timestamp::from_micros(row.get(6)?),
        made_by: row.get::<_, Option<i64>>(7)?.map(UserId),
        ends_at: row.get::<_, Option<i64>>(8)?.map(Timestamp::from_micros),
        last_used_at: row.get::<_, Option<i64>>(9)?.map(Timestamp::from_micros),
    })
}

/// Rights as the bits that are kept.
pub(super) fn rights_bits(rights: Rights) -> i64 {
    [
        (rights.super_user, SUPER_USER),
        (rights.enterprise_view, ENTERPRISE_VIEW),
        (rights.administrator, ADMINISTRATOR),
        (rights.customize_list_layout, CUSTOMIZE_LIST_LAYOUT),
    ]
    .into_iter()
    .filter(|(has, _)| *has)
    .fold(0, |bits, (_, bit)| bits | bit)
}

const fn rights(bits: i64) -> Rights {
    Rights {
        super_user: bits & SUPER_USER != 0,
        enterprise_view: bits & ENTERPRISE_VIEW != 0,
        administrator: bits & ADMINISTRATOR != 0,
        customize_list_layout: bits & CUSTOMIZE_LIST_LAYOUT != 0,
    }
}
