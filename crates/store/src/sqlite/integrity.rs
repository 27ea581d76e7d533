//! The database's own integrity check, one table at a time: a check of the whole file at once shows no progress, and its
//! snapshot would hold up the write-ahead log for as long as it takes.

use rusqlite::Connection;

use crate::StoreError;

/// Problems that are named of one table.
const PROBLEMS_MAX: u32 = 20;

/// The tables with pages of their own, each with its indexes.
pub(crate) fn tables(conn: &Connection) -> Result<Vec<String>, StoreError> {
    Ok(conn
        .prepare_cached(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name NOT LIKE 'sqlite_%'
             ORDER BY name",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?)
}

/// Checks a table of [`tables`]: the structure of its pages, its indexes, and the type of each value.
pub(crate) fn table(conn: &Connection, table: &str) -> Result<Vec<String>, StoreError> {
    if !tables(conn)?.iter().any(|known| known == table) {
        return Err(StoreError::Missing("table"));
    }
    let mut problems = Vec::new();
    // A pragma takes no parameters; the name is one of the schema's own.
    let mut statement = conn.prepare(&format!("PRAGMA integrity_check(\"{table}\")"))?;
    let mut rows = statement.query([])?;
    while problems.len() < usize::try_from(PROBLEMS_MAX).unwrap_or(usize::MAX) {
        match rows.next() {
            Ok(Some(row)) => {
                let problem = row.get_ref(0)?.as_str().unwrap_or("cannot be read").to_owned();
                if problem != "ok" {
                    problems.push(format!("{table}: {problem}"));
                }
            }
            Ok(None) => break,
            Err(error) => {
                let error = StoreError::from(error);
                if !error.is_of_content() {
                    return Err(error);
                }
                problems.push(format!("{table}: {error}"));
                break;
            }
        }
    }
    Ok(problems)
}
