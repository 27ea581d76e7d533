//! Changing what is kept of a letter that has not reached somebody (SPEC C7).

use async_trait::async_trait;
use postroom_domain::{MessageId, Timestamp};

use super::audit::AuditNote;
use super::content::Packed;
use super::queue::{ActionOutcome, Authority};
use crate::StoreError;

/// Edits kept letters.
#[async_trait]
pub trait Edit: Send + Sync {
    /// Changes the address of a recipient that nothing was delivered to, in the envelope, the columns and the letter's
    /// header, and puts a failed or deferred message back to Outbox. Date and Message-ID stay. Audited.
    ///
    /// # Errors
    /// Those of the store; what keeps it from being done is an outcome.
    async fn readdress(
        &self,
        who: &Authority,
        change: Readdress,
        note: &AuditNote,
        now: Timestamp,
    ) -> Result<Readdressed, StoreError>;
}

/// Another address for a recipient. What it was made from is named, so that two changes at once never undo each other.
#[derive(Debug, Clone)]
pub struct Readdress {
    /// The message.
    pub message: MessageId,
    /// The recipient's place.
    pub index: u16,
    /// Its address until now.
    pub old: String,
    /// Its address from now on.
    pub new: String,
    /// The header block until now and from now on, where the letter names the address.
    pub header: Option<(Packed, Packed)>,
    /// To, Cc and Bcc as the list shows them from now on.
    pub shown: [String; 3],
}

/// What became of a [`Readdress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readdressed {
    /// Changed, or why not, as for other actions.
    Outcome(ActionOutcome),
    /// The recipient has the letter.
    Delivered,
    /// Another recipient has this address.
    Duplicate,
    /// The recipient or the letter has changed since it was read.
    Stale,
}
