//! The octets of a message: raw, its bodies as pages of their own, its files.

use std::collections::HashSet;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use postroom_domain::{MessageId, Rule};
use postroom_office::Principal;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::mime;
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::extract::{Id, Params};
use crate::http::problem::ApiError;
use crate::http::wire::problem::Problem;

/// The policy of a body's page: no script, no network, in a sandbox even when opened by itself.
const BODY_POLICY: &str =
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'";
/// The policy where somebody asked for this message's remote pictures: they load, and nothing else does.
const PICTURES_POLICY: &str = "sandbox; default-src 'none'; img-src data: https: http:; style-src 'unsafe-inline'; frame-ancestors 'self'";
/// Longest source that is shown as a page, in bytes; the rest is in `raw`.
const MOST_SOURCE_BYTES: usize = 1024 * 1024;

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
    let octets = readable(&app, &who, id).await?;
    let name = format!("attachment; filename=\"{id}.eml\"");
    Ok(answer(
        "message/rfc822",
        octets,
        &[(header::CONTENT_DISPOSITION, &name)],
    ))
}

/// Whether pictures that lie elsewhere are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum Pictures {
    /// Only those that the message brings along.
    #[default]
    Inside,
    /// Also those that lie elsewhere: who put them there learns that the message is being read.
    Remote,
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
/// # Errors
/// As for `raw`, and 404 for a body that the message does not have.
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
) -> Result<Response, ApiError> {
    let octets = readable(&app, &who, id).await?;
    let page = tokio::task::spawn_blocking(move || page_of(&octets, &place.1, query.images))
        .await
        .map_err(|error| ApiError::internal(error.to_string()))?
        .ok_or_else(|| {
            ApiError::not_found("this message has no such body; they are text, html and source")
        })?;
    let policy = match query.images {
        Pictures::Inside => BODY_POLICY,
        Pictures::Remote => PICTURES_POLICY,
    };
    let policy = (header::CONTENT_SECURITY_POLICY, policy);
    Ok(answer("text/html; charset=utf-8", page.into_bytes(), &[policy]))
}

/// A file of the message, as a download.
///
/// # Errors
/// As for `raw`, and 404 for a file that the message does not have.
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
    let octets = readable(&app, &who, id).await?;
    let none = || ApiError::not_found("this message has no such attachment");
    let index: u32 = place.1.parse().map_err(|_| none())?;
    let found = mime::parse(&octets).and_then(|message| {
        let part = message.attachment(index)?;
        let name = mime::file_name(part, index);
        Some((mime::media_type(part), name, part.contents().to_vec()))
    });
    let (media_type, name, contents) = found.ok_or_else(none)?;
    let disposition = disposition(&name);
    let headers = [
        (header::CONTENT_DISPOSITION, disposition.as_str()),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
    ];
    Ok(answer(&media_type, contents, &headers))
}

