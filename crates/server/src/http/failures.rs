//! Fix and replay (SPEC C6): failed mail by what failed it, and sending exactly that again once it is fixed.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use postroom_domain::{FailureCause, RouteId, ShownType, Verb};
use postroom_office::Directory;
use postroom_office::explain::{SettingsPlace, settings_place};
use postroom_store::{self as store, FailedBy, Filter, Which};

use super::App;
use super::auth::Caller;
use super::extract::Json;
use super::messages::sweep::{Background, foreseen, sweep};
use super::problem::ApiError;
use super::wire::actions::ActionReport;
use super::wire::failures::{FailureGroup, Failures, ReplayRequest};
use super::wire::jobs::Job;
use super::wire::problem::Problem;
use super::wire::session::Named;

/// Failed messages that are looked at, the newest first.
const LOOKED_AT: u32 = 20_000;

/// Failed mail that one sees, in groups by way out and cause: of the newest 20,000 failed messages.
///
/// # Errors
/// Those of the store.
#[utoipa::path(
    get, path = "/api/v1/failures", tag = "actions",
    responses((status = 200, body = Failures), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(who): Caller,
) -> Result<axum::Json<Failures>, ApiError> {
    let found = app.store.failures(&who.authority.see, LOOKED_AT).await?;
    let directory = Directory::new(app.store.offices().await?);
    let mut groups = Vec::with_capacity(found.groups.len());
    for group in found.groups {
        let place = settings_place(&*app.store, app.relays.servers(), group.by.route).await?;
        groups.push(shown(group, place, &directory));
    }
    Ok(axum::Json(Failures {
        groups,
        complete: found.complete,
    }))
}

/// Puts back to Outbox exactly the mail that this cause failed, on the way out that its office has now.
///
/// # Errors
/// 404 for a group whose name cannot be one.
#[utoipa::path(
    post, path = "/api/v1/failures/{id}/requeue", tag = "actions", params(("id" = String, Path)),
    request_body = ReplayRequest,
    responses((status = 200, body = ActionReport), (status = 202, body = Job, description = "a job does it"), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn requeue(
    State(app): State<App>,
    Caller(who): Caller,
    Path(id): Path<String>,
    request: Option<Json<ReplayRequest>>,
) -> Result<Response, ApiError> {
    let by = parse(&id).ok_or_else(|| ApiError::not_found("there is no such group of failures"))?;
    let request = request.map(|Json(request)| request).unwrap_or_default();
    let which = Which {
        filter: Filter {
            shown: Some(ShownType::Failed),
            ..Filter::default()
        },
        except: Vec::new(),
        failed_by: Some(by),
    };
    let forecast = app
        .store
        .foresee(&who.authority, Verb::Requeue, &which, None)
        .await?;
    if request.dry_run || forecast.total() == 0 {
        return Ok(axum::Json(foreseen(&forecast)).into_response());
    }
    sweep(
        &app,
        &who,
        Verb::Requeue,
        which,
        &forecast,
        Background(request.background),
    )
    .await
}

fn parse(id: &str) -> Option<FailedBy> {
    let (route, cause) = id.split_once('-')?;
    Some(FailedBy {
        route: RouteId(route.parse().ok()?),
        cause: FailureCause::from_name(cause)?,
    })
}

fn shown(group: store::FailureGroup, place: SettingsPlace, directory: &Directory) -> FailureGroup {
    let FailedBy { route, cause } = group.by;
    let (sentence, advice) = cause.words();
    let office = match place {
        SettingsPlace::Office(id) => directory.office(id),
        SettingsPlace::Configuration => None,
    };
    FailureGroup {
        id: format!("{route}-{}", cause.name()),
        cause: cause.name().to_owned(),
        sentence: sentence.to_owned(),
        advice: advice.to_owned(),
        place: match (cause.is_of_settings(), place) {
            (false, _) => "message",
            (true, SettingsPlace::Configuration) => "server_configuration",
            (true, SettingsPlace::Office(_)) => "office_settings",
        }
        .to_owned(),
        office: office.map(|office| Named {
            id: office.id.0,
            name: office.name.clone(),
        }),
        count: group.count,
        latest: group.latest.to_string(),
        latest_at: group.latest_at.map(|at| at.to_string()),
        reply: group.reply.map(|reply| reply.to_string()),
    }
}
