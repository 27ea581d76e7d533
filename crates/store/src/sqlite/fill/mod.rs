//! Fills a new file with sample mail, far faster than intake would: for benchmarks of lists at scale.
//!
//! Rows, indexes, kept counts, lanes and full text come out as if the mail had come in and gone; `check` proves it.

mod letters;
mod people;
mod write;

use std::path::Path;

use postroom_domain::{MessageId, NodeSlot, Timestamp};
use rusqlite::{Connection, OpenFlags};

use self::letters::{Chance, Letters};
use self::people::Crowd;
use self::write::Sheaf;
use super::open::{Place, SqliteOptions};
use super::thread_watch::ThreadWatch;
use crate::StoreError;

/// Messages written in one transaction, which is also how many the full-text index takes at once.
const BATCH: u64 = 2_000;

/// How much sample mail, and of when.
#[derive(Debug, Clone, Copy)]
pub struct FillPlan {
    /// How many messages.
    pub messages: u64,
    /// Over how many days.
    pub days: u32,
    /// The end of the last day.
    pub until: Timestamp,
    /// Offices below the System Office, in a tree of four levels.
    pub offices: u32,
    /// Users of each office.
    pub users_per_office: u32,
    /// Messages of a thousand that are still in the Outbox.
    pub outbox_per_mille: u32,
    /// Where chance starts: the same seed makes the same mail.
    pub seed: u64,
}

impl FillPlan {
    /// 500 offices of 20 users, 3 % of the mail still in the Outbox.
    pub const fn new(messages: u64, days: u32, until: Timestamp) -> Self {
        Self {
            messages,
            days,
            until,
            offices: 500,
            users_per_office: 20,
            outbox_per_mille: 30,
            seed: 1,
        }
    }
}

/// Makes the file at `path` and fills it; `progress` is told how many messages are written.
///
/// # Errors
/// [`StoreError::Exists`] where the file has mail already; else those of the store.
pub fn fill(
    path: impl AsRef<Path>,
    plan: &FillPlan,
    mut progress: impl FnMut(u64),
) -> Result<(), StoreError> {
    let place = Place {
        path: path.as_ref().to_owned(),
        options: SqliteOptions::default(),
        threads: ThreadWatch::new(),
    };
    let conn = place.connect(OpenFlags::SQLITE_OPEN_CREATE)?;
    super::migrate::migrate(&conn)?;
    if conn.prepare("SELECT 1 FROM message LIMIT 1")?.exists([])? {
        return Err(StoreError::Exists {
            what: "mail in",
            name: place.path.display().to_string(),
        });
    }
    // Nothing is promised before the end; the last step makes it durable.
    conn.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144;")?;
    write_all(&conn, plan, &mut progress)?;
    conn.execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE);")?;
    Ok(())
}

fn write_all(conn: &Connection, plan: &FillPlan, progress: &mut impl FnMut(u64)) -> Result<(), StoreError> {
    let mut chance = Chance::new(plan.seed);
    let crowd = Crowd::write(conn, plan)?;
    let mut letters = Letters::new(&mut chance);
    let mut sheaf = Sheaf::default();
    let length = i64::from(plan.days).saturating_mul(86_400_000_000);
    let start = plan.until.as_micros().saturating_sub(length);
    let step = length / i64::try_from(plan.messages.max(1)).unwrap_or(i64::MAX);
    let mut id = MessageId::MIN;
    let mut written = 0;
    while written < plan.messages {
        let batch = BATCH.min(plan.messages - written);
        let transaction = conn.unchecked_transaction()?;
        for n in written..written + batch {
            let at = start.saturating_add(i64::try_from(n).unwrap_or(0).saturating_mul(step));
            let at = Timestamp::from_micros(at.saturating_add(chance.below(step.max(1))));
            id = MessageId::next_after(id, at, NodeSlot(0));
            let letter = letters.next(&mut chance, &crowd, plan, id);
            sheaf.write(&transaction, &letter)?;
        }
        sheaf.index(&transaction, id)?;
        transaction.commit()?;
        conn.execute_batch("PRAGMA wal_checkpoint(PASSIVE);")?;
        written += batch;
        progress(written);
    }
    let transaction = conn.unchecked_transaction()?;
    sheaf.sum_up(&transaction)?;
    transaction.commit()?;
    Ok(())
}
