//! `/pauses`: sending paused for an office or a user (SPEC I8).

use axum::extract::{Path, State};
use axum::http::StatusCode;
use postroom_domain::{OfficeId, Rule, UserId};
use postroom_office::{Directory, Principal};
use postroom_store::{Pause, PauseOf, User};

use super::App;
use super::auth::{ByHand, Caller};
use super::extract::Json;
use super::people::fields::{bad, visible};
use super::people::{administered_office, administered_user, named_office};
use super::problem::ApiError;
use super::wire::limits::{NewPause, PauseRow, Pauses};
use super::wire::problem::Problem;
use super::wire::session::Named;

/// Characters of a reason.
const MOST_REASON: usize = 200;

/// The pauses of what one administers, of one's own office and of oneself.
///
/// # Errors
/// Those of the store.
#[utoipa::path(
    get, path = "/api/v1/pauses", tag = "limits",
    responses((status = 200, body = Pauses), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(who): Caller,
) -> Result<axum::Json<Pauses>, ApiError> {
    let directory = app.directory().await?;
    let mut rows = Vec::new();
    for pause in app.store.pauses().await? {
        let user = user_of(&app, &pause).await?;
        if knows(&who, &pause, user.as_ref()) {
            rows.push(shown(&directory, pause, user));
        }
    }
    Ok(axum::Json(Pauses { pauses: rows }))
}

/// Pauses sending for an office or a user: what is queued and what comes in is kept and waits.
///
/// # Errors
/// 403, 404, 422.
#[utoipa::path(
    post, path = "/api/v1/pauses", tag = "limits", request_body = NewPause,
    responses((status = 201, body = PauseRow), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn add(
    State(app): State<App>,
    ByHand(who): ByHand,
    Json(given): Json<NewPause>,
) -> Result<(StatusCode, axum::Json<PauseRow>), ApiError> {
    require_administrator(&who)?;
    let directory = app.directory().await?;
    if given.reason.chars().count() > MOST_REASON || given.reason.chars().any(char::is_control) {
        let words = format!("has more than {MOST_REASON} characters or a line end: shorten it");
        return Err(bad("reason", words));
    }
    visible("reason", &given.reason)?;
    let of = match (given.office, given.user) {
        (Some(office), None) => PauseOf::Office(administered_office(&who, &directory, OfficeId(office))?.id),
        (None, Some(user)) => PauseOf::Sender(administered_user(&app, &who, UserId(user)).await?.id),
        (None, None) | (Some(_), Some(_)) => {
            return Err(bad("office", "name an office or a user: one of them"));
        }
    };
    let pause = app
        .store
        .pause(of, given.reason, app.clock.now(), &who.note())
        .await?;
    app.wake_engine();
    let user = user_of(&app, &pause).await?;
    Ok((StatusCode::CREATED, axum::Json(shown(&directory, pause, user))))
}

/// Ends a pause: what waited leaves in its order.
///
/// # Errors
/// 403, 404 for a pause that is not there.
#[utoipa::path(
    delete, path = "/api/v1/pauses/{id}", tag = "limits",
    params(("id" = String, Path, description = "office-3 or user-7")),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn remove(
    State(app): State<App>,
    ByHand(who): ByHand,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    require_administrator(&who)?;
    let of = parse(&id).ok_or_else(no_pause)?;
    match of {
        PauseOf::Office(office) => {
            administered_office(&who, &app.directory().await?, office)?;
        }
        PauseOf::Sender(user) => {
            administered_user(&app, &who, user).await?;
        }
    }
    let ended = app.store.resume(of, app.clock.now(), &who.note()).await?;
    app.wake_engine();
    ended.map(|_| StatusCode::NO_CONTENT).ok_or_else(no_pause)
}

/// Refuses whoever administers nothing, whatever they name.
fn require_administrator(who: &Principal) -> Result<(), ApiError> {
    if who.is_system_administrator() || who.office_id().is_some_and(|office| who.administers(office)) {
        Ok(())
    } else {
        Err(ApiError::forbidden(Rule::AdministerOffice))
    }
}

fn no_pause() -> ApiError {
    ApiError::not_found("there is no such pause among those that you may see")
}

fn parse(id: &str) -> Option<PauseOf> {
    let (kind, number) = id.split_once('-')?;
    let number = number.parse().ok()?;
    match kind {
        "office" => Some(PauseOf::Office(OfficeId(number))),
        "user" => Some(PauseOf::Sender(UserId(number))),
        _ => None,
    }
}

async fn user_of(app: &App, pause: &Pause) -> Result<Option<User>, ApiError> {
    Ok(match pause.of {
        PauseOf::Office(_) => None,
        PauseOf::Sender(user) => app.store.user(user).await?,
    })
}

fn knows(who: &Principal, pause: &Pause, user: Option<&User>) -> bool {
    match pause.of {
        PauseOf::Office(office) => who.administers(office) || who.office_id() == Some(office),
        PauseOf::Sender(sender) => {
            who.me() == Some(sender) || user.is_some_and(|user| who.administers(user.office))
        }
    }
}

fn shown(directory: &Directory, pause: Pause, user: Option<User>) -> PauseRow {
    let (id, office) = match pause.of {
        PauseOf::Office(office) => (format!("office-{office}"), Some(named_office(directory, office))),
        PauseOf::Sender(user) => (format!("user-{user}"), None),
    };
    PauseRow {
        id,
        office,
        user: user.map(|user| Named {
            id: user.id.0,
            name: user.name,
        }),
        reason: pause.reason,
        since: pause.since,
        by: pause.by.to_string(),
    }
}
