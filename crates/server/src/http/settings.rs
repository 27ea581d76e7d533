//! `/offices/{id}/settings`: Office Settings – Detail (SPEC O1).

use axum::extract::State;
use axum::http::StatusCode;
use postroom_domain::{OfficeId, Refusal};
use postroom_office::relays::{ServersRelay, SettingsError};
use postroom_store::{Office, OfficeSettings};

use super::App;
use super::auth::{ByHand, Caller};
use super::etag::{IfMatch, Versioned};
use super::extract::{Json, Numbered};
use super::people::{administered_office, no_office};
use super::problem::ApiError;
use super::wire::problem::Problem;
use super::wire::relay_test::{RelayTest, RelayTestAnswer};
use super::wire::settings::{OfficeSettingsAnswer, OfficeSettingsEdit};

/// An office's settings. Secrets are never shown: `has_secret` says that one is kept.
///
/// # Errors
/// 404 for an office that one does not know of, 403 for one that one does not administer.
#[utoipa::path(
    get, path = "/api/v1/offices/{id}/settings", tag = "settings", params(("id" = i64, Path)),
    responses((status = 200, body = OfficeSettingsAnswer), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn read(
    State(app): State<App>,
    Caller(who): Caller,
    Numbered(id): Numbered,
) -> Result<Versioned<OfficeSettingsAnswer>, ApiError> {
    let directory = app.directory().await?;
    let office = administered_office(&who, &directory, OfficeId(id.ok_or_else(no_office)?))?;
    let settings = app.relays.settings(office.id).await?;
    Ok(answer(&app, office, settings))
}

/// Sets an office's settings. Changed SMTP settings hold at once: a relay that was down is tried again, and waiting
/// mail moves to its new way out.
///
/// # Errors
/// 409 `set_in_configuration`, 412 `stale`, 422 for values that cannot be used, `forbidden_address` among them.
#[utoipa::path(
    put, path = "/api/v1/offices/{id}/settings", tag = "settings", params(("id" = i64, Path)),
    request_body = OfficeSettingsEdit,
    responses((status = 200, body = OfficeSettingsAnswer), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn set(
    State(app): State<App>,
    ByHand(who): ByHand,
    Numbered(id): Numbered,
    IfMatch(version): IfMatch,
    Json(edit): Json<OfficeSettingsEdit>,
) -> Result<Versioned<OfficeSettingsAnswer>, ApiError> {
    let directory = app.directory().await?;
    let office = administered_office(&who, &directory, OfficeId(id.ok_or_else(no_office)?))?;
    let settings = app.relays.set(office, &edit.into(), version, &who.note()).await?;
    app.people_changed().await?;
    Ok(answer(&app, office, settings))
}

/// Tries a relay step by step (name, connection, TLS, sign-in, sender) without setting it and without sending mail.
///
/// # Errors
/// 422 for values that cannot be tried.
#[utoipa::path(
    post, path = "/api/v1/offices/{id}/settings/test", tag = "settings", params(("id" = i64, Path)),
    request_body = RelayTest,
    responses((status = 200, body = RelayTestAnswer), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn test(
    State(app): State<App>,
    ByHand(who): ByHand,
    Numbered(id): Numbered,
    Json(given): Json<RelayTest>,
) -> Result<axum::Json<RelayTestAnswer>, ApiError> {
    let directory = app.directory().await?;
    let office = administered_office(&who, &directory, OfficeId(id.ok_or_else(no_office)?))?;
    let place = usize::from(given.place);
    let report = app
        .relays
        .test(office, place, &given.relay.into(), &who.note())
        .await?;
    Ok(axum::Json(report.into()))
}

fn answer(app: &App, office: &Office, settings: OfficeSettings) -> Versioned<OfficeSettingsAnswer> {
    let in_file = office.parent.is_none() && app.relays.servers() == ServersRelay::InFile;
    Versioned(settings.version, OfficeSettingsAnswer::new(settings, in_file))
}

impl From<SettingsError> for ApiError {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Bad(bad) => Refusal::BadValue {
                field: bad.field,
                reason: bad.reason.into(),
            }
            .into(),
            SettingsError::Forbidden {
                field,
                reason,
                suggestion,
            } => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "forbidden_address",
                "The address is not allowed",
                reason,
            )
            .at(field)
            .suggest(suggestion),
            SettingsError::InConfiguration => Self::new(
                StatusCode::CONFLICT,
                "set_in_configuration",
                "It is set in the configuration file",
                SettingsError::InConfiguration.to_string(),
            )
            .at("relays"),
            SettingsError::Store(error) => error.into(),
            SettingsError::Vault(error) => Self::internal(error.to_string()),
        }
    }
}
