//! Writes what became of leased messages; the only rewriting of their records.

use postroom_domain::{
    Damage, FailureCause, Generation, MessageId, MessageState, OfficeId, RecipientState, Reply, RouteId,
    Timestamp, UserId,
};
use rusqlite::{OptionalExtension, params};

use super::codes::{self, enhanced, reply_text, to_json};
use super::damage::{Care, is_of_message, note, repair, set_aside};
use super::facts;
use super::group::{Group, Owner};
use super::hold::{Place, Seat, keep_back, place_again};
use super::limits::Comes;
use super::promote::unfinished;
use super::tally::Phase;
use crate::StoreError;
use crate::contract::{
    AttemptRecord, ChangeKind, Next, NodeLease, Outcome, OutcomeBatch, RecipientOutcome, Recorded,
};

/// Outcomes of one operation.
const OUTCOMES_MAX: usize = 256;
/// Attempts that one cycle has numbers for in the log.
const CYCLE: i64 = 4_096;

/// Refuses what passes the contract's limits.
pub(crate) fn check(batch: &OutcomeBatch) -> Result<(), StoreError> {
    if batch.outcomes.len() > OUTCOMES_MAX {
        return Err(StoreError::TooMuch("one batch takes at most 256 outcomes"));
    }
    Ok(())
}

/// Writes what became of leased messages.
pub(crate) fn record(group: &mut Group<'_>, batch: &OutcomeBatch) -> Result<Vec<Recorded>, StoreError> {
    let mut recorded = Vec::with_capacity(batch.outcomes.len());
    for outcome in &batch.outcomes {
        let at_once = group.care == Care::Together && !matches!(outcome.next, Next::Damaged(_));
        recorded.push(if !group.is_current(batch.node) {
            Recorded::Fenced
        } else if at_once {
            one(group, batch.node, outcome, batch.now)?
        } else if !holds(group, batch.node, outcome)? {
            Recorded::Fenced
        } else if let Next::Damaged(damage) = outcome.next {
            set_aside(group, outcome.id, damage, MessageState::Failed, batch.now)?;
            Recorded::Damaged
        } else {
            apart(group, batch.node, outcome, batch.now)?
        });
    }
    Ok(recorded)
}

