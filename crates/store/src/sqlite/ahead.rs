//! Reads a page's rows ahead on a cold disk.
//!
//! The rows of one person lie far apart: a page of fifty is fifty places on the disk, which one thread reads one after
//! another. Readers that are free touch them at the same time, so that whoever needs them finds them in memory.

use std::time::Duration;

use rusqlite::Connection;
use tokio::time::Instant;

use super::readers::Readers;

/// Rows after which the time they took is looked at.
const PROBED: usize = 4;
/// So long a row takes only from the disk.
const COLD: Duration = Duration::from_micros(150);
/// Rows that a thread is asked to touch at least.
const SHARE_MIN: usize = 8;

/// Asks the pool's free threads to touch rows.
#[derive(Debug, Clone)]
pub(super) struct Ahead(Readers);

impl Ahead {
    /// Uses the free threads of `readers`.
    pub(super) const fn of(readers: Readers) -> Self {
        Self(readers)
    }

    /// Gives the ords back one by one; where the first of them took a disk's time, the rest is touched meanwhile.
    pub(super) fn through<'a>(&'a self, ords: &'a [i64]) -> impl Iterator<Item = i64> + 'a {
        let began = Instant::now();
        ords.iter().enumerate().map(move |(n, ord)| {
            if n == PROBED && began.elapsed() > COLD * u32::try_from(PROBED).unwrap_or(1) {
                self.touch(ords.get(n + 1..).unwrap_or_default());
            }
            *ord
        })
    }

    /// Has free threads touch the rows, each every so many of them, so that the nearest come first.
    fn touch(&self, ords: &[i64]) {
        let threads = (ords.len() / SHARE_MIN).min(self.0.threads());
        for first in 0..threads {
            let share: Vec<i64> = ords.iter().copied().skip(first).step_by(threads).collect();
            let is_free = self.0.run_if_free(move |conn| {
                // What cannot be touched is met again by whoever reads it.
                let _ = touch(conn, &share);
            });
            if !is_free {
                return;
            }
        }
    }
}

fn touch(conn: &Connection, ords: &[i64]) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached("SELECT size FROM message WHERE ord = ?1")?;
    for ord in ords {
        statement.query([ord])?.next()?;
    }
    Ok(())
}
