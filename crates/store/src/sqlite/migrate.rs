//! Brings the file's schema up to this version at start.

use rusqlite::Connection;

use crate::StoreError;

/// Every step, in order; `user_version` counts those done. A released step is never edited.
const STEPS: [&str; 30] = [
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
    include_str!("migrations/0017_weeks.sql"),
    include_str!("migrations/0018_marks.sql"),
    include_str!("migrations/0019_clock.sql"),
    include_str!("migrations/0020_relay_limits.sql"),
    include_str!("migrations/0021_moved_clock.sql"),
    include_str!("migrations/0022_checksums.sql"),
    include_str!("migrations/0023_scheduled.sql"),
    include_str!("migrations/0024_clock_move.sql"),
    include_str!("migrations/0025_rings.sql"),
    include_str!("migrations/0026_own_mail.sql"),
    include_str!("migrations/0027_keys.sql"),
    include_str!("migrations/0028_known_sources.sql"),
    include_str!("migrations/0029_sender_domains.sql"),
    include_str!("migrations/0030_links.sql"),
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
    run(conn, &STEPS, done)
}

/// Runs the steps from `done` on.
fn run(conn: &Connection, steps: &[&str], done: usize) -> Result<(), StoreError> {
    for (index, step) in steps.iter().enumerate().skip(done) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ring_of_offices_hangs_below_the_system_office_again() {
        let conn = Connection::open_in_memory().expect("memory");
        run(&conn, &STEPS[..24], 0).expect("the schema of that time");
        // A ring of 70, two offices beside it below one of its own, a ring of one, and the office of a ring's name.
        conn.execute_batch(
            "INSERT INTO office (id, parent, name, route) VALUES (1, NULL, 'System Office', 0), (2, 1, 'Ring 3', 0);
             WITH RECURSIVE n (n) AS (SELECT 3 UNION SELECT n + 1 FROM n WHERE n < 72)
             INSERT INTO office (id, parent, name, route) SELECT n, n - 1, 'Ring ' || n, 0 FROM n;
             UPDATE office SET parent = 72 WHERE id = 3;
             INSERT INTO office (id, parent, name, route) VALUES (80, 50, 'Beside', 0), (81, 80, 'Below it', 0),
                (90, 1, 'Itself', 0);
             UPDATE office SET parent = 90 WHERE id = 90;",
        )
        .expect("offices");
        run(&conn, &STEPS, 24).expect("the step");
        let reached: i64 = conn
            .query_row(
                "WITH RECURSIVE below (id) AS (
                    SELECT 1 UNION SELECT office.id FROM office JOIN below ON office.parent = below.id
                 ) SELECT count(*) FROM below",
                [],
                |row| row.get(0),
            )
            .expect("a count");
        assert_eq!(reached, 2 + 70 + 2 + 1, "every office is seen");
        let changed: Vec<(i64, i64, String)> = conn
            .prepare("SELECT id, parent, name FROM office WHERE version > 1 ORDER BY id")
            .expect("a statement")
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .expect("rows")
            .collect::<Result<_, _>>()
            .expect("a row");
        let row = |id, name: &str| (id, 1, name.to_owned());
        assert_eq!(
            changed,
            [row(3, "Ring 3 (restored, 3)"), row(90, "Itself (restored, 90)")]
        );
    }

    #[test]
    fn kept_days_of_an_office_add_up_to_its_weeks() {
        let conn = Connection::open_in_memory().expect("memory");
        let (before, weeks) = (&STEPS[..16], &STEPS[..17]);
        run(&conn, before, 0).expect("the schema of that time");
        conn.execute_batch(
            "INSERT INTO tally (dimension, id, day, cells) VALUES
                (1, 7, -1, '5:9 13:4'), (1, 7, 20439, '5:2 13:4'), (1, 7, 20440, '5:3'), (1, 7, 20446, '5:4 21:-1'),
                (1, 7, 20441, '21:1'), (1, 8, 20440, '104:1'), (0, 0, 20440, '5:12'), (2, 3, 20440, '5:3')",
        )
        .expect("tallies");
        run(&conn, weeks, 16).expect("the step");
        let kept: Vec<(i64, i64, String)> = conn
            .prepare("SELECT id, day, cells FROM tally WHERE dimension = 4 ORDER BY id, day")
            .expect("a statement")
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .expect("rows")
            .collect::<Result<_, _>>()
            .expect("a row");
        let row = |id, week, cells: &str| (id, week, cells.to_owned());
        assert_eq!(
            kept,
            [
                row(7, 2_919, "5:2 13:4"),
                row(7, 2_920, "5:7"),
                row(8, 2_920, "104:1")
            ]
        );
    }
}
