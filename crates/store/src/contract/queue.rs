//! Mail coming in, being leased, and what became of it.

use std::time::Duration;

use async_trait::async_trait;
use postroom_domain::{
    Epoch, Generation, KeyId, Kind, MessageId, MessageState, NodeSlot, OfficeId, RecipientState, Reply,
    RouteId, Scope, Timestamp, Trouble, UserId,
};
use serde::{Deserialize, Serialize};

use super::audit::AuditNote;
use super::content::Content;
use crate::StoreError;

/// The queue: messages enter, are leased for attempts, and end.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Takes messages in, all or none, and answers after they are durable. Ids are given here, in commit order.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Unavailable`]: nothing was kept.
    async fn enqueue(&self, op: Enqueue) -> Result<Enqueued, StoreError>;

    /// Starts an epoch of the node `slot`; from here on every older epoch's writes change nothing.
    ///
    /// # Errors
    /// Those of the store.
    async fn join(&self, slot: NodeSlot, now: Timestamp) -> Result<NodeLease, StoreError>;

    /// Takes over at most `limit` leases that older epochs of this node left behind, with a new generation each; the
    /// caller records them as `uncertain`.
    ///
    /// # Errors
    /// Those of the store.
    async fn adopt(&self, node: NodeLease, limit: u32) -> Result<Vec<Leased>, StoreError>;

    /// Tells that the node lives.
    ///
    /// # Errors
    /// Those of the store.
    async fn heartbeat(&self, node: NodeLease, now: Timestamp) -> Result<(), StoreError>;

    /// Leases ready messages in fair order: the lane with the smallest virtual time first.
    ///
    /// # Errors
    /// Those of the store; an older epoch gets nothing.
    async fn lease(&self, request: LeaseRequest) -> Result<Vec<Leased>, StoreError>;

    /// Loads what an attempt needs of leased messages; those deleted since are missing.
    ///
    /// # Errors
    /// Those of the store.
    async fn load(&self, ids: &[MessageId]) -> Result<Vec<Deliverable>, StoreError>;

    /// Writes what became of leased messages, each fenced by node, epoch and generation; answers in order.
    ///
    /// # Errors
    /// Those of the store; then nothing was written.
    async fn record_outcomes(&self, batch: OutcomeBatch) -> Result<Vec<Recorded>, StoreError>;

    /// Makes waiting messages ready whose time has come, never of a blocked route.
    ///
    /// # Errors
    /// Those of the store.
    async fn promote(&self, op: Promote) -> Result<Promoted, StoreError>;

    /// Fails messages of a route that found no relay Up for too long; answers how many, at most 256 a call.
    ///
    /// # Errors
    /// Those of the store.
    async fn exhaust(&self, op: Exhaust) -> Result<u32, StoreError>;

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
    /// found ready; at most 256 messages a call.
    ///
    /// Mail under a limit goes round-robin over those whom it is charged to, first-in first-out within each.
    ///
    /// # Errors
    /// Those of the store.
    async fn settle(&self, now: Timestamp) -> Result<Settled, StoreError>;

    /// Makes every deferred message of the scope due now; at most 256 a call, answers how many.
    ///
    /// # Errors
    /// Those of the store.
    async fn flush(&self, scope: &Scope, now: Timestamp) -> Result<u32, StoreError>;

    /// Makes deferred messages of a route due now, because its relay is Up again or is to be probed (D4): by id from
    /// behind `after`, so that each is visited once; answers the last one looked at, `None` behind the last of all.
    ///
    /// # Errors
    /// Those of the store.
    async fn revive(&self, op: Revive) -> Result<Option<MessageId>, StoreError>;

    /// How much waits, over all routes or one.
    ///
    /// # Errors
    /// Those of the store.
    async fn depth(&self, route: Option<RouteId>) -> Result<QueueDepth, StoreError>;
}

