//! Jobs: actions on all that match, under way or ended.

use postroom_store::{self as store, ItemOutcome};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::actions::{ActionItem, Outcome};

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Job {
    /// Its id.
    pub id: i64,
    /// What it does: `requeue`, `resend`, `delete`, `hold`, `release`.
    pub action: String,
    /// `running`, `done`, `cancelled`, or `stopped` for the `reason`.
    pub state: String,
    /// Why it stopped, or why it has visited fewer messages than matched when it began.
    #[schema(required)]
    pub reason: Option<String>,
    /// Who started it: `user:3`, `key:7` or `operator`.
    pub owner: String,
    /// Messages that matched when it began.
    pub total: u64,
    /// Messages it has looked at: done + skipped + refused.
    pub visited: u64,
    /// Done.
    pub done: u64,
    /// Made no sense for the message, or matched no more.
    pub skipped: u64,
    /// Not permitted, or an attempt was under way.
    pub refused: u64,
    /// Up to which id it looks.
    pub as_of: String,
    /// When it began.
    pub started_at: String,
    /// When it ended.
    #[schema(required)]
    pub ended_at: Option<String>,
}

impl From<store::Job> for Job {
    fn from(job: store::Job) -> Self {
        Self {
            id: job.id.0,
            action: job.verb.name().to_owned(),
            state: job.state.name().to_owned(),
            reason: job.reason,
            owner: job.owner.to_string(),
            total: job.total,
            visited: job.done + job.skipped + job.refused,
            done: job.done,
            skipped: job.skipped,
            refused: job.refused,
            as_of: job.as_of.to_string(),
            started_at: job.started_at.to_string(),
            ended_at: job.ended_at.map(|at| at.to_string()),
        }
    }
}

/// Jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobList {
    /// At most 100.
    pub jobs: Vec<Job>,
}

/// Where a page of items goes on.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ItemsQuery {
    /// From `next` of the page before.
    pub cursor: Option<String>,
}

/// Messages that a job did nothing to.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobItems {
    /// Up to 200, by id; the first 10,000 of a job are kept.
    pub items: Vec<ActionItem>,
    /// Where the next page begins; null behind the last.
    #[schema(required)]
    pub next: Option<String>,
}

impl From<store::JobItem> for ActionItem {
    fn from(item: store::JobItem) -> Self {
        Self {
            id: item.id.to_string(),
            outcome: match item.outcome {
                ItemOutcome::Skipped => Outcome::Skipped,
                ItemOutcome::Refused => Outcome::Refused,
            },
            reason: Some(item.reason),
            rule: item.rule.map(|rule| rule.name().to_owned()),
            new_id: None,
        }
    }
}
