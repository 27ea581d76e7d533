//! `/proxies`: who sees whose mail on their behalf (V2).

use std::collections::HashMap;

use axum::extract::State;
use axum::http::StatusCode;
use postroom_domain::{ProxyId, Rule, UserId};
use postroom_office::granting::may_give_proxy;
use postroom_office::{Directory, Principal};
use postroom_store::{self as store, Proxy, ProxyLevel, ProxyTerms, User};

use super::{known_user, oneself};
use crate::http::App;
use crate::http::auth::{ByHand, Caller};
use crate::http::etag::{IfMatch, Versioned};
use crate::http::extract::{Json, Numbered};
use crate::http::problem::ApiError;
use crate::http::wire::people::{Level, NewProxy, Proxies, ProxyEdit, ProxyRow};
use crate::http::wire::problem::Problem;
use crate::http::wire::session::Named;

/// The proxies that one has or gave; an administrator sees those of their office, too.
///
/// # Errors
/// Those of the store.
#[utoipa::path(
    get, path = "/api/v1/proxies", tag = "people",
    responses((status = 200, body = Proxies), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    Caller(who): Caller,
) -> Result<axum::Json<Proxies>, ApiError> {
    let people = People::read(&app).await?;
    let proxies = app.store.proxies(None).await?;
    let proxies = proxies
        .iter()
        .filter(|proxy| people.concerns(&who, proxy))
        .map(|proxy| people.row(&app, proxy))
        .collect();
    Ok(axum::Json(Proxies { proxies }))
}

/// Lets an assistant see one's mail; an administrator who sees the mail of others of the office gives proxies for them.
///
/// # Errors
/// 403, 404 for people whom one does not know of, 409 `proxy_for_oneself`, `proxy_across_offices`, `exists`.
#[utoipa::path(
    post, path = "/api/v1/proxies", tag = "people", request_body = NewProxy,
    responses((status = 201, body = ProxyRow), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn add(
    State(app): State<App>,
    ByHand(who): ByHand,
    Json(given): Json<NewProxy>,
) -> Result<(StatusCode, Versioned<ProxyRow>), ApiError> {
    let principal = match given.principal {
        Some(id) => known_user(&app, &who, UserId(id)).await?,
        None => oneself(&who)?.clone(),
    };
    may_give_proxy(&who, &principal).map_err(ApiError::forbidden)?;
    let assistant = known_user(&app, &who, UserId(given.assistant)).await?;
    let proxy = store::NewProxy {
        assistant: assistant.id,
        principal: principal.id,
        terms: ProxyTerms {
            level: given.level.into(),
            from: given.from,
            until: given.until,
        },
    };
    let proxy = app.store.add_proxy(proxy, &app.by(&who)).await?;
    app.people_changed().await?;
    Ok((StatusCode::CREATED, versioned(&app, &proxy).await?))
}

/// Changes what a proxy allows, or when.
///
/// # Errors
/// 403 `give_proxy` for the assistant, and for administrators who do not see the principal's mail, 404, 409
/// `proxy_ends_first`, 412 `stale`, 428.
#[utoipa::path(
    put, path = "/api/v1/proxies/{id}", tag = "people", request_body = ProxyEdit,
    params(("id" = i64, Path), ("If-Match" = String, Header, description = "the version that is changed")),
    responses((status = 200, body = ProxyRow), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn edit(
    State(app): State<App>,
    ByHand(who): ByHand,
    Numbered(id): Numbered,
    IfMatch(version): IfMatch,
    Json(given): Json<ProxyEdit>,
) -> Result<Versioned<ProxyRow>, ApiError> {
    let people = People::read(&app).await?;
    let proxy = known_proxy(&app, &who, &people, id).await?;
    let principal = people.users.get(&proxy.principal);
    let principal = principal.ok_or_else(|| ApiError::forbidden(Rule::GiveProxy))?;
    may_give_proxy(&who, principal).map_err(ApiError::forbidden)?;
    let terms = ProxyTerms {
        level: given.level.into(),
        from: given.from,
        until: given.until,
    };
    let proxy = app
        .store
        .change_proxy(proxy.id, version, terms, &app.by(&who))
        .await?;
    app.people_changed().await?;
    versioned(&app, &proxy).await
}

/// Ends a proxy; the assistant may give it up, too.
///
/// # Errors
/// 404.
#[utoipa::path(
    delete, path = "/api/v1/proxies/{id}", tag = "people", params(("id" = i64, Path)),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn remove(
    State(app): State<App>,
    ByHand(who): ByHand,
    Numbered(id): Numbered,
) -> Result<StatusCode, ApiError> {
    let people = People::read(&app).await?;
    let proxy = known_proxy(&app, &who, &people, id).await?;
    app.store.remove_proxy(proxy.id, &app.by(&who)).await?;
    app.people_changed().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Everybody by id, and the offices.
struct People {
    users: HashMap<UserId, User>,
    directory: Directory,
}

impl People {
    async fn read(app: &App) -> Result<Self, ApiError> {
        let users = app.store.users().await?;
        Ok(Self {
            users: users.into_iter().map(|user| (user.id, user)).collect(),
            directory: app.directory().await?,
        })
    }

    /// Whether somebody gave this proxy or could have: the principal, or an administrator of the office.
    fn gave(&self, who: &Principal, proxy: &Proxy) -> bool {
        let principal = self.users.get(&proxy.principal);
        who.me() == Some(proxy.principal) || principal.is_some_and(|user| who.administers(user.office))
    }

    fn concerns(&self, who: &Principal, proxy: &Proxy) -> bool {
        who.me() == Some(proxy.assistant) || self.gave(who, proxy)
    }

    fn row(&self, app: &App, proxy: &Proxy) -> ProxyRow {
        let named = |id: UserId| Named {
            id: id.0,
            name: self
                .users
                .get(&id)
                .map_or_else(String::new, |user| user.name.clone()),
        };
        let active = self.users.get(&proxy.assistant).is_some_and(|user| {
            let proxies = std::slice::from_ref(proxy);
            let counting = self.directory.proxies_that_count(user, proxies, app.clock.now());
            !user.disabled && counting.count() > 0
        });
        ProxyRow {
            id: proxy.id.0,
            assistant: named(proxy.assistant),
            principal: named(proxy.principal),
            level: proxy.terms.level.into(),
            from: proxy.terms.from,
            until: proxy.terms.until,
            active,
            version: proxy.version,
        }
    }
}

async fn known_proxy(
    app: &App,
    who: &Principal,
    people: &People,
    id: Option<i64>,
) -> Result<Proxy, ApiError> {
    let id = id.map(ProxyId);
    let proxies = app.store.proxies(None).await?;
    proxies
        .into_iter()
        .find(|proxy| Some(proxy.id) == id && people.concerns(who, proxy))
        .ok_or_else(|| ApiError::not_found("there is no such proxy among those that you may see"))
}

async fn versioned(app: &App, proxy: &Proxy) -> Result<Versioned<ProxyRow>, ApiError> {
    let people = People::read(app).await?;
    Ok(Versioned(proxy.version, people.row(app, proxy)))
}

impl From<Level> for ProxyLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::View => Self::View,
            Level::Manage => Self::Manage,
        }
    }
}

impl From<ProxyLevel> for Level {
    fn from(level: ProxyLevel) -> Self {
        match level {
            ProxyLevel::View => Self::View,
            ProxyLevel::Manage => Self::Manage,
        }
    }
}