/// Messages to take in, all or none.
#[derive(Debug, Clone)]
pub struct Enqueue {
    /// 1 to 1,000 messages.
    pub messages: Vec<NewMessage>,
    /// The promise to answer the same again, where the caller asked for it (I2).
    pub idempotency: Option<IdempotencyClaim>,
    /// The node that takes them in: the low bits of their ids.
    pub slot: NodeSlot,
    /// The time of submission.
    pub now: Timestamp,
}

/// A key under which the same answer is given again for 24 hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyClaim {
    /// Whose key space: `key:7`, `user:3`.
    pub credential: String,
    /// The caller's key, at most 256 characters.
    pub key: String,
    /// SHA-256 of the request's body and path.
    pub digest: [u8; 32],
}

/// What became of an [`Enqueue`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enqueued {
    /// Taken in and durable, in the order given.
    Accepted(Vec<Admitted>),
    /// The same request was taken in before: its answer.
    Replayed(Vec<Admitted>),
    /// The key was used for another body.
    KeyReused,
}

/// One message that was taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// Its id.
    pub id: MessageId,
    /// `queued`, `scheduled` or `held`.
    pub state: MessageState,
    /// Number of recipients.
    pub recipients: u16,
    /// Its Message-ID header, with angle brackets.
    pub message_id: String,
    /// Why and until when it is held, if it is.
    pub hold: Option<Hold>,
}

/// Why a message is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// `system_limit`, `user_limit`, `administrator`, `paused`, `restored` ([`postroom_domain::HoldReason`]).
    pub reason: String,
    /// When it is released by itself; `None` for holds by people.
    pub until: Option<Timestamp>,
}

/// A valid message on its way in.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Whose mail it is (V9).
    pub sender: UserId,
    /// The sender's office.
    pub office: OfficeId,
    /// Who or which key handed it in.
    pub submitted_by: Submitter,
    /// What sort of mail.
    pub kind: Kind,
    /// The way out.
    pub route: RouteId,
    /// MAIL FROM without angle brackets; empty for the null reverse-path.
    pub mail_from: String,
    /// 1..n recipients.
    pub recipients: Vec<NewRecipient>,
    /// Parameters of the envelope.
    pub parameters: SmtpParameters,
    /// What the list shows.
    pub shown: Shown,
    /// Not before this time.
    pub send_at: Option<Timestamp>,
    /// Free words of the caller.
    pub tags: Vec<String>,
    /// The caller's own id.
    pub external_id: Option<String>,
    /// The caller's JSON object, as text.
    pub metadata: Option<String>,
    /// The message that this one sends again (C2).
    pub resent_from: Option<MessageId>,
    /// The content, packed before it reaches the writer.
    pub content: Content,
}

/// Who handed a message in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Submitter {
    /// A person.
    User(UserId),
    /// An API key.
    Key(KeyId),
    /// Postroom itself.
    System,
}

/// A recipient of a message on its way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecipient {
    /// RCPT TO without angle brackets.
    pub address: String,
    /// Where the address stood.
    pub role: RecipientRole,
    /// DSN NOTIFY (RFC 3461 §4.1), as given.
    pub notify: Option<String>,
    /// DSN ORCPT (RFC 3461 §4.2), as given.
    pub orcpt: Option<String>,
}

/// Where a recipient's address stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecipientRole {
    /// In To.
    To,
    /// In Cc.
    Cc,
    /// In Bcc.
    Bcc,
    /// In the envelope alone.
    Envelope,
}

impl RecipientRole {
    /// Every role, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::To, Self::Cc, Self::Bcc, Self::Envelope];

    /// The number that the store keeps.
    pub const fn number(self) -> i64 {
        match self {
            Self::To => 0,
            Self::Cc => 1,
            Self::Bcc => 2,
            Self::Envelope => 3,
        }
    }
}

/// BODY= of RFC 6152 and RFC 3030.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyType {
    /// Every octet below 128.
    #[default]
    SevenBit,
    /// Octets above 127 in lines.
    EightBitMime,
}

