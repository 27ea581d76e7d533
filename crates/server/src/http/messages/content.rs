//! The octets of a message: raw, its bodies as pages of their own, its files.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use postroom_domain::{MessageId, Rule};
use postroom_office::Principal;
use postroom_store::Row;
use serde::Deserialize;
use utoipa::IntoParams;

use super::mime::{self, NotReadable};
use super::pages::{self, BodyKind, Pictures};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::extract::{Id, Params};
use crate::http::problem::ApiError;
use crate::http::views;
use crate::http::wire::problem::Problem;

/// The policy of a body's page: no script, no network, in a sandbox even when opened by itself.
const BODY_POLICY: &str =
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'";
/// The policy where somebody asked for this message's remote pictures: they load, and nothing else does.
const PICTURES_POLICY: &str = "sandbox; default-src 'none'; img-src data: https: http:; style-src 'unsafe-inline'; frame-ancestors 'self'";

/// The message as it is kept, without Bcc.
///
/// # Errors
/// 403 `body_is_secret` for mail with a live link in it, 404, 410 `content_gone`.
#[utoipa::path(
    get, path = "/api/v1/messages/{id}/raw", tag = "message", params(("id" = String, Path)),
    responses((status = 200, content_type = "message/rfc822", body = String), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn raw(
    State(app): State<App>,
    Caller(who): Caller,
    Id(id): Id,
) -> Result<Response, ApiError> {
    readable(&app, &who, id).await?;
    let octets = content(&app, &who, id).await?;
    let name = format!("attachment; filename=\"{id}.eml\"");
    Ok(answer(
        "message/rfc822",
        octets,
        &[(header::CONTENT_DISPOSITION, &name)],
    ))
}

/// How a body is shown.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct BodyQuery {
    /// `inside` (default), or `remote` to load pictures that lie elsewhere.
    #[param(inline)]
    pub images: Pictures,
}

/// A body of the message as a page of its own: `text`, `html` (sanitised) or `source`.
///
/// HTML that is too large, nested too deeply or takes too long is shown as text, with a line that says why. Of a long text
/// or source the first MiB is shown. Where it has to wait, `Accept` with `text/html` asks for that as a page, too.
///
/// # Errors
/// As for `raw`, 404 for a body that the message does not have, 422 `not_readable`, and 429 `too_many_views` or 503
/// `server_busy` where others that were asked for before are still being prepared.
#[utoipa::path(
    get, path = "/api/v1/messages/{id}/body/{part}", tag = "message",
    params(("id" = String, Path), ("part" = String, Path, description = "`text`, `html` or `source`"), BodyQuery),
    responses((status = 200, content_type = "text/html", body = String), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn body(
    State(app): State<App>,
    Caller(who): Caller,
    Id(id): Id,
    Path(place): Path<(String, String)>,
    Params(query): Params<BodyQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    match body_page(&app, &who, id, &place.1, query.images).await {
        Ok(page) => {
            let policy = match query.images {
                Pictures::Inside => BODY_POLICY,
                Pictures::Remote => PICTURES_POLICY,
            };
            let policy = (header::CONTENT_SECURITY_POLICY, policy);
            Ok(answer("text/html; charset=utf-8", page.into_bytes(), &[policy]))
        }
        Err(error) if asks_for_page(&headers) => Ok(later(error.into_response())),
        Err(error) => Err(error),
    }
}

/// The page of a body by its name.
async fn body_page(
    app: &App,
    who: &Principal,
    id: MessageId,
    name: &str,
    pictures: Pictures,
) -> Result<String, ApiError> {
    let row = readable(app, who, id).await?;
    let none = || ApiError::not_found("this message has no such body; they are text, html and source");
    let body = BodyKind::named(name).ok_or_else(none)?;
    let own = match body {
        BodyKind::Html => Some(app.views.own_permit(who).await?),
        BodyKind::Text | BodyKind::Source => app.views.own_permit_for(who, row.size_bytes).await?,
    };
    let octets = content(app, who, id).await?;
    let page = views::run(own, app.supervisor.stopping(), move |cancelled| {
        pages::page_of(&octets, body, pictures, cancelled)
    });
    page.await??.ok_or_else(none)
}

/// Whether a browser asks, which shows the answer in a frame.
fn asks_for_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|types| types.contains("text/html"))
}

/// The answer to a browser where the body has to wait: a page that says so, with the same status and `Retry-After`. Any
/// other answer stays as it is.
fn later(mut response: Response) -> Response {
    let waits = |problem: &Problem| ["too_many_views", "server_busy"].contains(&problem.code.as_str());
    if !response.extensions().get::<Problem>().is_some_and(waits) {
        return response;
    }
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        *response.body_mut() = Body::from(pages::later_page(&problem.detail));
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(BODY_POLICY),
        );
    }
    response
}

