//! Moves waiting messages when their time comes, or ends them when no relay came up.

use postroom_domain::{
    Damage, FailureCause, HoldReason, Kind, MessageId, MessageState, OfficeId, RecipientState, RouteId,
    Scope, Timestamp, UserId,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::clock_moves::ids_ahead_by;
use super::codes::{self, enhanced, reply_text};
use super::facts;
use super::group::{Group, Owner};
use super::hold::{Place, Seat, keep_back, place_again, uncount};
use super::limits::Comes;
use super::outcomes::close_recipients;
use super::tally::Phase;
use crate::StoreError;
use crate::contract::{ChangeKind, Exhaust, Promote, Promoted, Revive};

/// An unfinished message with its record's side.
pub(crate) struct Unfinished {
    pub(crate) owner: Owner,
    pub(crate) state: MessageState,
    pub(crate) route: RouteId,
    pub(crate) flow: i64,
    pub(crate) phase: Phase,
    pub(crate) due_at: Timestamp,
    pub(crate) since: Timestamp,
    pub(crate) seq: i64,
    /// When it was charged: `None` while it was not, 0 where it need not be.
    pub(crate) charged_day: Option<i64>,
    /// Whom it will be charged to.
    pub(crate) person: Option<UserId>,
    pub(crate) hold: Option<HoldReason>,
}

/// Reads an unfinished message.
pub(crate) fn unfinished(conn: &Connection, id: MessageId) -> Result<Option<Unfinished>, StoreError> {
    let found = conn
        .prepare_cached(
            "SELECT m.sender, m.office, m.kind, m.state, w.route, w.flow, w.phase, w.due_at, w.since, w.seq,
                w.charged_day, w.person, w.hold
             FROM work w JOIN message m ON m.ord = w.ord WHERE w.ord = ?1",
        )?
        .query_row([id.ord()], |row| {
            Ok((
                [row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, row.get(3)?],
                [row.get::<_, i64>(4)?, row.get(5)?, row.get(6)?],
                [row.get::<_, i64>(7)?, row.get(8)?, row.get(9)?],
                [row.get::<_, Option<i64>>(10)?, row.get(11)?, row.get(12)?],
            ))
        })
        .optional()?;
    let Some((key, [route, flow, phase], [due_at, since, seq], [charged_day, person, hold])) = found else {
        return Ok(None);
    };
    let [sender, office, kind, state] = key;
    Ok(Some(Unfinished {
        owner: owner(id, sender, office, codes::kind(kind)?),
        state: codes::state(state)?,
        route: RouteId(route),
        flow,
        phase: Phase::from_number(phase)?,
        due_at: Timestamp::from_micros(due_at),
        since: Timestamp::from_micros(since),
        seq,
        charged_day,
        person: person.map(UserId),
        hold: hold.and_then(HoldReason::from_number),
    }))
}

pub(crate) const fn owner(id: MessageId, sender: i64, office: i64, kind: Kind) -> Owner {
    Owner {
        id,
        sender: UserId(sender),
        office: OfficeId(office),
        kind,
    }
}

/// Makes due messages ready, oldest due time first within each route; of a blocked route those that were scheduled.
pub(crate) fn promote(group: &mut Group<'_>, op: &Promote) -> Result<Promoted, StoreError> {
    let mut left = op.limit.min(group.step);
    let mut moved = 0;
    let mut next_due: Option<Timestamp> = None;
    for route in waiting_routes(group)? {
        let of = if op.blocked.contains(&route) {
            Waits::Scheduled
        } else {
            Waits::Any
        };
        let due = due(group.conn, (route, of), op.now, left)?;
        for &id in &due {
            group.each(id, op.now, |group| make_ready(group, id, op.now))?;
        }
        let n = u32::try_from(due.len()).unwrap_or(left);
        left -= n;
        moved += n;
        let next = first_due(group.conn, (route, of))?;
        next_due = match (next_due, next) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
    Ok(Promoted { moved, next_due })
}

/// Which of the mail that waits for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    Any,
    /// For its first attempt: it has not been charged yet.
    Scheduled,
}

impl Waits {
    /// The condition, as the partial indexes have it.
    const fn sql(self) -> &'static str {
        match self {
            Self::Any => "phase = 1",
            Self::Scheduled => "phase = 1 AND charged_day IS NULL",
        }
    }
}

