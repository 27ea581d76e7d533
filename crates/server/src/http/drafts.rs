//! Drafts: what somebody has written and not sent. Their own alone, whatever others' rights; an office's key has none.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use postroom_domain::Refusal;
use postroom_engine::budget::IncomingRoom;
use postroom_store::{DRAFTS_MAX, DraftId, NewDraft};
use serde::Deserialize;
use serde_json::Value;

use super::App;
use super::auth::Caller;
use super::body::{read_message, require_type};
use super::etag::{IfMatch, Versioned, version_header};
use super::extract::Numbered;
use super::messages::submit::SLACK_BYTES;
use super::people::oneself;
use super::problem::ApiError;
use super::wire::drafts::{DraftKept, DraftList};
use super::wire::problem::Problem;

/// Most characters of subject and recipients that the list shows.
const SHOWN_CHARS: usize = 200;

/// Your drafts, the latest first.
///
/// # Errors
/// 403 for an office's key, which is nobody.
#[utoipa::path(
    get, path = "/api/v1/drafts", tag = "drafts",
    responses((status = 200, body = DraftList), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(who): Caller,
) -> Result<axum::Json<DraftList>, ApiError> {
    let drafts = app.store.drafts(oneself(&who)?.id).await?;
    Ok(axum::Json(DraftList {
        drafts: drafts.into_iter().map(Into::into).collect(),
    }))
}

/// Keeps a new draft: any JSON object, attachments in base64 included. `subject` and `to` are read for the list.
///
/// # Errors
/// 409 `too_many_drafts` beyond 100, 413 `too_large` for one that would not go as a message, 400 for what is no object.
#[utoipa::path(
    post, path = "/api/v1/drafts", tag = "drafts", request_body(content = Object, content_type = "application/json"),
    responses((status = 201, body = DraftKept), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn add(
    State(app): State<App>,
    Caller(who): Caller,
    request: Request,
) -> Result<(StatusCode, Versioned<DraftKept>), ApiError> {
    let me = oneself(&who)?.id;
    let (draft, _room) = given(&app, request).await?;
    let id = app
        .store
        .add_draft(me, draft, app.clock.now())
        .await?
        .ok_or_else(too_many)?;
    Ok((StatusCode::CREATED, kept(id, 1)))
}

/// A draft as it was kept. The `ETag` is its version.
///
/// # Errors
/// 404 for a draft that is not yours.
#[utoipa::path(
    get, path = "/api/v1/drafts/{id}", tag = "drafts", params(("id" = i64, Path, description = "the draft")),
    responses(
        (status = 200, body = Object, content_type = "application/json"),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn one(
    State(app): State<App>,
    Caller(who): Caller,
    Numbered(id): Numbered,
) -> Result<Response, ApiError> {
    let me = oneself(&who)?.id;
    let id = id.map(DraftId).ok_or_else(no_draft)?;
    let draft = app.store.draft(me, id).await?.ok_or_else(no_draft)?;
    let mut response = draft.body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(version) = version_header(draft.version) {
        headers.insert(header::ETAG, version);
    }
    Ok(response)
}

/// Keeps a draft again, whole, in place of the version that was read.
///
/// # Errors
/// 404 for a draft that is not yours, 412 `stale` where it was kept elsewhere meanwhile, 428, and those of keeping one.
#[utoipa::path(
    put, path = "/api/v1/drafts/{id}", tag = "drafts", request_body(content = Object, content_type = "application/json"),
    params(
        ("id" = i64, Path, description = "the draft"),
        ("If-Match" = String, Header, description = "the ETag of the draft that was read"),
    ),
    responses((status = 200, body = DraftKept), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn put(
    State(app): State<App>,
    Caller(who): Caller,
    Numbered(id): Numbered,
    from: Result<IfMatch, ApiError>,
    request: Request,
) -> Result<Versioned<DraftKept>, ApiError> {
    let me = oneself(&who)?.id;
    let id = id.map(DraftId).ok_or_else(no_draft)?;
    let IfMatch(from) = from?;
    let (draft, _room) = given(&app, request).await?;
    let version = app
        .store
        .change_draft(me, id, from, draft, app.clock.now())
        .await?;
    Ok(kept(id, version))
}

/// Throws a draft away.
///
/// # Errors
/// 404 for a draft that is not yours.
#[utoipa::path(
    delete, path = "/api/v1/drafts/{id}", tag = "drafts", params(("id" = i64, Path, description = "the draft")),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn remove(
    State(app): State<App>,
    Caller(who): Caller,
    Numbered(id): Numbered,
) -> Result<StatusCode, ApiError> {
    let me = oneself(&who)?.id;
    let id = id.map(DraftId).ok_or_else(no_draft)?;
    if app.store.remove_draft(me, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(no_draft())
    }
}

/// Reads a draft and what the list shows of it; its room in memory is to be held until it is stored.
async fn given(app: &App, request: Request) -> Result<(NewDraft, IncomingRoom), ApiError> {
    require_type(request.headers(), "application/json")?;
    let message = u64::try_from(app.intake.settings().limits.message_bytes).unwrap_or(u64::MAX);
    let given = read_message(app, request, message.saturating_add(SLACK_BYTES)).await?;
    let parsed = tokio::task::spawn_blocking(move || parse(given.octets));
    let draft = parsed
        .await
        .map_err(|error| ApiError::internal(error.to_string()))??;
    Ok((draft, given.room))
}

/// What the list shows of a draft; the rest is the form's own.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    subject: Value,
    #[serde(default)]
    to: Value,
}

fn parse(body: Vec<u8>) -> Result<NewDraft, ApiError> {
    let refused = |reason: String| ApiError::from(Refusal::BadJson { reason });
    // A list would be read as the fields of the head in their order.
    let first = body.iter().find(|octet| !octet.is_ascii_whitespace());
    if first.is_some_and(|octet| *octet != b'{') {
        return Err(refused(
            "a draft is a JSON object, for example {\"subject\": \"…\"}".to_owned(),
        ));
    }
    let head: Head = serde_json::from_slice(&body).map_err(|error| refused(error.to_string()))?;
    let body = String::from_utf8(body).map_err(|error| refused(error.to_string()))?;
    Ok(NewDraft {
        subject: words(&head.subject),
        to: words(&head.to),
        body,
    })
}

/// A text, or the texts of a list; of an object its address.
fn words(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            // As many as the list could show, however many there are.
            let shown: Vec<String> = items.iter().take(SHOWN_CHARS).map(words).collect();
            shown.join(", ")
        }
        Value::Object(fields) => fields.get("address").map(words).unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    };
    text.chars().take(SHOWN_CHARS).collect()
}

