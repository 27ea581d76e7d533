//! Reads at start what the first reads will want, so that they do not meet a cold disk page by page.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::cells::cells;
use super::kept_counts::{lived, start_of, start_of_hour};
use super::tally::{OFFICE, SERVER, SERVER_HOURS};

/// Rows between two glances at the clock.
const GLANCE: usize = 256;
/// Places in each list index that are looked up: more than it has upper pages for a million rows.
const PLACES: i64 = 24;
/// Rows at the list's top that are read: some 16 MiB, which one reads in order and not row by row.
const NEWEST: i64 = 40_000;

/// Reads kept counts of the server and of offices, the upper pages of the lists and the newest rows, for at most `time`.
pub(super) fn warm(conn: &Connection, time: Duration) -> rusqlite::Result<()> {
    let ends = Instant::now() + time;
    for dimension in [SERVER, SERVER_HOURS, OFFICE] {
        let mut statement = conn.prepare("SELECT day FROM tally WHERE dimension = ?1")?;
        let mut rows = statement.query([dimension])?;
        let mut read = 0;
        while rows.next()?.is_some() {
            read += 1;
            if read % GLANCE == 0 && Instant::now() >= ends {
                return Ok(());
            }
        }
    }
    let Some(days) = lived(conn)? else {
        return Ok(());
    };
    let mut rows = conn.prepare("SELECT size FROM message WHERE ord >= ?1 ORDER BY ord")?;
    let mut rows = rows.query([newest_hours(conn)?])?;
    let mut read = 0;
    while rows.next()?.is_some() {
        read += 1;
        if read % GLANCE == 0 && Instant::now() >= ends {
            return Ok(());
        }
    }
    let mut lookups = [
        "SELECT ord FROM message WHERE ord >= ?1 LIMIT 1",
        "SELECT ord FROM message INDEXED BY message_type WHERE category = 0 AND type = 1 AND ord >= ?1 LIMIT 1",
    ]
    .map(|sql| conn.prepare(sql));
    for place in 0..PLACES {
        let day = days.first + (days.last - days.first) * place / PLACES;
        for lookup in lookups.iter_mut().flatten() {
            lookup.query([start_of(day)])?.next()?;
            if Instant::now() >= ends {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The first ord of the newest hours that hold [`NEWEST`] rows together.
fn newest_hours(conn: &Connection) -> rusqlite::Result<i64> {
    let mut statement = conn.prepare(
        "SELECT day, cells FROM tally WHERE dimension = ?1 AND id = 0 AND day >= 0 ORDER BY day DESC",
    )?;
    let mut hours = statement.query([SERVER_HOURS])?;
    let mut rows = 0;
    let mut first = i64::MAX;
    while let Some(hour) = hours.next()? {
        rows += cells(hour.get_ref(1)?.as_str()?).map(|(_, n)| n).sum::<i64>();
        first = start_of_hour(hour.get(0)?);
        if rows >= NEWEST {
            break;
        }
    }
    Ok(first)
}
