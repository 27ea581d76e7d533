//! Jobs: looked at and cancelled by whoever started them, themself or by an API key, and by the System Office's
//! administrators.

use axum::extract::{Path, State};
use postroom_domain::MessageId;
use postroom_office::Principal;
use postroom_store::{self as store, JobId, JobView};

use super::App;
use super::auth::Caller;
use super::extract::Params;
use super::problem::ApiError;
use super::wire::jobs::{ItemsQuery, Job, JobItems, JobList};
use super::wire::problem::Problem;

/// Items of a page of the store.
const PAGE: usize = 200;

/// The latest jobs: one's own and those of one's API keys; for the System Office's administrators everybody's.
///
/// # Errors
/// Those of the store.
#[utoipa::path(
    get, path = "/api/v1/jobs", tag = "actions",
    responses((status = 200, body = JobList), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(who): Caller,
) -> Result<axum::Json<JobList>, ApiError> {
    let jobs = app.store.jobs(view(&who)).await?;
    Ok(axum::Json(JobList {
        jobs: jobs.into_iter().map(Into::into).collect(),
    }))
}

/// One job with its progress.
///
/// # Errors
/// 404 for a job that does not exist or is somebody else's.
#[utoipa::path(
    get, path = "/api/v1/jobs/{id}", tag = "actions", params(("id" = i64, Path)),
    responses((status = 200, body = Job), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn one(
    State(app): State<App>,
    Caller(who): Caller,
    id: Result<Path<i64>, axum::extract::rejection::PathRejection>,
) -> Result<axum::Json<Job>, ApiError> {
    Ok(axum::Json(visible(&app, &who, id).await?.into()))
}

/// Cancels a job: what it has done stays done.
///
/// # Errors
/// 404 as for looking at it; 409 `job_has_ended`.
#[utoipa::path(
    post, path = "/api/v1/jobs/{id}/cancel", tag = "actions", params(("id" = i64, Path)),
    responses((status = 200, body = Job), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn cancel(
    State(app): State<App>,
    Caller(who): Caller,
    id: Result<Path<i64>, axum::extract::rejection::PathRejection>,
) -> Result<axum::Json<Job>, ApiError> {
    let job = visible(&app, &who, id).await?;
    if !app.jobs.cancel(&who, job.id).await? {
        return Err(ApiError::new(
            axum::http::StatusCode::CONFLICT,
            "job_has_ended",
            "The job has ended",
            "there is nothing left to cancel",
        ));
    }
    let job = app.store.job(job.id).await?.ok_or_else(missing)?;
    Ok(axum::Json(job.into()))
}

/// The messages that a job did nothing to, and why.
///
/// # Errors
/// 404 as for looking at it; 422 for a cursor that is none.
#[utoipa::path(
    get, path = "/api/v1/jobs/{id}/items", tag = "actions", params(("id" = i64, Path), ItemsQuery),
    responses((status = 200, body = JobItems), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn items(
    State(app): State<App>,
    Caller(who): Caller,
    id: Result<Path<i64>, axum::extract::rejection::PathRejection>,
    Params(query): Params<ItemsQuery>,
) -> Result<axum::Json<JobItems>, ApiError> {
    let job = visible(&app, &who, id).await?;
    let after: Option<MessageId> = match query.cursor.as_deref().map(str::parse).transpose() {
        Ok(after) => after,
        Err(_) => {
            return Err(ApiError::bad_parameter(
                "cursor",
                "cursor: use the next of an earlier page as it was given",
            ));
        }
    };
    let found = app.store.job_items(job.id, after).await?;
    let next = (found.len() == PAGE)
        .then(|| found.last().map(|item| item.id.to_string()))
        .flatten();
    Ok(axum::Json(JobItems {
        items: found.into_iter().map(Into::into).collect(),
        next,
    }))
}

/// The jobs that somebody sees.
fn view(who: &Principal) -> JobView {
    if who.is_system_administrator() {
        JobView::Everything
    } else {
        who.jobs()
    }
}

async fn visible(
    app: &App,
    who: &Principal,
    id: Result<Path<i64>, axum::extract::rejection::PathRejection>,
) -> Result<store::Job, ApiError> {
    let Path(id) = id.map_err(|_| missing())?;
    let job = app.store.job_in(view(who), JobId(id)).await?;
    job.ok_or_else(missing)
}

fn missing() -> ApiError {
    ApiError::not_found("there is no such job among those that you may see")
}
