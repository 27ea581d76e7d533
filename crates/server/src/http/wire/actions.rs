//! Acting on messages.

use postroom_domain::Verb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::list::ListQuery;

/// What to do with which messages: `ids`, or all that match a `filter`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionRequest {
    /// What to do.
    pub action: ActionName,
    /// Up to 1,000 ids.
    #[schema(max_items = 1000, min_items = 1)]
    #[serde(default)]
    pub ids: Option<Vec<String>>,
    /// The list's filters (`{"type": "failed"}`; `{}` for all that one sees), in place of ids.
    #[serde(default)]
    pub filter: Option<ListQuery>,
    /// With a filter: only messages up to this id, from the answer of a dry run. Without it, up to now.
    #[serde(default)]
    pub as_of: Option<String>,
    /// With a filter: but not these, up to 1,000 ids.
    #[serde(default)]
    pub except: Vec<String>,
    /// Only count what would be done.
    #[serde(default)]
    pub dry_run: bool,
    /// With `release` and ids: past the daily limits, for administrators of the System Office.
    #[serde(default)]
    pub past_limits: bool,
    /// With a filter: answer 202 at once with the job, however few messages match.
    #[serde(default)]
    pub background: bool,
}

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionName {
    /// Back to Outbox, tried now.
    Requeue,
    /// A new message like it.
    Resend,
    /// Remove the record.
    Delete,
    /// Keep it back until somebody releases it.
    Hold,
    /// Let it go.
    Release,
}

impl From<ActionName> for Verb {
    fn from(name: ActionName) -> Self {
        match name {
            ActionName::Requeue => Self::Requeue,
            ActionName::Resend => Self::Resend,
            ActionName::Delete => Self::Delete,
            ActionName::Hold => Self::Hold,
            ActionName::Release => Self::Release,
        }
    }
}

/// What became of the messages: done + skipped + refused is the number of messages.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct ActionReport {
    /// Done, or in a dry run: would be done.
    pub done: u64,
    /// The action does not fit the message's state.
    pub skipped: u64,
    /// Unknown, not permitted, or under way.
    pub refused: u64,
    /// Each id, in order. With a filter: the first messages that were not done, and after a dry run none.
    pub items: Vec<ActionItem>,
    /// With a filter: up to which id it looked; give it back to do what a dry run has counted.
    #[schema(required)]
    pub as_of: Option<String>,
    /// With a filter: the job that did it.
    #[schema(required)]
    pub job: Option<i64>,
}

/// What became of one message.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ActionItem {
    /// The id.
    pub id: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it was not done.
    #[schema(required)]
    pub reason: Option<String>,
    /// The rule by which it was refused, where a rule about people refused it: as in a 403.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "hold_message")]
    pub rule: Option<String>,
    /// The id of the new message, after a resend.
    #[schema(required)]
    pub new_id: Option<String>,
}

/// What became of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done.
    Done,
    /// Nothing to do.
    Skipped,
    /// Not done.
    Refused,
}
