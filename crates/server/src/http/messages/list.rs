//! The queue list and its counts.

use axum::extract::State;
use postroom_domain::{SortKey, SortOrder};
use postroom_store::{PageRequest, Place};

use super::filter::filter_of;
use super::{cursor, sorted};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::banners;
use crate::http::extract::Params;
use crate::http::problem::ApiError;
use crate::http::wire::list::{Counts, ListQuery, More, Page};
use crate::http::wire::problem::Problem;
use crate::http::wire::status::Banner;

/// Rows of a page unless asked otherwise.
const ROWS: u32 = 50;
/// Most rows of a page.
const MOST_ROWS: u32 = 200;

/// One page of the queue, newest first unless sorted otherwise.
///
/// # Errors
/// 422 `bad_parameter` for a parameter that cannot be used, `narrow_first` for more rows than can be sorted in time.
#[utoipa::path(
    get, path = "/api/v1/messages", tag = "list", params(ListQuery),
    responses((status = 200, body = Page), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(query): Params<ListQuery>,
) -> Result<axum::Json<Page>, ApiError> {
    let Caller(who) = &caller;
    let limit = query.limit.unwrap_or(ROWS);
    if !(1..=MOST_ROWS).contains(&limit) {
        return Err(ApiError::bad_parameter(
            "limit",
            format!("limit: is {limit}, but has to be 1 to {MOST_ROWS}"),
        ));
    }
    let order = sorted::order_of(&query)?;
    let Some(filter) = filter_of(&query, who)? else {
        return Ok(axum::Json(empty(banners::of_list(&app, who).await?)));
    };
    if order != (SortKey::Date, SortOrder::Descending) {
        let page = sorted::page(&app, &caller, &query, filter, order, limit).await?;
        return Ok(axum::Json(page));
    }
    let place = place_of(&query)?;
    let page = app
        .store
        .page(&PageRequest {
            scope: who.authority.see.clone(),
            filter,
            place,
            limit,
        })
        .await?;
    let first = page.rows.first().map(|row| row.id);
    let more = More::from(page.more);
    let next = match more {
        More::No => None,
        More::Yes | More::Unknown => page.resume.or(page.rows.last().map(|row| row.id)),
    };
    Ok(axum::Json(Page {
        banners: banners::of_list(&app, who).await?,
        next: next.map(cursor::after),
        prev: first.filter(|_| page.newer).map(cursor::before),
        at: page.at,
        more,
        rows: page.rows.into_iter().map(Into::into).collect(),
    }))
}

/// Counts of the queue under the list's filters.
///
/// # Errors
/// 422 `bad_parameter` for a parameter that cannot be used.
#[utoipa::path(
    get, path = "/api/v1/messages/counts", tag = "list", params(ListQuery),
    responses((status = 200, body = Counts), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn counts(
    State(app): State<App>,
    Caller(who): Caller,
    Params(query): Params<ListQuery>,
) -> Result<axum::Json<Counts>, ApiError> {
    let Some(filter) = filter_of(&query, &who)? else {
        let none = postroom_store::Counts {
            exact: true,
            ..Default::default()
        };
        return Ok(axum::Json(none.into()));
    };
    let counts = app.store.counts(&who.authority.see, &filter).await?;
    Ok(axum::Json(counts.into()))
}

fn place_of(query: &ListQuery) -> Result<Place, ApiError> {
    match (&query.cursor, query.at) {
        (None, None) => Ok(Place::First),
        (None, Some(at)) => Ok(Place::At(at)),
        (Some(text), None) => cursor::parse(text).ok_or_else(|| {
            ApiError::bad_parameter(
                "cursor",
                "cursor: use the next or prev of an earlier page as it was given",
            )
        }),
        (Some(_), Some(_)) => Err(ApiError::bad_parameter("at", "at: goes without cursor")),
    }
}

const fn empty(banners: Vec<Banner>) -> Page {
    Page {
        banners,
        rows: Vec::new(),
        next: None,
        prev: None,
        at: Some(0),
        more: More::No,
    }
}
