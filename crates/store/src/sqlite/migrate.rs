//! Brings the file's schema up to this version at start.

use rusqlite::Connection;

use crate::StoreError;

/// Every step, in order; `user_version` counts those done. A released step is never edited.
const STEPS: [&str; 16] = [
    include_str!("migrations/0001_queue.sql"),
    include_str!("migrations/0002_terms.sql"),
    include_str!("migrations/0003_audit.sql"),
    include_str!("migrations/0004_facts.sql"),
    include_str!("migrations/0005_job.sql"),
    include_str!("migrations/0006_layouts.sql"),
    include_str!("migrations/0007_limits.sql"),
    include_str!("migrations/0008_people.sql"),
    include_str!("migrations/0009_days.sql"),
    include_str!("migrations/0010_alerts.sql"),
    include_str!("migrations/0011_settings.sql"),
    include_str!("migrations/0012_reasons.sql"),
    include_str!("migrations/0013_sieve.sql"),
    include_str!("migrations/0014_drafts.sql"),
    include_str!("migrations/0015_rights.sql"),
    include_str!("migrations/0016_measurements.sql"),
];

/// Runs the steps that the file lacks, each in its own transaction.
pub(crate) fn migrate(conn: &Connection) -> Result<(), StoreError> {
    let done: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let done = usize::try_from(done).unwrap_or(usize::MAX);
    if done > STEPS.len() {
        return Err(StoreError::Unavailable(format!(
            "the file was written by a newer version of Postroom (schema {done}, this version knows {})",
            STEPS.len()
        )));
    }
    for (index, step) in STEPS.iter().enumerate().skip(done) {
        let run = conn.execute_batch(&format!(
            "BEGIN IMMEDIATE; {step} PRAGMA user_version = {}; COMMIT;",
            index + 1
        ));
        if let Err(error) = run {
            if !conn.is_autocommit() {
                conn.execute_batch("ROLLBACK")?;
            }
            return Err(error.into());
        }
    }
    Ok(())
}
