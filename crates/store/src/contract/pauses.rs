//! Sending paused for an office or a sender (SPEC I8): their mail is taken in, kept and waits.

use async_trait::async_trait;
use postroom_domain::{OfficeId, Timestamp, UserId};

use super::audit::{Actor, AuditNote};
use crate::StoreError;

/// Pauses of offices and senders.
///
/// From the commit of a pause on, no message of theirs is leased. What is under way finishes; what is queued, and what
/// comes in, is held with the reason `paused`, in steps ([`super::Queue::settle`]). Notifications are not stopped:
/// a password reset is no office's mail.
#[async_trait]
pub trait Pauses: Send + Sync {
    /// Pauses and writes the audit entry; a pause that is there already gets the new words.
    ///
    /// # Errors
    /// Those of the store.
    async fn pause(
        &self,
        whom: PauseOf,
        reason: String,
        now: Timestamp,
        note: &AuditNote,
    ) -> Result<Pause, StoreError>;

    /// Ends a pause and writes the audit entry; answers the pause, `None` where there was none. What waited is let go
    /// in its order, in steps.
    ///
    /// # Errors
    /// Those of the store.
    async fn resume(
        &self,
        whom: PauseOf,
        now: Timestamp,
        note: &AuditNote,
    ) -> Result<Option<Pause>, StoreError>;

    /// Every pause, offices first.
    ///
    /// # Errors
    /// Those of the store.
    async fn pauses(&self) -> Result<Vec<Pause>, StoreError>;
}

/// Who is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PauseOf {
    /// Every sender of an office; not of the offices below it.
    Office(OfficeId),
    /// One sender.
    Sender(UserId),
}

/// A pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Who is paused.
    pub of: PauseOf,
    /// Why, in somebody's words; may be empty.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Who paused.
    pub by: Actor,
}
