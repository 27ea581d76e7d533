//! What people do to messages: requeue, hold, release and delete.

use postroom_domain::{HoldReason, MessageEvent, MessageId, MessageState, RouteId, Scope, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::codes;
use super::group::{Group, Owner};
use super::hold::{Asked, Kept, Place, Seat, ask, keep_back, let_go, place_again, uncount};
use super::lanes::flow;
use super::limits::{Comes, SETTLED};
use super::promote::{Unfinished, leave, owner, unfinished};
use super::tally::Phase;
use crate::StoreError;
use crate::contract::{ActionOutcome, Actor, Authority, Release};

/// Generations that each cycle has for itself, so that a lease of an earlier cycle never looks like one of a later.
const CYCLE_GENERATIONS: i64 = 1 << 20;

/// Messages of one action.
const MESSAGES_MAX: usize = 256;

/// Refuses what passes the contract's limits.
pub(crate) fn check(ids: &[MessageId]) -> Result<(), StoreError> {
    if ids.len() > MESSAGES_MAX {
        return Err(StoreError::TooMuch("one action takes at most 256 messages"));
    }
    Ok(())
}

/// A message that somebody acts on.
pub(crate) struct Target {
    pub(crate) owner: Owner,
    pub(crate) state: MessageState,
    route: RouteId,
    work: Option<Unfinished>,
}

/// Puts messages back to Outbox. Mail that a person holds back is let go by those alone who may release it; mail under
/// a limit asks to be admitted again.
pub(crate) fn requeue(
    group: &mut Group<'_>,
    who: &Authority,
    ids: &[MessageId],
    now: Timestamp,
) -> Result<Vec<ActionOutcome>, StoreError> {
    each(group, (&who.see, &who.act), ids, now, |group, target| {
        if target.state.after(MessageEvent::Requeue).is_err() {
            return Ok(ActionOutcome::WrongState(target.state));
        }
        let held = target.work.as_ref().and_then(|work| work.hold);
        match held {
            Some(HoldReason::Paused) => return Ok(ActionOutcome::Paused),
            Some(HoldReason::Administrator | HoldReason::Restored) if !sees(&who.hold, &target.owner) => {
                return Ok(ActionOutcome::HeldBack);
            }
            Some(_) | None => {}
        }
        let asked = match &target.work {
            Some(work) => ask(group, work, Release::WithinLimits, now)?,
            None => Asked::Goes(SETTLED),
        };
        match asked {
            Asked::Goes(charged_day) => requeue_one(group, target, charged_day, now)?,
            Asked::Stays { until } => return Ok(ActionOutcome::OverLimit { until }),
        }
        Ok(ActionOutcome::Done)
    })
}

/// Keeps messages back until somebody lets them go.
pub(crate) fn hold(
    group: &mut Group<'_>,
    who: &Authority,
    ids: &[MessageId],
    by: Actor,
    now: Timestamp,
) -> Result<Vec<ActionOutcome>, StoreError> {
    each(group, (&who.see, &who.hold), ids, now, |group, target| {
        let Some(work) = &target.work else {
            return Ok(ActionOutcome::WrongState(target.state));
        };
        // Mail that is held for another reason gets this one: it stays when the limit or the pause ends.
        let held_so = matches!(work.hold, Some(HoldReason::Administrator));
        if held_so || (work.hold.is_none() && target.state.after(MessageEvent::Hold).is_err()) {
            return Ok(ActionOutcome::WrongState(target.state));
        }
        let kept = Kept {
            reason: HoldReason::Administrator,
            until: None,
        };
        keep_back(group, work, kept, Seat::Same, now)?;
        group
            .conn
            .prepare_cached("UPDATE work SET held_by = ?2, held_at = ?3 WHERE ord = ?1")?
            .execute(params![target.owner.id.ord(), by.to_string(), now.as_micros()])?;
        Ok(ActionOutcome::Done)
    })
}

/// Lets held messages go; answers besides which of them went past a limit.
pub(crate) fn release(
    group: &mut Group<'_>,
    who: &Authority,
    ids: &[MessageId],
    how: Release,
    now: Timestamp,
) -> Result<(Vec<ActionOutcome>, Vec<MessageId>), StoreError> {
    let mut past = Vec::new();
    let outcomes = each(group, (&who.see, &who.hold), ids, now, |group, target| {
        let Some((work, reason)) = target.work.as_ref().and_then(|work| Some((work, work.hold?))) else {
            return Ok(ActionOutcome::WrongState(target.state));
        };
        if group.pauses().cover(&target.owner) {
            return Ok(ActionOutcome::Paused);
        }
        if let Some(at) = sends_later(group, target.owner.id, now)? {
            postpone(group, work, at)?;
            return Ok(ActionOutcome::Done);
        }
        if reason.is_limit() || how == Release::PastLimits {
            return Ok(match ask(group, work, how, now)? {
                Asked::Goes(charged_day) => {
                    if charged_day == SETTLED && reason.is_limit() {
                        past.push(target.owner.id);
                    }
                    let_go(group, work, charged_day, Seat::End, now)?;
                    group.try_now(work.route);
                    ActionOutcome::Done
                }
                Asked::Stays { until } => ActionOutcome::OverLimit { until },
            });
        }
        Ok(match place_again(group, work, now, Comes::Anew)? {
            Place::Lane(charged_day) => {
                let_go(group, work, charged_day, Seat::End, now)?;
                group.try_now(work.route);
                ActionOutcome::Done
            }
            Place::Back(kept) => {
                keep_back(group, work, kept, Seat::End, now)?;
                kept.until
                    .map_or(ActionOutcome::Paused, |until| ActionOutcome::OverLimit { until })
            }
        })
    })?;
    Ok((outcomes, past))
}

/// When a message is to be sent, where that lies ahead and it was not charged yet.
fn sends_later(group: &Group<'_>, id: MessageId, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    Ok(group
        .conn
        .prepare_cached("SELECT send_at FROM message WHERE ord = ?1 AND send_at > ?2")?
        .query_row(params![id.ord(), now.as_micros()], |row| row.get(0))
        .optional()?
        .map(Timestamp::from_micros))
}