fn one(
    group: &mut Group<'_>,
    node: NodeLease,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<Recorded, StoreError> {
    match find(group, node, outcome.id, outcome.generation)? {
        Some(lease) => {
            write(group, &lease, outcome, now)?;
            Ok(Recorded::Done)
        }
        None => Ok(Recorded::Fenced),
    }
}

/// Whether the lease is still the node's, whatever its message's record says.
fn holds(group: &Group<'_>, node: NodeLease, outcome: &Outcome) -> Result<bool, StoreError> {
    Ok(group
        .conn
        .prepare_cached(
            "SELECT 1 FROM work WHERE ord = ?1 AND phase = 3 AND node = ?2 AND epoch = ?3 AND generation = ?4",
        )?
        .exists(params![
            outcome.id.ord(),
            node.slot.0,
            node.epoch.0,
            outcome.generation.0
        ])?)
}

/// Writes an outcome whose message may be damaged. What the relay has said stays said: a message that every recipient
/// has is Sent, and nothing that is damaged is tried again.
fn apart(
    group: &mut Group<'_>,
    node: NodeLease,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<Recorded, StoreError> {
    let id = outcome.id;
    let found = |recorded| match recorded {
        // The lease holds, so what is missing is its message.
        Recorded::Fenced => Err(StoreError::Damaged(id, Damage::Record)),
        Recorded::Done | Recorded::Damaged => Ok(recorded),
    };
    let error = match group.apart(|group| one(group, node, outcome, now).and_then(found))? {
        Ok(recorded) => return Ok(recorded),
        Err(error) => error,
    };
    let own = is_of_message(group, id, &error)?;
    if !own && outcome.next != Next::Sent {
        // What is damaged is something that messages share: no message is failed for it. The lease stays, and is
        // uncertain at the next start.
        return Err(error);
    }
    tracing::error!(message.id = %id, %error, "the stored record of a message is damaged: its outcome is written as far as it can be");
    let damage = match outcome.attempt {
        Some(_) => Damage::Result,
        None => Damage::Record,
    };
    let ended = Outcome {
        next: match outcome.next {
            ended @ (Next::Sent | Next::Failed) => ended,
            Next::Defer(_) | Next::GiveBack | Next::Continue | Next::Damaged(_) => Next::Damaged(damage),
        },
        ..outcome.clone()
    };
    let written = group.apart(|group| {
        repair(group, id)?;
        one(group, node, &ended, now).and_then(found)?;
        note(group, id, damage, now)
    })?;
    if written.is_err() {
        let state = match outcome.next {
            Next::Sent => MessageState::Sent,
            Next::Failed | Next::Defer(_) | Next::GiveBack | Next::Continue | Next::Damaged(_) => {
                MessageState::Failed
            }
        };
        set_aside(group, id, damage, state, now)?;
    }
    Ok(Recorded::Damaged)
}

/// A lease that still holds, with what counting needs of its message.
struct Lease {
    owner: Owner,
    state: MessageState,
    route: RouteId,
    flow: i64,
    attempts: i64,
    cycle: i64,
}

fn find(
    group: &Group<'_>,
    node: NodeLease,
    id: MessageId,
    generation: Generation,
) -> Result<Option<Lease>, StoreError> {
    let found = group
        .conn
        .prepare_cached(
            "SELECT w.route, w.flow, w.attempts, m.sender, m.office, m.kind, m.state, m.cycle
             FROM work w JOIN message m ON m.ord = w.ord
             WHERE w.ord = ?1 AND w.phase = 3 AND w.node = ?2 AND w.epoch = ?3 AND w.generation = ?4",
        )?
        .query_row(
            params![id.ord(), node.slot.0, node.epoch.0, generation.0],
            |row| {
                Ok((
                    [row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, row.get(7)?],
                    UserId(row.get(3)?),
                    OfficeId(row.get(4)?),
                    [row.get::<_, i64>(5)?, row.get(6)?],
                ))
            },
        )
        .optional()?;
    let Some(([route, flow, attempts, cycle], sender, office, [kind, state])) = found else {
        return Ok(None);
    };
    Ok(Some(Lease {
        owner: Owner {
            id,
            sender,
            office,
            kind: codes::kind(kind)?,
        },
        state: codes::state(state)?,
        route: RouteId(route),
        flow,
        attempts,
        cycle,
    }))
}

fn write(group: &mut Group<'_>, lease: &Lease, outcome: &Outcome, now: Timestamp) -> Result<(), StoreError> {
    let attempts = lease.attempts + i64::from(outcome.attempt.is_some());
    if let Some(attempt) = &outcome.attempt {
        log(group, lease, attempts, attempt, &outcome.recipients)?;
        if let Some(trouble) = attempt.trouble {
            let said = (trouble, attempt.relay.as_str(), &attempt.reply);
            facts::relay_trouble(group, &lease.owner, lease.route, said, now)?;
        }
    }
    for recipient in &outcome.recipients {
        tell(group, lease.owner.id, recipient, now)?;
    }
    let reply = outcome.attempt.as_ref().map(|attempt| &attempt.reply);
    match outcome.next {
        Next::Sent => {
            close_recipients(group, lease.owner.id, RecipientState::Sent, reply, now)?;
            end(group, lease, MessageState::Sent, attempts, outcome, now)
        }
        Next::Failed => {
            close_recipients(group, lease.owner.id, RecipientState::Failed, reply, now)?;
            facts::message_failed(group, &lease.owner, reply, now)?;
            end(group, lease, MessageState::Failed, attempts, outcome, now)
        }
        Next::Defer(at) => defer(group, lease, attempts, at, outcome, now),
        Next::GiveBack => give_back(group, lease, attempts, now),
        Next::Continue => go_on(group, lease, outcome, now),
        Next::Damaged(damage) => {
            let id = lease.owner.id;
            group
                .conn
                .prepare_cached("UPDATE message SET attempts = ?2 WHERE ord = ?1")?
                .execute(params![id.ord(), attempts])?;
            set_aside(group, id, damage, MessageState::Failed, now)
        }
    }
}

/// Adds an attempt to the log.
fn log(
    group: &Group<'_>,
    lease: &Lease,
    number: i64,
    attempt: &AttemptRecord,
    recipients: &[RecipientOutcome],
) -> Result<(), StoreError> {
    let apart: Vec<(u16, &Reply)> = recipients
        .iter()
        .filter(|recipient| recipient.reply != attempt.reply)
        .map(|recipient| (recipient.index, &recipient.reply))
        .collect();
    let apart = if apart.is_empty() {
        None
    } else {
        Some(to_json(&apart)?)
    };
    group
        .conn
        .prepare_cached(
            "INSERT INTO attempt (ord, seq, cycle, number, started_at, duration_us, relay, tls, result, code, enhanced,
                text, recipients)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            lease.owner.id.ord(),
            lease.cycle * CYCLE + number,
            lease.cycle,
            number,
            attempt.started_at.as_micros(),
            i64::try_from(attempt.duration.as_micros()).unwrap_or(i64::MAX),
            attempt.relay,
            attempt.tls,
            attempt.result.number(),
            attempt.reply.code,
            enhanced(attempt.reply.enhanced),
            reply_text(&attempt.reply),
            apart
        ])?;
    Ok(())
}