fn kept(id: DraftId, version: i64) -> Versioned<DraftKept> {
    Versioned(version, DraftKept { id: id.0, version })
}

/// A draft that does not exist or is somebody else's.
fn no_draft() -> ApiError {
    ApiError::not_found("you have no such draft")
}

fn too_many() -> ApiError {
    ApiError::new(
        StatusCode::CONFLICT,
        "too_many_drafts",
        "You have as many drafts as are kept",
        format!(
            "{DRAFTS_MAX} drafts are kept for each person: send or throw away one of yours, then try again"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(body: &'static str) -> Result<NewDraft, ApiError> {
        parse(body.as_bytes().to_vec())
    }

    #[test]
    fn subject_and_recipients_are_read_from_whatever_the_form_holds() {
        for (body, subject, to) in [
            ("{}", "", ""),
            (
                r#"{"subject": "Hello", "to": "a@example.com"}"#,
                "Hello",
                "a@example.com",
            ),
            (
                r#"{"subject": null, "to": ["a@example.com", {"name": "B", "address": "b@example.com"}], "more": [1]}"#,
                "",
                "a@example.com, b@example.com",
            ),
            (r#"{"subject": {"x": 1}, "to": 7}"#, "", ""),
        ] {
            let draft = parsed(body).unwrap();
            assert_eq!(
                (draft.subject.as_str(), draft.to.as_str()),
                (subject, to),
                "{body}"
            );
            assert_eq!(draft.body, body);
        }
    }

    #[test]
    fn what_is_no_object_is_no_draft() {
        for body in ["", "[]", "[\"a\", \"b\"]", "7", "\"text\"", "{", "{} {}"] {
            assert!(parsed(body).is_err(), "{body:?}");
        }
    }
}
