//! Who asks: proved by a cookie, an API key, or the operator's socket.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use postroom_domain::Rule;
use postroom_office::Principal;

use super::App;
use super::problem::ApiError;
use super::visit::Visit;

/// The name of the session's cookie.
pub(super) const COOKIE: &str = "postroom_session";
/// The same where people come by HTTPS: a browser takes a cookie of this name from this host over HTTPS alone, so that no
/// neighbour puts one in its place (RFC 6265bis §4.1.3.2).
pub(super) const HOST_COOKIE: &str = "__Host-postroom_session";

/// Whoever asks; a handler that takes one answers nobody else.
#[derive(Debug, Clone)]
pub(super) struct Caller(pub(super) Arc<Principal>);

/// Whoever asks by hand: a person who signed in, or the operator. A handler that takes one refuses every API key, before
/// it looks at what is asked.
#[derive(Debug, Clone)]
pub(super) struct ByHand(pub(super) Arc<Principal>);

/// Marks requests that came through the operator's socket.
#[derive(Debug, Clone, Copy)]
struct Operator;

/// Lets everything through as the operator: in front of the admin router alone.
pub(super) async fn as_operator(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Operator);
    next.run(request).await
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        if parts.extensions.get::<Operator>().is_some() {
            return Ok(Self(Principal::operator()));
        }
        let found = if let Some(secret) = bearer(&parts.headers)? {
            app.authenticator.key(secret).await?
        } else if let Some(token) = session_token(app, &parts.headers) {
            app.authenticator.session(&token).await?
        } else {
            None
        };
        let who = found.ok_or_else(ApiError::not_signed_in)?;
        if let Some(visit) = parts.extensions.get::<Visit>() {
            visit.signed_in();
        }
        Ok(Self(who))
    }
}

impl FromRequestParts<App> for ByHand {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let Caller(who) = Caller::from_request_parts(parts, app).await?;
        if who.is_by_hand() {
            Ok(Self(who))
        } else {
            Err(ApiError::forbidden(Rule::ByHand))
        }
    }
}

/// Whoever asks, if anybody proved to; for routes that answer strangers too.
#[derive(Debug, Clone)]
pub(super) struct MaybeCaller(pub(super) Option<Arc<Principal>>);

impl FromRequestParts<App> for MaybeCaller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let caller = Caller::from_request_parts(parts, app).await;
        Ok(Self(caller.ok().map(|Caller(who)| who)))
    }
}

/// The secret of an `Authorization: Bearer` header.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let value = value.to_str().map_err(|_| ApiError::not_signed_in())?;
    match value.split_once(' ') {
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(secret.trim())),
        Some(_) | None => Err(ApiError::not_signed_in()),
    }
}

/// The name of the session's cookie, by how people come.
pub(super) fn cookie_name(app: &App) -> &'static str {
    if app.is_https() { HOST_COOKIE } else { COOKIE }
}

/// The token of the session's cookie. Over HTTPS one by the plain name does not count: another host of the domain can put
/// it there, and sign somebody in as somebody else.
pub(super) fn session_token(app: &App, headers: &HeaderMap) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    let cookie = jar.get(cookie_name(app))?;
    Some(cookie.value().to_owned()).filter(|token| !token.is_empty() && token.len() <= 128)
}
