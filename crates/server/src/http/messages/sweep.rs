//! Acting on all that match a filter: forecast, then a job; a small one is waited for.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use postroom_domain::{MessageId, Verb};
use postroom_office::Principal;
use postroom_store::{Forecast, JobState, Which};

use super::actions::{bad, distinct};
use super::filter::filter_of;
use crate::http::App;
use crate::http::problem::ApiError;
use crate::http::wire::actions::{ActionReport, ActionRequest};
use crate::http::wire::jobs::Job;

/// More matches than this are not waited for.
const WAITED_FOR: u64 = 1_000;
/// How long an answer waits for its job.
const PATIENCE: Duration = Duration::from_secs(10);

/// Forecasts, or does, `action` to all that match `filter`.
pub(super) async fn by_filter(
    app: &App,
    who: &Principal,
    request: ActionRequest,
) -> Result<Response, ApiError> {
    let query = request.filter.unwrap_or_default();
    for (field, given) in [
        ("filter.limit", query.limit.is_some()),
        ("filter.cursor", query.cursor.is_some()),
        ("filter.at", query.at.is_some()),
    ] {
        if given {
            return Err(bad(field, "is about pages: a filter has none"));
        }
    }
    if request.past_limits {
        return Err(bad("past_limits", "goes with ids, not with filter"));
    }
    let as_of: Option<MessageId> = request.as_of.map(|text| text.parse()).transpose().map_err(|_| {
        bad(
            "as_of",
            "is not one: give the as_of of a dry run as it was answered",
        )
    })?;
    let except = distinct("except", request.except)?;
    let Some(filter) = filter_of(&query, who)? else {
        return Ok(axum::Json(ActionReport::default()).into_response());
    };
    let which = Which {
        filter,
        except: except.iter().filter_map(|id| id.parse().ok()).collect(),
        failed_by: None,
    };
    let verb = request.action.into();
    let forecast = app.store.foresee(&who.authority, verb, &which, as_of).await?;
    if request.dry_run || forecast.total() == 0 {
        return Ok(axum::Json(foreseen(&forecast)).into_response());
    }
    sweep(app, who, verb, which, &forecast, Background(request.background)).await
}

/// Whether the job is not to be waited for.
pub(in crate::http) struct Background(pub(in crate::http) bool);

/// Does what a forecast has counted, as a job; a small one is waited for.
pub(in crate::http) async fn sweep(
    app: &App,
    who: &Principal,
    verb: Verb,
    which: Which,
    forecast: &Forecast,
    background: Background,
) -> Result<Response, ApiError> {
    let id = app.jobs.start(who, verb, which, forecast).await?;
    if !background.0
        && forecast.total() <= WAITED_FOR
        && let Ok(ended) = tokio::time::timeout(PATIENCE, app.jobs.ended(id)).await
        && let Some(job) = ended?
        && job.state != JobState::Running
    {
        let items = app.store.job_items(id, None).await?;
        let report = ActionReport {
            done: job.done,
            skipped: job.skipped,
            refused: job.refused,
            items: items.into_iter().map(Into::into).collect(),
            as_of: Some(job.as_of.to_string()),
            job: Some(id.0),
        };
        return Ok(axum::Json(report).into_response());
    }
    let job = app.store.job(id).await?;
    let job: Job = job
        .ok_or_else(|| ApiError::internal(format!("job {} is gone", id.0)))?
        .into();
    let mut response = (StatusCode::ACCEPTED, axum::Json(job)).into_response();
    if let Ok(place) = format!("/api/v1/jobs/{}", id.0).parse() {
        response.headers_mut().insert(axum::http::header::LOCATION, place);
    }
    Ok(response)
}

/// A forecast as a report.
pub(in crate::http) fn foreseen(forecast: &Forecast) -> ActionReport {
    ActionReport {
        done: forecast.done,
        skipped: forecast.skipped,
        refused: forecast.refused,
        items: Vec::new(),
        as_of: Some(forecast.as_of.to_string()),
        job: None,
    }
}