fn waiting_routes(group: &mut Group<'_>) -> Result<Vec<RouteId>, StoreError> {
    // Depths of this group's earlier operations may not be written yet.
    group.tallies.flush(group.conn)?;
    let mut statement = group
        .conn
        .prepare_cached("SELECT route FROM depth WHERE phase = 1 AND n > 0")?;
    let routes = statement
        .query_map([], |row| Ok(RouteId(row.get(0)?)))?
        .collect::<Result<_, _>>()?;
    Ok(routes)
}

fn due(
    conn: &Connection,
    (route, of): (RouteId, Waits),
    now: Timestamp,
    limit: u32,
) -> Result<Vec<MessageId>, StoreError> {
    let sql = format!(
        "SELECT ord FROM work WHERE {} AND route = ?1 AND due_at <= ?2 ORDER BY due_at LIMIT ?3",
        of.sql()
    );
    Ok(conn
        .prepare_cached(&sql)?
        .query_map(params![route.0, now.as_micros(), limit], |row| {
            Ok(MessageId::from_ord(row.get(0)?))
        })?
        .collect::<Result<_, _>>()?)
}

fn first_due(conn: &Connection, (route, of): (RouteId, Waits)) -> Result<Option<Timestamp>, StoreError> {
    let sql = format!(
        "SELECT due_at FROM work WHERE {} AND route = ?1 ORDER BY due_at LIMIT 1",
        of.sql()
    );
    Ok(conn
        .prepare_cached(&sql)?
        .query_row([route.0], |row| Ok(Timestamp::from_micros(row.get(0)?)))
        .optional()?)
}

/// A waiting message joins the end of its lane. A scheduled one asks to be admitted, becomes queued, and its cycle
/// begins now; a deferred one stays deferred until its attempt.
fn make_ready(group: &mut Group<'_>, id: MessageId, now: Timestamp) -> Result<(), StoreError> {
    let Some(found) = unfinished(group.conn, id)? else {
        return Err(StoreError::Damaged(id, Damage::Record));
    };
    let charged_day = match place_again(group, &found, now, Comes::Anew)? {
        Place::Lane(charged_day) => charged_day,
        Place::Back(kept) => return keep_back(group, &found, kept, Seat::End, now),
    };
    let scheduled = found.state == MessageState::Scheduled;
    let since = if scheduled { now } else { found.since };
    let place = group.end_of_lane(now);
    group
        .conn
        .prepare_cached(
            "UPDATE work SET phase = 0, seq = ?2, since = ?3, charged_day = ?4, person = NULL WHERE ord = ?1",
        )?
        .execute(params![id.ord(), place, since.as_micros(), charged_day])?;
    group.lanes.add(group.conn, found.route, found.flow, 1)?;
    group
        .tallies
        .phase(found.route, Some(Phase::Waiting), Some(Phase::Ready), 1);
    if scheduled {
        group
            .conn
            .prepare_cached("UPDATE message SET state = ?2 WHERE ord = ?1")?
            .execute(params![id.ord(), MessageState::Queued.number()])?;
        group.moved(&found.owner, Some(found.state), Some(MessageState::Queued));
    }
    Ok(())
}

