//! `/session`: signing in and out, and who one is.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use postroom_domain::legible;
use postroom_office::{Principal, SignInError, Who};
use postroom_store::Rights;

use super::App;
use super::auth::{COOKIE, Caller, HOST_COOKIE, cookie_name, session_token};
use super::browser::{Browser, BrowserCookie};
use super::extract::Json;
use super::problem::ApiError;
use super::throttled;
use super::wire::problem::Problem;
use super::wire::session::{Named, Person, ProxiedFor, Right, Session, SignIn};

/// An answer that opens a session: its cookie, the browser's, and more.
pub(super) type SignedIn<T> = (CookieJar, BrowserCookie, T);

/// Signs in and sets the session's cookie.
///
/// # Errors
/// 401 `invalid_credentials` for a wrong password and an unknown login alike; 429 `too_many_attempts`.
#[utoipa::path(
    post, path = "/api/v1/session", tag = "session", request_body = SignIn,
    responses((status = 200, body = Session), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn sign_in(
    State(app): State<App>,
    browser: Browser,
    jar: CookieJar,
    Json(given): Json<SignIn>,
) -> Result<SignedIn<axum::Json<Session>>, ApiError> {
    let principal = app
        .authenticator
        .sign_in(&given.login, &given.password, &browser.client())
        .await
        .map_err(refused)?;
    // A key signs its own requests in: a session of it would outlive the key.
    let Who::Person(person) = &principal.who else {
        return Err(invalid());
    };
    let token = app.authenticator.begin_session(&person.user).await?;
    let described = describe(&app, &principal).await?;
    let jar = with_session(&app, jar, token.reveal());
    Ok((jar, browser.remembered(&app), axum::Json(described)))
}

/// Puts the session's cookie in place of those that came.
pub(super) fn with_session(app: &App, jar: CookieJar, token: &str) -> CookieJar {
    let cookie = Cookie::build((cookie_name(app), token.to_owned()))
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(app.is_https())
        .path("/");
    without_session(jar).add(cookie)
}

/// Takes the session's cookies that came away.
fn without_session(jar: CookieJar) -> CookieJar {
    let plain = Cookie::build(COOKIE).path("/");
    // A browser looks at nothing of such a name that is not for HTTPS.
    let host = Cookie::build(HOST_COOKIE).path("/").secure(true);
    jar.remove(plain).remove(host)
}

/// Who one is.
///
/// # Errors
/// 401 where nobody signed in; 404 for an office's key, which is nobody.
#[utoipa::path(
    get, path = "/api/v1/session", tag = "session",
    responses((status = 200, body = Session), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn who(
    State(app): State<App>,
    Caller(principal): Caller,
) -> Result<axum::Json<Session>, ApiError> {
    describe(&app, &principal).await.map(axum::Json)
}

/// Signs out.
///
/// # Errors
/// Those of the store.
#[utoipa::path(
    delete, path = "/api/v1/session", tag = "session",
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn sign_out(
    State(app): State<App>,
    headers: axum::http::HeaderMap,
    jar: CookieJar,
) -> Result<(CookieJar, StatusCode), ApiError> {
    if let Some(token) = session_token(&app, &headers) {
        app.authenticator.end_session(&token).await?;
    }
    Ok((without_session(jar), StatusCode::NO_CONTENT))
}

pub(super) fn refused(error: SignInError) -> ApiError {
    match error {
        SignInError::Invalid => invalid(),
        SignInError::TooMany { retry_after } => throttled::sign_in(retry_after),
        SignInError::Store(error) => error.into(),
    }
}

fn invalid() -> ApiError {
    ApiError::new(
        StatusCode::UNAUTHORIZED,
        "invalid_credentials",
        "The login or the password is wrong",
        "check the login and the password; after ten wrong tries there is a pause",
    )
}

async fn describe(app: &App, principal: &Arc<Principal>) -> Result<Session, ApiError> {
    let (Some(user), Some(office)) = (principal.user(), principal.office()) else {
        return Err(ApiError::not_found(
            "this key belongs to an office, not to a person: there is nobody to describe",
        ));
    };
    let proxies = app.store.proxies(Some(user.id)).await?;
    let directory = app.directory().await?;
    let mut principals = Vec::new();
    for proxy in directory.proxies_that_count(user, &proxies, app.clock.now()) {
        principals.extend(app.store.user(proxy.principal).await?.map(|user| ProxiedFor {
            id: user.id.0,
            name: user.name,
            email: legible::shown(&user.email).into_owned(),
            level: proxy.terms.level.into(),
        }));
    }
    Ok(Session {
        proxies_for: principals,
        system_administrator: principal.is_system_administrator(),
        user: Person {
            id: user.id.0,
            login: legible::shown(&user.login).into_owned(),
            name: user.name.clone(),
            email: legible::shown(&user.email).into_owned(),
            office: Named {
                id: office.id.0,
                name: office.name.clone(),
            },
            rights: rights_of(user.rights),
        },
        brand: app.brand(),
    })
}

/// The rights as a list of names.
pub(super) fn rights_of(rights: Rights) -> Vec<Right> {
    [
        (rights.super_user, Right::SuperUser),
        (rights.enterprise_view, Right::EnterpriseView),
        (rights.administrator, Right::Administrator),
        (rights.customize_list_layout, Right::CustomizeListLayout),
    ]
    .into_iter()
    .filter_map(|(has, right)| has.then_some(right))
    .collect()
}
