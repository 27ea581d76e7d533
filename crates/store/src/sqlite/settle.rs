//! Lets go what waited for a day, a limit or the end of a pause, in steps.

use std::collections::VecDeque;

use postroom_domain::{Damage, HoldReason, MessageId, Timestamp};
use rusqlite::{Connection, params};

use super::group::Group;
use super::hold::{self, Kept, Place, Seat, keep_back, let_go, place_again};
use super::limit_days;
use super::limits::{Comes, SYSTEM, Today};
use super::pauses::Sweep;
use super::promote::unfinished;
use super::tally::Phase;
use crate::StoreError;
use crate::contract::{PauseOf, Settled};

/// Kinds that a flow number has room for.
const FLOWS: i64 = 16;

/// One step.
pub(crate) fn settle(group: &mut Group<'_>, now: Timestamp) -> Result<Settled, StoreError> {
    limit_days::correct(group, now)?;
    let mut settled = Settled::default();
    let mut left = group.step;
    while left > 0
        && let Some(sweep) = group.pauses().sweeps.front().cloned()
    {
        let (moved, rest) = match sweep {
            Sweep::Park { of, senders } => park(group, of, senders, now, left)?,
            Sweep::LetGo { of, after } => {
                let (released, looked, rest) = resume(group, of, after, now, left)?;
                settled.released += released;
                (looked, rest)
            }
        };
        left = left.saturating_sub(moved);
        let sweeps = &mut group.pauses_mut().sweeps;
        sweeps.pop_front();
        if let Some(rest) = rest {
            sweeps.push_front(rest);
        }
    }
    if group.limits.held_in_all() > 0 {
        let today = group.limits.today(now);
        let (released, more) = by_turns(group, today, now, left)?;
        settled.released += released;
        settled.more |= more;
        settled.next_at = (group.limits.held_in_all() > 0).then_some(today.ends);
    }
    settled.more |= !group.pauses().sweeps.is_empty();
    Ok(settled)
}

/// Keeps back what a pause found ready; answers how many, and what is left to do.
fn park(
    group: &mut Group<'_>,
    of: PauseOf,
    senders: std::collections::HashSet<i64>,
    now: Timestamp,
    most: u32,
) -> Result<(u32, Option<Sweep>), StoreError> {
    group.lanes.flush(group.conn)?;
    let mut moved = 0;
    for (route, flow) in lanes_of(group.conn, &senders)? {
        for id in ready(group.conn, route, flow, of, most - moved)? {
            group.each(id, now, |group| match unfinished(group.conn, id)? {
                Some(found) if found.phase == Phase::Ready => {
                    keep_back(group, &found, paused(), Seat::Same, now)
                }
                Some(_) | None => Ok(()),
            })?;
            moved += 1;
        }
        if moved >= most {
            return Ok((moved, Some(Sweep::Park { of, senders })));
        }
    }
    Ok((moved, None))
}

const fn paused() -> Kept {
    Kept {
        reason: HoldReason::Paused,
        until: None,
    }
}

/// Lanes of user mail of these senders with something ready.
fn lanes_of(
    conn: &Connection,
    senders: &std::collections::HashSet<i64>,
) -> Result<Vec<(i64, i64)>, StoreError> {
    let lanes: Vec<(i64, i64)> = conn
        .prepare_cached("SELECT route, flow FROM lane WHERE flow >= 0")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    Ok(lanes
        .into_iter()
        .filter(|(_, flow)| senders.contains(&(flow / FLOWS)))
        .collect())
}

fn ready(
    conn: &Connection,
    route: i64,
    flow: i64,
    of: PauseOf,
    most: u32,
) -> Result<Vec<MessageId>, StoreError> {
    // A sender who changed offices has mail of both in one lane.
    let office = match of {
        PauseOf::Office(office) => Some(office.0),
        PauseOf::Sender(_) => None,
    };
    Ok(conn
        .prepare_cached(
            "SELECT ord FROM work WHERE phase = 0 AND route = ?1 AND flow = ?2 AND (?3 IS NULL OR office = ?3)
             ORDER BY seq LIMIT ?4",
        )?
        .query_map(params![route, flow, office, most], |row| {
            Ok(MessageId::from_ord(row.get(0)?))
        })?
        .collect::<Result<_, _>>()?)
}

