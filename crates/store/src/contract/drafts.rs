//! Messages that somebody has not finished writing.

use async_trait::async_trait;
use postroom_domain::{Timestamp, UserId};

use crate::StoreError;

/// Most drafts that one person keeps.
pub const DRAFTS_MAX: usize = 100;

/// Keeps drafts. Each belongs to one person, and nobody else reads, changes or removes it, whatever their rights.
///
/// A person who is disabled keeps them: they are there again when the person is enabled.
#[async_trait]
pub trait Drafts: Send + Sync {
    /// A person's drafts without their bodies, the latest first.
    ///
    /// # Errors
    /// Those of the store.
    async fn drafts(&self, owner: UserId) -> Result<Vec<DraftRow>, StoreError>;

    /// A person's draft; `None` for another's as for an unknown id.
    ///
    /// # Errors
    /// Those of the store.
    async fn draft(&self, owner: UserId, id: DraftId) -> Result<Option<KeptDraft>, StoreError>;

    /// Keeps a new draft, of version 1; `None` where the person has [`DRAFTS_MAX`] already.
    ///
    /// # Errors
    /// [`StoreError::Full`] where the room that is left is for queued mail.
    async fn add_draft(
        &self,
        owner: UserId,
        draft: NewDraft,
        at: Timestamp,
    ) -> Result<Option<DraftId>, StoreError>;

    /// Replaces a person's draft that was made from version `from`, and answers its new version.
    ///
    /// # Errors
    /// [`StoreError::Missing`] for another's as for an unknown id, [`StoreError::Stale`] where another version is kept,
    /// [`StoreError::Full`] as for a new one.
    async fn change_draft(
        &self,
        owner: UserId,
        id: DraftId,
        from: i64,
        draft: NewDraft,
        at: Timestamp,
    ) -> Result<i64, StoreError>;

    /// Removes a person's draft; whether there was one.
    ///
    /// # Errors
    /// Those of the store.
    async fn remove_draft(&self, owner: UserId, id: DraftId) -> Result<bool, StoreError>;
}

/// Names a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DraftId(pub i64);

/// A draft to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDraft {
    /// Its subject, for the list.
    pub subject: String,
    /// Whom it is to, for the list.
    pub to: String,
    /// What the form holds: a JSON object, as text.
    pub body: String,
}

/// A draft in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftRow {
    /// Its id.
    pub id: DraftId,
    /// Its subject.
    pub subject: String,
    /// Whom it is to.
    pub to: String,
    /// When it was kept last.
    pub updated_at: Timestamp,
    /// Octets of its body.
    pub size_bytes: u64,
}

/// A draft's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDraft {
    /// What the form holds: a JSON object, as text.
    pub body: String,
    /// Raised by every change.
    pub version: i64,
}
