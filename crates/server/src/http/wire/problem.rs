//! What went wrong (RFC 9457).

use serde::Serialize;
use utoipa::ToSchema;

/// Every error of the API, as `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// `urn:postroom:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:postroom:problem:bad_address")]
    pub kind: String,
    /// A short sentence, the same for every case of this code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What exactly is wrong and what to do.
    pub detail: String,
    /// A stable name.
    #[schema(example = "bad_address")]
    pub code: String,
    /// The field that is wrong, where it is one field.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "to[1]")]
    pub field: Option<String>,
    /// The rule by which it was refused, where a rule about people refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "act_on_message")]
    pub rule: Option<String>,
    /// A line of the configuration file that would allow it, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// Names this request in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}
