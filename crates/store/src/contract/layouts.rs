//! How the queue list looks to people and in offices (Q2).

use async_trait::async_trait;
use postroom_domain::{Layout, OfficeId, Timestamp, UserId};

use super::audit::AuditNote;
use crate::StoreError;

/// Keeps layouts.
#[async_trait]
pub trait Layouts: Send + Sync {
    /// The layout kept for a person or an office; `None` where none is.
    ///
    /// # Errors
    /// Those of the store.
    async fn layout(&self, of: LayoutOf) -> Result<Option<KeptLayout>, StoreError>;

    /// Keeps a layout that was made from version `from` (0: there was none) and answers its new version. An office's is
    /// a setting and goes to the audit log.
    ///
    /// # Errors
    /// [`StoreError::Stale`] where another version is kept.
    async fn set_layout(
        &self,
        of: LayoutOf,
        layout: Layout,
        from: i64,
        at: Timestamp,
        note: AuditNote,
    ) -> Result<i64, StoreError>;

    /// Forgets the layout of a person or an office; whether there was one.
    ///
    /// # Errors
    /// Those of the store.
    async fn clear_layout(&self, of: LayoutOf) -> Result<bool, StoreError>;
}

/// Whose layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LayoutOf {
    /// A person's own.
    Person(UserId),
    /// What an office's people see where they have none of their own.
    Office(OfficeId),
}

/// A layout as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLayout {
    /// The layout.
    pub layout: Layout,
    /// Raised by every change.
    pub version: i64,
}
