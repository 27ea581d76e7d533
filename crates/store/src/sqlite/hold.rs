//! Where a message goes that could leave: into its lane, or to what is held.

use postroom_domain::{Admission, HoldReason, MessageState, Timestamp, UserId};
use rusqlite::{OptionalExtension, params};

use super::codes::to_json;
use super::group::{Group, Owner};
use super::limits::{Comes, Reached, SETTLED, Verdict};
use super::promote::Unfinished;
use super::rows::json;
use super::tally::Phase;
use crate::StoreError;
use crate::contract::{DailyLimit, FactKind, Hold, LimitDetail, NewFact, Release, Submitter};

/// Where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Into its lane; `work.charged_day`.
    Lane(i64),
    /// To what is held.
    Back(Kept),
}

/// Why and until when it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) reason: HoldReason,
    pub(crate) until: Option<Timestamp>,
}

impl Kept {
    const fn paused() -> Self {
        Self {
            reason: HoldReason::Paused,
            until: None,
        }
    }

    /// In the contract's words.
    pub(crate) fn told(self) -> Hold {
        Hold {
            reason: self.reason.name().to_owned(),
            until: self.until,
        }
    }
}

/// Decides where a message goes whose limits were not asked yet; what it takes is taken.
pub(crate) fn place(
    group: &mut Group<'_>,
    owner: &Owner,
    person: UserId,
    now: Timestamp,
    comes: Comes,
) -> Result<Place, StoreError> {
    if group.pauses().cover(owner) {
        return Ok(Place::Back(Kept::paused()));
    }
    match group.limits.admit(person, owner, now, comes) {
        Verdict::Goes(charged_day) => Ok(Place::Lane(charged_day)),
        Verdict::Waits { reason, until, first } => {
            tell(group, owner, person, reason, first, now)?;
            Ok(Place::Back(Kept {
                reason,
                until: Some(until),
            }))
        }
    }
}

/// Writes the fact of a person's first message that is held under a limit that day.
pub(crate) fn tell(
    group: &mut Group<'_>,
    owner: &Owner,
    person: UserId,
    reason: HoldReason,
    first: Option<Reached>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(reached) = first else {
        return Ok(());
    };
    let limit = match reason {
        HoldReason::SystemLimit => DailyLimit::System,
        HoldReason::UserLimit | HoldReason::Administrator | HoldReason::Paused | HoldReason::Restored => {
            DailyLimit::User
        }
    };
    let detail = LimitDetail {
        limit,
        day: reached.day.to_string(),
        most: reached.most,
    };
    let fact = NewFact {
        kind: FactKind::LimitReached,
        message: Some(owner.id),
        office: owner.office,
        person: Some(person),
        detail: Some(to_json(&detail)?),
    };
    group.fact(now, &fact)
}

/// Decides where an unfinished message goes that was ready, waited, or was held.
pub(crate) fn place_again(
    group: &mut Group<'_>,
    found: &Unfinished,
    now: Timestamp,
    comes: Comes,
) -> Result<Place, StoreError> {
    match found.charged_day {
        Some(_) if group.pauses().cover(&found.owner) => Ok(Place::Back(Kept::paused())),
        Some(day) => Ok(Place::Lane(day)),
        None => {
            let person = person(group, found)?;
            place(group, &found.owner, person, now, comes)
        }
    }
}

/// Whom the message will be charged to: who submitted it; for an API key and Postroom itself, the sender (V9).
pub(crate) fn person(group: &Group<'_>, found: &Unfinished) -> Result<UserId, StoreError> {
    if let Some(person) = found.person {
        return Ok(person);
    }
    // Where that is damaged it is the sender, whose mail it is.
    let kept: Option<Submitter> = group
        .conn
        .prepare_cached("SELECT submitted_by FROM message WHERE ord = ?1")?
        .query_row([found.owner.id.ord()], |row| Ok(json(row, 0).unwrap_or_default()))
        .optional()?
        .flatten();
    let submitter = kept.unwrap_or(Submitter::User(found.owner.sender));
    Ok(charged(submitter, found.owner.sender))
}

/// Whom a submission is charged to.
pub(crate) const fn charged(submitter: Submitter, sender: UserId) -> UserId {
    match submitter {
        Submitter::User(user) => user,
        Submitter::Key(_) | Submitter::System => sender,
    }
}

/// A place in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seat {
    /// Behind everything that waits in the lane now.
    End,
    /// Where it stood.
    Same,
}