/// Parameters that travel with the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SmtpParameters {
    /// Whether the content has octets above 127.
    pub body: BodyType,
    /// Whether addresses or header fields need SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// DSN RET (RFC 3461 §4.3), as given.
    pub ret: Option<String>,
    /// DSN ENVID (RFC 3461 §4.4), as given.
    pub envid: Option<String>,
}

/// What the list shows of a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// The From field, decoded.
    pub from: String,
    /// The To field, decoded; shortened by the store to 1,000 characters.
    pub to: String,
    /// The Cc field, decoded.
    pub cc: String,
    /// Blind copies: never in the content, shown to those who may see the message.
    pub bcc: String,
    /// The subject, decoded.
    pub subject: String,
    /// The first 200 characters of the text; empty where the body is secret (V5).
    pub preview: String,
    /// The media type of the whole message, `text/html`.
    pub mime_type: String,
    /// The Message-ID field, with angle brackets.
    pub message_id: String,
    /// Octets of the message as it travels.
    pub size_bytes: u64,
}

/// A node's right to write, of one start of its process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeLease {
    /// Its place.
    pub slot: NodeSlot,
    /// Its start.
    pub epoch: Epoch,
}

/// How many messages of which routes a node can begin now.
#[derive(Debug, Clone)]
pub struct LeaseRequest {
    /// Who asks.
    pub node: NodeLease,
    /// Routes and numbers, at most 256 messages in all.
    pub wants: Vec<Want>,
    /// Now.
    pub now: Timestamp,
}

/// At most `n` messages of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// The route.
    pub route: RouteId,
    /// At most so many.
    pub n: u32,
}

/// A message that a node holds for one attempt: the narrow row alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leased {
    /// The message.
    pub id: MessageId,
    /// The fence of this lease.
    pub generation: Generation,
    /// Its way out.
    pub route: RouteId,
    /// Attempts of this cycle before this one, 0 to 9.
    pub attempts: u16,
    /// When this cycle began: first submission or the last requeue.
    pub since: Timestamp,
}

/// What an attempt needs.
#[derive(Debug, Clone)]
pub struct Deliverable {
    /// The message.
    pub id: MessageId,
    /// Whose mail it is.
    pub sender: UserId,
    /// The sender's office.
    pub office: OfficeId,
    /// MAIL FROM.
    pub mail_from: String,
    /// Recipients not yet final, in order.
    pub pending: Vec<PendingRecipient>,
    /// Whether a recipient ended undelivered in this cycle, in an earlier attempt.
    pub failed_before: bool,
    /// Parameters of the envelope.
    pub parameters: SmtpParameters,
    /// The content.
    pub content: Content,
}

/// A recipient that is still to be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRecipient {
    /// Its place among the message's recipients, from 0.
    pub index: u16,
    /// RCPT TO.
    pub address: String,
    /// DSN NOTIFY.
    pub notify: Option<String>,
    /// DSN ORCPT.
    pub orcpt: Option<String>,
}

/// What became of several leased messages.
#[derive(Debug, Clone)]
pub struct OutcomeBatch {
    /// Who writes.
    pub node: NodeLease,
    /// At most 256 outcomes.
    pub outcomes: Vec<Outcome>,
    /// Now.
    pub now: Timestamp,
}

/// What became of one leased message.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The message.
    pub id: MessageId,
    /// The fence.
    pub generation: Generation,
    /// The attempt; `None` where there was none (given back untried).
    pub attempt: Option<AttemptRecord>,
    /// Recipients that were told something; the others stay as they are.
    pub recipients: Vec<RecipientOutcome>,
    /// What the message does now.
    pub next: Next,
}

/// What a message does after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Every recipient was accepted.
    Sent,
    /// Every recipient is final, at least one undelivered. Pending ones are written `failed` with their last reply.
    Failed,
    /// Tried again at this time.
    Defer(Timestamp),
    /// Not tried: back to its lane at once, at no cost.
    GiveBack,
}

