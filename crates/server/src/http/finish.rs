//! What every answer gets: its request's id, the time it took, safe headers, and a problem's body.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::App;
use super::problem::Cause;
use super::wire::problem::Problem;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// Counts requests of this process; together with its start it names each.
static COUNT: AtomicU64 = AtomicU64::new(1);

/// Finishes every answer.
pub(super) async fn finish(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request_id(&app);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        tell(&response, &problem, &id);
        write_problem(&mut response, problem, &id);
    }
    let took = began.elapsed();
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::try_from(id) {
        headers.insert(REQUEST_ID.clone(), value);
    }
    let timing = format!("total;dur={:.2}", took.as_secs_f64() * 1000.0);
    if let Ok(value) = HeaderValue::try_from(timing) {
        headers.insert(SERVER_TIMING.clone(), value);
    }
    secure(headers);
    if app.is_public_https() {
        keep_apart(headers);
    }
    if app.keeps_host_to_https() {
        stay_with_https(headers);
    }
    let route = route.as_ref().map_or("other", |route| route.as_str());
    app.metrics.http_answered(&method, route, response.status(), took);
    response
}

/// Sixteen digits: when the process began and the request's number.
fn request_id(app: &App) -> String {
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!(
        "{:x}-{number:x}",
        app.metrics.started_at().as_micros() / 1_000_000
    )
}

/// Logs a fault once, where it is handled.
fn tell(response: &Response, problem: &Problem, id: &str) {
    if !response.status().is_server_error() {
        return;
    }
    let cause = response.extensions().get::<Cause>().map_or("", |cause| &cause.0);
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(request.id = id, error = cause, "a request failed");
    } else {
        tracing::warn!(
            request.id = id,
            problem.code = problem.code,
            error = cause,
            "a request was put off"
        );
    }
}

fn write_problem(response: &mut Response, mut problem: Problem, id: &str) {
    problem.request_id = Some(id.to_owned());
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    *response.body_mut() = Body::from(body);
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
}

/// Headers that make a browser careful; a handler's own ones stay.
fn secure(headers: &mut HeaderMap) {
    const CAREFUL: [(HeaderName, &str); 5] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in CAREFUL {
        headers
            .entry(name)
            .or_insert_with(|| HeaderValue::from_static(value));
    }
}

/// Has browsers that come by HTTPS come to this host by nothing else for a year, at whatever port.
fn stay_with_https(headers: &mut HeaderMap) {
    headers.insert(
        header::STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=31536000"),
    );
}

/// Has browsers that come by HTTPS keep windows of other sites apart.
fn keep_apart(headers: &mut HeaderMap) {
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
}
