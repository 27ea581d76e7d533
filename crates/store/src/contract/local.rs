//! Offices that send form letters from their own mail program (I7).

use async_trait::async_trait;
use postroom_domain::{OfficeId, Timestamp};

use super::audit::AuditNote;
use crate::StoreError;

/// Keeps which offices send form letters locally.
#[async_trait]
pub trait LocalSending: Send + Sync {
    /// The offices that do, by id.
    ///
    /// # Errors
    /// Those of the store.
    async fn offices_sending_locally(&self) -> Result<Vec<OfficeId>, StoreError>;

    /// Sets how an office sends its form letters; goes to the audit log where that changes something.
    ///
    /// # Errors
    /// [`StoreError::Missing`] for an office that does not exist.
    async fn set_form_letters(
        &self,
        office: OfficeId,
        way: FormLetters,
        at: Timestamp,
        note: AuditNote,
    ) -> Result<(), StoreError>;
}

/// How an office sends its form letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FormLetters {
    /// Through the queue.
    #[default]
    Queued,
    /// From Outlook/Lotus Notes: the queue refuses them and renders them as files.
    Local,
}