/// Lets go what a pause kept back, in its order; answers how many became ready, how many were looked at, and what is
/// left to do.
fn resume(
    group: &mut Group<'_>,
    of: PauseOf,
    after: (i64, MessageId),
    now: Timestamp,
    most: u32,
) -> Result<(u32, u32, Option<Sweep>), StoreError> {
    let kept = kept_back(group.conn, of, after, most)?;
    let (mut released, mut looked) = (0, 0);
    let mut last = after;
    for (seq, id) in kept {
        looked += 1;
        last = (seq, id);
        released += group
            .each(id, now, |group| resume_one(group, id, now))?
            .unwrap_or(0);
    }
    let rest = (looked >= most).then_some(Sweep::LetGo { of, after: last });
    Ok((released, looked, rest))
}

fn resume_one(group: &mut Group<'_>, id: MessageId, now: Timestamp) -> Result<u32, StoreError> {
    let Some(found) = unfinished(group.conn, id)? else {
        return Ok(0);
    };
    // Another pause may cover it still.
    match place_again(group, &found, now, Comes::Anew)? {
        Place::Lane(charged_day) => {
            let_go(group, &found, charged_day, Seat::Same, now)?;
            return Ok(1);
        }
        Place::Back(kept) if kept.reason == HoldReason::Paused => {}
        Place::Back(kept) => keep_back(group, &found, kept, Seat::Same, now)?,
    }
    Ok(0)
}

fn kept_back(
    conn: &Connection,
    of: PauseOf,
    (seq, after): (i64, MessageId),
    most: u32,
) -> Result<Vec<(i64, MessageId)>, StoreError> {
    let (sql, id) = match of {
        PauseOf::Office(office) => (
            "SELECT seq, ord FROM work WHERE hold = 4 AND office = ?1 AND (seq, ord) > (?2, ?3)
             ORDER BY seq, ord LIMIT ?4",
            office.0,
        ),
        PauseOf::Sender(user) => (
            "SELECT seq, ord FROM work WHERE hold = 4 AND sender = ?1 AND (seq, ord) > (?2, ?3)
             ORDER BY seq, ord LIMIT ?4",
            user.0,
        ),
    };
    Ok(conn
        .prepare_cached(sql)?
        .query_map(params![id, seq, after.ord(), most], |row| {
            Ok((row.get(0)?, MessageId::from_ord(row.get(1)?)))
        })?
        .collect::<Result<_, _>>()?)
}

/// Lets go what fits into today's limits: one of each person whose mail waits, by turns, first-in first-out within
/// each. Answers how many became ready and whether there is more to do.
fn by_turns(
    group: &mut Group<'_>,
    today: Today,
    now: Timestamp,
    most: u32,
) -> Result<(u32, bool), StoreError> {
    if most == 0 {
        return Ok((0, true));
    }
    let persons = who_may_go(group, today);
    if persons.is_empty() {
        group.limits.set_waits_until(today.ends);
        let stamped = stamp_anew(group, today, now, most)?;
        return Ok((0, stamped >= most));
    }
    let seats = usize::try_from(most).unwrap_or(usize::MAX);
    let served: Vec<i64> = persons.iter().copied().take(seats).collect();
    let each = (most / u32::try_from(served.len()).unwrap_or(most)).max(1);
    let mut lines = Vec::with_capacity(served.len());
    for &person in &served {
        lines.push((person, line_of(group.conn, person, each)?));
    }
    if served.len() < persons.len()
        && let Some(&last) = served.last()
    {
        group.limits.set_turn(last);
    }
    let (released, looked) = serve(group, lines, now)?;
    if looked == 0 {
        // Persons counted as waiting of whom nothing waits: a recount would show it; going on would never end.
        tracing::error!("mail is counted as held under a limit that is not there");
        group.limits.set_waits_until(today.ends);
    }
    Ok((released, looked > 0))
}

/// Serves the lines by turns until a limit ends it; answers how many became ready and how many were looked at.
fn serve(
    group: &mut Group<'_>,
    mut lines: Vec<(i64, VecDeque<MessageId>)>,
    now: Timestamp,
) -> Result<(u32, u32), StoreError> {
    let (mut released, mut looked) = (0, 0);
    while !lines.is_empty() {
        let mut next_round = Vec::with_capacity(lines.len());
        for (person, mut line) in lines {
            let Some(id) = line.pop_front() else {
                continue;
            };
            looked += 1;
            match group.each(id, now, |group| serve_one(group, id, person, now))? {
                Some(Served::SystemUsedUp) => return Ok((released, looked)),
                // Others go on.
                Some(Served::PersonUsedUp) => {}
                Some(Served::Released) => {
                    released += 1;
                    next_round.push((person, line));
                }
                Some(Served::Held) | None => next_round.push((person, line)),
            }
        }
        lines = next_round;
    }
    Ok((released, looked))
}

