//! Oldest first: the index ranges of newest first, read from their other end.

use postroom_domain::{MessageId, SortOrder};

use super::Ask;
use crate::contract::{More, Page, PageRequest, Place, SortValue, SortedEdge, SortedPage, SortedPlace};
use crate::sqlite::counts::counts;
use crate::sqlite::page;

/// Reads a page as its mirror image: what lies after a row of oldest first lies before it in newest first.
pub(super) fn page(ask: &Ask<'_>) -> rusqlite::Result<SortedPage> {
    let request = ask.request;
    if request.order == SortOrder::Descending {
        let place = match &request.place {
            SortedPlace::First => Place::First,
            SortedPlace::After(edge) => Place::After(edge.id),
            SortedPlace::Before(edge) => Place::Before(edge.id),
            SortedPlace::At(at) => Place::At(*at),
        };
        return Ok(straight(read(ask, place, request.limit)?));
    }
    match &request.place {
        SortedPlace::First => Ok(mirrored(
            read(ask, Place::Before(MessageId::from_ord(0)), request.limit)?,
            Some(0),
        )),
        SortedPlace::After(edge) => Ok(mirrored(read(ask, Place::Before(edge.id), request.limit)?, None)),
        SortedPlace::Before(edge) => Ok(mirrored(read(ask, Place::After(edge.id), request.limit)?, None)),
        SortedPlace::At(at) => jump(ask, *at),
    }
}

/// The rows from a position of oldest first, which is a position of newest first counted from the end.
fn jump(ask: &Ask<'_>, at: u64) -> rusqlite::Result<SortedPage> {
    let request = ask.request;
    let total = counts(ask.conn, &request.scope, &request.filter, ask.bounds.time)?.total;
    let rows = u64::from(request.limit).min(total.saturating_sub(at));
    let Ok(rows) = u32::try_from(rows) else {
        return Ok(mirrored(read(ask, Place::First, request.limit)?, None));
    };
    if rows == 0 {
        return Ok(SortedPage {
            rows: Vec::new(),
            first: None,
            last: None,
            at: Some(at),
            more: More::No,
            before: total > 0,
        });
    }
    let top = total - at - u64::from(rows);
    Ok(mirrored(read(ask, Place::At(top), rows)?, Some(at)))
}

fn read(ask: &Ask<'_>, place: Place, limit: u32) -> rusqlite::Result<Page> {
    let request = PageRequest {
        scope: ask.request.scope.clone(),
        filter: ask.request.filter.clone(),
        place,
        limit,
    };
    page::page(ask.conn, &request, ask.bounds.time, ask.ahead)
}

fn straight(page: Page) -> SortedPage {
    let first = page.rows.first().map(|row| row.id);
    SortedPage {
        first: first.map(edge),
        last: page.resume.map(edge),
        at: page.at,
        more: page.more,
        before: page.newer,
        rows: page.rows,
    }
}

fn mirrored(mut page: Page, at: Option<u64>) -> SortedPage {
    page.rows.reverse();
    let first = page.rows.first().map(|row| row.id);
    let last = page.rows.last().map(|row| row.id);
    SortedPage {
        first: first.map(edge),
        // Where a search found nothing in time, it goes on where it stopped.
        last: last.or(page.resume).map(edge),
        at,
        more: if page.newer { More::Yes } else { More::No },
        before: page.more != More::No,
        rows: page.rows,
    }
}

const fn edge(id: MessageId) -> SortedEdge {
    SortedEdge {
        value: SortValue::Empty,
        id,
    }
}
