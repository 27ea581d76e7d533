//! What just changed, for the event stream (DESIGN invariant 16).

use std::collections::BTreeSet;
use std::sync::Arc;

use postroom_domain::{Category, MessageId, OfficeId, RouteId, Timestamp, UserId};
use tokio::sync::broadcast;

/// Tells of changes after their commit.
pub trait Changes: Send + Sync {
    /// Listens from now on. A listener that falls behind the bounded ring gets `Lagged` and looks anew.
    fn changes(&self) -> broadcast::Receiver<Arc<ChangeSet>>;
}

/// The changes of one commit.
#[derive(Debug, Clone, Default)]
pub struct ChangeSet {
    /// Each message once.
    pub changes: Vec<Change>,
    /// People whose alerts are other ones now.
    pub alerted: Vec<UserId>,
    /// Whether facts were written: who consumes them looks anew.
    pub facts: FactsWritten,
    /// Routes of mail that somebody asked to be tried now: a relay of theirs that is Down is probed at once.
    pub try_now: BTreeSet<RouteId>,
    /// Routes of mail that was under way or held and is ready to be sent again.
    pub ready: BTreeSet<RouteId>,
    /// The first due time of the mail that began to wait for one.
    pub due_at: Option<Timestamp>,
    /// Routes of mail that was tried and waits for its next attempt.
    pub deferred: BTreeSet<RouteId>,
    /// When held mail may be released next, as far as this commit says: the end of a limit's day, or at once.
    pub settle_at: Option<Timestamp>,
}

/// Whether a commit wrote facts that its change notes tell of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FactsWritten {
    /// None that are told of.
    #[default]
    None,
    /// Some.
    Some,
}

impl ChangeSet {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
            && self.alerted.is_empty()
            && self.facts == FactsWritten::None
            && self.try_now.is_empty()
            && self.ready.is_empty()
            && self.due_at.is_none()
            && self.settle_at.is_none()
    }
}

/// One message that changed; enough to decide who may hear of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The message.
    pub id: MessageId,
    /// Its sender.
    pub sender: UserId,
    /// Its office.
    pub office: OfficeId,
    /// Its category.
    pub category: Category,
    /// What happened.
    pub kind: ChangeKind,
}

/// What happened to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It came in.
    Added,
    /// Its row is another.
    Updated,
    /// It is gone.
    Deleted,
}
