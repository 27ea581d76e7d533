//! Reads at start what the first reads will want, so that they do not meet a cold disk page by page.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use tokio::time::Instant;

use super::cells::cells;
use super::kept_counts::start_of_hour;
use super::read_ahead::read_ahead;
use super::tally::{OFFICE, OFFICE_WEEKS, SERVER, SERVER_HOURS};

/// Rows between two glances at the clock.
const GLANCE: usize = 256;
/// Rows at the list's top that are read: some 16 MiB, which one reads in order and not row by row.
const NEWEST: i64 = 40_000;
/// Rows between two places of the list that are looked up, so that the inner pages on the way to any row are read: one
/// of them leads to some 2,400 rows.
const STRIDE: i64 = 2_000;

/// Reads the end of the file at `path` into the page cache for at most three quarters of `time`, in large pieces, which
/// costs a tenth of the same pages one by one; then by `conn` the kept counts of the server and of offices, the way to
/// any row, and the newest rows, which in a file larger than that lie before its end.
pub(super) fn warm(conn: &Connection, path: &Path, time: Duration) -> rusqlite::Result<()> {
    let begins = Instant::now();
    if let Err(error) = read_ahead(path, begins + time * 3 / 4) {
        tracing::debug!(%error, "the store's file was not read ahead");
    }
    let warming = Warming {
        conn,
        ends: begins + time,
    };
    for dimension in [SERVER, SERVER_HOURS, OFFICE_WEEKS, OFFICE] {
        warming.read("SELECT day FROM tally WHERE dimension = ?1", dimension)?;
    }
    warming.lead(&hours(conn, STRIDE)?)?;
    let newest = hours(conn, NEWEST)?.first().copied().unwrap_or(i64::MAX);
    warming.read("SELECT size FROM message WHERE ord >= ?1 ORDER BY ord", newest)?;
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
