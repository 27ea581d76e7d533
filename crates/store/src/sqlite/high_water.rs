//! A high-water mark of commits, in the database and in a small file beside it.
//!
//! Counters that are kept in the database cannot tell that the newest commits are missing: they went with them. So the
//! writer numbers its work, at most ten times a second, within a commit that happens anyway, and writes the number into a
//! file of its own after that commit is durable. A database whose number is lower than the file's has lost commits: its
//! write-ahead log was removed, an old copy of it was put in its place, or the disk did not keep what it had synced. The
//! number is never ahead of what was durable, so a crash raises no false alarm; the file itself is not synced, so a loss of
//! power may leave it behind, and then a loss goes unseen, as does one of less than a tenth of a second of work.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use postroom_domain::MessageId;
use postroom_domain::alert::ServerTrouble;
use rusqlite::{Connection, params};
use tokio::time::Instant;

use super::facts;
use super::files::with_ending;
use crate::StoreError;

/// The least time between two marks.
const MARK_EVERY: Duration = Duration::from_millis(100);
/// What the file's name ends in, behind the database's.
const ENDING: &str = "-mark";
/// Bytes of the file: one line, always as long, so that it is overwritten in place.
const LENGTH: usize = 64;
/// The line's first word and the version of its form.
const HEADING: &str = "postroom-mark 1";

/// How far the writer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Counts the marks.
    n: i64,
    /// The newest message then.
    last: MessageId,
}

/// Writes marks.
#[derive(Debug)]
pub(crate) struct HighWater {
    file: Option<File>,
    n: i64,
    /// Rows that the connection had changed after the last commit that was looked at.
    changes: u64,
    marked_at: Option<Instant>,
}

impl HighWater {
    /// Compares the mark of the open database with the one beside it, and records a loss. A mark that cannot be read or
    /// written is logged: mail is taken in all the same.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn open(path: &Path, conn: &Connection) -> Result<Self, StoreError> {
        let inside = conn.query_row("SELECT n, ord FROM mark", [], |row| {
            Ok(Mark {
                n: row.get(0)?,
                last: MessageId::from_ord(row.get(1)?),
            })
        })?;
        let mut high_water = Self {
            file: None,
            n: inside.n,
            changes: 0,
            marked_at: None,
        };
        let beside = with_ending(path, ENDING);
        let found = open(&beside).and_then(|file| {
            let mark = read(&file)?;
            Ok((file, mark))
        });
        match found {
            Ok((file, mark)) => {
                if let Some(mark) = mark
                    && mark.n > inside.n
                {
                    record_loss(conn, inside, mark)?;
                    high_water.n = mark.n;
                }
                high_water.file = Some(file);
            }
            Err(error) => tracing::warn!(
                %error,
                file = %beside.display(),
                "the high-water mark cannot be used: lost commits will go unnoticed"
            ),
        }
        Ok(high_water)
    }

    /// Within a transaction that is about to commit: numbers it, if it changes anything and the last mark is old enough.
    pub(crate) fn step(&mut self, conn: &Connection, last: MessageId) -> rusqlite::Result<Option<Mark>> {
        let idle = conn.total_changes() == self.changes;
        if idle || self.marked_at.is_some_and(|at| at.elapsed() < MARK_EVERY) {
            return Ok(None);
        }
        let mark = Mark { n: self.n + 1, last };
        conn.prepare_cached("UPDATE mark SET n = ?1, ord = ?2")?
            .execute(params![mark.n, mark.last.ord()])?;
        Ok(Some(mark))
    }

    /// After the commit: writes its mark beside the database.
    pub(crate) fn committed(&mut self, conn: &Connection, mark: Option<Mark>) {
        self.changes = conn.total_changes();
        let Some(mark) = mark else { return };
        self.n = mark.n;
        self.marked_at = Some(Instant::now());
        if let Some(file) = &self.file
            && let Err(error) = file.write_all_at(mark.line().as_bytes(), 0)
        {
            tracing::debug!(%error, "the high-water mark could not be written");
        }
    }
}

