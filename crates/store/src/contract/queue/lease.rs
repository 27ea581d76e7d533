//! What is leased, and what became of it.

use std::time::Duration;

use postroom_domain::{
    Damage, Epoch, Generation, MessageId, NodeSlot, OfficeId, RecipientState, Reply, RouteId, Timestamp,
    Trouble, UserId,
};
use serde::{Deserialize, Serialize};

use super::intake::SmtpParameters;
use crate::contract::content::Content;

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
    /// Now; another time than that of any earlier request whose leases have not ended.
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

/// What loading leased messages came to.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// Those that can be sent.
    pub messages: Vec<Deliverable>,
    /// Those of which something stored is damaged: they end with [`Next::Damaged`].
    pub damaged: Vec<(MessageId, Damage)>,
    /// Those whose content is larger than was asked for, neither read nor verified, with its octets.
    pub larger: Vec<(MessageId, u64)>,
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
    /// The attempt; `None` where there was none (given back untried) or it goes on.
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
    /// The attempt goes on with further recipients under the same lease; what the relay accepted so far is durable.
    Continue,
    /// Something stored of it is damaged: it ends Failed with that as its reason, and somebody is told.
    Damaged(Damage),
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
    /// The message's record is damaged: it was set aside with what could be written.
    Damaged,
}
