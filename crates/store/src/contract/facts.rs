//! What happened that somebody is told of (DESIGN invariant 14).
//!
//! A fact is written in the transaction of the change that it tells of, and read behind the cursor of each consumer.
//! Only facts that somebody consumes are written: none for a message that was sent.

use std::time::Duration;

use async_trait::async_trait;
use postroom_domain::alert::ServerTrouble;
use postroom_domain::{MessageId, OfficeId, Reply, RouteId, Timestamp, Trouble, UserId};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// Facts, and what is known of relays between starts.
#[async_trait]
pub trait Facts: Send + Sync {
    /// Writes a fact that belongs to no other change.
    ///
    /// # Errors
    /// Those of the store.
    async fn note_fact(&self, fact: NewFact, now: Timestamp) -> Result<(), StoreError>;

    /// Writes that the server or its machine has to be looked after.
    ///
    /// # Errors
    /// Those of the store.
    async fn note_server_trouble(&self, trouble: ServerTrouble, now: Timestamp) -> Result<(), StoreError>;

    /// The facts behind the consumer's cursor, oldest first, at most `limit` (up to 256).
    ///
    /// # Errors
    /// Those of the store.
    async fn facts(&self, consumer: Consumer, limit: u32) -> Result<Vec<Fact>, StoreError>;

    /// Moves the consumer's cursor on to `to`, never back.
    ///
    /// # Errors
    /// Those of the store.
    async fn advance(&self, consumer: Consumer, to: FactId) -> Result<(), StoreError>;

    /// Deletes facts that every consumer has passed; answers how many, at most a step of them a call.
    ///
    /// # Errors
    /// Those of the store.
    async fn purge_facts(&self) -> Result<u32, StoreError>;

    /// Writes that a relay went Down or came Up, if its epoch is still the expected one; the winner's fact raises the
    /// alert, once (DESIGN invariant 19).
    ///
    /// # Errors
    /// Those of the store.
    async fn relay_edge(&self, edge: RelayEdge) -> Result<EdgeWritten, StoreError>;

    /// What the last edge of each relay left, for a node that starts.
    ///
    /// # Errors
    /// Those of the store.
    async fn relay_states(&self) -> Result<Vec<RelayKept>, StoreError>;
}

/// The place of a fact in their order; never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FactId(pub i64);

/// Who reads facts behind a cursor of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Consumer {
    /// Alerts and notifications.
    Alerts,
}

impl Consumer {
    /// The number that the store keeps.
    pub const fn number(self) -> i64 {
        match self {
            Self::Alerts => 1,
        }
    }
}

/// A fact to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFact {
    /// What happened.
    pub kind: FactKind,
    /// The message that it is about.
    pub message: Option<MessageId>,
    /// The office where it happened.
    pub office: OfficeId,
    /// The person it is about: the message's sender.
    pub person: Option<UserId>,
    /// What the kind's own type says, as JSON ([`FailedDetail`], [`TroubleDetail`], [`RelayDetail`],
    /// [`LimitDetail`]).
    pub detail: Option<String>,
}

impl NewFact {
    /// That a relay of an office cannot be used for the settings' sake, whatever the message.
    pub fn relay_trouble(office: OfficeId, detail: &TroubleDetail) -> Self {
        Self {
            kind: FactKind::RelayTrouble,
            message: None,
            office,
            person: None,
            detail: serde_json::to_string(detail).ok(),
        }
    }
}

/// A fact as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its place in the order.
    pub id: FactId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: FactKind,
    /// The message that it is about.
    pub message: Option<MessageId>,
    /// The office where it happened.
    pub office: OfficeId,
    /// The person it is about.
    pub person: Option<UserId>,
    /// What the kind's own type says, as JSON.
    pub detail: Option<String>,
}