impl Mark {
    fn line(self) -> String {
        let text = format!("{HEADING} {} {}", self.n, self.last.ord());
        format!("{text:<width$}\n", width = LENGTH - 1)
    }

    fn parse(line: &str) -> Option<Self> {
        let rest = line.strip_suffix('\n')?.strip_prefix(HEADING)?;
        let mut numbers = rest.split_ascii_whitespace().map(str::parse);
        let mark = Self {
            n: numbers.next()?.ok()?,
            last: MessageId::from_ord(numbers.next()?.ok()?),
        };
        (line.len() == LENGTH && numbers.next().is_none()).then_some(mark)
    }
}

fn open(path: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// The mark in the file; none where it is new, or where a loss of power left something else of it.
fn read(file: &File) -> io::Result<Option<Mark>> {
    let mut line = [0; LENGTH + 1];
    let length = file.read_at(&mut line, 0)?;
    let line = line.get(..length).unwrap_or_default();
    let mark = std::str::from_utf8(line).ok().and_then(Mark::parse);
    if mark.is_none() && !line.is_empty() {
        tracing::warn!("the high-water mark beside the database cannot be read and is begun again");
        file.set_len(0)?;
    }
    Ok(mark)
}

fn record_loss(conn: &Connection, inside: Mark, beside: Mark) -> Result<(), StoreError> {
    let transaction = conn.unchecked_transaction()?;
    transaction.execute(
        "INSERT INTO loss (n_found, n_expected, ord_found, ord_expected) VALUES (?1, ?2, ?3, ?4)",
        params![inside.n, beside.n, inside.last.ord(), beside.last.ord()],
    )?;
    transaction.execute("UPDATE mark SET n = ?1", [beside.n])?;
    facts::server_trouble(&transaction, ServerTrouble::WorkLost, beside.last.submitted_at())?;
    transaction.commit()?;
    tracing::error!("{}", sentence(inside, beside));
    Ok(())
}

/// A sentence for each loss that nobody has acknowledged.
///
/// # Errors
/// Those of the database.
pub(crate) fn losses(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement =
        conn.prepare("SELECT n_found, n_expected, ord_found, ord_expected FROM loss ORDER BY id")?;
    let rows = statement.query_map([], |row| {
        let mark = |n, ord| {
            Ok::<_, rusqlite::Error>(Mark {
                n: row.get(n)?,
                last: MessageId::from_ord(row.get(ord)?),
            })
        };
        Ok(sentence(mark(0, 2)?, mark(1, 3)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Removes the losses that are reported.
///
/// # Errors
/// Those of the database.
pub(crate) fn acknowledge(conn: &Connection) -> Result<u32, StoreError> {
    let removed = conn.execute("DELETE FROM loss", [])?;
    Ok(u32::try_from(removed).unwrap_or(u32::MAX))
}

fn sentence(inside: Mark, beside: Mark) -> String {
    let time = |mark: Mark| jiff::Timestamp::from_microsecond(mark.last.submitted_at().as_micros());
    let since = match time(inside) {
        Ok(time) if inside.last > MessageId::MIN => format!("since {time:.0}"),
        Ok(_) | Err(_) => "ever".to_owned(),
    };
    let until = time(beside).map_or_else(|_| String::new(), |time| format!(" until {time:.0}"));
    format!(
        "the database has lost what was written last (its high-water mark is {}, the one beside it {}): its write-ahead \
         log was removed, or it was replaced by an older copy. What was accepted, sent or changed {since}{until} may be \
         missing",
        inside.n, beside.n
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mark_reads_back_from_its_line_and_nothing_else_is_one() {
        let mark = Mark {
            n: i64::MAX,
            last: MessageId::from_ord(i64::MAX),
        };
        let line = mark.line();
        assert_eq!((line.len(), Mark::parse(&line)), (LENGTH, Some(mark)));
        for other in [
            "",
            "\n",
            &line[1..],
            &line.replace("mark 1", "mark 2"),
            &line[..63],
        ] {
            assert_eq!(Mark::parse(other), None, "{other:?}");
        }
    }
}
