//! `/users`: people and their rights.

use axum::extract::State;
use axum::http::StatusCode;
use postroom_domain::{OfficeId, UserId};
use postroom_office::granting::{may_change_sign_in, may_grant};
use postroom_office::{Directory, Principal};
use postroom_store::{self as store, Account, Branches, User, UserChange};
use serde::Deserialize;

use super::own_address::{check_email, check_login};
use super::{
    administered_office, administered_user, fields, known_office, known_user, named_office, no_office,
    no_user, require_system_administrator,
};
use crate::http::App;
use crate::http::auth::{ByHand, Caller};
use crate::http::etag::{IfMatch, Versioned};
use crate::http::extract::{Json, Numbered, Params};
use crate::http::problem::ApiError;
use crate::http::session::rights_of;
use crate::http::wire::people::{NewUser, RightsEdit, UserEdit, UserRow, Users};
use crate::http::wire::problem::Problem;

/// What narrows the list of people.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::http) struct UsersQuery {
    office: Option<i64>,
}

/// The people that one knows of: colleagues, and for administrators of the System Office everybody.
///
/// # Errors
/// 404 for an office that one does not know of.
#[utoipa::path(
    get, path = "/api/v1/users", tag = "people",
    params(("office" = Option<i64>, Query, description = "the people of one office")),
    responses((status = 200, body = Users), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    Caller(who): Caller,
    Params(query): Params<UsersQuery>,
) -> Result<axum::Json<Users>, ApiError> {
    let directory = app.directory().await?;
    let office = match query.office {
        Some(id) => Some(known_office(&who, &directory, OfficeId(id))?.id),
        None => None,
    };
    let users = app.store.users().await?;
    let users = users
        .into_iter()
        .filter(|user| office.is_none_or(|office| user.office == office))
        .filter(|user| who.office_id() == Some(user.office) || who.administers(user.office))
        .map(|user| shown(&who, &directory, user))
        .collect();
    Ok(axum::Json(Users { users }))
}

