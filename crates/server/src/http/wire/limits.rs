//! Daily limits and pauses.

use postroom_domain::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::session::Named;

/// The daily limits.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LimitsAnswer {
    /// Messages a day of the whole server; 0 for no limit.
    pub system_daily_limit: u64,
    /// Messages a day of each user; 0 for no limit.
    pub user_daily_limit: u64,
    /// Whose midnight begins a day.
    pub time_zone: String,
    /// The keys that the configuration file sets, which cannot be changed here: `limits.user_daily_limit`.
    pub set_in_configuration: Vec<String>,
    /// The version to name in If-Match.
    pub version: i64,
    /// The day that counts now, `2026-11-23`.
    pub day: String,
    /// When it ends: what is held is released then.
    pub day_ends_at: Timestamp,
    /// Octets that a message may have, as it travels: base64 makes files a third larger.
    pub message_bytes_max: u64,
}

/// A change of limits; what is left out stays.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsEdit {
    /// Messages a day of the whole server; 0 for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_daily_limit: Option<u64>,
    /// Messages a day of each user; 0 for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_daily_limit: Option<u64>,
    /// Whose midnight begins a day: `Europe/Berlin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// What was taken of the limits.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct UsageAnswer {
    /// The first day that is told.
    pub from: String,
    /// The day that counts now.
    pub today: String,
    /// The person's own, of the days with any; empty for a key that is nobody.
    pub own: Vec<DayUsage>,
    /// The whole server's; for administrators of the System Office.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<Vec<DayUsage>>,
    /// Each user's of the offices that one administers; for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<UserUsage>>,
}

/// Messages charged on a day.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DayUsage {
    /// The day, in the limits' time zone.
    pub day: String,
    /// Messages.
    pub used: u64,
}

/// A user's messages charged.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct UserUsage {
    /// The user.
    pub user: Named,
    /// Of the days with any.
    pub days: Vec<DayUsage>,
}

/// What would become of so many messages.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ForecastAnswer {
    /// Messages asked about.
    pub count: u64,
    /// Messages that would go at once.
    pub today: u64,
    /// When the rest would go, if nobody else sent anything meanwhile.
    pub later: Vec<DayForecast>,
    /// Messages that would still wait after a year.
    pub beyond: u64,
    /// What waits under a limit already and goes first, of the same person.
    pub waiting: u64,
}

/// Messages that would go on a day.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DayForecast {
    /// The day, in the limits' time zone.
    pub day: String,
    /// Messages.
    pub count: u64,
}

/// Sending to pause: of an office or of a user.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewPause {
    /// The office.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub office: Option<i64>,
    /// The user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<i64>,
    /// Why, in words; may be left out.
    pub reason: String,
}

/// A pause.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PauseRow {
    /// What to name when it is ended: `office-3`, `user-7`.
    pub id: String,
    /// The office that is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub office: Option<Named>,
    /// The user who is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Named>,
    /// Why; may be empty.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Who paused: `operator`, `user:7`.
    pub by: String,
}

/// Pauses that one may know of.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Pauses {
    /// Offices first.
    pub pauses: Vec<PauseRow>,
}