impl Fact {
    /// Reads the detail as the kind's own type; `None` where it is missing or another type's.
    pub fn detail<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        self.detail
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactKind {
    /// A message ended Failed ([`FailedDetail`]).
    MessageFailed,
    /// An attempt failed for the settings' sake, or connections to a relay are not allowed ([`TroubleDetail`]).
    RelayTrouble,
    /// A relay went Down ([`RelayDetail`]).
    RelayDown,
    /// A relay came Up ([`RelayDetail`]).
    RelayUp,
    /// The first message of a person was held that day under a limit ([`LimitDetail`]).
    LimitReached,
    /// Something stored of a message was found damaged, written once a message ([`DamagedDetail`]).
    MessageDamaged,
    /// The server or its machine has to be looked after ([`ServerTrouble`]).
    ServerTrouble,
}

impl FactKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::MessageFailed,
        Self::RelayTrouble,
        Self::RelayDown,
        Self::RelayUp,
        Self::LimitReached,
        Self::MessageDamaged,
        Self::ServerTrouble,
    ];

    /// The number that the store keeps.
    pub const fn number(self) -> i64 {
        match self {
            Self::MessageFailed => 0,
            Self::RelayTrouble => 1,
            Self::RelayDown => 2,
            Self::RelayUp => 3,
            Self::LimitReached => 4,
            Self::MessageDamaged => 5,
            Self::ServerTrouble => 6,
        }
    }

    /// The kind of a kept number; `None` for a number that no kind has.
    pub fn from_number(number: i64) -> Option<Self> {
        usize::try_from(number)
            .ok()
            .and_then(|n| Self::ALL.get(n).copied())
    }
}

/// What a [`FactKind::MessageFailed`] says besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedDetail {
    /// The message's kind: an alert's mail raises no alert.
    pub kind: postroom_domain::Kind,
    /// The person who handed it in, where it is not the sender (V9).
    pub submitted_by: Option<i64>,
    /// The last words about it.
    pub error: String,
}

/// What a [`FactKind::MessageDamaged`] says besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DamagedDetail {
    /// What of it: [`postroom_domain::Damage::number`].
    pub damage: i64,
}

/// What a [`FactKind::RelayTrouble`] says besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TroubleDetail {
    /// What is wrong.
    pub trouble: Trouble,
    /// The message's kind; `None` where it is about no message.
    pub kind: Option<postroom_domain::Kind>,
    /// The route whose relay it is.
    pub route: i64,
    /// The relay's name.
    pub relay: String,
    /// The relay's epoch: another one after each edge, so that each outage is told from the next.
    pub epoch: i64,
    /// The relay's words, or ours.
    pub error: String,
}

/// What a [`FactKind::RelayDown`] and a [`FactKind::RelayUp`] say besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayDetail {
    /// The route whose relay it is.
    pub route: i64,
    /// Whether it is the first (0) or the second (1) of the route.
    pub place: u8,
    /// The relay's name.
    pub relay: String,
    /// The outage: the epoch that began with its Down.
    pub outage: i64,
    /// The failure that took it Down; empty for Up.
    pub error: String,
    /// What its mail does meanwhile.
    pub mail: WaitingMail,
}

/// Which of the two daily limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DailyLimit {
    /// The whole server's.
    System,
    /// The person's own.
    User,
}

/// What a [`FactKind::LimitReached`] says besides: written once a person, limit and day, with the first message held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitDetail {
    /// Which limit.
    pub limit: DailyLimit,
    /// The day in the limits' time zone, `2026-11-23`.
    pub day: String,
    /// The limit's number.
    pub most: u64,
}

/// What the mail of a relay that is Down does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingMail {
    /// It waits.
    Waits,
    /// The route's other relay takes it.
    GoesElsewhere,
}

/// An edge of a relay's health, found by a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayEdge {
    /// The route.
    pub route: RouteId,
    /// The first (0) or second (1) relay of the route.
    pub place: u8,
    /// Its name.
    pub name: String,
    /// The epoch that the node last saw; 0 for a relay that had no edge yet.
    pub epoch: i64,
    /// What it is now.
    pub to: RelayTo,
    /// Now.
    pub now: Timestamp,
}

/// What a relay became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelayTo {
    /// Down, for this failure.
    Down {
        /// The relay's words.
        error: Reply,
        /// What its mail does.
        mail: WaitingMail,
    },
    /// Up again.
    Up,
}

/// What became of a [`RelayEdge`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EdgeWritten {
    /// This node was first; the relay's epoch now.
    Won(i64),
    /// Another node, or an earlier start, wrote something else: what is kept.
    Lost(Option<RelayKept>),
}

/// What is kept of a relay between starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayKept {
    /// The route.
    pub route: RouteId,
    /// The first (0) or second (1) relay of the route.
    pub place: u8,
    /// Its name.
    pub name: String,
    /// Its epoch.
    pub epoch: i64,
    /// The failure that took it Down, while it is.
    pub down: Option<Reply>,
    /// What its mail does meanwhile.
    pub mail: WaitingMail,
    /// Since when it is what it is.
    pub since: Timestamp,
    /// How much of that time no server ran, or sending was paused; it counts towards no expiry.
    pub unserved: Duration,
}
