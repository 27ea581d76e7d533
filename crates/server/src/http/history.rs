//! What the server measured of itself, for the administrators of the System Office: the figures are of all offices.

use std::time::Duration;

use axum::extract::State;
use postroom_domain::{Figures, Latencies, Span, Step};

use super::App;
use super::auth::Caller;
use super::extract::Params;
use super::people::require_system_administrator;
use super::problem::ApiError;
use super::wire::history::{HistoryPoint, HistoryQuery, LastHour, NodeRole, NodeStatus, StatusHistory};
use super::wire::problem::Problem;

/// What the server measured of itself: an hour, a day or a week of it.
///
/// # Errors
/// 403 for all but administrators of the System Office, 422 for other numbers of hours.
#[utoipa::path(
    get, path = "/api/v1/status/history", tag = "service", params(HistoryQuery),
    responses((status = 200, body = StatusHistory), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn history(
    State(app): State<App>,
    Caller(who): Caller,
    Params(query): Params<HistoryQuery>,
) -> Result<axum::Json<StatusHistory>, ApiError> {
    require_system_administrator(&who)?;
    let hours = query.hours.unwrap_or(1);
    let span = Span::of_hours(hours).ok_or_else(|| {
        ApiError::bad_parameter(
            "hours",
            format!("hours: is {hours}, but has to be 1, 24 or 168 (a week)"),
        )
    })?;
    Ok(axum::Json(StatusHistory {
        step_seconds: span.step_seconds(),
        measured_at: app.measuring.looked_at(),
        points: app.measuring.steps(span).iter().map(point).collect(),
        last_hour: last_hour(&app.measuring.steps(Span::Hour)),
        nodes: vec![NodeStatus {
            name: app.config().server.hostname.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since: app.metrics.started_at(),
            role: NodeRole::Single,
        }],
    }))
}

fn point(step: &Step) -> HistoryPoint {
    let figures = &step.figures;
    let (latency_p50_ms, latency_p95_ms) = latency(&figures.latencies);
    HistoryPoint {
        at: step.at,
        waiting: figures.waiting,
        oldest_seconds: figures.oldest.map(|age| age.as_secs()),
        accepted: figures.accepted,
        sent: figures.sent,
        failed: figures.failed,
        latency_p50_ms,
        latency_p95_ms,
    }
}

fn last_hour(steps: &[Step]) -> LastHour {
    let mut all = Figures::default();
    for step in steps {
        all.merge(&step.figures);
    }
    let (latency_p50_ms, latency_p95_ms) = latency(&all.latencies);
    LastHour {
        since: steps.first().map(|step| step.at),
        accepted: all.accepted,
        sent: all.sent,
        failed: all.failed,
        latency_p50_ms,
        latency_p95_ms,
    }
}

/// What half of the messages and what 95 of 100 did not exceed, in milliseconds, rounded up.
fn latency(latencies: &Latencies) -> (Option<u64>, Option<u64>) {
    let ms = |took: Duration| u64::try_from(took.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX);
    (latencies.quantile(50).map(ms), latencies.quantile(95).map(ms))
}