/// The whole message, if this person may read it.
async fn readable(app: &App, who: &Principal, id: MessageId) -> Result<Vec<u8>, ApiError> {
    let scope = &who.authority.see;
    let rows = app.store.rows(scope, &[id]).await?;
    let row = rows.first().ok_or_else(ApiError::no_message)?;
    if row.kind.body_is_secret() {
        return Err(ApiError::forbidden(Rule::SecretBody));
    }
    let octets = mime::load(app, scope, id).await?;
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

fn page_of(octets: &[u8], part: &str, pictures: Pictures) -> Option<String> {
    let message = mime::parse(octets);
    match part {
        "text" => mime::text_of(message.as_ref()?).map(plain_page),
        "html" => mime::html_of(message.as_ref()?).map(|html| html_page(html, pictures)),
        "source" => {
            let shown = octets.get(..MOST_SOURCE_BYTES).unwrap_or(octets);
            Some(plain_page(&String::from_utf8_lossy(shown)))
        }
        _ => None,
    }
}

fn plain_page(text: &str) -> String {
    let escaped = ammonia::clean_text(text)
        .replace("&#10;", "\n")
        .replace("&#13;", "")
        .replace("&#32;", " ");
    wrapped(
        "pre{white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.5 ui-monospace,monospace;margin:0}",
        &format!("<pre>{escaped}</pre>"),
    )
}

/// Sanitised HTML: no scripts, forms, frames or links that act; pictures where they are inside (`data:`), and remote ones
/// where somebody asked for them.
fn html_page(html: &str, pictures: Pictures) -> String {
    let mut cleaner = ammonia::Builder::default();
    cleaner
        .add_generic_attributes([
            "style", "align", "valign", "bgcolor", "width", "height", "border", "dir",
        ])
        .add_tags(["font", "center"])
        .add_tag_attributes("font", ["color", "face", "size"])
        .add_tag_attributes("table", ["cellpadding", "cellspacing"])
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel", "data"]))
        .link_rel(Some("noopener noreferrer nofollow"))
        .attribute_filter(move |element, attribute, value| match (element, attribute) {
            ("img", "src") if value.starts_with("data:image/") => Some(value.into()),
            ("img", "src") if pictures == Pictures::Remote && is_remote(value) => Some(value.into()),
            ("img", "src" | "srcset") => None,
            // A data: address opens a page of the sender's making.
            (_, "href") if value.trim_start().to_ascii_lowercase().starts_with("data:") => None,
            // The policy forbids the network anyway; this keeps addresses out of the page too.
            (_, "style") if value.to_ascii_lowercase().contains("url(") => None,
            _ => Some(value.into()),
        });
    wrapped(
        "body{font:14px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}img{max-width:100%}",
        &cleaner.clean(html).to_string(),
    )
}

/// Whether an address names something on the web.
fn is_remote(address: &str) -> bool {
    let start = address
        .trim_start()
        .get(..8)
        .unwrap_or(address)
        .to_ascii_lowercase();
    start.starts_with("https://") || start.starts_with("http://")
}

fn wrapped(style: &str, body: &str) -> String {
    format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\"><base target=\"_blank\"><style>:root{{color-scheme:light}}body{{margin:12px;background:#fff;color:#111}}{style}</style></head><body>{body}</body></html>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_loses_what_acts_and_what_phones_home() {
        let page = html_page(
            "<p onclick=x style=\"color:red\">hi</p><script>alert(1)</script><img src=\"https://t.example/p.gif\">\
             <img src=\"data:image/png;base64,AA==\"><a href=\"javascript:x\">a</a><a href=\"data:text/html,x\">b</a>\
             <div style=\"background:url(https://t.example)\">c</div><form><input></form><iframe src=x></iframe>",
            Pictures::Inside,
        );
        for gone in [
            "script",
            "onclick",
            "t.example",
            "javascript",
            "data:text",
            "<form",
            "<iframe",
        ] {
            assert!(!page.contains(gone), "{gone} in {page}");
        }
        assert!(page.contains("color:red") && page.contains("data:image/png"));
    }

    #[test]
    fn remote_pictures_show_where_they_were_asked_for_and_nothing_else_does() {
        let html = "<img src=\"https://t.example/p.gif\" srcset=\"https://t.example/2.gif 2x\"><img src=\"javascript:x\">\
             <img src=\"//t.example/3.gif\"><p style=\"background:url(https://t.example/4.gif)\">hi</p><script src=\"https://t.example/s.js\"></script>";
        let page = html_page(html, Pictures::Remote);
        assert!(page.contains("src=\"https://t.example/p.gif\""), "{page}");
        for gone in ["2.gif", "javascript", "3.gif", "4.gif", "s.js"] {
            assert!(!page.contains(gone), "{gone} in {page}");
        }
    }

    #[test]
    fn plain_text_stays_text() {
        let page = plain_page("<script>\nline two");
        assert!(page.contains("&lt;script&gt;\nline"), "{page}");
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
