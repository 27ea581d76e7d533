//! Whether the process lives and can work.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::App;
use super::problem::ApiError;

/// How long an answer counts: asking costs a durable write, and anybody may ask.
const FRESH: Duration = Duration::from_secs(1);
static LAST_READY: Mutex<Option<Instant>> = Mutex::new(None);

/// Every part of the server that it cannot work without runs.
pub(super) async fn live(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    match app.supervisor.failure() {
        None => Ok(Json(json!({"status": "live"}))),
        Some(failure) => Err(ApiError::new(
            axum::http::StatusCode::SERVICE_UNAVAILABLE,
            "part_ended",
            "A part of the server has ended",
            failure.to_string(),
        )),
    }
}

/// The store can write.
pub(super) async fn ready(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let fresh = || {
        LAST_READY
            .lock()
            .ok()
            .and_then(|last| *last)
            .is_some_and(|at| at.elapsed() < FRESH)
    };
    if app.supervisor.stopping().is_cancelled() {
        return Err(ApiError::new(
            axum::http::StatusCode::SERVICE_UNAVAILABLE,
            "stopping",
            "The server is stopping",
            "send requests to another node, or try again in a moment",
        ));
    }
    if !fresh() {
        app.store.ready().await?;
        if let Ok(mut last) = LAST_READY.lock() {
            *last = Some(Instant::now());
        }
    }
    Ok(Json(json!({"status": "ready"})))
}