/// Puts an unfinished message into its lane; a cycle that has not begun begins now.
pub(crate) fn let_go(
    group: &mut Group<'_>,
    found: &Unfinished,
    charged_day: i64,
    seat: Seat,
    now: Timestamp,
) -> Result<(), StoreError> {
    uncount(group, found);
    let seq = match seat {
        Seat::End => group.end_of_lane(now),
        Seat::Same => found.seq,
    };
    group
        .conn
        .prepare_cached(
            "UPDATE work SET phase = 0, seq = ?2, due_at = ?3, since = ?3, charged_day = ?4, hold = NULL,
                person = NULL WHERE ord = ?1",
        )?
        .execute(params![found.owner.id.ord(), seq, now.as_micros(), charged_day])?;
    group
        .conn
        .prepare_cached(
            "UPDATE message SET state = 0, next_attempt_at = NULL, hold_reason = NULL, hold_until = NULL
             WHERE ord = ?1",
        )?
        .execute([found.owner.id.ord()])?;
    if found.phase != Phase::Ready {
        group.lanes.add(group.conn, found.route, found.flow, 1)?;
        group
            .tallies
            .phase(found.route, Some(found.phase), Some(Phase::Ready), 1);
        group.ready(found.route);
    }
    group.moved(&found.owner, Some(found.state), Some(MessageState::Queued));
    Ok(())
}

/// Keeps an unfinished message back. Where it stands in what is held follows from `seat`.
pub(crate) fn keep_back(
    group: &mut Group<'_>,
    found: &Unfinished,
    kept: Kept,
    seat: Seat,
    now: Timestamp,
) -> Result<(), StoreError> {
    uncount(group, found);
    let person = match found.charged_day {
        Some(_) => None,
        None => Some(person(group, found)?.0),
    };
    let seq = match seat {
        Seat::End => group.end_of_lane(now),
        Seat::Same => found.seq,
    };
    group
        .conn
        .prepare_cached(
            "UPDATE work SET phase = 2, seq = ?2, due_at = ?3, hold = ?4, person = ?5, node = NULL, epoch = NULL
             WHERE ord = ?1",
        )?
        .execute(params![
            found.owner.id.ord(),
            seq,
            kept.until.unwrap_or(now).as_micros(),
            kept.reason.number(),
            person
        ])?;
    write_reason(group, found, kept)?;
    if found.phase == Phase::Ready {
        group.lanes.add(group.conn, found.route, found.flow, -1)?;
    }
    if found.phase != Phase::Held {
        group
            .tallies
            .phase(found.route, Some(found.phase), Some(Phase::Held), 1);
    }
    if let Some(until) = kept.until {
        group.settles(until);
    }
    group.moved(&found.owner, Some(found.state), Some(MessageState::Held));
    Ok(())
}

fn write_reason(group: &Group<'_>, found: &Unfinished, kept: Kept) -> Result<(), StoreError> {
    group
        .conn
        .prepare_cached(
            "UPDATE message SET state = 2, next_attempt_at = NULL, hold_reason = ?2, hold_until = ?3
             WHERE ord = ?1",
        )?
        .execute(params![
            found.owner.id.ord(),
            kept.reason.name(),
            kept.until.map(Timestamp::as_micros)
        ])?;
    Ok(())
}

/// A message that leaves what is held under a limit is counted there no longer.
pub(crate) fn uncount(group: &mut Group<'_>, found: &Unfinished) {
    if let Some(reason) = found.hold.filter(|reason| reason.is_limit()) {
        let person = found.person.map_or(super::limits::SYSTEM, |person| person.0);
        group.limits.wait(person, reason, -1);
    }
}

/// What asking the limits comes to for one that is let go by hand.
pub(crate) enum Asked {
    /// It goes.
    Goes(i64),
    /// It stays.
    Stays { until: Timestamp },
}

/// Asks the limits for a message that somebody lets go: it counts as waiting no longer while they are asked. Where it
/// stays, or goes past the limits, nothing was taken.
pub(crate) fn ask(
    group: &mut Group<'_>,
    found: &Unfinished,
    how: Release,
    now: Timestamp,
) -> Result<Asked, StoreError> {
    if let Some(day) = found.charged_day {
        return Ok(Asked::Goes(day));
    }
    let person = person(group, found)?;
    uncount(group, found);
    let foreseen = match postroom_domain::Charge::of(found.owner.kind) {
        postroom_domain::Charge::Exempt => Admission::Accept,
        postroom_domain::Charge::One => group.limits.foresee(person, now, Comes::Anew),
    };
    let asked = match foreseen {
        Admission::Hold(_) if how == Release::PastLimits => Asked::Goes(SETTLED),
        Admission::Hold(_) => Asked::Stays {
            until: group.limits.today(now).ends,
        },
        Admission::Accept => match group.limits.admit(person, &found.owner, now, Comes::Anew) {
            Verdict::Goes(day) => Asked::Goes(day),
            Verdict::Waits { until, .. } => Asked::Stays { until },
        },
    };
    recount(group, found);
    Ok(asked)
}

fn recount(group: &mut Group<'_>, found: &Unfinished) {
    if let Some(reason) = found.hold.filter(|reason| reason.is_limit()) {
        let person = found.person.map_or(super::limits::SYSTEM, |person| person.0);
        group.limits.wait(person, reason, 1);
    }
}