/// Writes what one recipient was told; one that was accepted before stays so.
fn tell(
    group: &Group<'_>,
    id: MessageId,
    recipient: &RecipientOutcome,
    now: Timestamp,
) -> Result<(), StoreError> {
    group
        .conn
        .prepare_cached(
            "UPDATE recipient SET state = ?3, code = ?4, enhanced = ?5, text = ?6, at = ?7
             WHERE ord = ?1 AND n = ?2 AND state <> 1",
        )?
        .execute(params![
            id.ord(),
            recipient.index,
            recipient.state.number(),
            recipient.reply.code,
            enhanced(recipient.reply.enhanced),
            reply_text(&recipient.reply),
            now.as_micros()
        ])?;
    Ok(())
}

/// Ends recipients that are still pending, each with its own last reply where it has one.
pub(crate) fn close_recipients(
    group: &Group<'_>,
    id: MessageId,
    state: RecipientState,
    reply: Option<&Reply>,
    now: Timestamp,
) -> Result<(), StoreError> {
    group
        .conn
        .prepare_cached(
            "UPDATE recipient SET state = ?2, at = ?3, code = ifnull(code, ?4),
                enhanced = CASE WHEN code IS NULL THEN ?5 ELSE enhanced END, text = ifnull(text, ?6)
             WHERE ord = ?1 AND state = 0",
        )?
        .execute(params![
            id.ord(),
            state.number(),
            now.as_micros(),
            reply.map(|reply| reply.code),
            reply.and_then(|reply| enhanced(reply.enhanced)),
            reply.map(reply_text)
        ])?;
    Ok(())
}

