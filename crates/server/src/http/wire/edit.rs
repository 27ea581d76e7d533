//! Changing a recipient.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::list::State;

/// Another address for a recipient.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAddress {
    /// The address.
    #[schema(example = "client@example.com")]
    pub address: String,
}

/// A message that was changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Changed {
    /// Its id.
    pub id: String,
    /// Its state now: `queued` where it is tried at once.
    pub state: State,
}
