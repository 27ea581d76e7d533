//! Reads at start what the first reads will want, so that they do not meet a cold disk page by page.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::cells::cells;
use super::kept_counts::start_of_hour;
use super::tally::{OFFICE, OFFICE_WEEKS, SERVER, SERVER_HOURS};

/// Rows between two glances at the clock.
const GLANCE: usize = 256;
/// Rows at the list's top that are read: some 16 MiB, which one reads in order and not row by row.
const NEWEST: i64 = 40_000;
/// The list indexes and the full-text index, each read from one end to the other.
const INDEXES: [&str; 4] = [
    "SELECT ord FROM message INDEXED BY message_type WHERE category >= ?1",
    "SELECT ord FROM message INDEXED BY message_office WHERE office >= ?1",
    "SELECT ord FROM message INDEXED BY message_sender WHERE category = 0 AND sender >= ?1",
    "SELECT id FROM text_data WHERE id >= ?1",
];

/// Rows between two places of the list that are looked up, so that the inner pages on the way to any row are read: one
/// of them leads to some 2,400 rows.
const STRIDE: i64 = 2_000;

/// Reads kept counts of the server and of offices, the newest rows, the way to any other, then the indexes, for at most
/// `time`.
pub(super) fn warm(conn: &Connection, time: Duration) -> rusqlite::Result<()> {
    let warming = Warming {
        conn,
        ends: Instant::now() + time,
    };
    for dimension in [SERVER, SERVER_HOURS, OFFICE_WEEKS, OFFICE] {
        warming.read("SELECT day FROM tally WHERE dimension = ?1", dimension)?;
    }
    let newest = hours(conn, NEWEST)?.first().copied().unwrap_or(i64::MAX);
    warming.read("SELECT size FROM message WHERE ord >= ?1 ORDER BY ord", newest)?;
    warming.lead(&hours(conn, STRIDE)?)?;
    for index in INDEXES {
        warming.read(index, 0)?;
    }
    Ok(())
}

struct Warming<'c> {
    conn: &'c Connection,
    ends: Instant,
}

impl Warming<'_> {
    /// Looks up the first row from each of `ords` on while there is time.
    fn lead(&self, ords: &[i64]) -> rusqlite::Result<()> {
        let mut statement = self
            .conn
            .prepare("SELECT ord FROM message WHERE ord >= ?1 LIMIT 1")?;
        for ord in ords {
            if Instant::now() >= self.ends {
                break;
            }
            statement.query([ord])?.next()?;
        }
        Ok(())
    }

    /// Reads all rows of a statement while there is time.
    fn read(&self, sql: &str, from: i64) -> rusqlite::Result<()> {
        let mut statement = self.conn.prepare(sql)?;
        let mut rows = statement.query([from])?;
        let mut read = 0_usize;
        while !read.is_multiple_of(GLANCE) || Instant::now() < self.ends {
            if rows.next()?.is_none() {
                break;
            }
            read += 1;
        }
        Ok(())
    }
}

/// The first ords of hours, newest first, so that about `n` rows lie between each and the one before.
fn hours(conn: &Connection, n: i64) -> rusqlite::Result<Vec<i64>> {
    let mut statement = conn.prepare(
        "SELECT day, cells FROM tally WHERE dimension = ?1 AND id = 0 AND day >= 0 ORDER BY day DESC",
    )?;
    let mut hours = statement.query([SERVER_HOURS])?;
    let (mut rows, mut last) = (0, None);
    let mut firsts = Vec::new();
    while let Some(hour) = hours.next()? {
        rows += cells(hour.get_ref(1)?.as_bytes()?).map(|(_, n)| n).sum::<i64>();
        last = Some(start_of_hour(hour.get(0)?));
        if rows >= n {
            firsts.extend(last.take());
            rows = 0;
        }
    }
    firsts.extend(last);
    Ok(firsts)
}
