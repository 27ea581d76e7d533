//! Settings of offices, and the moving of their mail when their way out changes.

use async_trait::async_trait;
use postroom_domain::{MessageId, MessageState, OfficeId, RouteId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteStore;
use super::audit;
use super::codes::{from_json, to_json};
use super::group::Group;
use super::inbox::Lane;
use super::lanes::BY_SERVERS_ROUTE;
use super::local;
use super::promote::unfinished;
use super::tally::Phase;
use crate::StoreError;
use crate::contract::{
    AuditAction, AuditEntry, AuditNote, FormLetters, KeptRelay, OfficeSettings, Sealed, Settings, route_of,
};

#[async_trait]
impl Settings for SqliteStore {
    async fn settings(&self, office: OfficeId) -> Result<Option<OfficeSettings>, StoreError> {
        self.readers.run(move |conn| read(conn, office)).await
    }

    async fn all_settings(&self) -> Result<Vec<OfficeSettings>, StoreError> {
        self.readers.run(all).await
    }

    async fn set_settings(
        &self,
        set: OfficeSettings,
        note: &AuditNote,
        now: Timestamp,
    ) -> Result<OfficeSettings, StoreError> {
        let note = note.clone();
        self.writer
            .run(Lane::Hot, 0, move |group| write(group, &set, &note, now))
            .await
    }

    async fn replace_refresh_token(
        &self,
        office: OfficeId,
        place: usize,
        before: Sealed,
        after: Sealed,
    ) -> Result<bool, StoreError> {
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        self.people_write(move |conn| {
            let replaced = conn
                .prepare_cached(
                    "UPDATE office_relay SET refresh_token = ?4
                     WHERE office = ?1 AND place = ?2 AND refresh_token = ?3",
                )?
                .execute(params![office.0, place, before.0, after.0])?;
            Ok(replaced > 0)
        })
        .await
    }

    async fn reroute(
        &self,
        office: OfficeId,
        after: Option<MessageId>,
    ) -> Result<Option<MessageId>, StoreError> {
        let step = self.step;
        let found = self
            .readers
            .run(move |conn| elsewhere(conn, office, after, step))
            .await?;
        let last = found.ids.last().copied();
        self.writer
            .run(Lane::Background, 0, move |group| reroute(group, office, &found))
            .await?;
        Ok(last)
    }
}

/// The way out of each office that ever had settings: what the writer knows better than who hands mail in.
pub(crate) fn routes(conn: &Connection) -> Result<Vec<(OfficeId, RouteId)>, StoreError> {
    Ok(conn
        .prepare("SELECT o.id, o.route FROM office_settings s JOIN office o ON o.id = s.office")?
        .query_map([], |row| Ok((OfficeId(row.get(0)?), RouteId(row.get(1)?))))?
        .collect::<Result<_, _>>()?)
}

fn all(conn: &Connection) -> Result<Vec<OfficeSettings>, StoreError> {
    let offices: Vec<i64> = conn
        .prepare_cached("SELECT office FROM office_settings ORDER BY office")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let read = |office| read(conn, OfficeId(office)).transpose();
    offices.into_iter().filter_map(read).collect()
}

fn parent(conn: &Connection, office: OfficeId) -> Result<Option<Option<OfficeId>>, StoreError> {
    Ok(conn
        .prepare_cached("SELECT parent FROM office WHERE id = ?1")?
        .query_row([office.0], |row| Ok(row.get::<_, Option<i64>>(0)?.map(OfficeId)))
        .optional()?)
}

fn read(conn: &Connection, office: OfficeId) -> Result<Option<OfficeSettings>, StoreError> {
    let send_locally: Option<bool> = conn
        .prepare_cached("SELECT sends_locally FROM office WHERE id = ?1")?
        .query_row([office.0], |row| row.get(0))
        .optional()?;
    let Some(send_locally) = send_locally else {
        return Ok(None);
    };
    let kept = conn
        .prepare_cached(
            "SELECT version, time_zone, retention_days, content_days, moving FROM office_settings
             WHERE office = ?1",
        )?
        .query_row([office.0], |row| {
            Ok(OfficeSettings {
                office,
                version: row.get(0)?,
                time_zone: row.get(1)?,
                send_locally,
                relays: Vec::new(),
                retention_days: row.get(2)?,
                content_days: row.get(3)?,
                moving: row.get(4)?,
            })
        })
        .optional()?;
    let Some(mut settings) = kept else {
        return Ok(Some(OfficeSettings {
            send_locally,
            ..OfficeSettings::defaults(office)
        }));
    };
    settings.relays = relays(conn, office)?;
    Ok(Some(settings))
}

fn relays(conn: &Connection, office: OfficeId) -> Result<Vec<KeptRelay>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT smtp, secret, client_secret, refresh_token FROM office_relay WHERE office = ?1 ORDER BY place",
    )?;
    let mut rows = statement.query([office.0])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let smtp: String = row.get(0)?;
        let sealed =
            |column| -> rusqlite::Result<_> { Ok(row.get::<_, Option<Vec<u8>>>(column)?.map(Sealed)) };
        found.push(KeptRelay {
            smtp: from_json("office_relay.smtp", &smtp)?,
            secret: sealed(1)?,
            client_secret: sealed(2)?,
            refresh_token: sealed(3)?,
        });
    }
    Ok(found)
}

