//! One transaction of the writer: the operations of a group share it, and what they add up is written once.

use std::borrow::Cow;
use std::collections::HashMap;

use postroom_domain::{
    Category, Epoch, Kind, MessageId, MessageState, NodeSlot, OfficeId, RouteId, Timestamp, UserId,
};
use rusqlite::Connection;

use super::damage::Care;
use super::kept::Kept;
use super::lanes::{Contender, Debts, Lanes};
use super::limits::{Limits, LimitsLearnt};
use super::pauses::PausesKept;
use super::room::Room;
use super::tally::Tallies;
use crate::StoreError;
use crate::contract::{Change, ChangeKind, ChangeSet, FactsWritten, NodeLease};

/// What an operation of the writer works with.
#[derive(Clone)]
pub(crate) struct Group<'w> {
    /// The connection, inside the group's transaction.
    pub(crate) conn: &'w Connection,
    /// Lanes and virtual times.
    pub(crate) lanes: Lanes<'w>,
    /// Kept counts.
    pub(crate) tallies: Tallies,
    /// Whether new mail may come in.
    pub(crate) room: Room,
    /// Most messages that one step touches.
    pub(crate) step: u32,
    /// Daily limits.
    pub(crate) limits: Limits<'w>,
    /// How operations over many messages run.
    pub(crate) care: Care,
    pauses: Cow<'w, PausesKept>,
    pauses_marks: usize,
    last_id: MessageId,
    kept: &'w Kept,
    epochs: HashMap<NodeSlot, Epoch>,
    routes: HashMap<OfficeId, RouteId>,
    changes: ChangeSet,
}

/// Whose message it is, in the words of counts and changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) id: MessageId,
    pub(crate) sender: UserId,
    pub(crate) office: OfficeId,
    pub(crate) kind: Kind,
}

impl Owner {
    pub(crate) const fn category(&self) -> Category {
        self.kind.category()
    }
}

/// What a group leaves for the writer's memory once it is committed.
pub(crate) struct Learnt {
    last_id: MessageId,
    epochs: HashMap<NodeSlot, Epoch>,
    routes: HashMap<OfficeId, RouteId>,
    times: HashMap<RouteId, f64>,
    debts: Debts,
    limits: LimitsLearnt,
    pauses: Option<PausesKept>,
    /// What changed, for the event stream.
    pub(crate) changes: ChangeSet,
}

impl<'w> Group<'w> {
    pub(crate) fn new(conn: &'w Connection, kept: &'w Kept, room: Room, step: u32) -> Self {
        Self {
            conn,
            room,
            step,
            lanes: Lanes::new(kept),
            tallies: Tallies::default(),
            limits: Limits::new(&kept.limits),
            care: Care::Together,
            pauses: Cow::Borrowed(&kept.pauses),
            pauses_marks: 0,
            last_id: kept.last_id,
            kept,
            epochs: HashMap::new(),
            routes: HashMap::new(),
            changes: ChangeSet::default(),
        }
    }

    /// The same with each message of an operation apart.
    pub(crate) fn with_care(self, care: Care) -> Self {
        Self { care, ..self }
    }

    /// The next id, in commit order.
    pub(crate) fn next_id(&mut self, now: Timestamp, slot: NodeSlot) -> MessageId {
        self.last_id = MessageId::next_after(self.last_id, now, slot);
        self.last_id
    }

    /// A place behind everything that waits in a lane now.
    pub(crate) fn end_of_lane(&self, now: Timestamp) -> i64 {
        MessageId::first_at(now).max(self.last_id).ord()
    }

    /// Who is paused.
    pub(crate) fn pauses(&self) -> &PausesKept {
        &self.pauses
    }

    /// The `n` lanes of a route that come first; see [`Lanes::first`].
    pub(crate) fn first_lanes(&mut self, route: RouteId, n: u32) -> Result<Vec<Contender>, StoreError> {
        self.lanes.first(self.conn, route, n, &self.pauses)
    }

    /// Changes who is paused, or what is left to sweep.
    pub(crate) fn pauses_mut(&mut self) -> &mut PausesKept {
        self.pauses_marks += 1;
        self.pauses.to_mut()
    }

    /// The current epoch of a node.
    pub(crate) fn epoch(&self, slot: NodeSlot) -> Option<Epoch> {
        self.epochs
            .get(&slot)
            .or_else(|| self.kept.epochs.get(&slot))
            .copied()
    }

    /// Whether `node` is of its slot's current epoch.
    pub(crate) fn is_current(&self, node: NodeLease) -> bool {
        self.epoch(node.slot) == Some(node.epoch)
    }

    /// The route of an office: as its settings say, else as whoever submits the mail says. What of its mail takes it is
    /// for [`Kind::route`](postroom_domain::Kind::route).
    pub(crate) fn route_of(&self, office: OfficeId, given: RouteId) -> RouteId {
        let settled = self.routes.get(&office).or_else(|| self.kept.routes.get(&office));
        settled.copied().unwrap_or(given)
    }

