//! The list in another order than newest first (Q5): by Date the other way round, by Sent On along its index where the
//! list is dense, by the rest with a look at every match, of which the best are kept.

mod best;
mod date;
mod every;
mod sent;

use std::time::Duration;

use async_trait::async_trait;
use postroom_domain::{MessageId, Scope, ShownType, SortKey};
use rusqlite::Connection;

use self::best::Entry;
use super::ahead::Ahead;
use super::arms::Selection;
use super::counts::counts;
use super::open::SqliteStore;
use super::rows::rows_of;
use super::words::Words;
use crate::StoreError;
use crate::contract::{Filter, More, Sorted, SortedEdge, SortedPage, SortedPlace, SortedRequest, Sorting};

/// Most rows of a page.
const ROWS_MAX: u32 = 200;
/// How long the look at every match may take.
const LOOK_TIME: Duration = Duration::from_secs(1);
/// The index of Sent On is walked where one row in so many is meant (DESIGN invariant 10: 2 %).
const SENT_SPARSITY: u64 = 50;

#[async_trait]
impl Sorting for SqliteStore {
    async fn sorted(&self, request: &SortedRequest) -> Result<Sorted, StoreError> {
        let request = request.clone();
        let bounds = Bounds {
            time: self.read_time,
            matches: self.sort_most,
        };
        let ahead = self.ahead();
        self.readers
            .run(move |conn| {
                let snapshot = conn.unchecked_transaction()?;
                let answer = sorted(&snapshot, &request, bounds, &ahead)?;
                snapshot.commit()?;
                Ok(answer)
            })
            .await
    }
}

/// How far a list is looked through.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// How long an index may be walked.
    time: Duration,
    /// Most matches that are looked at one by one.
    matches: u64,
}

/// What every way of sorting works with.
struct Ask<'a> {
    conn: &'a Connection,
    ahead: &'a Ahead,
    request: &'a SortedRequest,
    selection: &'a Selection,
    words: Option<&'a Words>,
    /// Rows of the page.
    limit: usize,
    bounds: Bounds,
}

fn sorted(
    conn: &Connection,
    request: &SortedRequest,
    bounds: Bounds,
    ahead: &Ahead,
) -> rusqlite::Result<Sorted> {
    let time = bounds.time;
    let words = request.filter.search.as_ref().map(Words::of);
    let ask = Ask {
        conn,
        ahead,
        request,
        selection: &Selection::of(conn, &request.scope, &request.filter)?,
        words: words.as_ref(),
        limit: usize::try_from(request.limit.clamp(1, ROWS_MAX)).unwrap_or(1),
        bounds,
    };
    if request.by == SortKey::Date {
        return date::page(&ask).map(Sorted::Page);
    }
    if let SortedPlace::At(at) = request.place
        && at > SortedPlace::AT_MAX
    {
        return Ok(Sorted::TooMany { matches: at });
    }
    let matches = match ask.words {
        Some(_) => None,
        None => Some(counts(conn, &request.scope, &request.filter, time)?.total),
    };
    if request.by == SortKey::SentOn
        && let Some(matches) = matches
        && ask.selection.types.contains(&ShownType::Sent)
        && matches.saturating_mul(SENT_SPARSITY) >= all(conn, time)?
        && let Some(page) = sent::page(&ask)?
    {
        return Ok(Sorted::Page(page));
    }
    if let Some(matches) = matches.filter(|&matches| matches > bounds.matches) {
        return Ok(Sorted::TooMany { matches });
    }
    let is_dense = match matches {
        Some(matches) => matches.saturating_mul(10) >= all(conn, time)?,
        None => false,
    };
    every::page(&ask, matches, every::Density::of(is_dense))
}

/// How many rows the server has.
fn all(conn: &Connection, time: Duration) -> rusqlite::Result<u64> {
    Ok(counts(conn, &Scope::everything(), &Filter::default(), time)?.total)
}

impl Ask<'_> {
    /// The page of entries that were found in the order of the list: one more than wanted tells that others follow in
    /// the direction that was read.
    fn page_of(
        &self,
        mut found: Vec<Entry>,
        at: Option<u64>,
        beyond: Beyond,
    ) -> rusqlite::Result<SortedPage> {
        let is_full = found.len() > self.limit;
        let (more, before) = if matches!(self.request.place, SortedPlace::Before(_)) {
            if is_full {
                found.drain(..found.len() - self.limit);
            }
            (if beyond.0 { More::Yes } else { More::No }, is_full)
        } else {
            found.truncate(self.limit);
            (if is_full { More::Yes } else { More::No }, beyond.0)
        };
        let ords: Vec<i64> = found.iter().map(|entry| entry.ord).collect();
        Ok(SortedPage {
            rows: rows_of(self.conn, &ords, self.ahead)?,
            first: found.first().map(edge),
            last: found.last().map(edge),
            at,
            more,
            before,
        })
    }
}

/// Whether there are rows on the side that was not read: before a page that goes on, after one that goes back.
struct Beyond(bool);

fn edge(entry: &Entry) -> SortedEdge {
    SortedEdge {
        value: entry.value.clone(),
        id: MessageId::from_ord(entry.ord),
    }
}
