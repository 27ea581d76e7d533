//! Reads at start what the first reads will want, so that they do not meet a cold disk page by page.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::kept_counts::{lived, start_of};
use super::tally::{OFFICE, SERVER, SERVER_HOURS};

/// Rows between two glances at the clock.
const GLANCE: usize = 256;
/// Places in each list index that are looked up: more than it has upper pages for a million rows.
const PLACES: i64 = 24;

/// Reads kept counts of the server and of offices, and the upper pages of the lists, for at most `time`.
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