    /// Remembers an office's new way out.
    pub(crate) fn set_route(&mut self, office: OfficeId, route: RouteId) {
        self.routes.insert(office, route);
    }

    /// Remembers a node's new epoch.
    pub(crate) fn set_epoch(&mut self, slot: NodeSlot, epoch: Epoch) {
        self.epochs.insert(slot, epoch);
    }

    /// Counts a message from one state to another (`None`: it comes in, it goes) and tells of the change.
    pub(crate) fn moved(&mut self, owner: &Owner, from: Option<MessageState>, to: Option<MessageState>) {
        self.tallies.moved(owner, from, to);
        let kind = match (from, to) {
            (None, _) => ChangeKind::Added,
            (Some(_), None) => ChangeKind::Deleted,
            (Some(_), Some(_)) => ChangeKind::Updated,
        };
        self.changed(owner, kind);
    }

    /// Tells of a change that no count shows.
    pub(crate) fn changed(&mut self, owner: &Owner, kind: ChangeKind) {
        self.changes.changes.push(Change {
            id: owner.id,
            sender: owner.sender,
            office: owner.office,
            category: owner.category(),
            kind,
        });
    }

    /// Says, after the commit, that somebody wants mail of this route tried now.
    pub(crate) fn try_now(&mut self, route: RouteId) {
        self.changes.try_now.insert(route);
    }

    /// Says, after the commit, that mail of this route is ready which was not new.
    pub(crate) fn ready(&mut self, route: RouteId) {
        self.changes.ready.insert(route);
    }

    /// Says, after the commit, that a message of the route that was tried waits for its next attempt.
    pub(crate) fn deferred(&mut self, route: RouteId, at: Timestamp) {
        self.changes.deferred.insert(route);
        self.due(at);
    }

    /// Says, after the commit, that a message waits until then.
    pub(crate) fn due(&mut self, at: Timestamp) {
        let due = &mut self.changes.due_at;
        *due = Some(due.map_or(at, |first| first.min(at)));
    }

    /// Says, after the commit, that held mail may be released then.
    pub(crate) fn settles(&mut self, at: Timestamp) {
        let settle = &mut self.changes.settle_at;
        *settle = Some(settle.map_or(at, |first| first.min(at)));
    }

    /// Tells that a person's alerts are other ones.
    pub(crate) fn alerted(&mut self, person: UserId) {
        self.changes.alerted.push(person);
    }

    /// Tells the consumers of facts, after the commit, that there are new ones.
    pub(crate) const fn facts_written(&mut self) {
        self.changes.facts = FactsWritten::Some;
    }

    /// Counts what was added up; an operation that failed without moving it left nothing to forget.
    pub(crate) fn marks(&self) -> usize {
        let added = self.tallies.marks() + self.lanes.marks() + self.limits.marks();
        self.changes.changes.len()
            + self.changes.alerted.len()
            + self.changes.try_now.len()
            + self.changes.ready.len()
            + self.epochs.len()
            + self.pauses_marks
            + added
            + self.routes.len()
    }

    /// Writes what was added up; the commit follows.
    pub(crate) fn flush(&mut self) -> Result<(), StoreError> {
        self.lanes.flush(self.conn)?;
        self.tallies.flush(self.conn)?;
        // The system's row and the users', last in the transaction.
        self.limits.flush(self.conn)
    }

    /// Ends the group after its commit.
    pub(crate) fn finish(self) -> Learnt {
        let (times, debts) = self.lanes.finish();
        Learnt {
            last_id: self.last_id,
            epochs: self.epochs,
            routes: self.routes,
            times,
            debts,
            limits: self.limits.finish(),
            pauses: match self.pauses {
                Cow::Owned(pauses) => Some(pauses),
                Cow::Borrowed(_) => None,
            },
            changes: self.changes,
        }
    }
}

impl Learnt {
    /// The newest id that the group gave, or the one before it.
    pub(crate) const fn last_id(&self) -> MessageId {
        self.last_id
    }
}

impl Kept {
    /// Takes in what a committed group has learnt; answers its changes.
    pub(crate) fn learn(&mut self, learnt: Learnt) -> ChangeSet {
        self.last_id = learnt.last_id;
        self.epochs.extend(learnt.epochs);
        self.routes.extend(learnt.routes);
        self.times.extend(learnt.times);
        for (lane, debt) in learnt.debts {
            match debt {
                Some(tag) => self.debts.insert(lane, tag),
                None => self.debts.remove(&lane),
            };
        }
        self.limits.learn(learnt.limits);
        if let Some(pauses) = learnt.pauses {
            self.pauses = pauses;
        }
        self.prune();
        learnt.changes
    }
}
