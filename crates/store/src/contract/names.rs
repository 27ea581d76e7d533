//! Names and addresses to choose from: for a filter, for a new message.

use async_trait::async_trait;
use postroom_domain::{Mailbox, OfficeId, Scope, Typed, UserId};

use crate::StoreError;

/// Finds names and addresses by how they begin.
#[async_trait]
pub trait Names: Send + Sync {
    /// The people and offices whose mail a scope may hold, by name, at most `limit` of each: nobody outside it.
    ///
    /// # Errors
    /// Those of the store.
    async fn names_in(&self, scope: &Scope, typed: &Typed, limit: u32) -> Result<NamesInScope, StoreError>;

    /// Whom a person's own mail went to, the latest first, each address once: at most `limit` of those that answer to
    /// `typed`. It looks at the newest few hundred messages, then at what a search finds within the time of one.
    ///
    /// # Errors
    /// Those of the store.
    async fn written_to(&self, sender: UserId, typed: &Typed, limit: u32)
    -> Result<Vec<Mailbox>, StoreError>;
}

/// People and offices of a scope, each by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamesInScope {
    /// The people.
    pub senders: Vec<(UserId, String)>,
    /// The offices.
    pub offices: Vec<(OfficeId, String)>,
}
