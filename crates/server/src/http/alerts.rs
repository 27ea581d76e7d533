//! The Alert Center of the person who asks: nobody else's, no proxy's principal's, whatever the rights (SPEC §7).

use axum::extract::{Path, State};
use axum::http::StatusCode;
use postroom_domain::{Timestamp, UserId};
use postroom_office::Principal;
use postroom_store::{AlertId, AlertPage, AlertState, MailedAlerts, StoreError, WhichAlerts};

use super::App;
use super::auth::Caller;
use super::extract::{Json, Params};
use super::problem::ApiError;
use super::wire::alerts::{AlertList, AlertsQuery, AlertsRead, Preferences, ReadAlerts, UnreadAlerts};
use super::wire::problem::Problem;

/// Alerts of a page unless asked otherwise.
const ALERTS: u32 = 50;
/// Most alerts of a page.
const MOST_ALERTS: u32 = 200;

/// Your alerts, the latest first.
///
/// # Errors
/// 422 `bad_parameter` for a parameter that cannot be used; 404 for an office's key, which is nobody.
#[utoipa::path(
    get, path = "/api/v1/alerts", tag = "alerts", params(AlertsQuery),
    responses((status = 200, body = AlertList), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(who): Caller,
    Params(query): Params<AlertsQuery>,
) -> Result<axum::Json<AlertList>, ApiError> {
    let me = person(&who)?;
    let limit = query.limit.unwrap_or(ALERTS);
    if !(1..=MOST_ALERTS).contains(&limit) {
        let detail = format!("limit: is {limit}, but has to be 1 to {MOST_ALERTS}");
        return Err(ApiError::bad_parameter("limit", detail));
    }
    let after = query.cursor.as_deref().map(place).transpose()?;
    let which = if query.unread {
        WhichAlerts::Unread
    } else {
        WhichAlerts::Open
    };
    let alerts = app.store.alerts(me, AlertPage { which, after, limit }).await?;
    let full = alerts.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let last = alerts.last().filter(|_| full);
    Ok(axum::Json(AlertList {
        next: last.map(|alert| format!("a_{}_{}", alert.last_at.as_micros(), alert.id.0)),
        unread: app.store.unread_alerts(me).await?.count,
        alerts: alerts.into_iter().map(Into::into).collect(),
    }))
}

/// How many of your alerts are unread.
///
/// # Errors
/// 404 for an office's key, which is nobody.
#[utoipa::path(
    get, path = "/api/v1/alerts/unread", tag = "alerts",
    responses((status = 200, body = UnreadAlerts), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn unread(
    State(app): State<App>,
    Caller(who): Caller,
) -> Result<axum::Json<UnreadAlerts>, ApiError> {
    Ok(axum::Json(app.store.unread_alerts(person(&who)?).await?.into()))
}

/// Marks an alert as read.
///
/// # Errors
/// 404 for an alert that is not yours, or is dismissed.
#[utoipa::path(
    post, path = "/api/v1/alerts/{id}/read", tag = "alerts", params(("id" = i64, Path, description = "the alert")),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn read(
    State(app): State<App>,
    Caller(who): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    mark(&app, &who, &id, AlertState::Read).await
}

/// Puts an alert away; should its cause recur, it comes back.
///
/// # Errors
/// 404 for an alert that is not yours, or is dismissed.
#[utoipa::path(
    post, path = "/api/v1/alerts/{id}/dismiss", tag = "alerts", params(("id" = i64, Path, description = "the alert")),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn dismiss(
    State(app): State<App>,
    Caller(who): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    mark(&app, &who, &id, AlertState::Dismissed).await
}

/// Marks your alerts as read, all or up to the newest that you saw.
///
/// # Errors
/// 404 for an office's key, which is nobody.
#[utoipa::path(
    post, path = "/api/v1/alerts/read-all", tag = "alerts", request_body = Option<ReadAlerts>,
    responses((status = 200, body = AlertsRead), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn read_all(
    State(app): State<App>,
    Caller(who): Caller,
    given: Option<Json<ReadAlerts>>,
) -> Result<axum::Json<AlertsRead>, ApiError> {
    let me = person(&who)?;
    let upto = AlertId(given.map_or(i64::MAX, |Json(given)| given.upto));
    let mut read = 0;
    loop {
        let step = app.store.read_alerts(me, upto).await?;
        read += u64::from(step);
        if step == 0 {
            return Ok(axum::Json(AlertsRead { read }));
        }
    }
}

/// What you chose for yourself.
///
/// # Errors
/// 404 for an office's key, which is nobody.
#[utoipa::path(
    get, path = "/api/v1/session/preferences", tag = "session",
    responses((status = 200, body = Preferences), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn preferences(
    State(app): State<App>,
    Caller(who): Caller,
) -> Result<axum::Json<Preferences>, ApiError> {
    Ok(axum::Json(chosen(&app, person(&who)?).await?))
}

/// Chooses which alerts you get by e-mail besides.
///
/// # Errors
/// 422 for a sort of alert that there is not; 404 for an office's key, which is nobody.
#[utoipa::path(
    put, path = "/api/v1/session/preferences", tag = "session", request_body = Preferences,
    responses((status = 200, body = Preferences), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn set_preferences(
    State(app): State<App>,
    Caller(who): Caller,
    Json(given): Json<Preferences>,
) -> Result<axum::Json<Preferences>, ApiError> {
    let me = person(&who)?;
    let kinds: Vec<_> = given.alerts_by_email.into_iter().map(Into::into).collect();
    app.store.set_mailed_alerts(me, MailedAlerts::of(&kinds)).await?;
    Ok(axum::Json(chosen(&app, me).await?))
}

async fn chosen(app: &App, me: UserId) -> Result<Preferences, StoreError> {
    let kinds = app.store.mailed_alerts(me).await?.kinds();
    Ok(Preferences {
        alerts_by_email: kinds.into_iter().map(Into::into).collect(),
    })
}

async fn mark(app: &App, who: &Principal, id: &str, to: AlertState) -> Result<StatusCode, ApiError> {
    let me = person(who)?;
    let theirs = match id.parse() {
        Ok(id) => app.store.mark_alert(me, AlertId(id), to).await?,
        Err(_) => false,
    };
    if theirs {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::not_found("you have no such alert"))
    }
}

/// Whose alerts they are.
fn person(who: &Principal) -> Result<UserId, ApiError> {
    who.me().ok_or_else(|| {
        ApiError::not_found("alerts are people's: sign in as a person, or use a person's API key")
    })
}

fn place(cursor: &str) -> Result<(Timestamp, AlertId), ApiError> {
    let parts = cursor.strip_prefix("a_").and_then(|rest| rest.split_once('_'));
    let parsed = parts.and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
    parsed
        .map(|(at, id)| (Timestamp::from_micros(at), AlertId(id)))
        .ok_or_else(|| ApiError::bad_parameter("cursor", "cursor: is none that this server gave"))
}
