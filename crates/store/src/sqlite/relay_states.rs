//! The edges of relay health: compare-and-set on the epoch, so that one node raises the alert (DESIGN invariant 19).

use std::time::Duration;

use postroom_domain::{OfficeId, Reply, RouteId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codes::{enhanced, reply_text, to_json};
use super::group::Group;
use super::rows;
use crate::StoreError;
use crate::contract::{
    EdgeWritten, FactKind, NewFact, RelayDetail, RelayEdge, RelayKept, RelayTo, WaitingMail,
};

const COLUMNS: &str =
    "SELECT route, place, name, epoch, down, since, code, enhanced, text, waits, unserved FROM relay_state";

/// Writes an edge and its fact, if the epoch is still the expected one and the edge is one.
pub(crate) fn edge(group: &mut Group<'_>, edge: &RelayEdge) -> Result<EdgeWritten, StoreError> {
    let kept = one(group.conn, edge.route, edge.place)?;
    let epoch = kept.as_ref().map_or(0, |kept| kept.epoch);
    let is_down = kept.as_ref().is_some_and(|kept| kept.down.is_some());
    let goes_down = matches!(edge.to, RelayTo::Down { .. });
    if epoch != edge.epoch || is_down == goes_down {
        return Ok(EdgeWritten::Lost(kept));
    }
    let epoch = epoch + 1;
    write(group.conn, edge, epoch)?;
    let (kind, outage, error, mail) = match &edge.to {
        RelayTo::Down { error, mail } => (FactKind::RelayDown, epoch, error.to_string(), *mail),
        RelayTo::Up => (FactKind::RelayUp, epoch - 1, String::new(), WaitingMail::Waits),
    };
    let detail = RelayDetail {
        route: edge.route.0,
        place: edge.place,
        relay: edge.name.clone(),
        outage,
        error,
        mail,
    };
    let fact = NewFact {
        kind,
        message: None,
        office: office_of(group.conn, edge.route)?,
        person: None,
        detail: Some(to_json(&detail)?),
    };
    group.fact(edge.now, &fact)?;
    Ok(EdgeWritten::Won(epoch))
}

fn write(conn: &Connection, edge: &RelayEdge, epoch: i64) -> Result<(), StoreError> {
    let (error, mail) = match &edge.to {
        RelayTo::Down { error, mail } => (Some(error), *mail),
        RelayTo::Up => (None, WaitingMail::Waits),
    };
    conn.prepare_cached(
        "INSERT INTO relay_state (route, place, name, epoch, down, since, code, enhanced, text, waits)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (route, place) DO UPDATE SET name = excluded.name, epoch = excluded.epoch, down = excluded.down,
            since = excluded.since, code = excluded.code, enhanced = excluded.enhanced, text = excluded.text,
            waits = excluded.waits, unserved = 0",
    )?
    .execute(params![
        edge.route.0,
        edge.place,
        edge.name,
        epoch,
        error.is_some(),
        edge.now.as_micros(),
        error.map(|reply| reply.code),
        error.and_then(|reply| enhanced(reply.enhanced)),
        error.map(reply_text),
        mail == WaitingMail::Waits
    ])?;
    Ok(())
}

/// The office whose own relay it is; the System Office for the server's.
fn office_of(conn: &Connection, route: RouteId) -> Result<OfficeId, StoreError> {
    let found: Option<i64> = conn
        .prepare_cached(
            "SELECT id FROM office WHERE id = ?1 OR parent IS NULL ORDER BY id = ?1 DESC LIMIT 1",
        )?
        .query_row([route.0], |row| row.get(0))
        .optional()?;
    Ok(OfficeId(found.unwrap_or(0)))
}

fn one(conn: &Connection, route: RouteId, place: u8) -> Result<Option<RelayKept>, StoreError> {
    Ok(conn
        .prepare_cached(&format!("{COLUMNS} WHERE route = ?1 AND place = ?2"))?
        .query_row(params![route.0, place], read)
        .optional()?)
}

/// What is kept of every relay.
pub(crate) fn all(conn: &Connection) -> Result<Vec<RelayKept>, StoreError> {
    Ok(conn
        .prepare_cached(COLUMNS)?
        .query_map([], read)?
        .collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<RelayKept> {
    let (is_down, waits): (bool, bool) = (row.get(4)?, row.get(9)?);
    let error = rows::reply(row, 6)?.unwrap_or_else(|| Reply::none(""));
    Ok(RelayKept {
        route: RouteId(row.get(0)?),
        place: row.get(1)?,
        name: row.get(2)?,
        epoch: row.get(3)?,
        down: is_down.then_some(error),
        mail: if waits {
            WaitingMail::Waits
        } else {
            WaitingMail::GoesElsewhere
        },
        since: Timestamp::from_micros(row.get(5)?),
        unserved: Duration::from_micros(u64::try_from(row.get::<_, i64>(10)?).unwrap_or(0)),
    })
}