/// One attempt, for the log (S3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRecord {
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// The relay's name.
    pub relay: String,
    /// The TLS version, where there was TLS.
    pub tls: Option<String>,
    /// How it ended.
    pub result: AttemptResult,
    /// The words that sum it up: of the final reply, or of what went wrong.
    pub reply: Reply,
    /// What it says of the SMTP settings (A1); not kept in the log, it becomes a fact.
    pub trouble: Option<Trouble>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptResult {
    /// Every pending recipient was accepted.
    Sent,
    /// Some were.
    Partial,
    /// None was; tried again.
    Deferred,
    /// None was; no more tries.
    Failed,
    /// Its end is unknown (S3).
    Uncertain,
}

impl AttemptResult {
    /// Every result, in the order of their numbers.
    pub const ALL: [Self; 5] = [
        Self::Sent,
        Self::Partial,
        Self::Deferred,
        Self::Failed,
        Self::Uncertain,
    ];

    /// The number that the store keeps.
    pub const fn number(self) -> i64 {
        match self {
            Self::Sent => 0,
            Self::Partial => 1,
            Self::Deferred => 2,
            Self::Failed => 3,
            Self::Uncertain => 4,
        }
    }
}

/// What one recipient was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientOutcome {
    /// Its place among the message's recipients.
    pub index: u16,
    /// Its state now.
    pub state: RecipientState,
    /// The relay's words.
    pub reply: Reply,
}

/// What became of one [`Outcome`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// Written.
    Done,
    /// The lease was no longer this node's: nothing written.
    Fenced,
}

/// Waiting messages to make ready.
#[derive(Debug, Clone)]
pub struct Promote {
    /// Now.
    pub now: Timestamp,
    /// Routes whose relays are Down.
    pub blocked: Vec<RouteId>,
    /// At most so many, up to 256.
    pub limit: u32,
}

/// What [`Queue::promote`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promoted {
    /// Made ready.
    pub moved: u32,
    /// When the next one is due, of routes that are not blocked.
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
    /// At most so many, up to [`REVIVE_MOST`].
    pub limit: u32,
    /// Now.
    pub now: Timestamp,
}

/// Which messages of a Down route end (D4).
#[derive(Debug, Clone)]
pub struct Exhaust {
    /// The route.
    pub route: RouteId,
    /// Those whose cycle began before this.
    pub since_before: Timestamp,
    /// The relay's last error.
    pub reply: Reply,
    /// Now.
    pub now: Timestamp,
}

/// What a person may see and may act on (V6, V7).
#[derive(Debug, Clone)]
pub struct Authority {
    /// Outside this an id does not exist.
    pub see: Scope,
    /// Inside `see` but outside this, an action is refused.
    pub act: Scope,
    /// Inside `see` but outside this, Hold and Release are refused.
    pub hold: Scope,
}

/// What became of an action on one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionOutcome {
    /// Done.
    Done,
    /// No such message in what the person may see.
    NotFound,
    /// Seen, but not this person's to act on.
    NotPermitted,
    /// Somebody holds it back, and the person may not release it: no other action lets it go either.
    HeldBack,
    /// An attempt is under way (409).
    Sending,
    /// The action does not fit its state, for example requeueing a Sent message.
    WrongState(MessageState),
    /// Its office or sender is paused: resume them first.
    Paused,
    /// It stays held under a daily limit, at least until then; only administrators of the System Office let it go past
    /// the limit (L3).
    OverLimit {
        /// The start of the next day.
        until: Timestamp,
    },
}

/// How [`Queue::release`] meets limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Release {
    /// They are asked.
    #[default]
    WithinLimits,
    /// They are not, and nothing is charged: for administrators of the System Office alone (L3).
    PastLimits,
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