fn write(
    group: &mut Group<'_>,
    set: &OfficeSettings,
    note: &AuditNote,
    now: Timestamp,
) -> Result<OfficeSettings, StoreError> {
    let conn = group.conn;
    let (Some(parent), Some(before)) = (parent(conn, set.office)?, read(conn, set.office)?) else {
        return Err(StoreError::Missing("office"));
    };
    if before.version != set.version {
        return Err(StoreError::Stale("settings"));
    }
    let route = route_of(set.office, parent, !set.relays.is_empty());
    let old: i64 = conn
        .prepare_cached("SELECT route FROM office WHERE id = ?1")?
        .query_row([set.office.0], |row| row.get(0))?;
    let after = OfficeSettings {
        version: before.version + 1,
        moving: before.moving || old != route.0,
        ..set.clone()
    };
    write_rows(conn, &after)?;
    conn.prepare_cached("UPDATE office SET route = ?2 WHERE id = ?1")?
        .execute([set.office.0, route.0])?;
    group.set_route(set.office, route);
    let way = if set.send_locally {
        FormLetters::Local
    } else {
        FormLetters::Queued
    };
    local::set(conn, set.office, way, now, note)?;
    let tell = |action, what: &str| {
        let subject = format!("office {} {what}", set.office);
        let entry = AuditEntry::new(now, note, action, subject).of_office(set.office);
        audit::append(conn, &entry.with("version", after.version))
    };
    tell(AuditAction::SettingsChange, "settings")?;
    if before.relays != after.relays {
        tell(AuditAction::SmtpChange, "smtp")?;
    }
    Ok(after)
}

fn write_rows(conn: &Connection, set: &OfficeSettings) -> Result<(), StoreError> {
    conn.prepare_cached(
        "INSERT INTO office_settings (office, version, time_zone, retention_days, content_days, moving)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (office) DO UPDATE SET version = excluded.version, time_zone = excluded.time_zone,
            retention_days = excluded.retention_days, content_days = excluded.content_days,
            moving = excluded.moving",
    )?
    .execute(params![
        set.office.0,
        set.version,
        set.time_zone,
        set.retention_days,
        set.content_days,
        set.moving
    ])?;
    conn.prepare_cached("DELETE FROM office_relay WHERE office = ?1")?
        .execute([set.office.0])?;
    for (place, relay) in (0_i64..).zip(&set.relays) {
        let sealed = |secret: &Option<Sealed>| secret.as_ref().map(|sealed| sealed.0.clone());
        conn.prepare_cached(
            "INSERT INTO office_relay (office, place, smtp, secret, client_secret, refresh_token)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            set.office.0,
            place,
            to_json(&relay.smtp)?,
            sealed(&relay.secret),
            sealed(&relay.client_secret),
            sealed(&relay.refresh_token)
        ])?;
    }
    Ok(())
}

/// Unfinished messages of an office that are not on their route.
struct Elsewhere {
    ids: Vec<MessageId>,
    /// The settings that they are not as.
    version: i64,
}

/// Finds them on a reader.
fn elsewhere(
    conn: &Connection,
    office: OfficeId,
    after: Option<MessageId>,
    step: u32,
) -> Result<Elsewhere, StoreError> {
    let version = conn
        .prepare_cached("SELECT version FROM office_settings WHERE office = ?1")?
        .query_row([office.0], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    let after = after.map_or(i64::MIN, MessageId::ord);
    let ids = conn
        .prepare_cached(&format!(
            "SELECT w.ord FROM work w WHERE w.ord > ?2 AND w.office = ?1
             AND w.route <> iif({BY_SERVERS_ROUTE}, 0, (SELECT route FROM office WHERE id = ?1))
             ORDER BY w.ord LIMIT ?3"
        ))?
        .query_map(params![office.0, after, step], |row| {
            Ok(MessageId::from_ord(row.get(0)?))
        })?
        .collect::<Result<_, _>>()?;
    Ok(Elsewhere { ids, version })
}

/// Moves those that are still elsewhere; without any the office is done with moving.
fn reroute(group: &mut Group<'_>, office: OfficeId, found: &Elsewhere) -> Result<(), StoreError> {
    let route: Option<i64> = group
        .conn
        .prepare_cached("SELECT route FROM office WHERE id = ?1")?
        .query_row([office.0], |row| row.get(0))
        .optional()?;
    let Some(route) = route.map(RouteId) else {
        return Ok(());
    };
    for &id in &found.ids {
        move_one(group, id, route)?;
    }
    if found.ids.is_empty() {
        group
            .conn
            .prepare_cached("UPDATE office_settings SET moving = 0 WHERE office = ?1 AND version = ?2")?
            .execute([office.0, found.version])?;
    }
    Ok(())
}

/// A leased message stays with who has it; its row says where it waits if it comes back.
fn move_one(group: &mut Group<'_>, id: MessageId, office: RouteId) -> Result<(), StoreError> {
    let Some(found) = unfinished(group.conn, id)? else {
        return Ok(());
    };
    let route = found.owner.kind.route(office);
    if found.route == route {
        return Ok(());
    }
    for sql in [
        "UPDATE work SET route = ?2 WHERE ord = ?1",
        "UPDATE message SET route = ?2 WHERE ord = ?1",
    ] {
        group.conn.prepare_cached(sql)?.execute([id.ord(), route.0])?;
    }
    if found.phase == Phase::Ready {
        group.lanes.add(group.conn, found.route, found.flow, -1)?;
        group.lanes.add(group.conn, route, found.flow, 1)?;
    }
    group.tallies.phase(found.route, Some(found.phase), None, 1);
    group.tallies.phase(route, None, Some(found.phase), 1);
    match found.phase {
        Phase::Ready => group.ready(route),
        Phase::Waiting if found.state == MessageState::Deferred => group.deferred(route, found.due_at),
        Phase::Waiting => group.due(found.due_at),
        Phase::Leased | Phase::Held => {}
    }
    Ok(())
}
