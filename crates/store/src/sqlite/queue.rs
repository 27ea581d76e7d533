//! The queue's contract, handed to the writer and the readers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use postroom_domain::{MessageId, NodeSlot, RouteId, Scope, Timestamp};
use tokio::sync::broadcast;

use super::checksum::Digests;
use super::inbox::Lane;
use super::{
    SqliteStore, actions, clock_moves, deeds, depth, enqueue, lease, load, outcomes, promote, settle,
};
use crate::StoreError;
use crate::contract::{
    ActionOutcome, AuditAction, AuditNote, Authority, ChangeSet, Changes, ClockMove, Enqueue, Enqueued,
    Exhaust, LeaseRequest, Leased, Loaded, NodeLease, OutcomeBatch, Promote, Promoted, Queue, QueueDepth,
    Recorded, Release, Revive, Settled, Visited,
};

#[async_trait]
impl Queue for SqliteStore {
    async fn enqueue(&self, op: Enqueue) -> Result<Enqueued, StoreError> {
        enqueue::check(&op)?;
        let bytes = enqueue::weight(&op);
        // Before the writer has its turn: nobody else waits for it here.
        let digests: Vec<Digests> = op
            .messages
            .iter()
            .map(|message| Digests::of(&message.content))
            .collect();
        self.writer
            .run(Lane::Hot, bytes, move |group| {
                enqueue::enqueue(group, &op, &digests)
            })
            .await
    }

