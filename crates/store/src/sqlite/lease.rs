//! Hands out ready messages in fair order, fenced.

use std::collections::VecDeque;
use std::time::Duration;

use postroom_domain::{Epoch, Generation, MessageId, NodeSlot, RouteId, Timestamp};
use rusqlite::{Row, params};

use super::clock_moves;
use super::group::{Group, Owner};
use super::lanes::{Contender, kind_of, pick};
use super::promote::owner;
use super::tally::Phase;
use crate::StoreError;
use crate::contract::{ChangeKind, LeaseRequest, Leased, NodeLease};

/// Messages of one lease operation.
const LEASES_MAX: u32 = 256;

/// Starts a new epoch of a node.
pub(crate) fn join(group: &mut Group<'_>, slot: NodeSlot, now: Timestamp) -> Result<NodeLease, StoreError> {
    clock_moves::since_last_seen(group, slot, now)?;
    let epoch = group
        .conn
        .prepare_cached(
            "INSERT INTO node (slot, epoch, heartbeat, seen_at) VALUES (?1, 1, 0, ?2)
             ON CONFLICT DO UPDATE SET epoch = epoch + 1, heartbeat = heartbeat + 1, seen_at = excluded.seen_at
             RETURNING epoch",
        )?
        .query_row(params![slot.0, now.as_micros()], |row| row.get(0))?;
    group.set_epoch(slot, Epoch(epoch));
    Ok(NodeLease {
        slot,
        epoch: Epoch(epoch),
    })
}

/// Records when the node was last seen, and for how long it sent nothing; an older epoch changes nothing.
pub(crate) fn heartbeat(
    group: &Group<'_>,
    node: NodeLease,
    now: Timestamp,
    paused: Duration,
) -> Result<(), StoreError> {
    if !group.is_current(node) {
        return Ok(());
    }
    clock_moves::leave_out_pause(group.conn, paused, now)?;
    group
        .conn
        .prepare_cached(
            "UPDATE node SET heartbeat = heartbeat + 1, seen_at = ?3 WHERE slot = ?1 AND epoch = ?2",
        )?
        .execute(params![node.slot.0, node.epoch.0, now.as_micros()])?;
    Ok(())
}

