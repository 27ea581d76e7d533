//! The OpenAPI description, made from the routes themselves.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::IntoResponse;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

/// Where it is served.
pub(super) const PATH: &str = "/api/v1/openapi.json";

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "Postroom",
    description = "The e-mail queue of an office system. docs/api.md is the guide.",
    license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
))]
struct Head;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| openapi().to_pretty_json().unwrap_or_default() + "\n");

/// The description of the API.
pub fn openapi() -> OpenApi {
    let (_, paths) = super::api().split_for_parts();
    let mut document = Head::openapi();
    document.merge(paths);
    document
}

/// Serves the description.
pub(super) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}
