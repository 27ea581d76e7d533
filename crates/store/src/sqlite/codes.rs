//! Kept numbers and texts, read back.

use postroom_domain::{EnhancedCode, Kind, MessageState, Reply};
use serde::{Serialize, de::DeserializeOwned};

use crate::StoreError;

/// The state of a kept number.
pub(crate) fn state(number: i64) -> Result<MessageState, StoreError> {
    MessageState::from_number(number).ok_or_else(|| StoreError::Corrupt(format!("state {number}")))
}

/// The kind of a kept number.
pub(crate) fn kind(number: i64) -> Result<Kind, StoreError> {
    Kind::from_number(number).ok_or_else(|| StoreError::Corrupt(format!("kind {number}")))
}

/// The kept form of an enhanced code.
pub(crate) fn enhanced(code: Option<EnhancedCode>) -> Option<String> {
    code.map(|code| code.to_string())
}

/// The kept form of a reply's text: at most [`Reply::MAX_TEXT_BYTES`].
pub(crate) fn reply_text(reply: &Reply) -> &str {
    let mut end = reply.text.len().min(Reply::MAX_TEXT_BYTES);
    while !reply.text.is_char_boundary(end) {
        end -= 1;
    }
    reply.text.get(..end).unwrap_or("")
}

/// The first `max` characters of a text that the list shows.
pub(crate) fn shorten(text: &str, max: usize) -> &str {
    match text.char_indices().nth(max) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}

/// A value as JSON.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Database(format!("cannot be kept as JSON: {error}")))
}

/// A value from kept JSON.
pub(crate) fn from_json<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("{what}: {error}")))
}
