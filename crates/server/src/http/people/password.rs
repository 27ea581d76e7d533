//! Passwords: forgotten, set by a link, changed.

use axum::extract::State;
use axum::http::StatusCode;
use axum_extra::extract::CookieJar;

use postroom_office::{KEY_PREFIX, SignInError, is_for_first_password};
use postroom_store::OpenKeys;

use super::{fields, oneself};
use crate::http::App;
use crate::http::auth::ByHand;
use crate::http::browser::{Browser, BrowserCookie};
use crate::http::extract::Json;
use crate::http::peer::ClientAddress;
use crate::http::problem::ApiError;
use crate::http::session::{SignedIn, refused, with_session};
use crate::http::throttled;
use crate::http::wire::people::{Forgotten, PasswordEdit, Redeemed};
use crate::http::wire::problem::Problem;

/// Somebody forgot their password: if there is such a person, a link that works once goes to their address. The answer
/// is the same for everybody.
///
/// # Errors
/// 429 `too_many_attempts`.
#[utoipa::path(
    post, path = "/api/v1/password-reset", tag = "session", request_body = Forgotten,
    responses((status = 202), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn forgot(
    State(app): State<App>,
    browser: Browser,
    Json(given): Json<Forgotten>,
) -> Result<StatusCode, ApiError> {
    app.authenticator
        .take_reset(&given.login, &browser.client())
        .await
        .map_err(|error| match error {
            SignInError::TooMany { retry_after } => throttled::reset(retry_after),
            SignInError::Invalid | SignInError::Store(_) => refused(error),
        })?;
    app.accounts.forgot(&given.login);
    Ok(StatusCode::ACCEPTED)
}

/// Sets a password by a link; it works once, and every session of the person ends. Their API keys end, too, unless
/// `end_keys` is false, or the link is an invitation of somebody who had no password.
///
/// # Errors
/// 409 `token_invalid`, 422 for a password that is too short.
#[utoipa::path(
    post, path = "/api/v1/password-reset/confirm", tag = "session", request_body = Redeemed,
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn confirm(
    State(app): State<App>,
    ClientAddress(peer): ClientAddress,
    browser: Browser,
    Json(given): Json<Redeemed>,
) -> Result<(BrowserCookie, StatusCode), ApiError> {
    app.check_token(&given.token, peer).await?;
    let hash = fields::password_hash(&app, &given.password).await?;
    let end_keys = given
        .end_keys
        .unwrap_or_else(|| !is_for_first_password(&given.token));
    let keys = if end_keys { OpenKeys::End } else { OpenKeys::Keep };
    let user = app.accounts.redeem(&given.token, hash, keys).await?;
    app.people_changed().await?;
    // Whoever is locked out by somebody's guesses signs in here at once.
    app.authenticator
        .remember(&user, &browser.client_from_now_on())
        .await;
    Ok((browser.remembered(&app), StatusCode::NO_CONTENT))
}

/// Changes one's password; every session ends, and this one goes on as a new one. With `end_keys` one's API keys end, too.
///
/// # Errors
/// 401 `invalid_credentials` for a wrong current password, 403 `by_hand` for an API key.
#[utoipa::path(
    post, path = "/api/v1/session/password", tag = "session", request_body = PasswordEdit,
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn change(
    State(app): State<App>,
    browser: Browser,
    ByHand(who): ByHand,
    jar: CookieJar,
    Json(given): Json<PasswordEdit>,
) -> Result<SignedIn<StatusCode>, ApiError> {
    let user = oneself(&who)?;
    // A key must not turn itself into a password, which would outlive it.
    if given.current.starts_with(KEY_PREFIX) {
        return Err(refused(SignInError::Invalid));
    }
    app.authenticator
        .sign_in(&user.login, &given.current, &browser.client())
        .await
        .map_err(refused)?;
    let hash = fields::password_hash(&app, &given.password).await?;
    let keys = if given.end_keys {
        OpenKeys::End
    } else {
        OpenKeys::Keep
    };
    app.store
        .change_password(user.id, hash, keys, &app.by(&who))
        .await?;
    app.people_changed().await?;
    let token = app.authenticator.begin_session(user).await?;
    let jar = with_session(&app, jar, token.reveal());
    Ok((jar, browser.remembered(&app), StatusCode::NO_CONTENT))
}
