//! `/keys`: API keys of people and offices.

use axum::extract::State;
use axum::http::StatusCode;
use postroom_domain::{KeyId, OfficeId, UserId};
use postroom_office::granting::may_make_office_key;
use postroom_office::{Principal, Secret};
use postroom_store::{ApiKey, NewApiKey};

use super::{administered_office, fields, named_office, oneself};
use crate::http::App;
use crate::http::auth::{ByHand, Caller};
use crate::http::extract::{Json, Numbered};
use crate::http::problem::ApiError;
use crate::http::wire::people::{KeyMade, KeyRow, Keys, NewKey};
use crate::http::wire::problem::Problem;
use crate::http::wire::session::Named;

/// One's own keys; an administrator sees those of their office and its people, too. Never the secrets.
///
/// # Errors
/// Those of the store.
#[utoipa::path(
    get, path = "/api/v1/keys", tag = "people",
    responses((status = 200, body = Keys), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    Caller(who): Caller,
) -> Result<axum::Json<Keys>, ApiError> {
    let directory = app.directory().await?;
    let users = app.store.users().await?;
    let keys = app.store.keys().await?;
    let person = |id: UserId| Named {
        id: id.0,
        name: users
            .iter()
            .find(|user| user.id == id)
            .map_or_else(String::new, |user| user.name.clone()),
    };
    let keys = keys
        .into_iter()
        .filter(|key| concerns(&who, key))
        .map(|key| KeyRow {
            id: key.id.0,
            prefix: key.prefix,
            label: key.label,
            office: named_office(&directory, key.office),
            user: key.user.map(person),
            scopes: key.scopes,
            created_at: key.created_at,
            made_by: key.made_by.map(person),
            ends_at: key.ends_at,
            last_used_at: key.last_used_at,
        })
        .collect();
    Ok(axum::Json(Keys { keys }))
}

/// Makes a key: one's own, or an office's for its administrators. `read` and `manage` take administrators who are Super
/// Users of the office, or of the System Office. The secret is shown this once.
///
/// # Errors
/// 403, 404 for an office that one does not know of, 422 for an unknown scope, or an end that is not in the future.
#[utoipa::path(
    post, path = "/api/v1/keys", tag = "people", request_body = NewKey,
    responses((status = 201, body = KeyMade), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn add(
    State(app): State<App>,
    ByHand(who): ByHand,
    Json(given): Json<NewKey>,
) -> Result<(StatusCode, axum::Json<KeyMade>), ApiError> {
    let (office, user) = match given.office {
        Some(id) => {
            let directory = app.directory().await?;
            let office = administered_office(&who, &directory, OfficeId(id))?.id;
            may_make_office_key(&who, office, &given.scopes).map_err(ApiError::forbidden)?;
            (office, None)
        }
        None => {
            let user = oneself(&who)?;
            (user.office, Some(user.id))
        }
    };
    fields::scopes(&given.scopes)?;
    if user.is_some() != given.scopes.is_empty() {
        return Err(fields::bad(
            "scopes",
            "go with an office's key, which needs at least one; a person's key is that person and takes none",
        ));
    }
    let label = fields::label(&given.label)?;
    let by = app.by(&who);
    let ends_at = fields::key_end(given.ends_at, by.at)?;
    let secret = Secret::key();
    let key = NewApiKey {
        hash: secret.hash(),
        prefix: secret.prefix(),
        label,
        office,
        user,
        scopes: given.scopes,
        created_at: by.at,
        ends_at,
    };
    let id = app.store.add_key(key, &by).await?;
    let made = KeyMade {
        id: id.0,
        secret: secret.reveal().to_owned(),
    };
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// Ends a key: one's own, or one of the office for its administrators.
///
/// # Errors
/// 403 `by_hand` for an API key, 404.
#[utoipa::path(
    delete, path = "/api/v1/keys/{id}", tag = "people", params(("id" = i64, Path)),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn revoke(
    State(app): State<App>,
    ByHand(who): ByHand,
    Numbered(id): Numbered,
) -> Result<StatusCode, ApiError> {
    let missing = || ApiError::not_found("there is no such key among those that you may see");
    let id = KeyId(id.ok_or_else(missing)?);
    let keys = app.store.keys().await?;
    let key = keys.into_iter().find(|key| key.id == id && concerns(&who, key));
    let key = key.ok_or_else(missing)?;
    app.store.end_key(key.id, &app.by(&who)).await?;
    app.people_changed().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn concerns(who: &Principal, key: &ApiKey) -> bool {
    who.administers(key.office) || (key.user.is_some() && key.user == who.me())
}