/// Messages of a Down route that may have waited too long, found on a reader. A cycle never begins before its
/// submission, so the ids bound the search, as far as the clock was not set back.
pub(crate) fn exhausted(conn: &Connection, op: &Exhaust, step: u32) -> Result<Vec<MessageId>, StoreError> {
    let latest: Option<i64> = conn
        .prepare_cached("SELECT max(ord) FROM work")?
        .query_row([], |row| row.get(0))?;
    let runs_ahead = latest.is_some_and(|latest| MessageId::from_ord(latest).submitted_at() > op.now);
    let bound = if runs_ahead {
        MessageId::MAX
    } else {
        MessageId::first_at(op.since_before.plus(ids_ahead_by(conn)?))
    };
    Ok(conn
        .prepare_cached(
            "SELECT w.ord FROM work w JOIN message m ON m.ord = w.ord
             WHERE w.ord < ?1 AND w.ord > ?5 AND w.route = ?2 AND w.phase IN (0, 1) AND w.since < ?3
                AND m.state IN (0, 4)
             ORDER BY w.ord LIMIT ?4",
        )?
        .query_map(
            params![
                bound.ord(),
                op.route.0,
                op.since_before.as_micros(),
                step,
                op.after.map_or(i64::MIN, MessageId::ord)
            ],
            |row| Ok(MessageId::from_ord(row.get(0)?)),
        )?
        .collect::<Result<_, _>>()?)
}

/// Fails those of `ids` that still wait.
pub(crate) fn exhaust(group: &mut Group<'_>, op: &Exhaust, ids: &[MessageId]) -> Result<u32, StoreError> {
    let mut failed = 0;
    for &id in ids {
        let done = group.each(id, op.now, |group| exhaust_one(group, op, id))?;
        // One that was set aside as damaged has failed too.
        failed += done.unwrap_or(1);
    }
    Ok(failed)
}

fn exhaust_one(group: &mut Group<'_>, op: &Exhaust, id: MessageId) -> Result<u32, StoreError> {
    let Some(found) = unfinished(group.conn, id)? else {
        return Ok(0);
    };
    let waits = matches!(found.phase, Phase::Ready | Phase::Waiting)
        && matches!(found.state, MessageState::Queued | MessageState::Deferred);
    if !waits || found.route != op.route || found.since >= op.since_before {
        return Ok(0);
    }
    fail(group, &found, op)?;
    Ok(1)
}

fn fail(group: &mut Group<'_>, found: &Unfinished, op: &Exhaust) -> Result<(), StoreError> {
    let state = MessageState::Failed;
    let ord = found.owner.id.ord();
    close_recipients(
        group,
        found.owner.id,
        RecipientState::Failed,
        Some(&op.reply),
        op.now,
    )?;
    group
        .conn
        .prepare_cached(
            "UPDATE message SET type = ?2, state = ?3, next_attempt_at = NULL, error_code = ?4, error_enhanced = ?5,
                error_text = ?6, cause = ?7 WHERE ord = ?1",
        )?
        .execute(params![
            ord,
            state.shown().number(),
            state.number(),
            op.reply.code,
            enhanced(op.reply.enhanced),
            reply_text(&op.reply),
            FailureCause::RelayDown.number()
        ])?;
    leave(group, found)?;
    facts::message_failed(group, &found.owner, Some(&op.reply), op.now)?;
    group.moved(&found.owner, Some(found.state), Some(state));
    Ok(())
}

/// Takes an unfinished message out of the work.
pub(crate) fn leave(group: &mut Group<'_>, found: &Unfinished) -> Result<(), StoreError> {
    uncount(group, found);
    group
        .conn
        .prepare_cached("DELETE FROM work WHERE ord = ?1")?
        .execute([found.owner.id.ord()])?;
    if found.phase == Phase::Ready {
        group.lanes.add(group.conn, found.route, found.flow, -1)?;
    }
    group.tallies.phase(found.route, Some(found.phase), None, 1);
    Ok(())
}

