//! Mail coming in, being leased, and what became of it.

mod actions;
mod intake;
mod lease;

use std::time::Duration;

use async_trait::async_trait;
use postroom_domain::{MessageId, NodeSlot, Reply, RouteId, Scope, Timestamp, UserId};

pub use self::actions::{ActionOutcome, Authority, Release};
pub use self::intake::{
    Admitted, BodyType, Enqueue, Enqueued, Hold, IdempotencyClaim, NewMessage, NewRecipient, RecipientRole,
    Shown, SmtpParameters, Submitter,
};
pub use self::lease::{
    AttemptRecord, AttemptResult, Deliverable, LeaseRequest, Leased, Loaded, Next, NodeLease, Outcome,
    OutcomeBatch, PendingRecipient, RecipientOutcome, Recorded, Want,
};
use super::audit::AuditNote;
use crate::StoreError;

/// The queue: messages enter, are leased for attempts, and end. What works through many messages does it in steps, of 256
/// unless the backend is told otherwise.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Takes messages in, all or none, and answers after they are durable. Ids are given here, in commit order.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Unavailable`]: nothing was kept.
    async fn enqueue(&self, op: Enqueue) -> Result<Enqueued, StoreError>;

    /// Starts an epoch of the node `slot`; from here on every older epoch's writes change nothing.
    ///
    /// The time since the node was last seen counts towards no expiry of mail whose relay was Down. Where the clock
    /// stands before that time, it was set back: deferred mail is due after the rest of its wait, by the new clock.
    ///
    /// # Errors
    /// Those of the store.
    async fn join(&self, slot: NodeSlot, now: Timestamp) -> Result<NodeLease, StoreError>;

    /// Takes over at most `limit` leases that older epochs of this node left behind, with a new generation each; the
    /// caller records them as `uncertain`.
    ///
    /// # Errors
    /// Those of the store.
    async fn adopt(&self, node: NodeLease, limit: u32, now: Timestamp) -> Result<Vec<Leased>, StoreError>;

    /// Records when the node was last seen, and for how long since the last call sending was paused: that time is no part
    /// of an outage.
    ///
    /// # Errors
    /// Those of the store.
    async fn heartbeat(&self, node: NodeLease, now: Timestamp, paused: Duration) -> Result<(), StoreError>;

    /// Leases ready messages in fair order: the lane with the smallest virtual time first.
    ///
    /// # Errors
    /// Those of the store; an older epoch gets nothing.
    async fn lease(&self, request: LeaseRequest) -> Result<Vec<Leased>, StoreError>;

    /// Names what the node leased in this epoch by a request of the time `at` and still holds, with its generation.
    ///
    /// An answer of [`Queue::lease`] may be lost after its commit; then nobody holds these leases, and the caller returns
    /// them. It identifies the request by its time alone, so no two requests of an epoch may have the same.
    ///
    /// # Errors
    /// Those of the store.
    async fn leased_at(&self, node: NodeLease, at: Timestamp) -> Result<Vec<Leased>, StoreError>;

    /// Loads what an attempt needs of leased messages, verified against its checksums; damaged ones are named apart and
    /// hold up no other. Those deleted since are missing.
    ///
    /// # Errors
    /// Those of the store.
    async fn load(&self, ids: &[MessageId]) -> Result<Loaded, StoreError> {
        self.load_up_to(ids, u64::MAX).await
    }

    /// Does the same for messages whose content has at most `content_max` octets, and says how large the others are.
    ///
    /// # Errors
    /// Those of the store.
    async fn load_up_to(&self, ids: &[MessageId], content_max: u64) -> Result<Loaded, StoreError>;

    /// Writes what became of leased messages, each fenced by node, epoch and generation; answers in order. One whose
    /// record is damaged is set aside and holds up no other.
    ///
    /// # Errors
    /// Those of the store; then nothing was written.
    async fn record_outcomes(&self, batch: OutcomeBatch) -> Result<Vec<Recorded>, StoreError>;

    /// Makes waiting messages ready whose time has come; of a blocked route only those that were scheduled: from their time
    /// on they wait for the relay, as others do.
    ///
    /// # Errors
    /// Those of the store.
    async fn promote(&self, op: Promote) -> Result<Promoted, StoreError>;

    /// Fails messages of a route that found no relay Up for too long, at most a step of them a call, by id from behind
    /// [`Exhaust::after`].
    ///
    /// # Errors
    /// Those of the store.
    async fn exhaust(&self, op: Exhaust) -> Result<Visited, StoreError>;

    /// Puts messages back to Outbox with attempts 0, to be tried now (C1): only undelivered recipients are tried. Audited.
    ///
    /// # Errors
    /// Those of the store; per-message refusals are [`ActionOutcome`]s, in the order of `ids` (at most 256).
    async fn requeue(
        &self,
        who: &Authority,
        ids: &[MessageId],
        note: &AuditNote,
        now: Timestamp,
    ) -> Result<Vec<ActionOutcome>, StoreError>;

    /// Deletes records; in Outbox this cancels them (C3). Audited.
    ///
    /// # Errors
    /// Those of the store; per-message refusals are [`ActionOutcome`]s, in the order of `ids` (at most 256).
    async fn delete(
        &self,
        who: &Authority,
        ids: &[MessageId],
        note: &AuditNote,
        now: Timestamp,
    ) -> Result<Vec<ActionOutcome>, StoreError>;

    /// Keeps messages back until somebody releases them, and writes the audit entry; what they were charged
    /// stays charged.
    ///
    /// # Errors
    /// Those of the store; per-message refusals are [`ActionOutcome`]s, in the order of `ids` (at most 256).
    async fn hold(
        &self,
        who: &Authority,
        ids: &[MessageId],
        note: &AuditNote,
        now: Timestamp,
    ) -> Result<Vec<ActionOutcome>, StoreError>;

    /// Lets held messages go, whatever held them, and writes the audit entry. What was not charged yet
    /// asks to be admitted first and stays held where a limit has no room ([`ActionOutcome::OverLimit`]), unless `how` is past it.
    ///
    /// # Errors
    /// Those of the store; per-message refusals are [`ActionOutcome`]s, in the order of `ids` (at most 256).
    async fn release(
        &self,
        who: &Authority,
        ids: &[MessageId],
        how: Release,
        note: &AuditNote,
        now: Timestamp,
    ) -> Result<Vec<ActionOutcome>, StoreError>;

    /// Lets go what waited for a day's start, for a raised limit or for the end of a pause, and keeps back what a pause
    /// found ready; at most a step of messages a call.
    ///
    /// Mail under a limit goes round-robin over those whom it is charged to, first-in first-out within each.
    ///
    /// # Errors
    /// Those of the store.
    async fn settle(&self, now: Timestamp) -> Result<Settled, StoreError>;

    /// Makes deferred messages of the scope due now, at most a step of them a call, by id from behind `after`: what is
    /// deferred again meanwhile is not visited twice. Says that the relays of their routes are to be tried now.
    ///
    /// # Errors
    /// Those of the store.
    async fn flush(
        &self,
        scope: &Scope,
        after: Option<MessageId>,
        now: Timestamp,
    ) -> Result<Visited, StoreError>;

    /// Makes deferred messages of a route due now, because its relay is Up again or is to be probed (D4): by id from
    /// behind `after`, so that each is visited once; answers the last one looked at, `None` behind the last of all.
    ///
    /// # Errors
    /// Those of the store.
    async fn revive(&self, op: Revive) -> Result<Option<MessageId>, StoreError>;

    /// The clock was moved: deferred mail is due after the rest of its wait, and waits for a relay last as long as they
    /// did. Calling it again moves nothing twice, but for what was tried in the last second before the move; it moves what
    /// somebody who had read the clock before wrote since.
    ///
    /// # Errors
    /// Those of the store.
    async fn clock_moved(&self, op: ClockMove) -> Result<(), StoreError>;

    /// How much waits, over all routes or one.
    ///
    /// # Errors
    /// Those of the store.
    async fn depth(&self, route: Option<RouteId>) -> Result<QueueDepth, StoreError>;
}

