//! What just changed, for the event stream (DESIGN invariant 16).

use std::sync::Arc;

use postroom_domain::{Category, MessageId, OfficeId, UserId};
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