/// Deferred messages of the scope that are due later than `now`, by id, found on a reader.
pub(crate) fn flushable(
    conn: &Connection,
    scope: &Scope,
    after: Option<MessageId>,
    now: Timestamp,
    step: u32,
) -> Result<Vec<MessageId>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT w.ord, m.sender, m.office, m.kind FROM work w JOIN message m ON m.ord = w.ord
         WHERE w.ord > ?2 AND w.phase = 1 AND w.due_at > ?1 AND m.state = 4 ORDER BY w.ord",
    )?;
    let after = after.map_or(i64::MIN, MessageId::ord);
    let mut rows = statement.query(params![now.as_micros(), after])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id = MessageId::from_ord(row.get(0)?);
        let (Ok(sender), Ok(office), Ok(kind)) = (row.get(1), row.get(2), row.get(3)) else {
            continue;
        };
        // Whose it is cannot be told: it is set aside when its time comes.
        let Ok(kind) = codes::kind(kind) else { continue };
        let owner = owner(id, sender, office, kind);
        if scope.sees(owner.sender, owner.office, owner.category()) {
            found.push(id);
        }
        if found.len() >= usize::try_from(step).unwrap_or(0) {
            break;
        }
    }
    Ok(found)
}

/// Deferred messages of a route that are due later than now, by id, found on a reader.
pub(crate) fn revivable(conn: &Connection, op: &Revive, step: u32) -> Result<Vec<MessageId>, StoreError> {
    let after = op.after.map_or(i64::MIN, MessageId::ord);
    Ok(conn
        .prepare_cached(
            "SELECT w.ord FROM work w JOIN message m ON m.ord = w.ord
             WHERE w.phase = 1 AND w.route = ?1 AND w.due_at > ?2 AND w.ord > ?3 AND m.state = 4
                AND w.sender IS NOT ?5 AND (w.attempts < ?6 OR w.since <= ?7)
             ORDER BY w.ord LIMIT ?4",
        )?
        .query_map(
            params![
                op.route.0,
                op.now.as_micros(),
                after,
                op.limit.min(step),
                op.not_of.map(|sender| sender.0),
                op.attempts_below,
                op.since_before.map(Timestamp::as_micros)
            ],
            |row| Ok(MessageId::from_ord(row.get(0)?)),
        )?
        .collect::<Result<_, _>>()?)
}

/// Makes those of `ids` that are still deferred due now because somebody asked for it.
pub(crate) fn flush(group: &mut Group<'_>, ids: &[MessageId], now: Timestamp) -> Result<u32, StoreError> {
    let routes = make_due(group, ids, now)?;
    let flushed = u32::try_from(routes.len()).unwrap_or(u32::MAX);
    for route in routes {
        group.try_now(route);
    }
    Ok(flushed)
}

/// Makes those of `ids` that are still deferred due now.
pub(crate) fn revive(group: &mut Group<'_>, ids: &[MessageId], now: Timestamp) -> Result<u32, StoreError> {
    let routes = make_due(group, ids, now)?;
    Ok(u32::try_from(routes.len()).unwrap_or(u32::MAX))
}

/// The same; returns the route of each.
fn make_due(group: &mut Group<'_>, ids: &[MessageId], now: Timestamp) -> Result<Vec<RouteId>, StoreError> {
    let mut routes = Vec::new();
    for &id in ids {
        routes.extend(
            group
                .each(id, now, |group| make_one_due(group, id, now))?
                .flatten(),
        );
    }
    Ok(routes)
}

fn make_one_due(group: &mut Group<'_>, id: MessageId, now: Timestamp) -> Result<Option<RouteId>, StoreError> {
    let Some(found) = unfinished(group.conn, id)? else {
        return Ok(None);
    };
    if found.phase != Phase::Waiting || found.state != MessageState::Deferred || found.due_at <= now {
        return Ok(None);
    }
    for sql in [
        "UPDATE work SET due_at = ?2 WHERE ord = ?1",
        "UPDATE message SET next_attempt_at = ?2 WHERE ord = ?1",
    ] {
        group
            .conn
            .prepare_cached(sql)?
            .execute(params![id.ord(), now.as_micros()])?;
    }
    group.changed(&found.owner, ChangeKind::Updated);
    Ok(Some(found.route))
}
