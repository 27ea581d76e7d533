//! Requests whose commit is not the end of them are carried to their end, also where nobody waits for the answer.
//!
//! A client that closes its connection ends the work on its request wherever that waits: behind a commit, too, and what
//! follows it would not be done. Caches would go on with what was, and nobody would be told. It is for small requests: the
//! task holds no connection's place. Intake ends with its client, so that nothing is taken in of which a part came.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument as _;

use super::ApiError;

/// Answers a request that may change something from a task of its own.
pub(super) async fn to_the_end(request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    match tokio::spawn(next.run(request).in_current_span()).await {
        Ok(answer) => answer,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(ended) => ApiError::internal(ended.to_string()).into_response(),
        },
    }
}
