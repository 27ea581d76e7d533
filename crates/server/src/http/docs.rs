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
    name_operations(&mut document);
    document
}

/// Names each operation by its method and path, `get_messages_id`: the handlers' own names say what they do to the
/// subject of their module, and several modules have a `list`, where the document wants each name once.
fn name_operations(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let place: Vec<&str> = path
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty() && !["api", "v1"].contains(word))
            .collect();
        let operations = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("delete", &mut item.delete),
            ("patch", &mut item.patch),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(format!("{method}_{}", place.join("_")));
            }
        }
    }
}

/// Serves the description.
pub(super) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}
