//! `/offices`: the tree.

use std::collections::HashSet;

use axum::extract::State;
use axum::http::StatusCode;
use postroom_domain::{OfficeId, RouteId, Rule, SenderDomain, UserId};
use postroom_office::Principal;
use postroom_store::{self as store, Office, OfficeChange, OfficeSecurity};

use super::{
    administered_office, fields, known_office, knows_office, no_office, require_system_administrator,
};
use crate::alerts;
use crate::http::App;
use crate::http::auth::{ByHand, Caller};
use crate::http::etag::{IfMatch, Versioned};
use crate::http::extract::{Json, Numbered};
use crate::http::problem::ApiError;
use crate::http::wire::people::{NewOffice, OfficeEdit, OfficeEdited, OfficeRow, Offices, Switch};
use crate::http::wire::problem::Problem;

/// The offices that one knows of: the own one, those that one's Enterprise View reaches, all for administrators of the
/// System Office.
///
/// # Errors
/// Those of the store.
#[utoipa::path(
    get, path = "/api/v1/offices", tag = "people",
    responses((status = 200, body = Offices), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    Caller(who): Caller,
) -> Result<axum::Json<Offices>, ApiError> {
    let directory = app.directory().await?;
    let mut offices: Vec<_> = directory
        .offices()
        .filter(|office| knows_office(&who, &directory, office.id))
        .cloned()
        .map(OfficeRow::from)
        .collect();
    offices.sort_by_key(|office| office.id);
    Ok(axum::Json(Offices { offices }))
}

/// One office.
///
/// # Errors
/// 404 for one that does not exist or that one does not know of.
#[utoipa::path(
    get, path = "/api/v1/offices/{id}", tag = "people", params(("id" = i64, Path)),
    responses((status = 200, body = OfficeRow), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn one(
    State(app): State<App>,
    Caller(who): Caller,
    Numbered(id): Numbered,
) -> Result<Versioned<OfficeRow>, ApiError> {
    let directory = app.directory().await?;
    let office = known_office(&who, &directory, OfficeId(id.ok_or_else(no_office)?))?;
    Ok(versioned(office.clone()))
}

/// Makes an office below another.
///
/// # Errors
/// 403 for others than administrators of the System Office; 409 `exists`.
#[utoipa::path(
    post, path = "/api/v1/offices", tag = "people", request_body = NewOffice,
    responses((status = 201, body = OfficeRow), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn add(
    State(app): State<App>,
    ByHand(who): ByHand,
    Json(given): Json<NewOffice>,
) -> Result<(StatusCode, Versioned<OfficeRow>), ApiError> {
    require_system_administrator(&who)?;
    let directory = app.directory().await?;
    let office = store::NewOffice {
        parent: given
            .parent
            .map(OfficeId)
            .or_else(|| directory.root().map(|root| root.id)),
        name: fields::name("name", &given.name)?,
        route: RouteId::SERVER,
    };
    let office = app.store.add_office(office, &app.by(&who)).await?;
    app.people_changed().await?;
    Ok((StatusCode::CREATED, versioned(office)))
}

/// Renames an office, moves it, turns its security on or off, or sets the domains that its people may send from. Moving and
/// the domains take an administrator of the System Office; the answer says how many people cannot send any more.
///
/// # Errors
/// 403, 404, 409 for a cycle or a name that is taken, 412 `stale`, 428.
#[utoipa::path(
    patch, path = "/api/v1/offices/{id}", tag = "people", request_body = OfficeEdit,
    params(("id" = i64, Path), ("If-Match" = String, Header, description = "the version that is changed")),
    responses((status = 200, body = OfficeEdited), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn edit(
    State(app): State<App>,
    ByHand(who): ByHand,
    Numbered(id): Numbered,
    IfMatch(version): IfMatch,
    Json(given): Json<OfficeEdit>,
) -> Result<Versioned<OfficeEdited>, ApiError> {
    let id = changeable(&app, &who, id).await?;
    let mut before = None;
    if given.parent.is_some() || given.allowed_sender_domains.is_some() {
        require_system_administrator(&who)?;
        before = Some(barred(&app).await?);
    }
    let change = OfficeChange {
        name: given.name.map(|name| fields::name("name", &name)).transpose()?,
        parent: given.parent.map(OfficeId),
        security: given.security.map(|switch| match switch {
            Switch::On => OfficeSecurity::On,
            Switch::Off => OfficeSecurity::Off,
        }),
        allowed_sender_domains: given
            .allowed_sender_domains
            .map(|names| fields::allowed_sender_domains(&names))
            .transpose()?,
    };
    let office = app
        .store
        .change_office(id, version, change, &app.by(&who))
        .await?;
    app.people_changed().await?;
    let people_refused = match before {
        Some(before) => refused_since(&app, &before).await?,
        None => 0,
    };
    let version = office.version;
    let office = office.into();
    Ok(Versioned(
        version,
        OfficeEdited {
            office,
            people_refused,
        },
    ))
}

/// Removes an office that has and had nothing in it.
///
/// # Errors
/// 403 for others than administrators of the System Office, 404, 409 `office_not_empty`, 412, 428.
#[utoipa::path(
    delete, path = "/api/v1/offices/{id}", tag = "people",
    params(("id" = i64, Path), ("If-Match" = String, Header, description = "the version that is removed")),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn remove(
    State(app): State<App>,
    ByHand(who): ByHand,
    Numbered(id): Numbered,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, ApiError> {
    let directory = app.directory().await?;
    let id = known_office(&who, &directory, OfficeId(id.ok_or_else(no_office)?))?.id;
    if !who.is_system_administrator() {
        return Err(ApiError::forbidden(Rule::AdministerSystem));
    }
    app.store.remove_office(id, version, &app.by(&who)).await?;
    app.people_changed().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn changeable(app: &App, who: &Principal, id: Option<i64>) -> Result<OfficeId, ApiError> {
    let directory = app.directory().await?;
    Ok(administered_office(who, &directory, OfficeId(id.ok_or_else(no_office)?))?.id)
}

/// Who may not send from their own address.
async fn barred(app: &App) -> Result<HashSet<UserId>, ApiError> {
    let users = app.store.users().await?;
    let barred = app.senders.reserved().barred(&users, &app.directory().await?);
    Ok(barred.into_iter().map(|one| one.user).collect())
}

/// How many people may not send any more; where there are some, the System Office's administrators are alerted.
async fn refused_since(app: &App, before: &HashSet<UserId>) -> Result<u64, ApiError> {
    let refused = barred(app).await?.difference(before).count();
    if refused > 0 {
        let (reserved, now) = (app.senders.reserved(), app.clock.now());
        if let Err(error) = alerts::report_barred_people(&*app.store, &reserved, now).await {
            tracing::warn!(%error, "could not raise an alert about people who cannot send from their address");
        }
    }
    Ok(u64::try_from(refused).unwrap_or(u64::MAX))
}

fn versioned(office: Office) -> Versioned<OfficeRow> {
    Versioned(office.version, office.into())
}

impl From<Office> for OfficeRow {
    fn from(office: Office) -> Self {
        Self {
            id: office.id.0,
            name: office.name,
            parent: office.parent.map(|parent| parent.0),
            security: match office.security {
                OfficeSecurity::On => Switch::On,
                OfficeSecurity::Off => Switch::Off,
            },
            allowed_sender_domains: office
                .allowed_sender_domains
                .iter()
                .map(SenderDomain::to_string)
                .collect(),
            version: office.version,
        }
    }
}
