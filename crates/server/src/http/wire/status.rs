//! How the service is.

use postroom_domain::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the service is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The name of the product, as configured.
    pub brand: String,
    /// Whether mail is taken in and sent at all.
    pub queue_enabled: bool,
    /// The relays that mail of one's office leaves through; all of them for administrators of the System Office.
    pub relays: Vec<RelayStatus>,
    /// How much waits of what one may see; of everything for administrators of the System Office.
    pub queue: Depth,
    /// What people should know.
    pub banners: Vec<Banner>,
}

/// How a relay is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RelayStatus {
    /// The office whose own it is; `null`: the server's.
    #[schema(required)]
    pub office: Option<i64>,
    /// Whether it is the one that takes over while the first is down.
    pub second: bool,
    /// Its name; for those who are not told its host what it is, such as `shared e-mail server`.
    pub name: String,
    /// Its host; `null`, like `last_error` and `limits`, for those who do not administer its office or the server.
    #[schema(required)]
    pub host: Option<String>,
    /// Its health.
    pub state: RelayState,
    /// Since when.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// The last thing that went wrong with it.
    #[schema(required)]
    pub last_error: Option<String>,
    /// What Postroom has learnt of the relay's own limits.
    #[schema(required)]
    pub limits: Option<RelayLimits>,
}

/// Limits of a relay, learnt from its replies; `null` where no limit is known. They cost no attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RelayLimits {
    /// Connections at a time.
    #[schema(required)]
    pub connections: Option<u32>,
    /// Recipients of a transaction.
    #[schema(required)]
    pub recipients: Option<u32>,
    /// Messages of a session.
    #[schema(required)]
    pub messages: Option<u32>,
    /// Messages in any minute.
    #[schema(required)]
    pub per_minute: Option<u32>,
    /// Until when nothing is given to it, because it said that mail comes too fast.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub paused_until: Option<Timestamp>,
}

/// The health of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RelayState {
    /// It takes mail.
    Up,
    /// It does not.
    Down,
    /// One message is trying whether it does again.
    Probing,
}

/// How much waits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Depth {
    /// Due now.
    pub ready: u64,
    /// Due later.
    pub waiting: u64,
    /// Held.
    pub held: u64,
    /// Under way.
    pub leased: u64,
    /// When the oldest unfinished message was submitted; told to administrators of the System Office.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub oldest: Option<Timestamp>,
}

/// Something people should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Banner {
    /// `queue_disabled`, `sending_paused`, `office_sends_locally`, `relay_down`, `relay_refused`, `no_server_relay`.
    pub kind: String,
    /// The words.
    pub text: String,
}