/// One person.
///
/// # Errors
/// 404 for somebody who does not exist or whom one does not know of.
#[utoipa::path(
    get, path = "/api/v1/users/{id}", tag = "people", params(("id" = i64, Path)),
    responses((status = 200, body = UserRow), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn one(
    State(app): State<App>,
    Caller(who): Caller,
    Numbered(id): Numbered,
) -> Result<Versioned<UserRow>, ApiError> {
    let user = known_user(&app, &who, UserId(id.ok_or_else(no_user)?)).await?;
    let directory = app.directory().await?;
    Ok(Versioned(user.version, shown(&who, &directory, user)))
}

/// Makes a person and invites them by mail to set their password.
///
/// # Errors
/// 403, 404 for an office that one does not know of, 409 `exists`, `address_reserved` or `domain_not_allowed`, 422.
#[utoipa::path(
    post, path = "/api/v1/users", tag = "people", request_body = NewUser,
    responses((status = 201, body = UserRow), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn add(
    State(app): State<App>,
    ByHand(who): ByHand,
    Json(given): Json<NewUser>,
) -> Result<(StatusCode, Versioned<UserRow>), ApiError> {
    let directory = app.directory().await?;
    let office = given
        .office
        .map(OfficeId)
        .or_else(|| who.office_id())
        .or_else(|| directory.root().map(|root| root.id))
        .ok_or_else(no_office)?;
    let office = administered_office(&who, &directory, office)?.clone();
    let rights = fields::rights(&given.rights)?;
    let branches = fields::branches(given.branches.as_deref());
    may_grant(&who, office.id, None, rights, &branches).map_err(ApiError::forbidden)?;
    let user = store::NewUser {
        office: office.id,
        login: fields::login(&given.login)?,
        name: fields::name("name", &given.name)?,
        email: fields::email(&given.email)?,
        password_hash: String::new(),
        rights,
    };
    check_login(&app, &user.login)?;
    check_email(&app, &directory, office.id, &user.email)?;
    let user = app.store.add_user(user, branches, &app.by(&who)).await?;
    app.people_changed().await?;
    app.accounts.invite(user.clone(), office, who.note()).await?;
    Ok((
        StatusCode::CREATED,
        Versioned(user.version, shown(&who, &directory, user)),
    ))
}

/// Changes a person's name, login or address, disables or enables them.
///
/// Logins are changed by administrators of the System Office, an address by whoever may give every right and every
/// proxy that the person has. A new login or address ends the person's sessions and the links that were mailed to them, and the
/// old address is told.
///
/// # Errors
/// 403 `change_sign_in`, `administer_system`, 404, 409 `exists`, `address_reserved`, `domain_not_allowed` or
/// `last_administrator`, 412 `stale`, 428.
#[utoipa::path(
    patch, path = "/api/v1/users/{id}", tag = "people", request_body = UserEdit,
    params(("id" = i64, Path), ("If-Match" = String, Header, description = "the version that is changed")),
    responses((status = 200, body = UserRow), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn edit(
    State(app): State<App>,
    ByHand(who): ByHand,
    Numbered(id): Numbered,
    IfMatch(version): IfMatch,
    Json(given): Json<UserEdit>,
) -> Result<Versioned<UserRow>, ApiError> {
    let user = user_at_version(&app, &who, id, version).await?;
    // What is sent back as it is stored stays, even where it could not be given any more.
    let login = given.login.filter(|login| *login != user.login);
    let login = login.map(|login| fields::login(&login)).transpose()?;
    let email = given
        .email
        .filter(|email| *email != user.email)
        .map(|email| fields::email(&email).map(|email| email.to_lowercase()))
        .transpose()?;
    let new_login = login.as_ref().is_some_and(|login| *login != user.login);
    let new_address = email.as_ref().is_some_and(|email| *email != user.email);
    if let Some(login) = login.as_ref().filter(|_| new_login) {
        require_system_administrator(&who)?;
        check_login(&app, login)?;
    }
    if let Some(email) = email.as_ref().filter(|_| new_address) {
        check_change_of_sign_in(&app, &who, &user).await?;
        check_email(&app, &app.directory().await?, user.office, email)?;
    }
    let change = UserChange {
        name: given.name.map(|name| fields::name("name", &name)).transpose()?,
        login,
        email,
        rights: None,
        account: given.disabled.map(|disabled| {
            if disabled {
                Account::Disabled
            } else {
                Account::Enabled
            }
        }),
    };
    let row = changed(&app, &who, user.id, version, change).await?;
    if new_login || new_address {
        let directory = app.directory().await?;
        let office = directory.office(user.office).cloned().ok_or_else(no_office)?;
        app.accounts.sign_in_changed(user, office).await;
    }
    Ok(row)
}

/// Sets a person's rights, whole. Super User is given and taken away by administrators who are Super Users of the office and by
/// those of the System Office, who alone change Enterprise View, and give more rights to somebody who has it. A right that
/// shows more ends the person's sessions and API keys, unless they give it to themself.
///
/// # Errors
/// 403 `grant_super_user`, `grant_enterprise_view`, 404, 409 `last_administrator`, 412 `stale`, 422 for branches elsewhere, 428.
#[utoipa::path(
    put, path = "/api/v1/users/{id}/rights", tag = "people", request_body = RightsEdit,
    params(("id" = i64, Path), ("If-Match" = String, Header, description = "the version that is changed")),
    responses((status = 200, body = UserRow), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn set_rights(
    State(app): State<App>,
    ByHand(who): ByHand,
    Numbered(id): Numbered,
    IfMatch(version): IfMatch,
    Json(given): Json<RightsEdit>,
) -> Result<Versioned<UserRow>, ApiError> {
    let user = user_at_version(&app, &who, id, version).await?;
    let rights = fields::rights(&given.rights)?;
    let branches = fields::branches(given.branches.as_deref());
    may_grant(&who, user.office, Some(&user), rights, &branches).map_err(ApiError::forbidden)?;
    let change = UserChange {
        rights: Some((rights, branches)),
        ..UserChange::default()
    };
    changed(&app, &who, user.id, version, change).await
}

/// Invites a person again to set their first password, or to set a new one.
///
/// # Errors
/// 403 `change_sign_in`, 404, 409 `person_disabled`.
#[utoipa::path(
    post, path = "/api/v1/users/{id}/invitation", tag = "people", params(("id" = i64, Path)),
    responses((status = 202), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn invite(
    State(app): State<App>,
    ByHand(who): ByHand,
    Numbered(id): Numbered,
) -> Result<StatusCode, ApiError> {
    let user = administered_user(&app, &who, UserId(id.ok_or_else(no_user)?)).await?;
    check_change_of_sign_in(&app, &who, &user).await?;
    if user.disabled {
        return Err(store::StoreError::People(postroom_domain::PeopleRule::Disabled).into());
    }
    let directory = app.directory().await?;
    let office = directory.office(user.office).cloned().ok_or_else(no_office)?;
    app.accounts.invite(user, office, who.note()).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Refuses what would let `who` become a person who may do, or stands in for, more than they could give.
async fn check_change_of_sign_in(app: &App, who: &Principal, user: &User) -> Result<(), ApiError> {
    let proxies = app.store.proxies(Some(user.id)).await?;
    let people = app.store.users().await?;
    let principals = people
        .iter()
        .filter(|person| proxies.iter().any(|proxy| proxy.principal == person.id));
    may_change_sign_in(who, user, principals).map_err(ApiError::forbidden)
}

/// A person whom somebody administers, at the version that the change was made from: what is allowed is decided by the
/// rights that the person still has when the store changes that version.
async fn user_at_version(
    app: &App,
    who: &Principal,
    id: Option<i64>,
    version: i64,
) -> Result<User, ApiError> {
    let user = administered_user(app, who, UserId(id.ok_or_else(no_user)?)).await?;
    if user.version == version {
        Ok(user)
    } else {
        Err(store::StoreError::Stale("user").into())
    }
}

async fn changed(
    app: &App,
    who: &Principal,
    id: UserId,
    version: i64,
    change: UserChange,
) -> Result<Versioned<UserRow>, ApiError> {
    let user = app.store.change_user(id, version, change, &app.by(who)).await?;
    app.people_changed().await?;
    let directory = app.directory().await?;
    Ok(Versioned(user.version, shown(who, &directory, user)))
}

/// A person as `who` may see them.
fn shown(who: &Principal, directory: &Directory, user: User) -> UserRow {
    let full = who.administers(user.office) || who.me() == Some(user.id);
    let branches = match &user.branches {
        Branches::All => None,
        Branches::Only(ids) => Some(ids.iter().map(|id| named_office(directory, *id)).collect()),
    };
    let rights = rights_of(user.rights)
        .iter()
        .map(|right| right.name().to_owned())
        .collect();
    UserRow {
        id: user.id.0,
        office: named_office(directory, user.office),
        name: user.name,
        email: user.email,
        login: full.then_some(user.login),
        rights: full.then_some(rights),
        branches: branches.filter(|_| full),
        disabled: full.then_some(user.disabled),
        version: full.then_some(user.version),
    }
}
