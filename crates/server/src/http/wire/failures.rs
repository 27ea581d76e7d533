//! Failed mail in groups that can be fixed at once.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::session::Named;

/// Failed mail, in groups, the largest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Failures {
    /// The groups.
    pub groups: Vec<FailureGroup>,
    /// Whether that is all failed mail; else counts say "at least", and older mail may have failed by other causes.
    pub complete: bool,
}

/// Failed mail of one cause on one way out.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailureGroup {
    /// Names the group: `0-auth`.
    pub id: String,
    /// `connect`, `tls`, `auth`, `sender`, `settings`, `relay_down`, `no_answer`, `recipient`, `busy`, `refused`, `damaged`.
    pub cause: String,
    /// What happened.
    pub sentence: String,
    /// What to do.
    pub advice: String,
    /// Where to fix it: `office_settings`, `server_configuration`, or `message` where it is about single messages.
    pub place: String,
    /// The office whose settings they are.
    #[schema(required)]
    pub office: Option<Named>,
    /// How many messages.
    pub count: u64,
    /// The latest of them.
    pub latest: String,
    /// When it failed.
    #[schema(required)]
    pub latest_at: Option<String>,
    /// What was said about it.
    #[schema(required)]
    pub reply: Option<String>,
}

/// How to send a group again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReplayRequest {
    /// Only count.
    pub dry_run: bool,
    /// Answer 202 at once with the job.
    pub background: bool,
}
