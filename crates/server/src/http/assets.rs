//! The web page, embedded in the binary where the feature `ui` is on.

use axum::http::{HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse, Response};

use super::problem::{method_not_allowed, missing};

/// The page may load its own scripts and styles, talk to this server, and frame bodies of messages; nothing else.
/// Of the policies for trusted types, Svelte's makes the page's own templates, and the editor's reads what is pasted
/// into a document in which nothing runs or loads.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html ProseMirrorClipboard default";

/// Answers every path that no route has: a file of the page, the page itself, or a problem.
pub(super) async fn page_or_missing(method: Method, uri: Uri) -> Response {
    let path = uri.path();
    if path.starts_with("/api/") || path.starts_with("/health/") {
        return missing().await.into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        return method_not_allowed().await.into_response();
    }
    let name = path.trim_start_matches('/');
    // Paths without a dot are the page's own places (`/message/…`): the page itself answers them.
    let name = if name.contains('.') { name } else { "index.html" };
    file(name)
}

#[cfg(feature = "ui")]
fn file(name: &str) -> Response {
    use axum::response::IntoResponse as _;

    #[derive(rust_embed::RustEmbed)]
    #[folder = "../../ui/dist"]
    struct Dist;

    #[cfg(debug_assertions)]
    if let Some(folder) = std::env::var_os("POSTROOM_UI_DIST") {
        return from_folder(std::path::Path::new(&folder), name);
    }
    let Some(file) = Dist::get(name) else {
        return super::problem::ApiError::not_found("there is no such file").into_response();
    };
    // Built files carry a hash of their content in their name: they never change.
    let lasting = if name.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    dressed(file.data.into_owned(), file.metadata.mimetype(), lasting)
}

/// Development builds alone: the page from the folder of `POSTROOM_UI_DIST`, so that a change of the page needs no
/// build of the server.
#[cfg(all(feature = "ui", debug_assertions))]
fn from_folder(folder: &std::path::Path, name: &str) -> Response {
    let inside = std::path::Path::new(name)
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    match rust_embed::utils::read_file_from_fs(&folder.join(name)) {
        Ok(file) if inside => {
            let media_type = file.metadata.mimetype().to_owned();
            dressed(file.data.into_owned(), &media_type, "no-cache")
        }
        _ => super::problem::ApiError::not_found("there is no such file").into_response(),
    }
}

#[cfg(not(feature = "ui"))]
fn file(name: &str) -> Response {
    if name != "index.html" {
        return super::problem::ApiError::not_found("there is no such file").into_response();
    }
    let text = "This Postroom was built without its web page (cargo build --features ui, after npm run build in ui/).\n\
                The API is at /api/v1, described at /api/v1/openapi.json.\n";
    dressed(text.as_bytes().to_vec(), "text/plain; charset=utf-8", "no-cache")
}

fn dressed(body: Vec<u8>, media_type: &str, lasting: &'static str) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::try_from(media_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(lasting));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(PAGE_POLICY),
    );
    response
}
