//! Where an unfinished message stands.

use async_trait::async_trait;
use postroom_domain::{FailureCause, HoldReason, MessageId, RouteId, Scope, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteStore;
use super::rows::is_in_scope;
use crate::StoreError;
use crate::contract::{Actor, Situation, Situations, Waits};

/// `work.phase` of what is under way.
const PHASE_LEASED: i64 = 3;

fn situation(conn: &Connection, scope: &Scope, id: MessageId) -> rusqlite::Result<Option<Situation>> {
    if !is_in_scope(conn, scope, id)? {
        return Ok(None);
    }
    let (of_message, cause) = conn
        .prepare_cached("SELECT route, cause FROM message WHERE ord = ?1")?
        .query_row([id.ord()], |row| {
            let cause: Option<i64> = row.get(1)?;
            Ok((RouteId(row.get(0)?), cause.and_then(FailureCause::from_number)))
        })?;
    let work = conn
        .prepare_cached("SELECT route, flow, seq, phase, since, due_at FROM work WHERE ord = ?1")?
        .query_row([id.ord()], |row| {
            Ok([
                row.get::<_, i64>(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
                row.get(5)?,
            ])
        })
        .optional()?;
    let Some([route, flow, seq, phase, since, due_at]) = work else {
        return Ok(Some(Situation {
            route: of_message,
            cause,
            waits: None,
            held: None,
        }));
    };
    let ahead = if phase == 0 {
        Some(ahead(conn, route, flow, seq)?)
    } else {
        None
    };
    Ok(Some(Situation {
        route: RouteId(route),
        cause,
        waits: Some(Waits {
            since: Timestamp::from_micros(since),
            ahead,
            // A lease keeps its time there.
            under_way_since: (phase == PHASE_LEASED).then(|| Timestamp::from_micros(due_at)),
        }),
        held: held(conn, id)?,
    }))
}

/// Who holds a message back, where it is held by somebody.
fn held(conn: &Connection, id: MessageId) -> rusqlite::Result<Option<(Actor, Timestamp)>> {
    let found: Option<(String, i64)> = conn
        .prepare_cached(
            "SELECT held_by, held_at FROM work WHERE ord = ?1 AND hold = ?2 AND held_by IS NOT NULL",
        )?
        .query_row(params![id.ord(), HoldReason::Administrator.number()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    Ok(found.and_then(|(by, at)| Some((by.parse().ok()?, Timestamp::from_micros(at)))))
}

fn ahead(conn: &Connection, route: i64, flow: i64, seq: i64) -> rusqlite::Result<u32> {
    conn.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM work WHERE route = ?1 AND flow = ?2 AND phase = 0 AND seq < ?3 LIMIT ?4)",
    )?
    .query_row(params![route, flow, seq, Waits::AHEAD_MAX], |row| row.get(0))
}

#[async_trait]
impl Situations for SqliteStore {
    async fn situation(&self, scope: &Scope, id: MessageId) -> Result<Option<Situation>, StoreError> {
        let scope = scope.clone();
        self.read(move |conn| situation(conn, &scope, id)).await
    }
}
