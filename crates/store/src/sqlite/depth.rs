//! How much waits, from kept counts.

use postroom_domain::{MessageId, RouteId};
use rusqlite::{Connection, OptionalExtension, params};

use super::tally::Phase;
use crate::StoreError;
use crate::contract::QueueDepth;

/// How much waits, over all routes or one.
pub(crate) fn depth(conn: &Connection, route: Option<RouteId>) -> Result<QueueDepth, StoreError> {
    let snapshot = conn.unchecked_transaction()?;
    let mut depth = QueueDepth::default();
    let route = route.map(|route| route.0);
    {
        let mut statement = snapshot.prepare_cached(
            "SELECT phase, sum(n) FROM depth WHERE ?1 IS NULL OR route = ?1 GROUP BY phase",
        )?;
        let mut rows = statement.query([route])?;
        while let Some(row) = rows.next()? {
            let n = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
            match Phase::from_number(row.get(0)?)? {
                Phase::Ready => depth.ready = n,
                Phase::Waiting => depth.waiting = n,
                Phase::Held => depth.held = n,
                Phase::Leased => depth.leased = n,
            }
        }
    }
    // Without a route the first row answers; with one, mail of other routes that is older still is walked over.
    depth.oldest = snapshot
        .prepare_cached("SELECT ord FROM work WHERE ?1 IS NULL OR route = ?1 ORDER BY ord LIMIT 1")?
        .query_row(params![route], |row| Ok(MessageId::from_ord(row.get(0)?)))
        .optional()?;
    snapshot.finish()?;
    Ok(depth)
}