/// What became of the first of somebody's line.
enum Served {
    Released,
    Held,
    PersonUsedUp,
    SystemUsedUp,
}

fn serve_one(
    group: &mut Group<'_>,
    id: MessageId,
    person: i64,
    now: Timestamp,
) -> Result<Served, StoreError> {
    let Some(found) = unfinished(group.conn, id)? else {
        return Err(StoreError::Damaged(id, Damage::Record));
    };
    if group.pauses().cover(&found.owner) {
        keep_back(group, &found, paused(), Seat::Same, now)?;
        return Ok(Served::Held);
    }
    let whom = hold::person(group, &found)?;
    match group.limits.foresee(whom, now, Comes::FromLine) {
        postroom_domain::Admission::Hold(HoldReason::SystemLimit) => Ok(Served::SystemUsedUp),
        postroom_domain::Admission::Hold(_) => Ok(Served::PersonUsedUp),
        postroom_domain::Admission::Accept => {
            let Place::Lane(charged_day) = place_again(group, &found, now, Comes::FromLine)? else {
                return Ok(Served::Held);
            };
            let_go(group, &found, charged_day, Seat::Same, now)?;
            group.limits.set_turn(person);
            Ok(Served::Released)
        }
    }
}

/// Persons whose mail waits and who have room today.
fn who_may_go(group: &Group<'_>, today: Today) -> Vec<i64> {
    let limits = &group.limits;
    if limits.meter(today.day, SYSTEM).is_used_up() {
        return Vec::new();
    }
    let mut persons = limits.by_turns();
    persons.retain(|&person| !limits.meter(today.day, person).is_used_up());
    persons
}

fn line_of(conn: &Connection, person: i64, most: u32) -> Result<VecDeque<MessageId>, StoreError> {
    Ok(conn
        .prepare_cached("SELECT ord FROM work WHERE hold < 3 AND person = ?1 ORDER BY seq, ord LIMIT ?2")?
        .query_map(params![person, most], |row| Ok(MessageId::from_ord(row.get(0)?)))?
        .collect::<Result<_, _>>()?)
}

/// Gives what still waits its new reason and its new day; answers how many.
fn stamp_anew(group: &mut Group<'_>, today: Today, now: Timestamp, most: u32) -> Result<u32, StoreError> {
    let full = group.limits.meter(today.day, SYSTEM).is_used_up();
    let reason = if full {
        HoldReason::SystemLimit
    } else {
        HoldReason::UserLimit
    };
    let mut stale = outdated(group.conn, HoldReason::SystemLimit, today.ends, most)?;
    stale.extend(outdated(group.conn, HoldReason::UserLimit, today.ends, most)?);
    if !full {
        // The system has room again: these wait for their person's limit alone.
        stale.extend(outdated(
            group.conn,
            HoldReason::SystemLimit,
            Timestamp::from_micros(i64::MAX),
            most,
        )?);
        stale.sort_unstable();
        stale.dedup();
    }
    stale.truncate(usize::try_from(most).unwrap_or(0));
    for &id in &stale {
        group.each(id, now, |group| {
            let Some(found) = unfinished(group.conn, id)? else {
                return Ok(());
            };
            let person = hold::person(group, &found)?;
            let first = group.limits.tell(today.day, person.0, reason);
            hold::tell(group, &found.owner, person, reason, first, now)?;
            group.limits.wait(person.0, reason, 1);
            let kept = Kept {
                reason,
                until: Some(today.ends),
            };
            keep_back(group, &found, kept, Seat::Same, now)
        })?;
    }
    Ok(u32::try_from(stale.len()).unwrap_or(most))
}

fn outdated(
    conn: &Connection,
    reason: HoldReason,
    until: Timestamp,
    most: u32,
) -> Result<Vec<MessageId>, StoreError> {
    Ok(conn
        .prepare_cached(
            "SELECT ord FROM work WHERE hold < 3 AND hold = ?1 AND due_at < ?2 ORDER BY due_at LIMIT ?3",
        )?
        .query_map(params![reason.number(), until.as_micros(), most], |row| {
            Ok(MessageId::from_ord(row.get(0)?))
        })?
        .collect::<Result<_, _>>()?)
}