/// Waiting messages to make ready.
#[derive(Debug, Clone)]
pub struct Promote {
    /// Now.
    pub now: Timestamp,
    /// Routes whose relays are Down.
    pub blocked: Vec<RouteId>,
    /// At most so many, up to a step.
    pub limit: u32,
}

/// What [`Queue::promote`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promoted {
    /// Made ready.
    pub moved: u32,
    /// When the next one is due; of a blocked route, the next that is scheduled.
    pub next_due: Option<Timestamp>,
}

/// Most messages of one [`Revive`].
pub const REVIVE_MOST: u32 = 256;

/// Deferred messages to make due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revive {
    /// The route.
    pub route: RouteId,
    /// Behind this one.
    pub after: Option<MessageId>,
    /// Of other senders than this one.
    pub not_of: Option<UserId>,
    /// With fewer attempts than this.
    pub attempts_below: u32,
    /// Or with a wait that began by then.
    pub since_before: Option<Timestamp>,
    /// At most so many, up to a step.
    pub limit: u32,
    /// Now.
    pub now: Timestamp,
}

/// A move of the clock that stored times are to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockMove {
    /// By how many microseconds, forwards counted positive.
    pub micros: i64,
    /// What the clock showed right after it.
    pub at: Timestamp,
    /// Now.
    pub now: Timestamp,
}

/// What a step over messages in the order of their ids came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Visited {
    /// Messages that were changed.
    pub changed: u32,
    /// The last one looked at, behind which the next step goes on; `None` behind the last of all.
    pub last: Option<MessageId>,
}

/// Which messages of a Down route end (D4).
#[derive(Debug, Clone)]
pub struct Exhaust {
    /// The route.
    pub route: RouteId,
    /// Behind this one.
    pub after: Option<MessageId>,
    /// Those whose cycle began before this.
    pub since_before: Timestamp,
    /// The relay's last error.
    pub reply: Reply,
    /// Now.
    pub now: Timestamp,
}

/// What [`Queue::settle`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settled {
    /// Messages that became ready.
    pub released: u32,
    /// Whether there is more to do now.
    pub more: bool,
    /// When the day ends for which mail waits; `None` where none waits under a limit.
    pub next_at: Option<Timestamp>,
}

/// How much waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueDepth {
    /// Due now.
    pub ready: u64,
    /// Due later.
    pub waiting: u64,
    /// Held.
    pub held: u64,
    /// Under way.
    pub leased: u64,
    /// The oldest unfinished message.
    pub oldest: Option<MessageId>,
}
