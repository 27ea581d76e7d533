//! Messages as files, for offices that send form letters from their own mail program (SPEC I7).

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use postroom_domain::Refusal;
use postroom_engine::intake::{Draft, Rendered, mbox};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::submit::{JSON_GROWTH, SLACK_BYTES};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::body::{read_message, require_type};
use crate::http::problem::ApiError;
use crate::http::wire::problem::Problem;
use crate::http::wire::submit::RenderRequest;

/// Writes one message as `message/rfc822`, or `{"messages": [...]}` as one `application/mbox` (RFC 4155). Nothing is
/// queued, and nothing counts towards limits; Bcc is in the file.
///
/// # Errors
/// What submitting the message would be refused for.
#[utoipa::path(
    post, path = "/api/v1/messages/render", tag = "submit", request_body = RenderRequest,
    responses(
        (status = 200, description = "the file", content(
            (String = "message/rfc822"), (String = "application/mbox")
        )),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn render(
    State(app): State<App>,
    Caller(who): Caller,
    request: Request,
) -> Result<Response, ApiError> {
    require_type(request.headers(), "application/json")?;
    let sender = app.senders.principal(&who).await?;
    let limits = app.intake.settings().limits.clone();
    let message = u64::try_from(limits.message_bytes).unwrap_or(u64::MAX);
    let most = message.saturating_mul(JSON_GROWTH).saturating_add(SLACK_BYTES);
    let given = read_message(&app, request, most).await?;
    let body = given.octets;
    if !is_batch(&body) {
        let draft = app.intake.parse(body, Draft::from_json).await?;
        let rendered = app.intake.render(&sender, draft).await?;
        return Ok(file("message/rfc822", "message.eml", rendered.octets));
    }
    let mut rendered: Vec<Rendered> = Vec::new();
    let parse = |body: &[u8]| Draft::batch_from_json(body, limits.batch);
    for (n, draft) in app.intake.parse(body, parse).await?.into_iter().enumerate() {
        let done = match draft {
            Ok(draft) => app.intake.render(&sender, draft).await,
            Err(refusal) => Err(refusal),
        };
        rendered.push(done.map_err(|refusal| of_batch(n, refusal))?);
    }
    Ok(file("application/mbox", "messages.mbox", mbox(&rendered)))
}

/// Whether the body is a list of messages; what is no JSON is told where it is read as one message.
fn is_batch(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Shape {
        messages: Option<IgnoredAny>,
    }
    serde_json::from_slice::<Shape>(body).is_ok_and(|shape| shape.messages.is_some())
}

/// A refusal of one message of a list, which refuses the file.
fn of_batch(n: usize, refusal: Refusal) -> ApiError {
    ApiError::from(refusal).within(&format!("messages[{n}]"))
}

fn file(media_type: &'static str, name: &str, octets: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    (headers, octets).into_response()
}
