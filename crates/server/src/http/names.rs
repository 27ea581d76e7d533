//! Names and addresses to choose from while one types: for a new message, and for the filters of the list.

use axum::extract::State;
use postroom_domain::Typed;
use postroom_office::suggestions;

use super::App;
use super::auth::Caller;
use super::extract::Params;
use super::people::oneself;
use super::problem::ApiError;
use super::wire::names::{Addresses, Senders, TypedQuery};
use super::wire::problem::Problem;

/// Addresses unless asked otherwise.
const ADDRESSES: u32 = 8;
/// Names of people, and of offices, unless asked otherwise.
const NAMES: u32 = 20;
/// Most of either.
const MOST: u32 = 50;

/// Whom one may want to write to: colleagues, and whom one wrote to before.
///
/// # Errors
/// 403 for an office's key, which is nobody; 422 `bad_parameter`.
#[utoipa::path(
    get, path = "/api/v1/addresses", tag = "submit", params(TypedQuery),
    responses((status = 200, body = Addresses), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn addresses(
    State(app): State<App>,
    Caller(who): Caller,
    Params(query): Params<TypedQuery>,
) -> Result<axum::Json<Addresses>, ApiError> {
    let me = oneself(&who)?;
    let (typed, limit) = asked(&query, ADDRESSES)?;
    let written = app.store.written_to(me.id, &typed, limit).await?;
    let colleagues = app.senders.colleagues(me.office).await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let known = suggestions(&typed, written, &colleagues, most);
    Ok(axum::Json(Addresses {
        addresses: known.into_iter().map(Into::into).collect(),
    }))
}

/// The people and offices whose mail one may see, for the list's filters `sender` and `office`.
///
/// # Errors
/// 422 `bad_parameter`.
#[utoipa::path(
    get, path = "/api/v1/messages/senders", tag = "list", params(TypedQuery),
    responses((status = 200, body = Senders), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn senders(
    State(app): State<App>,
    Caller(who): Caller,
    Params(query): Params<TypedQuery>,
) -> Result<axum::Json<Senders>, ApiError> {
    let (typed, limit) = asked(&query, NAMES)?;
    let found = app.store.names_in(&who.authority.see, &typed, limit).await?;
    Ok(axum::Json(found.into()))
}

fn asked(query: &TypedQuery, usual: u32) -> Result<(Typed, u32), ApiError> {
    let limit = query.limit.unwrap_or(usual);
    if !(1..=MOST).contains(&limit) {
        return Err(ApiError::bad_parameter(
            "limit",
            format!("limit: is {limit}, but has to be 1 to {MOST}"),
        ));
    }
    let text = query.q.as_deref().unwrap_or_default();
    if text.chars().count() > Typed::MAX_CHARS {
        return Err(ApiError::bad_parameter(
            "q",
            format!("q: at most {} characters are looked for", Typed::MAX_CHARS),
        ));
    }
    Ok((Typed::of(text), limit))
}