/// Lets a message wait for its time again.
fn postpone(group: &mut Group<'_>, work: &Unfinished, at: Timestamp) -> Result<(), StoreError> {
    uncount(group, work);
    let id = work.owner.id.ord();
    group
        .conn
        .prepare_cached("UPDATE work SET phase = 1, due_at = ?2, hold = NULL WHERE ord = ?1")?
        .execute(params![id, at.as_micros()])?;
    group
        .conn
        .prepare_cached("UPDATE message SET state = 1, hold_reason = NULL, hold_until = NULL WHERE ord = ?1")?
        .execute([id])?;
    group
        .tallies
        .phase(work.route, Some(work.phase), Some(Phase::Waiting), 1);
    group.due(at);
    group.moved(&work.owner, Some(work.state), Some(MessageState::Scheduled));
    Ok(())
}

/// Deletes records.
pub(crate) fn delete(
    group: &mut Group<'_>,
    who: &Authority,
    ids: &[MessageId],
    now: Timestamp,
) -> Result<Vec<ActionOutcome>, StoreError> {
    each(group, (&who.see, &who.act), ids, now, |group, target| {
        delete_one(group, target)?;
        Ok(ActionOutcome::Done)
    })
}

fn each(
    group: &mut Group<'_>,
    (see, may): (&Scope, &Scope),
    ids: &[MessageId],
    now: Timestamp,
    mut act: impl FnMut(&mut Group<'_>, &Target) -> Result<ActionOutcome, StoreError>,
) -> Result<Vec<ActionOutcome>, StoreError> {
    let mut outcomes = Vec::with_capacity(ids.len());
    for &id in ids {
        let outcome = group.each(id, now, |group| match find(group, id)? {
            Some(target) => match refusal(see, may, &target) {
                Some(refusal) => Ok(refusal),
                None => act(group, &target),
            },
            None => Ok(ActionOutcome::NotFound),
        })?;
        outcomes.push(outcome.unwrap_or(ActionOutcome::Damaged));
    }
    Ok(outcomes)
}

fn sees(scope: &Scope, owner: &Owner) -> bool {
    scope.sees(owner.sender, owner.office, owner.category())
}

fn refusal(see: &Scope, may: &Scope, target: &Target) -> Option<ActionOutcome> {
    if !sees(see, &target.owner) {
        Some(ActionOutcome::NotFound)
    } else if !sees(may, &target.owner) {
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

/// A message that somebody may act on, or why not.
pub(crate) fn permitted(
    group: &Group<'_>,
    who: &Authority,
    id: MessageId,
) -> Result<Result<Target, ActionOutcome>, StoreError> {
    Ok(match find(group, id)? {
        None => Err(ActionOutcome::NotFound),
        Some(target) => match refusal(&who.see, &who.act, &target) {
            Some(outcome) => Err(outcome),
            None => Ok(target),
        },
    })
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

fn requeue_one(
    group: &mut Group<'_>,
    target: &Target,
    charged_day: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let ord = target.owner.id.ord();
    let route = route_now(group, target)?;
    let cycle: i64 = group
        .conn
        .prepare_cached(
            "UPDATE message SET type = 0, state = 0, attempts = 0, cycle = cycle + 1, next_attempt_at = NULL,
                hold_reason = NULL, hold_until = NULL, route = ?2
             WHERE ord = ?1 RETURNING cycle",
        )?
        .query_row([ord, route.0], |row| row.get(0))?;
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
            "INSERT INTO work (ord, sender, office, route, flow, seq, phase, due_at, since, generation,
                charged_day) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?7, ?8, ?9)",
        )?
        .execute(params![
            ord,
            target.owner.sender.0,
            target.owner.office.0,
            route.0,
            flow,
            place,
            now.as_micros(),
            cycle * CYCLE_GENERATIONS,
            charged_day
        ])?;
    group.lanes.add(group.conn, route, flow, 1)?;
    group.tallies.phase(route, None, Some(Phase::Ready), 1);
    group.moved(&target.owner, Some(target.state), Some(MessageState::Queued));
    group.try_now(route);
    if group.pauses().cover(&target.owner)
        && let Some(found) = unfinished(group.conn, target.owner.id)?
        && let Place::Back(kept) = place_again(group, &found, now, Comes::Anew)?
    {
        keep_back(group, &found, kept, Seat::Same, now)?;
    }
    Ok(())
}

/// The route of the message now: mail that failed under settings that were corrected since takes the new one.
fn route_now(group: &Group<'_>, target: &Target) -> Result<RouteId, StoreError> {
    let found = group
        .conn
        .prepare_cached("SELECT route FROM office WHERE id = ?1")?
        .query_row([target.owner.office.0], |row| row.get(0))
        .optional()?;
    Ok(target.owner.kind.route(found.map_or(target.route, RouteId)))
}

fn delete_one(group: &mut Group<'_>, target: &Target) -> Result<(), StoreError> {
    let ord = target.owner.id.ord();
    if let Some(work) = &target.work {
        leave(group, work)?;
    }
    for sql in [
        "DELETE FROM content WHERE ord = ?1",
        "DELETE FROM content_sum WHERE ord = ?1",
        "DELETE FROM damage WHERE ord = ?1",
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
