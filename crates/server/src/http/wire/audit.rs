//! The audit log.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which page of the log.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Entries, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// Only entries with a smaller number: `next` of the page before.
    pub before: Option<u64>,
}

/// Entries, newest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditItem>,
    /// `before` of the next page; null behind the last.
    #[schema(required)]
    pub next: Option<u64>,
}

/// Something that somebody did.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditItem {
    /// Its number, from 1 without gaps.
    pub seq: u64,
    /// When.
    pub at: String,
    /// Who: `user:3`, `key:7`, `operator`, `system`.
    pub actor: String,
    /// The person's name.
    #[schema(required)]
    pub actor_name: Option<String>,
    /// What: `messages.delete`, `limits.change`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// The office it concerns.
    #[schema(required)]
    pub office: Option<i64>,
    /// To how many things.
    pub count: u64,
    /// Digest of the list of messages, in hexadecimal digits.
    #[schema(required)]
    pub ids_digest: Option<String>,
    /// More about it: never addresses, bodies or secrets.
    #[schema(required, value_type = Option<Object>)]
    pub detail: serde_json::Value,
    /// The hash over the entry and the hash before, in hexadecimal digits.
    pub hash: String,
}

/// What the check is to find.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct VerifyQuery {
    /// A `head` that was answered earlier: it has to be in the chain.
    pub remembered: Option<String>,
}

/// What a check of the log found.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditCheck {
    /// Entries that were looked at.
    pub entries: u64,
    /// The end of the chain, `number:hash`; keep it somewhere else and hand it back later as `remembered`.
    pub head: String,
    /// One sentence for each thing that is wrong; empty when all is right.
    pub problems: Vec<String>,
}
