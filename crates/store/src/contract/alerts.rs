//! What people are told in their Alert Center (SPEC A6).

use async_trait::async_trait;
use postroom_domain::alert::{AlertKind, Link};
use postroom_domain::{MessageId, OfficeId, RouteId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::facts::{Consumer, FactId};
use crate::StoreError;

/// Alerts, one a cause and person.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// Raises alerts and moves the consumer's cursor on, in one transaction. Doing it again counts nothing twice.
    ///
    /// # Errors
    /// [`StoreError::TooMuch`] for over 256 alerts.
    async fn raise(&self, batch: RaiseBatch) -> Result<(), StoreError>;

    /// People who have an alert of this key, by id from behind `after`, at most 256.
    ///
    /// # Errors
    /// Those of the store.
    async fn alerted(&self, key: &str, after: Option<UserId>) -> Result<Vec<UserId>, StoreError>;

    /// Senders whose user mail waits for the route's relay, looking at a bounded part of the unfinished mail from
    /// behind `after` on: a sender may come again in a later part.
    ///
    /// # Errors
    /// Those of the store.
    async fn waiting_senders(
        &self,
        route: RouteId,
        after: Option<MessageId>,
    ) -> Result<WaitingSenders, StoreError>;

    /// A person's alerts that are not dismissed, latest first.
    ///
    /// # Errors
    /// Those of the store.
    async fn alerts(&self, person: UserId, page: AlertPage) -> Result<Vec<Alert>, StoreError>;

    /// How many of a person's alerts are unread, and the newest of them.
    ///
    /// # Errors
    /// Those of the store.
    async fn unread_alerts(&self, person: UserId) -> Result<Unread, StoreError>;

    /// Marks alerts of a person; answers whether it is theirs: `false` for one that is not, or is unknown.
    ///
    /// # Errors
    /// Those of the store.
    async fn mark_alert(&self, person: UserId, id: AlertId, to: AlertState) -> Result<bool, StoreError>;

    /// Marks unread alerts of a person as read up to `upto`; answers how many, at most a step of them a call.
    ///
    /// # Errors
    /// Those of the store.
    async fn read_alerts(&self, person: UserId, upto: AlertId) -> Result<u32, StoreError>;

    /// Alerts that are still to be mailed, oldest first, at most 64.
    ///
    /// # Errors
    /// Those of the store.
    async fn alerts_to_mail(&self) -> Result<Vec<Alert>, StoreError>;

    /// Writes that these were mailed (or never will be).
    ///
    /// # Errors
    /// Those of the store.
    async fn alerts_mailed(&self, ids: &[AlertId]) -> Result<(), StoreError>;

    /// Deletes alerts that came last before `before`; answers how many, at most a step of them a call.
    ///
    /// # Errors
    /// Those of the store.
    async fn purge_alerts(&self, before: Timestamp) -> Result<u32, StoreError>;

    /// Which alerts a person wants by e-mail.
    ///
    /// # Errors
    /// Those of the store.
    async fn mailed_alerts(&self, person: UserId) -> Result<MailedAlerts, StoreError>;

    /// Which alerts everybody who wants some wants by e-mail.
    ///
    /// # Errors
    /// Those of the store.
    async fn all_mailed_alerts(&self) -> Result<Vec<(UserId, MailedAlerts)>, StoreError>;

    /// Sets which alerts a person wants by e-mail.
    ///
    /// # Errors
    /// Those of the store.
    async fn set_mailed_alerts(&self, person: UserId, mailed: MailedAlerts) -> Result<(), StoreError>;
}

/// Names an alert; never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlertId(pub i64);

/// Alerts to raise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RaiseBatch {
    /// At most 256, each key and person once.
    pub raises: Vec<Raise>,
    /// The facts that are done with.
    pub passed: Option<(Consumer, FactId)>,
}

/// An alert to raise for one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raise {
    /// Who is told.
    pub person: UserId,
    /// What counts as the same cause.
    pub key: String,
    /// Its kind.
    pub kind: AlertKind,
    /// Its title.
    pub title: String,
    /// What happened.
    pub text: String,
    /// What the person can do.
    pub advice: String,
    /// Where they do it.
    pub link: Link,
    /// When it happened.
    pub at: Timestamp,
    /// How often since the last time, and the last fact that it counts.
    pub count: Count,
    /// Whether it is mailed besides.
    pub mail: Mailing,
}

/// How a raise counts where the person has an alert of the key already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// So many times more, up to this fact, and unread again; nothing where the fact was counted before.
    More(u32, FactId),
    /// Not at all: once told is enough.
    Once,
}

/// Whether an alert is mailed besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mailing {
    /// It is not.
    No,
    /// It is, once.
    Yes,
}

/// An alert of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// Whose it is.
    pub person: UserId,
    /// Its kind.
    pub kind: AlertKind,
    /// Its title.
    pub title: String,
    /// What happened.
    pub text: String,
    /// What the person can do.
    pub advice: String,
    /// Where they do it.
    pub link: Link,
    /// How often it happened.
    pub count: u64,
    /// When it happened first.
    pub first_at: Timestamp,
    /// When it happened last.
    pub last_at: Timestamp,
    /// What the person did with it.
    pub state: AlertState,
}

/// What a person did with an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Nothing yet.
    Unread,
    /// Read it.
    Read,
    /// Put it away.
    Dismissed,
}

impl AlertState {
    /// Every state, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Unread, Self::Read, Self::Dismissed];

    /// The number that the store keeps.
    pub const fn number(self) -> i64 {
        match self {
            Self::Unread => 0,
            Self::Read => 1,
            Self::Dismissed => 2,
        }
    }
}

/// Which of a person's alerts to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertPage {
    /// Unread ones alone, or all that are not dismissed.
    pub which: WhichAlerts,
    /// Those that come behind this one.
    pub after: Option<(Timestamp, AlertId)>,
    /// At most so many, up to 200.
    pub limit: u32,
}

/// Which alerts a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhichAlerts {
    /// All that are not dismissed.
    #[default]
    Open,
    /// Unread ones.
    Unread,
}

/// A person's unread alerts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unread {
    /// How many.
    pub count: u64,
    /// The one that came last.
    pub newest: Option<Alert>,
}

/// A part of the senders whose mail waits for a relay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WaitingSenders {
    /// Senders and their offices, each once in this part.
    pub senders: Vec<(UserId, OfficeId)>,
    /// Behind which message the next part begins; `None` after the last.
    pub next: Option<MessageId>,
}

/// Which kinds of alert a person wants by e-mail; none unless they chose so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MailedAlerts(i64);

impl MailedAlerts {
    /// These kinds.
    #[must_use]
    pub fn of(kinds: &[AlertKind]) -> Self {
        Self(kinds.iter().fold(0, |bits, kind| bits | 1 << kind.number()))
    }

    /// Whether this kind is wanted.
    #[must_use]
    pub const fn has(self, kind: AlertKind) -> bool {
        self.0 & (1 << kind.number()) != 0
    }

    /// The kinds.
    #[must_use]
    pub fn kinds(self) -> Vec<AlertKind> {
        AlertKind::ALL
            .into_iter()
            .filter(|kind| self.has(*kind))
            .collect()
    }

    /// The bits that the store keeps.
    #[must_use]
    pub const fn bits(self) -> i64 {
        self.0
    }

    /// From kept bits; those of no kind are left out.
    #[must_use]
    pub fn from_bits(bits: i64) -> Self {
        let known = AlertKind::ALL
            .into_iter()
            .filter(|kind| bits & (1 << kind.number()) != 0);
        Self::of(&known.collect::<Vec<_>>())
    }
}
