//! What people do to messages: requeue and delete.

use postroom_domain::{MessageEvent, MessageId, MessageState, RouteId, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::codes;
use super::group::{Group, Owner};
use super::lanes::flow;
use super::promote::{STEP, Unfinished, leave, owner, unfinished};
use super::tally::Phase;
use crate::StoreError;
use crate::contract::{ActionOutcome, Authority};

/// Generations that each cycle has for itself, so that a lease of an earlier cycle never looks like one of a later.
const CYCLE_GENERATIONS: i64 = 1 << 20;

/// Refuses what passes the contract's limits.
pub(crate) fn check(ids: &[MessageId]) -> Result<(), StoreError> {
    if ids.len() > usize::try_from(STEP).unwrap_or(0) {
        return Err(StoreError::TooMuch("one action takes at most 256 messages"));
    }
    Ok(())
}

/// A message that somebody acts on.
struct Target {
    owner: Owner,
    state: MessageState,
    route: RouteId,
    work: Option<Unfinished>,
}

/// Puts messages back to Outbox.
pub(crate) fn requeue(
    group: &mut Group<'_>,
    who: &Authority,
    ids: &[MessageId],
    now: Timestamp,
) -> Result<Vec<ActionOutcome>, StoreError> {
    each(group, who, ids, |group, target| {
        if target.state.after(MessageEvent::Requeue).is_err() {
            return Ok(ActionOutcome::WrongState(target.state));
        }
        requeue_one(group, target, now)?;
        Ok(ActionOutcome::Done)
    })
}

/// Deletes records.
pub(crate) fn delete(
    group: &mut Group<'_>,
    who: &Authority,
    ids: &[MessageId],
) -> Result<Vec<ActionOutcome>, StoreError> {
    each(group, who, ids, |group, target| {
        delete_one(group, target)?;
        Ok(ActionOutcome::Done)
    })
}

fn each(
    group: &mut Group<'_>,
    who: &Authority,
    ids: &[MessageId],
    mut act: impl FnMut(&mut Group<'_>, &Target) -> Result<ActionOutcome, StoreError>,
) -> Result<Vec<ActionOutcome>, StoreError> {
    let mut outcomes = Vec::with_capacity(ids.len());
    for &id in ids {
        let outcome = match find(group, id)? {
            Some(target) => match refusal(who, &target) {
                Some(refusal) => refusal,
                None => act(group, &target)?,
            },
            None => ActionOutcome::NotFound,
        };
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

fn refusal(who: &Authority, target: &Target) -> Option<ActionOutcome> {
    let Owner { sender, office, .. } = target.owner;
    let category = target.owner.category();
    if !who.see.sees(sender, office, category) {
        Some(ActionOutcome::NotFound)
    } else if !who.act.sees(sender, office, category) {
        Some(ActionOutcome::NotPermitted)
    } else if target
        .work
        .as_ref()
        .is_some_and(|work| work.phase == Phase::Leased)
    {
        Some(ActionOutcome::Sending)
    } else {
        None
    }
}

fn find(group: &Group<'_>, id: MessageId) -> Result<Option<Target>, StoreError> {
    let found = group
        .conn
        .prepare_cached("SELECT sender, office, kind, state, route FROM message WHERE ord = ?1")?
        .query_row([id.ord()], |row| {
            Ok([
                row.get::<_, i64>(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ])
        })
        .optional()?;
    let Some([sender, office, kind, state, route]) = found else {
        return Ok(None);
    };
    Ok(Some(Target {
        owner: owner(id, sender, office, codes::kind(kind)?),
        state: codes::state(state)?,
        route: RouteId(route),
        work: unfinished(group.conn, id)?,
    }))
}

fn requeue_one(group: &mut Group<'_>, target: &Target, now: Timestamp) -> Result<(), StoreError> {
    let ord = target.owner.id.ord();
    let cycle: i64 = group
        .conn
        .prepare_cached(
            "UPDATE message SET type = 0, state = 0, attempts = 0, cycle = cycle + 1, next_attempt_at = NULL,
                hold_reason = NULL, hold_until = NULL
             WHERE ord = ?1 RETURNING cycle",
        )?
        .query_row([ord], |row| row.get(0))?;
    group
        .conn
        .prepare_cached("UPDATE recipient SET state = 0 WHERE ord = ?1 AND state = 2")?
        .execute([ord])?;
    if let Some(work) = &target.work {
        leave(group, work)?;
    }
    let flow = flow(target.owner.sender, target.owner.office, target.owner.kind);
    let place = group.end_of_lane(now);
    group
        .conn
        .prepare_cached(
            "INSERT INTO work (ord, sender, office, route, flow, seq, phase, due_at, since, generation)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?7, ?8)",
        )?
        .execute(params![
            ord,
            target.owner.sender.0,
            target.owner.office.0,
            target.route.0,
            flow,
            place,
            now.as_micros(),
            cycle * CYCLE_GENERATIONS
        ])?;
    group.lanes.add(group.conn, target.route, flow, 1)?;
    group.tallies.phase(target.route, None, Some(Phase::Ready), 1);
    group.moved(&target.owner, Some(target.state), Some(MessageState::Queued));
    Ok(())
}

fn delete_one(group: &mut Group<'_>, target: &Target) -> Result<(), StoreError> {
    let ord = target.owner.id.ord();
    if let Some(work) = &target.work {
        leave(group, work)?;
    }
    for sql in [
        "DELETE FROM content WHERE ord = ?1",
        "DELETE FROM recipient WHERE ord = ?1",
        "DELETE FROM attempt WHERE ord = ?1",
        "DELETE FROM text WHERE rowid = ?1 AND rowid <= (SELECT ord FROM text_cursor)",
        "DELETE FROM message WHERE ord = ?1",
    ] {
        group.conn.prepare_cached(sql)?.execute([ord])?;
    }
    group.moved(&target.owner, Some(target.state), None);
    Ok(())
}
