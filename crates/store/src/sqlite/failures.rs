//! Failed mail by what failed it: the newest of a scope, within a bound, read along the list's indexes.

use std::collections::BTreeMap;

use postroom_domain::{FailureCause, MessageId, RouteId, Scope, ShownType};
use rusqlite::{Connection, OptionalExtension};

use super::arms::{Selection, Span};
use super::find::{End, Quest, find};
use super::merge::Direction;
use super::probe::Budget;
use super::readers::Readers;
use super::rows;
use crate::StoreError;
use crate::contract::{FailedBy, FailureGroup, Failures, Filter};

/// Messages of one look, so that no snapshot lives long.
const LOOK: usize = 4_096;

/// What was looked at so far.
#[derive(Default)]
struct Gathered {
    /// How many, and the latest.
    groups: BTreeMap<FailedBy, (u64, MessageId)>,
    /// Messages.
    looked: usize,
}

/// Groups the newest failed messages of a scope.
pub(super) async fn failures(readers: &Readers, scope: &Scope, most: u32) -> Result<Failures, StoreError> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut gathered = Gathered::default();
    let mut below = i64::MAX;
    let mut end = End::Full;
    while end == End::Full && gathered.looked < most {
        let scope = scope.clone();
        (gathered, below, end) = readers
            .run(move |conn| {
                let snapshot = conn.unchecked_transaction()?;
                let want = LOOK.min(most - gathered.looked);
                let (below, end) = look(&snapshot, &scope, below, want, &mut gathered)?;
                snapshot.finish()?;
                Ok((gathered, below, end))
            })
            .await?;
    }
    let scope = scope.clone();
    readers
        .run(move |conn| {
            let complete = end != End::Full || below_it(conn, &scope, below, 1)?.0.is_empty();
            let described = gathered
                .groups
                .into_iter()
                .map(|(by, (count, latest))| describe(conn, by, count, latest));
            let mut groups: Vec<FailureGroup> = described.collect::<Result<_, _>>()?;
            groups.sort_by_key(|group| std::cmp::Reverse(group.count));
            Ok(Failures { groups, complete })
        })
        .await
}

/// Failed messages of a scope below an id, the newest first.
fn below_it(conn: &Connection, scope: &Scope, below: i64, want: usize) -> rusqlite::Result<(Vec<i64>, End)> {
    let filter = Filter {
        shown: Some(ShownType::Failed),
        ..Filter::default()
    };
    let quest = Quest {
        selection: &Selection::of(conn, scope, &filter)?,
        words: None,
        direction: Direction::Down,
        span: Span { low: 0, high: below },
        want,
    };
    // A Type alone leaves nothing to test on the rows, so that the time is not asked.
    let found = find(conn, &quest, &mut Budget::start(std::time::Duration::ZERO))?;
    Ok((found.ords, found.end))
}

/// Adds the next messages to the groups; answers where to go on, and whether there may be more.
fn look(
    conn: &Connection,
    scope: &Scope,
    below: i64,
    want: usize,
    gathered: &mut Gathered,
) -> Result<(i64, End), StoreError> {
    let (ords, end) = below_it(conn, scope, below, want)?;
    gathered.looked += ords.len();
    let mut statement = conn.prepare_cached("SELECT route, cause FROM message WHERE ord = ?1")?;
    for &ord in &ords {
        let found = statement
            .query_row([ord], |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?)))
            .optional();
        let found = rows::unless_damaged(ord, found)?;
        let cause = found.and_then(|(route, cause)| Some((route, FailureCause::from_number(cause?)?)));
        if let Some((route, cause)) = cause {
            let by = FailedBy {
                route: RouteId(route),
                cause,
            };
            let entry = gathered.groups.entry(by);
            entry.or_insert((0, MessageId::from_ord(ord))).0 += 1;
        }
    }
    Ok((ords.last().copied().unwrap_or(below), end))
}

fn describe(
    conn: &Connection,
    by: FailedBy,
    count: u64,
    latest: MessageId,
) -> Result<FailureGroup, StoreError> {
    let found = conn
        .prepare_cached(
            "SELECT error_code, error_enhanced, error_text, (SELECT max(at) FROM recipient r WHERE r.ord = m.ord)
             FROM message m WHERE ord = ?1",
        )?
        .query_row([latest.ord()], |row| Ok((rows::reply(row, 0)?, rows::shown_time(row, 3))))
        .optional()?;
    let (reply, latest_at) = found.unwrap_or((None, None));
    Ok(FailureGroup {
        by,
        count,
        latest,
        latest_at,
        reply,
    })
}