    async fn join(&self, slot: NodeSlot, now: Timestamp) -> Result<NodeLease, StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| lease::join(group, slot, now))
            .await
    }

    async fn adopt(&self, node: NodeLease, limit: u32, now: Timestamp) -> Result<Vec<Leased>, StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| lease::adopt(group, node, limit, now))
            .await
    }

    async fn heartbeat(&self, node: NodeLease, now: Timestamp, paused: Duration) -> Result<(), StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| {
                lease::heartbeat(group, node, now, paused)
            })
            .await
    }

    async fn lease(&self, request: LeaseRequest) -> Result<Vec<Leased>, StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| lease::lease(group, &request))
            .await
    }

    async fn leased_at(&self, node: NodeLease, at: Timestamp) -> Result<Vec<Leased>, StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| lease::leased_at(group, node, at))
            .await
    }

    async fn load_up_to(&self, ids: &[MessageId], content_max: u64) -> Result<Loaded, StoreError> {
        let ids = ids.to_vec();
        let mut loaded = self
            .readers
            .run(move |conn| load::load(conn, &ids, content_max))
            .await?;
        if !loaded.damaged.is_empty() {
            // What a connection remembers of the file may be what is damaged: a new one reads it once more.
            let ids: Vec<_> = loaded.damaged.drain(..).map(|(id, _)| id).collect();
            let again = self
                .readers
                .run_anew(move |conn| load::load(conn, &ids, content_max))
                .await?;
            loaded.messages.extend(again.messages);
            loaded.larger.extend(again.larger);
            loaded.damaged = again.damaged;
        }
        Ok(loaded)
    }

    async fn record_outcomes(&self, batch: OutcomeBatch) -> Result<Vec<Recorded>, StoreError> {
        outcomes::check(&batch)?;
        self.writer
            .run(Lane::Hot, 0, move |group| outcomes::record(group, &batch))
            .await
    }

    async fn promote(&self, op: Promote) -> Result<Promoted, StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| promote::promote(group, &op))
            .await
    }

    async fn exhaust(&self, op: Exhaust) -> Result<Visited, StoreError> {
        let op = Arc::new(op);
        let for_reader = Arc::clone(&op);
        let step = self.step;
        let ids = self
            .readers
            .run(move |conn| promote::exhausted(conn, &for_reader, step))
            .await?;
        let Some(&last) = ids.last() else {
            return Ok(Visited::default());
        };
        let changed = self
            .writer
            .run(Lane::Background, 0, move |group| {
                promote::exhaust(group, &op, &ids)
            })
            .await?;
        Ok(Visited {
            changed,
            last: Some(last),
        })
    }

    async fn requeue(
        &self,
        who: &Authority,
        ids: &[MessageId],
        note: &AuditNote,
        now: Timestamp,
    ) -> Result<Vec<ActionOutcome>, StoreError> {
        actions::check(ids)?;
        let (who, ids, note) = (who.clone(), ids.to_vec(), note.clone());
        self.writer
            .run(Lane::Hot, 0, move |group| {
                let outcomes = actions::requeue(group, &who, &ids, now)?;
                deeds::log(group, AuditAction::Requeue, &ids, &outcomes, &note, now)?;
                Ok(outcomes)
            })
            .await
    }

    async fn delete(
        &self,
        who: &Authority,
        ids: &[MessageId],
        note: &AuditNote,
        now: Timestamp,
    ) -> Result<Vec<ActionOutcome>, StoreError> {
        actions::check(ids)?;
        let (who, ids, note) = (who.clone(), ids.to_vec(), note.clone());
        self.writer
            .run(Lane::Hot, 0, move |group| {
                // Whose office it was cannot be read any more once the records are gone.
                let office = deeds::common_office(group.conn, &ids)?;
                let outcomes = actions::delete(group, &who, &ids, now)?;
                deeds::log_in(group, AuditAction::Delete, &ids, &outcomes, office, &note, now)?;
                Ok(outcomes)
            })
            .await
    }

    async fn hold(
        &self,
        who: &Authority,
        ids: &[MessageId],
        note: &AuditNote,
        now: Timestamp,
    ) -> Result<Vec<ActionOutcome>, StoreError> {
        actions::check(ids)?;
        let (who, ids, note) = (who.clone(), ids.to_vec(), note.clone());
        self.writer
            .run(Lane::Hot, 0, move |group| {
                let outcomes = actions::hold(group, &who, &ids, note.actor, now)?;
                deeds::log(group, AuditAction::Hold, &ids, &outcomes, &note, now)?;
                Ok(outcomes)
            })
            .await
    }

    async fn release(
        &self,
        who: &Authority,
        ids: &[MessageId],
        how: Release,
        note: &AuditNote,
        now: Timestamp,
    ) -> Result<Vec<ActionOutcome>, StoreError> {
        actions::check(ids)?;
        let (who, ids, note) = (who.clone(), ids.to_vec(), note.clone());
        self.writer
            .run(Lane::Hot, 0, move |group| {
                let (outcomes, past) = actions::release(group, &who, &ids, how, now)?;
                deeds::log_release(group, &ids, &outcomes, &past, &note, now)?;
                Ok(outcomes)
            })
            .await
    }

    async fn settle(&self, now: Timestamp) -> Result<Settled, StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| settle::settle(group, now))
            .await
    }

    async fn flush(
        &self,
        scope: &Scope,
        after: Option<MessageId>,
        now: Timestamp,
    ) -> Result<Visited, StoreError> {
        let scope = scope.clone();
        let step = self.step;
        let ids = self
            .readers
            .run(move |conn| promote::flushable(conn, &scope, after, now, step))
            .await?;
        let Some(&last) = ids.last() else {
            return Ok(Visited::default());
        };
        let changed = self
            .writer
            .run(Lane::Hot, 0, move |group| promote::flush(group, &ids, now))
            .await?;
        Ok(Visited {
            changed,
            last: Some(last),
        })
    }

    async fn revive(&self, op: Revive) -> Result<Option<MessageId>, StoreError> {
        let step = self.step;
        let ids = self
            .readers
            .run(move |conn| promote::revivable(conn, &op, step))
            .await?;
        let Some(&last) = ids.last() else {
            return Ok(None);
        };
        self.writer
            .run(Lane::Hot, 0, move |group| promote::revive(group, &ids, op.now))
            .await?;
        Ok(Some(last))
    }

    async fn clock_moved(&self, op: ClockMove) -> Result<(), StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| clock_moves::follow(group.conn, op))
            .await
    }

    async fn depth(&self, route: Option<RouteId>) -> Result<QueueDepth, StoreError> {
        self.readers.run(move |conn| depth::depth(conn, route)).await
    }
}

impl Changes for SqliteStore {
    fn changes(&self) -> broadcast::Receiver<Arc<ChangeSet>> {
        self.changes.subscribe()
    }
}
