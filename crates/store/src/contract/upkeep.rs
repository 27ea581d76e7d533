//! What keeps a store in order while it runs.

use async_trait::async_trait;
use postroom_domain::Timestamp;

use crate::StoreError;

/// Background work and checks.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Adds at most a step of new messages to the full-text index; answers whether more wait.
    ///
    /// # Errors
    /// Those of the store.
    async fn index_text(&self) -> Result<bool, StoreError>;

    /// Forgets idempotency keys made before `before` and ended sessions; answers how many, at most a step of them a call.
    ///
    /// # Errors
    /// Those of the store.
    async fn forget(&self, before: Timestamp, now: Timestamp) -> Result<u32, StoreError>;

    /// Gives unused space of the file back to the file system, for a few milliseconds; answers whether more is left. What a
    /// little new mail needs stays.
    ///
    /// # Errors
    /// Those of the store.
    async fn release_space(&self) -> Result<bool, StoreError>;

    /// Recounts tallies and lanes in one snapshot and compares with what is kept.
    ///
    /// # Errors
    /// Those of the store.
    async fn check(&self) -> Result<CheckReport, StoreError>;

    /// Removes the losses of committed work that [`Upkeep::check`] reports; answers how many. They are lost all the same.
    ///
    /// # Errors
    /// Those of the store.
    async fn acknowledge_losses(&self) -> Result<u32, StoreError>;

    /// Waits until the store ends by itself, because it cannot go on safely or one of its threads panicked, and answers
    /// why. The process should end then: a new one opens the store again. Waits for ever once the store is closed.
    async fn ended(&self) -> String;

    /// Whether the store can write: a small durable write of its own.
    ///
    /// # Errors
    /// Why it cannot.
    async fn ready(&self) -> Result<(), StoreError>;

    /// Finishes what was asked, closes files; later calls answer [`StoreError::Closed`].
    async fn close(&self);
}

/// What [`Upkeep::check`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Messages counted.
    pub messages: u64,
    /// Unfinished messages counted.
    pub work: u64,
    /// One sentence for each difference; empty when all is right.
    pub differences: Vec<String>,
}
