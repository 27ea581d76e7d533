//! What a node measured of itself.

use std::time::Duration;

use async_trait::async_trait;
use postroom_domain::{Figures, Latencies, NodeSlot, Span, Step, Timestamp};
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::codes::{from_json, to_json};
use super::inbox::Lane;
use crate::StoreError;
use crate::contract::Measurements;

/// Steps of one operation.
const STEPS_MAX: usize = 256;

#[async_trait]
impl Measurements for SqliteStore {
    async fn keep_measured(
        &self,
        node: NodeSlot,
        steps: Vec<(Span, Step)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if steps.len() > STEPS_MAX {
            return Err(StoreError::TooMuch("at most 256 steps are kept at a time"));
        }
        self.writer
            .run(Lane::Background, 0, move |group| {
                forget(group.conn, node, now)?;
                steps
                    .iter()
                    .try_for_each(|(span, step)| keep(group.conn, node, *span, step))
            })
            .await
    }

    async fn measured(&self, node: NodeSlot) -> Result<Vec<(Span, Step)>, StoreError> {
        self.readers.run(move |conn| read(conn, node)).await
    }

    async fn longest_waiting(&self) -> Result<Option<Timestamp>, StoreError> {
        self.readers.run(longest_waiting).await
    }
}

fn keep(conn: &Connection, node: NodeSlot, span: Span, step: &Step) -> Result<(), StoreError> {
    let figures = &step.figures;
    let classes: Vec<(u8, u64)> = figures.latencies.classes().collect();
    conn.prepare_cached(
        "INSERT OR REPLACE INTO measurement (node, step_s, at, waiting, oldest_us, accepted, sent, failed, latencies)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        node.0,
        span.step_seconds(),
        step.at.as_micros(),
        number(figures.waiting),
        figures.oldest.map(|age| i64::try_from(age.as_micros()).unwrap_or(i64::MAX)),
        number(figures.accepted),
        number(figures.sent),
        number(figures.failed),
        to_json(&classes)?
    ])?;
    Ok(())
}

fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Forgets what has left its span; a step at a time leaves it, so this is seldom more than a few rows.
fn forget(conn: &Connection, node: NodeSlot, now: Timestamp) -> Result<(), StoreError> {
    for span in Span::ALL {
        let before = now.minus(span.duration());
        conn.prepare_cached("DELETE FROM measurement WHERE node = ?1 AND step_s = ?2 AND at < ?3")?
            .execute(params![node.0, span.step_seconds(), before.as_micros()])?;
    }
    Ok(())
}

fn read(conn: &Connection, node: NodeSlot) -> Result<Vec<(Span, Step)>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT step_s, at, waiting, oldest_us, accepted, sent, failed, latencies FROM measurement
         WHERE node = ?1 ORDER BY step_s, at",
    )?;
    let mut rows = statement.query([node.0])?;
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        let seconds: u32 = row.get(0)?;
        // A step of a length that this version does not keep is of a newer one.
        if let Some(span) = Span::of_step(seconds) {
            steps.push((span, step(row)?));
        }
    }
    Ok(steps)
}

fn step(row: &Row<'_>) -> Result<Step, StoreError> {
    let text: String = row.get(7)?;
    let classes: Vec<(u8, u64)> = from_json("measurement.latencies", &text)?;
    let count =
        |place| -> rusqlite::Result<u64> { Ok(u64::try_from(row.get::<_, i64>(place)?).unwrap_or(0)) };
    let oldest: Option<i64> = row.get(3)?;
    Ok(Step {
        at: Timestamp::from_micros(row.get(1)?),
        figures: Figures {
            waiting: count(2)?,
            oldest: oldest.map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0))),
            accepted: count(4)?,
            sent: count(5)?,
            failed: count(6)?,
            latencies: Latencies::from_iter(classes),
        },
    })
}

/// A walk of a bounded part of the narrow table, in its own order: a few milliseconds at most, whatever waits behind.
fn longest_waiting(conn: &Connection) -> Result<Option<Timestamp>, StoreError> {
    // Of what waits for a later time, that which was tried before is deferred, and the rest is scheduled.
    let since: Option<i64> = conn
        .prepare_cached(
            "SELECT min(since) FROM (SELECT since, phase, attempts FROM work ORDER BY ord LIMIT 10000)
             WHERE phase IN (0, 3) OR (phase = 1 AND attempts > 0)",
        )?
        .query_row([], |row| row.get(0))?;
    Ok(since.map(Timestamp::from_micros))
}
