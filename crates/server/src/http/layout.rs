//! How the queue list looks: one's own layout, an office's, or the default (SPEC Q2).

use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use postroom_domain::{LayoutError, OfficeId, Rule, UserId};
use postroom_office::Principal;
use postroom_store::LayoutOf;

use super::App;
use super::auth::Caller;
use super::etag::{IfMatch, Versioned};
use super::extract::Json;
use super::people::{administered_office, no_office};
use super::problem::ApiError;
use super::wire::layout::{Layout, LayoutSource, ShownLayout};
use super::wire::problem::Problem;

/// How the list looks to the one who asks. The `ETag` is the version of their own layout, `"0"` while there is none.
///
/// # Errors
/// Those of the store.
#[utoipa::path(
    get, path = "/api/v1/layout", tag = "layout",
    responses((status = 200, body = ShownLayout), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn own(
    State(app): State<App>,
    Caller(who): Caller,
) -> Result<Versioned<ShownLayout>, ApiError> {
    let (version, layout, source) = layout_of(&app, &who).await?;
    Ok(Versioned(version, shown(&layout, source, owner(&who).is_ok())))
}

/// The layout that somebody sees: their own with its version, else the office's, else the default.
///
/// # Errors
/// Those of the store.
pub(super) async fn layout_of(app: &App, who: &Principal) -> Result<(i64, Layout, LayoutSource), ApiError> {
    if let Some(me) = who.me()
        && let Some(kept) = app.store.layout(LayoutOf::Person(me)).await?
    {
        return Ok((kept.version, (&kept.layout).into(), LayoutSource::Own));
    }
    let (layout, source) = match who.office_id() {
        Some(office) => offices(app, office).await?.0,
        None => (default(), LayoutSource::Default),
    };
    Ok((0, layout, source))
}

/// Keeps a layout of one's own.
///
/// # Errors
/// 403 without the right `customize_list_layout`, 422 for a column that is wrong, 412 for a stale version.
#[utoipa::path(
    put, path = "/api/v1/layout", tag = "layout", request_body = Layout,
    params(("If-Match" = String, Header, description = "the ETag of the layout that was read")),
    responses((status = 200, body = ShownLayout), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn set_own(
    State(app): State<App>,
    Caller(who): Caller,
    from: Result<IfMatch, ApiError>,
    Json(layout): Json<Layout>,
) -> Result<Versioned<ShownLayout>, ApiError> {
    let me = owner(&who).map_err(ApiError::forbidden)?;
    let version = keep(&app, &who, LayoutOf::Person(me), &layout, from?).await?;
    Ok(Versioned(version, shown(&layout, LayoutSource::Own, true)))
}

/// Gives one's own layout up: the office's shows again.
///
/// # Errors
/// 403 without the right `customize_list_layout`.
#[utoipa::path(
    delete, path = "/api/v1/layout", tag = "layout",
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn clear_own(State(app): State<App>, Caller(who): Caller) -> Result<StatusCode, ApiError> {
    let me = owner(&who).map_err(ApiError::forbidden)?;
    app.store.clear_layout(LayoutOf::Person(me)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an office's people see who have no layout of their own. The `ETag` is its version.
///
/// # Errors
/// 404 for an office that one does not see, 403 without administering it.
#[utoipa::path(
    get, path = "/api/v1/offices/{id}/layout", tag = "layout", params(("id" = i64, Path, description = "the office")),
    responses((status = 200, body = ShownLayout), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn office(
    State(app): State<App>,
    Caller(who): Caller,
    InPath(id): InPath,
) -> Result<Versioned<ShownLayout>, ApiError> {
    let office = administered(&app, &who, id).await?;
    let ((layout, source), version) = offices(&app, office).await?;
    Ok(Versioned(version, shown(&layout, source, true)))
}

/// Keeps the layout that an office's people see.
///
/// # Errors
/// 404 for an office that one does not see, 403 without administering it, 422 for a column that is wrong, 412 for a stale
/// version.
#[utoipa::path(
    put, path = "/api/v1/offices/{id}/layout", tag = "layout", request_body = Layout,
    params(
        ("id" = i64, Path, description = "the office"),
        ("If-Match" = String, Header, description = "the ETag of the layout that was read"),
    ),
    responses((status = 200, body = ShownLayout), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn set_office(
    State(app): State<App>,
    Caller(who): Caller,
    InPath(id): InPath,
    from: Result<IfMatch, ApiError>,
    Json(layout): Json<Layout>,
) -> Result<Versioned<ShownLayout>, ApiError> {
    let office = administered(&app, &who, id).await?;
    let version = keep(&app, &who, LayoutOf::Office(office), &layout, from?).await?;
    Ok(Versioned(version, shown(&layout, LayoutSource::Office, true)))
}

/// The office named in the path. What cannot be an id is an office that does not exist.
#[derive(Debug, Clone, Copy)]
pub(super) struct InPath(OfficeId);

impl<S: Send + Sync> FromRequestParts<S> for InPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let id = Path::<i64>::from_request_parts(parts, state).await;
        id.map(|Path(id)| Self(OfficeId(id))).map_err(|_| no_office())
    }
}

/// Whose own layout it may be; else the rule that says no.
fn owner(who: &Principal) -> Result<UserId, Rule> {
    let user = who.user().ok_or(Rule::BeAPerson)?;
    if user.rights.customize_list_layout {
        Ok(user.id)
    } else {
        Err(Rule::CustomizeListLayout)
    }
}

/// The office, where the asker administers it; 403 where they only know of it.
async fn administered(app: &App, who: &Principal, id: OfficeId) -> Result<OfficeId, ApiError> {
    let directory = app.directory().await?;
    Ok(administered_office(who, &directory, id)?.id)
}

/// An office's layout, or the default, and its version.
async fn offices(app: &App, office: OfficeId) -> Result<((Layout, LayoutSource), i64), ApiError> {
    let kept = app.store.layout(LayoutOf::Office(office)).await?;
    Ok(match kept {
        Some(kept) => (((&kept.layout).into(), LayoutSource::Office), kept.version),
        None => ((default(), LayoutSource::Default), 0),
    })
}

async fn keep(
    app: &App,
    who: &Principal,
    of: LayoutOf,
    layout: &Layout,
    from: IfMatch,
) -> Result<i64, ApiError> {
    let checked = layout.checked().map_err(|error| bad_layout(layout, &error))?;
    let at = app.clock.now();
    Ok(app.store.set_layout(of, checked, from.0, at, who.note()).await?)
}

fn bad_layout(layout: &Layout, error: &LayoutError) -> ApiError {
    let place = |key: &str, which: usize| {
        let mut places = layout
            .columns
            .iter()
            .enumerate()
            .filter(|(_, shown)| shown.column == key);
        places.nth(which).map(|(n, _)| format!("columns[{n}]"))
    };
    let field = match error {
        LayoutError::Empty => "columns".to_owned(),
        LayoutError::DoesNotSort(_) => "sort.column".to_owned(),
        LayoutError::UnknownColumn(key) => {
            place(key, 0).map_or_else(|| "sort.column".to_owned(), |place| format!("{place}.column"))
        }
        LayoutError::Twice(column) => {
            place(column.key(), 1).map_or_else(|| "columns".to_owned(), |place| format!("{place}.column"))
        }
        LayoutError::Width { column, .. } => {
            place(column.key(), 0).map_or_else(|| "columns".to_owned(), |place| format!("{place}.width_px"))
        }
    };
    ApiError::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "bad_layout",
        "This layout cannot be kept",
        format!("{field}: {error}"),
    )
    .at(field)
}

fn default() -> Layout {
    (&postroom_domain::Layout::default()).into()
}

fn shown(layout: &Layout, source: LayoutSource, may_change: bool) -> ShownLayout {
    ShownLayout {
        columns: layout.columns.clone(),
        sort: layout.sort.clone(),
        source,
        may_change,
    }
}
