//! Handing mail in.

use std::collections::BTreeMap;

use postroom_domain::{Kind, Timestamp};
use postroom_store::Admitted;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::list::{KindName, State};
use super::problem::Problem;

/// A message to send. At least one recipient, and a subject, text, html or attachment. Read by the intake itself,
/// which names every field that is wrong; this type describes it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// Whose mail it is; left out, the signed-in person's.
    #[schema(example = "Case Clerk <case@office.example.com>")]
    pub from: Option<String>,
    /// Recipients in To.
    #[serde(default)]
    pub to: Vec<String>,
    /// Recipients in Cc.
    #[serde(default)]
    pub cc: Vec<String>,
    /// Blind copies.
    #[serde(default)]
    pub bcc: Vec<String>,
    /// Where answers go.
    #[serde(default)]
    pub reply_to: Vec<String>,
    /// The subject.
    #[serde(default)]
    pub subject: String,
    /// The body as plain text.
    pub text: Option<String>,
    /// The body as HTML.
    pub html: Option<String>,
    /// Further header fields.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Files.
    #[serde(default)]
    pub attachments: Vec<NewAttachment>,
    /// What sort of mail.
    #[schema(value_type = Option<KindName>)]
    pub kind: Option<Kind>,
    /// Not before this time.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub send_at: Option<Timestamp>,
    /// Free words.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The caller's own id.
    pub external_id: Option<String>,
    /// The caller's own data.
    #[schema(value_type = Object)]
    pub metadata: Option<serde_json::Value>,
}

/// A file of a message.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAttachment {
    /// Its name.
    pub filename: String,
    /// Its media type.
    pub content_type: Option<String>,
    /// Its octets in base64.
    #[schema(format = Byte)]
    pub content: String,
}

/// One message, or a list of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum RenderRequest {
    /// Rendered as `message/rfc822`.
    One(Box<NewMessage>),
    /// Rendered as `application/mbox`.
    Many(NewBatch),
}

/// Up to 1,000 messages.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBatch {
    /// The messages.
    #[schema(max_items = 1000)]
    pub messages: Vec<NewMessage>,
}

/// A message that is on the disk.
#[derive(Debug, Serialize, ToSchema)]
pub struct Accepted {
    /// Its id.
    #[schema(example = "01k2m3n4p5q6r")]
    pub id: String,
    /// `queued`, `scheduled` or `held`.
    pub state: State,
    /// Its Message-ID field.
    pub message_id: String,
    /// Number of recipients.
    pub recipients: u16,
    /// Why and until when it is held.
    #[schema(required)]
    pub held: Option<Held>,
}

/// Why a message is held.
#[derive(Debug, Serialize, ToSchema)]
pub struct Held {
    /// `system_limit`, `user_limit`, `administrator`, `paused`, `restored`.
    pub reason: String,
    /// When it is released by itself.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

impl From<Admitted> for Accepted {
    fn from(admitted: Admitted) -> Self {
        Self {
            id: admitted.id.to_string(),
            state: admitted.state.into(),
            message_id: admitted.message_id,
            recipients: admitted.recipients,
            held: admitted.hold.map(|hold| Held {
                reason: hold.reason,
                until: hold.until,
            }),
        }
    }
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchAnswer {
    /// Messages taken in.
    pub accepted: u32,
    /// Messages refused.
    pub refused: u32,
    /// Each message, in order.
    pub items: Vec<BatchItem>,
}

/// What became of one message of a batch: an accepted message's fields, or a problem.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchItem {
    /// Its place, from 0.
    pub index: u32,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Its Message-ID field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Number of recipients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipients: Option<u16>,
    /// Why it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

impl BatchItem {
    /// A message that was taken in.
    pub fn accepted(index: u32, accepted: Accepted) -> Self {
        Self {
            index,
            id: Some(accepted.id),
            state: Some(accepted.state),
            message_id: Some(accepted.message_id),
            recipients: Some(accepted.recipients),
            held: accepted.held,
            problem: None,
        }
    }

    /// A message that was refused.
    pub const fn refused(index: u32, problem: Problem) -> Self {
        Self {
            index,
            id: None,
            state: None,
            message_id: None,
            recipients: None,
            held: None,
            problem: Some(problem),
        }
    }
}
