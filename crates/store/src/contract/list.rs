//! What people see: pages, counts, one message.

use std::time::Duration;

use async_trait::async_trait;
use postroom_domain::{
    Category, Damage, Kind, MessageId, MessageState, OfficeId, RecipientState, Reply, Scope, ShownType,
    Timestamp, UserId,
};

use serde::{Deserialize, Serialize};

use super::queue::{AttemptResult, Hold, RecipientRole, Submitter};
use crate::StoreError;

/// The list. Every read takes a [`Scope`].
#[async_trait]
pub trait List: Send + Sync {
    /// One page, newest first, at most 200 rows.
    ///
    /// # Errors
    /// Those of the store.
    async fn page(&self, request: &PageRequest) -> Result<Page, StoreError>;

    /// Counts under a filter: exact from kept tallies, or counted; with a search "at least" beyond 10,000.
    ///
    /// # Errors
    /// Those of the store.
    async fn counts(&self, scope: &Scope, filter: &Filter) -> Result<Counts, StoreError>;

    /// The latest rows of these ids (at most 200) as far as they are in scope, in no order.
    ///
    /// # Errors
    /// Those of the store.
    async fn rows(&self, scope: &Scope, ids: &[MessageId]) -> Result<Vec<Row>, StoreError>;

    /// One message; `None` outside the scope as for an unknown id.
    ///
    /// # Errors
    /// Those of the store.
    async fn detail(&self, scope: &Scope, id: MessageId) -> Result<Option<Detail>, StoreError>;

    /// The attempt log of a message, oldest first; `None` outside the scope.
    ///
    /// # Errors
    /// Those of the store.
    async fn attempts(&self, scope: &Scope, id: MessageId) -> Result<Option<Vec<Attempt>>, StoreError>;
}

/// What narrows a list; the default narrows nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// The Type.
    pub shown: Option<ShownType>,
    /// The Source.
    pub category: Option<Category>,
    /// One kind.
    pub kind: Option<Kind>,
    /// One state.
    pub state: Option<MessageState>,
    /// One sender's user mail; a notification is the office's.
    pub sender: Option<UserId>,
    /// One office.
    pub office: Option<OfficeId>,
    /// Submitted at or after.
    pub from: Option<Timestamp>,
    /// Submitted before.
    pub until: Option<Timestamp>,
    /// Words to find.
    pub search: Option<SearchQuery>,
}

/// Words to find in subject and addresses; all must occur, the last one may be the start of a word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchQuery(String);

impl SearchQuery {
    /// Longest query, in characters.
    pub const MAX_CHARS: usize = 200;

    /// Takes the words of `text`; `None` when nothing searchable is in it.
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.chars().take(Self::MAX_CHARS).collect();
        text.chars().any(char::is_alphanumeric).then_some(Self(text))
    }

    /// The words, as typed; each is a run of letters and digits.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
    }
}

/// Which page.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// Who asks.
    pub scope: Scope,
    /// What narrows it.
    pub filter: Filter,
    /// Where it starts.
    pub place: Place,
    /// Rows, 1 to 200.
    pub limit: u32,
}

/// Where a page starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// With the newest.
    First,
    /// After (older than) a row.
    After(MessageId),
    /// Before (newer than) a row: the rows just above it, still newest first.
    Before(MessageId),
    /// At a row position from 0, by kept counts.
    At(u64),
}

/// A page of the list.
#[derive(Debug, Clone)]
pub struct Page {
    /// The rows, newest first.
    pub rows: Vec<Row>,
    /// Position of the first row, where known.
    pub at: Option<u64>,
    /// Whether older rows follow.
    pub more: More,
    /// Whether newer rows precede.
    pub newer: bool,
    /// Where an unfinished search goes on, for [`Place::After`] (for [`Place::Before`], where a page found no row);
    /// else the last row's id.
    pub resume: Option<MessageId>,
}

/// Whether there is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// No.
    No,
    /// Yes.
    Yes,
    /// The time budget ended first.
    Unknown,
}

/// One row of the list (Q2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its id, by which the list is ordered.
    pub id: MessageId,
    /// When it was submitted first: what its id says, except where ids ran ahead of a clock that was set back.
    pub date: Timestamp,
    /// Its state.
    pub state: MessageState,
    /// What sort of mail.
    pub kind: Kind,
    /// Whose mail, and the person's name.
    pub sender: (UserId, String),
    /// The office, and its name.
    pub office: (OfficeId, String),
    /// From.
    pub from: String,
    /// To.
    pub to: String,
    /// Cc.
    pub cc: String,
    /// Bcc.
    pub bcc: String,
    /// Number of recipients.
    pub recipients: u16,
    /// Subject.
    pub subject: String,
    /// First 200 characters of the body.
    pub preview: String,
    /// Media type.
    pub mime_type: String,
    /// Octets.
    pub size_bytes: u64,
    /// Attempts of this cycle.
    pub attempts: u16,
    /// The last acceptance.
    pub sent_on: Option<Timestamp>,
    /// When it is tried next.
    pub next_attempt_at: Option<Timestamp>,
    /// Why and until when it is held.
    pub hold: Option<Hold>,
    /// Not before.
    pub send_at: Option<Timestamp>,
    /// The last thing that went wrong.
    pub error: Option<Reply>,
    /// The caller's words.
    pub tags: Vec<String>,
    /// The caller's id.
    pub external_id: Option<String>,
}

/// Counts under a filter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Rows of exactly this filter.
    pub total: u64,
    /// By state, in the order of [`MessageState::ALL`], under the filter without its Type and state.
    pub states: [u64; 7],
    /// By category (user, notification), under the filter without its Source.
    pub sources: [u64; 2],
    /// False where a search stopped at its budget: at least so many.
    pub exact: bool,
}

/// One message in full.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The row.
    pub row: Row,
    /// Message-ID.
    pub message_id: String,
    /// MAIL FROM.
    pub mail_from: String,
    /// Who handed it in.
    pub submitted_by: Submitter,
    /// Recipients, in order.
    pub recipients: Vec<RecipientDetail>,
    /// The caller's JSON object, as text.
    pub metadata: Option<String>,
    /// The message this one sends again.
    pub resent_from: Option<MessageId>,
    /// The messages that sent this one again.
    pub resent_as: Vec<MessageId>,
    /// What of it was found damaged, where something was.
    pub damage: Option<Damage>,
}

/// One recipient of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientDetail {
    /// The address.
    pub address: String,
    /// Where it stood.
    pub role: RecipientRole,
    /// Its state.
    pub state: RecipientState,
    /// The last thing a relay said about it.
    pub reply: Option<Reply>,
    /// When that was.
    pub at: Option<Timestamp>,
}

/// One entry of the attempt log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Counts from 1 within its cycle.
    pub number: u16,
    /// Counts requeues, from 0.
    pub cycle: u16,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// The relay's name.
    pub relay: String,
    /// TLS version.
    pub tls: Option<String>,
    /// How it ended.
    pub result: AttemptResult,
    /// The words that sum it up.
    pub reply: Reply,
    /// What single recipients were told.
    pub recipients: Vec<AttemptRecipient>,
}

/// What a recipient was told in an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRecipient {
    /// The address.
    pub address: String,
    /// The relay's words.
    pub reply: Reply,
}
