//! Daily limits (SPEC §5): what is allowed, what was taken, what waits.

use async_trait::async_trait;
use postroom_domain::limits::{Ahead, Meter};
use postroom_domain::{Day, Timestamp, UserId};

use super::audit::AuditNote;
use crate::StoreError;

/// The limit on each user's mail where a server runs, unless somebody sets another; a bare store has none.
pub const USER_DAILY_LIMIT_DEFAULT: u64 = 2_000;

/// Limits, and what was taken of them. They are taken in the transaction that admits a message: when it comes in, when
/// a scheduled one falls due, when a held one is let go. A hold takes nothing, a deletion gives nothing back.
#[async_trait]
pub trait Limits: Send + Sync {
    /// The limits and the day that counts at `now`.
    ///
    /// # Errors
    /// Those of the store.
    async fn limits(&self, now: Timestamp) -> Result<LimitsNow, StoreError>;

    /// Takes over what the configuration file says, at each start and reload: its values are pinned.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a time zone that does not exist; nothing was changed.
    async fn configure_limits(&self, configured: ConfiguredLimits) -> Result<(), StoreError>;

    /// Changes limits and writes the audit entry.
    ///
    /// # Errors
    /// Those of the store; what speaks against the change is a [`LimitsSet`].
    async fn set_limits(&self, change: SetLimits, note: &AuditNote) -> Result<LimitsSet, StoreError>;

    /// What was taken on each day of `from..=to`, days without any left out, in the order of days and users.
    ///
    /// # Errors
    /// Those of the store.
    async fn usage(&self, of: UsageOf, from: Day, to: Day) -> Result<Vec<Usage>, StoreError>;

    /// How a person stands today: both limits, and what waits before new mail of theirs.
    ///
    /// # Errors
    /// Those of the store.
    async fn standing(&self, person: UserId, now: Timestamp) -> Result<Standing, StoreError>;
}

/// The values that can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitKey {
    /// `system_daily_limit`.
    System,
    /// `user_daily_limit`.
    User,
    /// `time_zone`.
    TimeZone,
}

impl LimitKey {
    /// The name in the API and below `[limits]` in the configuration file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system_daily_limit",
            Self::User => "user_daily_limit",
            Self::TimeZone => "time_zone",
        }
    }
}

/// The limits as they count now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsNow {
    /// Messages a day of the whole server; 0 for no limit.
    pub system: u64,
    /// Messages a day of each user; 0 for no limit.
    pub user: u64,
    /// Whose midnight begins a day.
    pub time_zone: String,
    /// The values that the configuration file has.
    pub pinned: Vec<LimitKey>,
    /// Counts the changes, for `If-Match`.
    pub version: i64,
    /// The day that counts now.
    pub day: Day,
    /// When it ends and the next one begins.
    pub day_ends: Timestamp,
    /// What was taken of the system's limit today.
    pub system_used: u64,
    /// The most that any user has taken today.
    pub user_used_most: u64,
    /// Messages that wait under a limit.
    pub held: u64,
}

/// What the configuration file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfiguredLimits {
    /// `limits.system_daily_limit`.
    pub system: Option<u64>,
    /// `limits.user_daily_limit`.
    pub user: Option<u64>,
    /// `limits.time_zone`.
    pub time_zone: Option<String>,
    /// The limit of each user where nobody chose one.
    pub user_default: u64,
    /// The server's own zone, for where nobody chose one.
    pub server_zone: String,
}

/// A change of limits; what is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetLimits {
    /// Messages a day of the whole server; 0 for no limit.
    pub system: Option<u64>,
    /// Messages a day of each user; 0 for no limit.
    pub user: Option<u64>,
    /// Whose midnight begins a day.
    pub time_zone: Option<String>,
    /// The version that the change is meant for; `None` for whatever is there.
    pub version: Option<i64>,
    /// Now.
    pub now: Timestamp,
}

/// What became of a [`SetLimits`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitsSet {
    /// Changed; mail that fits now is let go at once.
    Done(LimitsNow),
    /// Somebody changed them meanwhile.
    Stale,
    /// The configuration file has this value.
    Pinned(LimitKey),
    /// More than that was taken today.
    BelowUse {
        /// Which limit.
        key: LimitKey,
        /// What was taken of it today; of the users', the most that one has taken.
        used: u64,
    },
    /// There is no such time zone.
    NoSuchZone(String),
}

/// Whose use is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsageOf {
    /// The whole server's.
    System,
    /// These users'.
    Users(Vec<UserId>),
    /// Every user's.
    EveryUser,
}

/// What was taken on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The day, in the limits' time zone.
    pub day: Day,
    /// Whose; `None` for the whole server.
    pub user: Option<UserId>,
    /// Messages charged.
    pub used: u64,
}

/// How a person stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The day that counts now.
    pub day: Day,
    /// When it ends.
    pub day_ends: Timestamp,
    /// The system's limit.
    pub system: Meter,
    /// The person's.
    pub user: Meter,
    /// What waits.
    pub ahead: Ahead,
}
