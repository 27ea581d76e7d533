//! What was learnt of relays' limits, kept between starts (SPEC D8).

use async_trait::async_trait;
use postroom_domain::{LimitValues, RelayAccount, Timestamp};

use crate::StoreError;

/// Stores what was learnt of relays' limits.
#[async_trait]
pub trait Throttles: Send + Sync {
    /// Saves the limits of an account in place of those before; an account without limits is deleted.
    ///
    /// # Errors
    /// Those of the store.
    async fn save_relay_limits(&self, limits: StoredLimits) -> Result<(), StoreError>;

    /// Returns the limits of every account that has any.
    ///
    /// # Errors
    /// Those of the store.
    async fn relay_limits(&self) -> Result<Vec<StoredLimits>, StoreError>;
}

/// The limits of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLimits {
    /// The account.
    pub account: RelayAccount,
    /// Its limits.
    pub values: LimitValues,
    /// When they changed last.
    pub changed_at: Timestamp,
}
