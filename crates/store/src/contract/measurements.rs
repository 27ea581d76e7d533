//! What a node measured of itself, kept over a restart.

use async_trait::async_trait;
use postroom_domain::{NodeSlot, Span, Step, Timestamp};

use crate::StoreError;

/// Keeps what nodes measure of themselves.
#[async_trait]
pub trait Measurements: Send + Sync {
    /// Keeps steps of a node, at most 256, each in place of the same step as it was kept before, and forgets the node's
    /// steps that are older than their span.
    ///
    /// # Errors
    /// [`StoreError::TooMuch`] for more steps, and those of the store.
    async fn keep_measured(
        &self,
        node: NodeSlot,
        steps: Vec<(Span, Step)>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Reads what is kept of a node, each span's oldest step first.
    ///
    /// # Errors
    /// Those of the store.
    async fn measured(&self, node: NodeSlot) -> Result<Vec<(Span, Step)>, StoreError>;

    /// Since when the message waits that has waited longest among the oldest 10,000 unfinished ones, those left out that
    /// are held or whose time has not come; `None` where none of them waits.
    ///
    /// # Errors
    /// Those of the store.
    async fn longest_waiting(&self) -> Result<Option<Timestamp>, StoreError>;
}
