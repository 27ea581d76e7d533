//! Where an unfinished message stands in the queue (SPEC C5).

use async_trait::async_trait;
use postroom_domain::{FailureCause, MessageId, RouteId, Scope, Timestamp};

use super::audit::Actor;
use crate::StoreError;

/// Tells where messages stand.
#[async_trait]
pub trait Situations: Send + Sync {
    /// Where a message stands; `None` outside the scope.
    ///
    /// # Errors
    /// Those of the store.
    async fn situation(&self, scope: &Scope, id: MessageId) -> Result<Option<Situation>, StoreError>;
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    /// Its way out.
    pub route: RouteId,
    /// What its last attempt failed of, where one did.
    pub cause: Option<FailureCause>,
    /// Its place among unfinished mail; `None` once it has ended.
    pub waits: Option<Waits>,
    /// Who holds it back and since when, where somebody does and that is known.
    pub held: Option<(Actor, Timestamp)>,
}

/// The place of an unfinished message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// When this cycle began: first submission, its time, or the last requeue.
    pub since: Timestamp,
    /// Messages of the same sender and kind that leave before it, where it is ready; counted up to
    /// [`Waits::AHEAD_MAX`].
    pub ahead: Option<u32>,
    /// When it was handed to a connection, while an attempt is under way.
    pub under_way_since: Option<Timestamp>,
}

impl Waits {
    /// Messages that are counted; so many means "at least so many".
    pub const AHEAD_MAX: u32 = 10_000;
}