fn end(
    group: &mut Group<'_>,
    lease: &Lease,
    state: MessageState,
    attempts: i64,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<(), StoreError> {
    let accepted = state == MessageState::Sent || any_accepted(outcome);
    let reply = outcome.attempt.as_ref().map(|attempt| &attempt.reply);
    let error = reply.filter(|_| state != MessageState::Sent);
    group
        .conn
        .prepare_cached(
            "UPDATE message SET type = ?2, state = ?3, attempts = ?4, sent_on = ifnull(?5, sent_on),
                next_attempt_at = NULL, error_code = ?6, error_enhanced = ?7, error_text = ?8, cause = ?9
             WHERE ord = ?1",
        )?
        .execute(params![
            lease.owner.id.ord(),
            state.shown().number(),
            state.number(),
            attempts,
            accepted.then(|| now.as_micros()),
            error.map(|reply| reply.code),
            error.and_then(|reply| enhanced(reply.enhanced)),
            error.map(reply_text),
            cause(outcome).filter(|_| state != MessageState::Sent)
        ])?;
    group
        .conn
        .prepare_cached("DELETE FROM work WHERE ord = ?1")?
        .execute([lease.owner.id.ord()])?;
    group.tallies.phase(lease.route, Some(Phase::Leased), None, 1);
    group.moved(&lease.owner, Some(lease.state), Some(state));
    Ok(())
}

fn defer(
    group: &mut Group<'_>,
    lease: &Lease,
    attempts: i64,
    at: Timestamp,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<(), StoreError> {
    let state = MessageState::Deferred;
    let error = outcome.attempt.as_ref().map(|attempt| &attempt.reply);
    group
        .conn
        .prepare_cached(
            "UPDATE message SET state = ?2, attempts = ?3, sent_on = ifnull(?4, sent_on), next_attempt_at = ?5,
                error_code = ifnull(?6, error_code), error_enhanced = iif(?6 IS NULL, error_enhanced, ?7),
                error_text = ifnull(?8, error_text), cause = ifnull(?9, cause)
             WHERE ord = ?1",
        )?
        .execute(params![
            lease.owner.id.ord(),
            state.number(),
            attempts,
            any_accepted(outcome).then(|| now.as_micros()),
            at.as_micros(),
            error.map(|reply| reply.code),
            error.and_then(|reply| enhanced(reply.enhanced)),
            error.map(reply_text),
            cause(outcome)
        ])?;
    group
        .conn
        .prepare_cached(
            "UPDATE work SET phase = 1, due_at = ?2, attempts = ?3, node = NULL, epoch = NULL WHERE ord = ?1",
        )?
        .execute(params![lease.owner.id.ord(), at.as_micros(), attempts])?;
    group
        .tallies
        .phase(lease.route, Some(Phase::Leased), Some(Phase::Waiting), 1);
    group.deferred(lease.route, at);
    group.moved(&lease.owner, Some(lease.state), Some(state));
    Ok(())
}

/// Notes what was accepted so far of an attempt that goes on.
fn go_on(group: &mut Group<'_>, lease: &Lease, outcome: &Outcome, now: Timestamp) -> Result<(), StoreError> {
    if any_accepted(outcome) {
        group
            .conn
            .prepare_cached("UPDATE message SET sent_on = ?2 WHERE ord = ?1")?
            .execute(params![lease.owner.id.ord(), now.as_micros()])?;
    }
    group.changed(&lease.owner, ChangeKind::Updated);
    Ok(())
}

/// Puts a message back where it stood in its lane; its record stays as it is.
fn give_back(group: &mut Group<'_>, lease: &Lease, attempts: i64, now: Timestamp) -> Result<(), StoreError> {
    group
        .conn
        .prepare_cached("UPDATE work SET phase = 0, attempts = ?2, node = NULL, epoch = NULL WHERE ord = ?1")?
        .execute(params![lease.owner.id.ord(), attempts])?;
    group.lanes.add(group.conn, lease.route, lease.flow, 1)?;
    group
        .tallies
        .phase(lease.route, Some(Phase::Leased), Some(Phase::Ready), 1);
    group.ready(lease.route);
    group.changed(&lease.owner, ChangeKind::Updated);
    if group.pauses().cover(&lease.owner)
        && let Some(found) = unfinished(group.conn, lease.owner.id)?
        && let Place::Back(kept) = place_again(group, &found, now, Comes::Anew)?
    {
        keep_back(group, &found, kept, Seat::Same, now)?;
    }
    Ok(())
}

/// What the attempt failed by, as it is kept (C6).
fn cause(outcome: &Outcome) -> Option<i64> {
    let attempt = outcome.attempt.as_ref()?;
    Some(FailureCause::of(attempt.trouble, &attempt.reply).number())
}

fn any_accepted(outcome: &Outcome) -> bool {
    outcome
        .recipients
        .iter()
        .any(|recipient| recipient.state == RecipientState::Sent)
}
