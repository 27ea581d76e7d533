//! Gives unused pages of the file back to the file system.
//!
//! What a delete leaves is a list of free pages, which later mail uses. To make the file shorter the last page is moved into
//! a free one, page by page, and each move is written to the log and to the file again. So it is done in steps of a few
//! milliseconds, beside mail, and the free pages that a little new mail needs are left where they are.

use std::time::Duration;

use tokio::time::Instant;

use super::group::Group;
use crate::StoreError;

/// Free pages that stay: 4 MiB of pages of 4 KiB.
const SPARE_PAGES: i64 = 1_024;
/// How long a step moves pages.
const STEP_TIME: Duration = Duration::from_millis(4);
/// Pages that a step moves at most; each is some three pages in the log.
const STEP_PAGES: i64 = 512;

/// Gives back the free pages of one step; answers whether more are left.
pub(crate) fn release(group: &mut Group<'_>) -> Result<bool, StoreError> {
    let began = Instant::now();
    let free: i64 = group
        .conn
        .prepare_cached("PRAGMA freelist_count")?
        .query_row([], |row| row.get(0))?;
    let surplus = free - SPARE_PAGES;
    if surplus <= 0 {
        return Ok(false);
    }
    // Each row of the statement is one page; without stepping on, it gives back but one.
    let mut vacuum = group.conn.prepare_cached("PRAGMA incremental_vacuum")?;
    let mut pages = vacuum.query([])?;
    let mut released = 0;
    while released < surplus.min(STEP_PAGES) && began.elapsed() < STEP_TIME {
        if pages.next()?.is_none() {
            return Ok(false);
        }
        released += 1;
    }
    Ok(released < surplus)
}
