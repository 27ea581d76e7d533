//! `/setup`: the first administrator of a new server, by the secret that it printed.

use axum::extract::State;
use axum::http::StatusCode;
use postroom_domain::OfficeId;
use postroom_office::Who;
use postroom_store::{SetUp, StoreError};

use super::fields;
use super::own_address::{check_email, check_login};
use crate::http::App;
use crate::http::auth::MaybeCaller;
use crate::http::extract::Json;
use crate::http::peer::ClientAddress;
use crate::http::problem::ApiError;
use crate::http::wire::people::{Setup, SetupState};
use crate::http::wire::problem::Problem;

/// The name of the root of the tree of offices.
pub(in crate::http) const SYSTEM_OFFICE: &str = "System Office";

/// Whether the server waits for its first administrator.
///
/// # Errors
/// Those of the store.
#[utoipa::path(
    get, path = "/api/v1/setup", tag = "session",
    responses((status = 200, body = SetupState), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn state(State(app): State<App>) -> Result<axum::Json<SetupState>, ApiError> {
    let needed = app.accounts.setup_is_needed().await?;
    Ok(axum::Json(SetupState { needed }))
}

/// Makes the System Office and its first administrator. It works once.
///
/// # Errors
/// 409 `set_up_already`, 409 `token_invalid` for another secret, 429.
#[utoipa::path(
    post, path = "/api/v1/setup", tag = "session", request_body = Setup,
    responses((status = 201), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn set_up(
    State(app): State<App>,
    ClientAddress(peer): ClientAddress,
    caller: MaybeCaller,
    Json(given): Json<Setup>,
) -> Result<StatusCode, ApiError> {
    let operator = caller.0.is_some_and(|who| matches!(who.who, Who::Operator));
    let secret = match (&given.secret, operator) {
        (_, true) => None,
        (Some(secret), false) => Some(secret.as_str()),
        (None, false) => {
            return Err(fields::bad(
                "secret",
                "is what the server printed at its start; it is in the file setup-secret of its data folder, too",
            ));
        }
    };
    // Looked at before the password is hashed, which costs time that a stranger must not be able to order.
    if !app.accounts.setup_is_needed().await? {
        return Err(StoreError::People(postroom_domain::PeopleRule::SetUpAlready).into());
    }
    if let Some(secret) = secret {
        app.check_token(secret, peer).await?;
    }
    let mut setup = SetUp {
        token: None,
        office: given.office.map_or_else(
            || Ok(SYSTEM_OFFICE.to_owned()),
            |name| fields::name("office", &name),
        )?,
        login: fields::login(&given.login)?,
        name: fields::name("name", &given.name)?,
        email: fields::email(&given.email)?,
        password_hash: String::new(),
    };
    check_login(&app, &setup.login)?;
    let directory = app.directory().await?;
    let root = directory.root().map_or(OfficeId(0), |root| root.id);
    check_email(&app, &directory, root, &setup.email)?;
    // Last: it is the only part that takes long.
    setup.password_hash = fields::password_hash(&app, &given.password).await?;
    app.accounts.set_up(secret, setup).await?;
    app.people_changed().await?;
    crate::setup::forget(&app.config().server.data_dir);
    Ok(StatusCode::CREATED)
}
