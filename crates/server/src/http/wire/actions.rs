//! Acting on messages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What to do with which messages.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionRequest {
    /// What to do.
    pub action: ActionName,
    /// Up to 1,000 ids.
    #[schema(max_items = 1000, min_items = 1)]
    pub ids: Vec<String>,
    /// Only count what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionName {
    /// Back to Outbox, tried now.
    Requeue,
    /// A new message like it.
    Resend,
    /// Remove the record.
    Delete,
}

/// What became of the messages: done + skipped + refused is the number of ids.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct ActionReport {
    /// Done, or in a dry run: would be done.
    pub done: u32,
    /// The action does not fit the message's state.
    pub skipped: u32,
    /// Unknown, not permitted, or under way.
    pub refused: u32,
    /// Each id, in order.
    pub items: Vec<ActionItem>,
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