/// Takes over leases of the node's older epochs.
pub(crate) fn adopt(
    group: &mut Group<'_>,
    node: NodeLease,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Leased>, StoreError> {
    if !group.is_current(node) {
        return Ok(Vec::new());
    }
    let orphans: Vec<Found<Leased>> = group
        .conn
        .prepare_cached(
            "SELECT ord, generation, attempts, since, route FROM work
             WHERE phase = 3 AND node = ?1 AND epoch < ?2 ORDER BY ord LIMIT ?3",
        )?
        .query_map(params![node.slot.0, node.epoch.0, limit.min(LEASES_MAX)], |row| {
            found(row, |row| leased(row, RouteId(row.get(4)?)))
        })?
        .collect::<Result<_, _>>()?;
    let mut adopted = Vec::with_capacity(orphans.len());
    for (id, orphan) in orphans {
        adopted.extend(group.each(id, now, |group| {
            let orphan = orphan?;
            take(group, node, &orphan, None)?;
            Ok(orphan)
        })?);
    }
    Ok(adopted)
}

/// A row of the work, which may be damaged in itself.
type Found<T> = (MessageId, rusqlite::Result<T>);

fn found<T>(row: &Row<'_>, read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<Found<T>> {
    Ok((MessageId::from_ord(row.get(0)?), read(row)))
}

/// Leases ready messages.
pub(crate) fn lease(group: &mut Group<'_>, request: &LeaseRequest) -> Result<Vec<Leased>, StoreError> {
    let mut all = Vec::new();
    if !group.is_current(request.node) {
        return Ok(all);
    }
    let mut left = LEASES_MAX;
    for want in &request.wants {
        let n = want.n.min(left);
        if n == 0 {
            continue;
        }
        let got = lease_route(group, request, want.route, n)?;
        left -= u32::try_from(got.len()).unwrap_or(left);
        all.extend(got);
    }
    Ok(all)
}

/// Reads what one request leased.
pub(crate) fn leased_at(
    group: &Group<'_>,
    node: NodeLease,
    at: Timestamp,
) -> Result<Vec<Leased>, StoreError> {
    let leases = group
        .conn
        .prepare_cached(
            "SELECT ord, generation - 1, attempts, since, route FROM work
             WHERE phase = 3 AND node = ?1 AND epoch = ?2 AND due_at = ?3 ORDER BY ord",
        )?
        .query_map(params![node.slot.0, node.epoch.0, at.as_micros()], |row| {
            leased(row, RouteId(row.get(4)?))
        })?
        .collect::<Result<_, _>>()?;
    Ok(leases)
}

fn lease_route(
    group: &mut Group<'_>,
    request: &LeaseRequest,
    route: RouteId,
    n: u32,
) -> Result<Vec<Leased>, StoreError> {
    let mut lanes = group.first_lanes(route, n)?;
    let (picks, time) = pick(&mut lanes, n);
    let Some(time) = time else {
        return Ok(Vec::new());
    };
    group.lanes.set_time(route, time);
    let mut queues = Vec::with_capacity(lanes.len());
    for (index, lane) in lanes.iter_mut().enumerate() {
        let wanted = picks.iter().filter(|&&pick| pick == index).count();
        queues.push(if wanted == 0 {
            VecDeque::new()
        } else {
            serve(group, request, route, lane, wanted)?
        });
    }
    let picked: Vec<Leased> = picks
        .iter()
        .filter_map(|&index| queues.get_mut(index).and_then(VecDeque::pop_front))
        .collect();
    let moved = i64::try_from(picked.len()).unwrap_or(0);
    group
        .tallies
        .phase(route, Some(Phase::Ready), Some(Phase::Leased), moved);
    Ok(picked)
}

/// Leases the first `wanted` messages of a lane and notes what is left.
fn serve(
    group: &mut Group<'_>,
    request: &LeaseRequest,
    route: RouteId,
    lane: &mut Contender,
    wanted: usize,
) -> Result<VecDeque<Leased>, StoreError> {
    let Some(kind) = kind_of(lane.flow) else {
        // No mail has such a flow: what is damaged is the lane, and it goes.
        tracing::error!(route = route.0, flow = lane.flow, "a lane is damaged");
        lane.ready = 0;
        group.lanes.served(group.conn, route, lane)?;
        return Ok(VecDeque::new());
    };
    let first: Vec<Found<(Leased, Owner)>> = group
        .conn
        .prepare_cached(
            "SELECT ord, generation, attempts, since, sender, office FROM work
             WHERE route = ?1 AND flow = ?2 AND phase = 0 ORDER BY seq LIMIT ?3",
        )?
        .query_map(
            params![route.0, lane.flow, i64::try_from(wanted).unwrap_or(0)],
            |row| {
                found(row, |row| {
                    let lease = leased(row, route)?;
                    Ok((lease, owner(lease.id, row.get(4)?, row.get(5)?, kind)))
                })
            },
        )?
        .collect::<Result<_, _>>()?;
    let looked = first.len();
    let mut served = VecDeque::with_capacity(looked);
    for (id, message) in first {
        served.extend(group.each(id, request.now, |group| {
            let (message, owner) = message?;
            take(group, request.node, &message, Some(request.now))?;
            group.changed(&owner, ChangeKind::Updated);
            Ok(message)
        })?);
    }
    if looked < wanted {
        // The lane counted more than it has: it is empty now, whatever it said.
        tracing::error!(
            route = route.0,
            flow = lane.flow,
            "a lane counted more than it has"
        );
        lane.ready = 0;
    }
    group.lanes.served(group.conn, route, lane)?;
    Ok(served)
}

/// Takes a message. While it is leased `due_at`, which says nothing then, keeps since when; a lease that is taken over
/// keeps the time of the one before.
fn take(
    group: &Group<'_>,
    node: NodeLease,
    message: &Leased,
    at: Option<Timestamp>,
) -> Result<(), StoreError> {
    group
        .conn
        .prepare_cached(
            "UPDATE work SET phase = 3, node = ?2, epoch = ?3, generation = ?4, due_at = ifnull(?5, due_at)
             WHERE ord = ?1",
        )?
        .execute(params![
            message.id.ord(),
            node.slot.0,
            node.epoch.0,
            message.generation.0,
            at.map(Timestamp::as_micros)
        ])?;
    Ok(())
}

/// Reads ord, generation, attempts and since; the lease is the next generation.
fn leased(row: &Row<'_>, route: RouteId) -> rusqlite::Result<Leased> {
    Ok(Leased {
        id: MessageId::from_ord(row.get(0)?),
        generation: Generation(row.get::<_, i64>(1)? + 1),
        route,
        attempts: row.get(2)?,
        since: Timestamp::from_micros(row.get(3)?),
    })
}
