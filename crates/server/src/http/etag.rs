//! Versions of what people edit: `ETag` on the way out, `If-Match` on the way in (RFC 9110 §13.1.1).
//!
//! A row carries a number that every change raises. The answer says it as `ETag: "7"`; a change names the number it was
//! made from, so that two people editing one thing never overwrite each other unseen.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::problem::ApiError;

/// The version that a change was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IfMatch(pub(super) i64);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            return Err(ApiError::new(
                StatusCode::PRECONDITION_REQUIRED,
                "precondition_required",
                "Say which version you change",
                "send If-Match with the ETag of the answer that you read, for example If-Match: \"7\"",
            ));
        };
        let number = value
            .to_str()
            .ok()
            .and_then(|text| text.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok());
        // What is no version of ours is not the current one either.
        number.map(Self).ok_or_else(|| stale("version"))
    }
}

/// Somebody else changed `what` since it was read.
pub(super) fn stale(what: &str) -> ApiError {
    ApiError::new(
        StatusCode::PRECONDITION_FAILED,
        "stale",
        "It was changed meanwhile",
        format!(
            "the {what} was changed since you read it, and nothing was overwritten: read it again and repeat your change"
        ),
    )
}

/// A JSON answer with its version as `ETag`.
#[derive(Debug)]
pub(super) struct Versioned<T>(pub(super) i64, pub(super) T);

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let mut response = axum::Json(self.1).into_response();
        if let Some(value) = version_header(self.0) {
            response.headers_mut().insert(header::ETAG, value);
        }
        response
    }
}

/// The value of `ETag` for a version.
pub(super) fn version_header(version: i64) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("\"{version}\"")).ok()
}
