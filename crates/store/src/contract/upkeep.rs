//! What keeps a store in order while it runs.

use async_trait::async_trait;
use postroom_domain::{Damage, MessageId, Timestamp};

use crate::StoreError;

/// Background work and checks.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Adds at most a step of new messages to the full-text index; answers whether more wait.
    ///
    /// # Errors
    /// Those of the store.
    async fn index_text(&self) -> Result<bool, StoreError>;

    /// Forgets idempotency keys made before `before`, ended sessions, and sources that nobody signed in from for long; answers
    /// how many, at most a step of them a call.
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

    /// Gives checksums to some content of an earlier version, which was stored without; answers whether more is left.
    ///
    /// # Errors
    /// Those of the store.
    async fn fill_checksums(&self, now: Timestamp) -> Result<bool, StoreError>;

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

    /// Checks one of [`CheckReport::tables`]: its pages and indexes, and that each value is of its type. Answers a sentence
    /// for each problem.
    ///
    /// # Errors
    /// Those of the store.
    async fn check_table(&self, table: &str) -> Result<Vec<String>, StoreError>;

    /// Verifies the content of some messages behind `after` against its checksums; what is damaged is noted, and reported
    /// once.
    ///
    /// # Errors
    /// Those of the store.
    async fn check_contents(&self, after: MessageId, now: Timestamp) -> Result<ContentCheck, StoreError>;

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
    /// Messages that were found damaged until now, and are still there; the first of them.
    pub damaged: Vec<(MessageId, Damage)>,
    /// Content of an earlier version that has no checksum yet.
    pub without_checksum: u64,
    /// Content in all.
    pub contents: u64,
    /// The tables, for [`Upkeep::check_table`].
    pub tables: Vec<String>,
}

/// What [`Upkeep::check_contents`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContentCheck {
    /// Behind which message to go on; `None` when all are verified.
    pub next: Option<MessageId>,
    /// Messages looked at.
    pub verified: u64,
    /// Those whose content is damaged.
    pub damaged: Vec<(MessageId, Damage)>,
}