/// A file of the message, as a download.
///
/// # Errors
/// As for `raw`, 404 for a file that the message does not have, and 422, 429 or 503 as for a body.
#[utoipa::path(
    get, path = "/api/v1/messages/{id}/attachments/{index}", tag = "message",
    params(("id" = String, Path), ("index" = u32, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = String), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn attachment(
    State(app): State<App>,
    Caller(who): Caller,
    Id(id): Id,
    Path(place): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let row = readable(&app, &who, id).await?;
    let none = || ApiError::not_found("this message has no such attachment");
    let index: u32 = place.1.parse().map_err(|_| none())?;
    let own = app.views.own_permit_for(&who, row.size_bytes).await?;
    let octets = content(&app, &who, id).await?;
    let found = views::run(own, app.supervisor.stopping(), move |_| file(&octets, index));
    let (media_type, name, contents) = found.await??.ok_or_else(none)?;
    let disposition = disposition(&name);
    let headers = [
        (header::CONTENT_DISPOSITION, disposition.as_str()),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
    ];
    Ok(answer(&media_type, contents, &headers))
}

/// A file of a message, if it has it: its media type, name and octets.
fn file(octets: &[u8], index: u32) -> Result<Option<(String, String, Vec<u8>)>, NotReadable> {
    let message = mime::parse(octets)?;
    Ok(message.attachment(index).map(|part| {
        let name = mime::file_name(part, index);
        (mime::media_type(part), name, part.contents().to_vec())
    }))
}

/// The record of a message whose content this person may read.
async fn readable(app: &App, who: &Principal, id: MessageId) -> Result<Row, ApiError> {
    let rows = app.store.rows(&who.authority.see, &[id]).await?;
    let row = rows.into_iter().next().ok_or_else(ApiError::no_message)?;
    if row.kind.body_is_secret() {
        return Err(ApiError::forbidden(Rule::SecretBody));
    }
    Ok(row)
}

/// The whole message.
async fn content(app: &App, who: &Principal, id: MessageId) -> Result<Vec<u8>, ApiError> {
    let octets = mime::load(app, &who.authority.see, id).await?;
    octets.ok_or_else(mime::content_gone)
}

fn answer(media_type: &str, body: Vec<u8>, extra: &[(HeaderName, &str)]) -> Response {
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    for (name, value) in [(header::CONTENT_TYPE, media_type)].iter().chain(extra) {
        if let Ok(value) = HeaderValue::try_from(*value) {
            headers.insert(name, value);
        }
    }
    response
}

/// `Content-Disposition` with the name in ASCII and, where that loses something, in UTF-8 (RFC 6266).
fn disposition(name: &str) -> String {
    let ascii: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '_' })
        .filter(|c| !"\"\\%".contains(*c))
        .collect();
    if ascii == name {
        return format!("attachment; filename=\"{ascii}\"");
    }
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::StatusCode;

    use super::*;

    fn refused(code: &'static str) -> Response {
        let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, code, "Wait", "Try again <soon>.");
        later(error.after(Duration::from_secs(1)).into_response())
    }

    #[tokio::test]
    async fn browser_is_told_to_wait_in_a_page() {
        let response = refused("too_many_views");
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "text/html; charset=utf-8"
        );
        assert_eq!(response.headers()[header::CONTENT_SECURITY_POLICY], BODY_POLICY);
        assert!(response.extensions().get::<Problem>().is_none());
        let page = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let page = String::from_utf8(page.to_vec()).unwrap();
        assert!(page.contains("soon&gt;.") && !page.contains("<soon>"), "{page}");
        // Whatever else is wrong is answered as everywhere.
        assert!(refused("other").extensions().get::<Problem>().is_some());
    }

    #[test]
    fn page_is_for_browsers() {
        let asks = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            asks_for_page(&headers)
        };
        assert!(asks("text/html,application/xhtml+xml,*/*;q=0.8"));
        assert!(!asks("*/*"));
        assert!(!asks_for_page(&HeaderMap::new()));
    }

    #[test]
    fn names_of_downloads_cannot_break_the_header() {
        assert_eq!(disposition("a.pdf"), "attachment; filename=\"a.pdf\"");
        assert_eq!(
            disposition("ü\"%.pdf"),
            "attachment; filename=\"_.pdf\"; filename*=UTF-8''%C3%BC%22%25.pdf"
        );
    }
}
