//! Reads bodies, queries and ids, and says by name what is wrong with them.

use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Path, Query, Request};
use axum::http::header;
use axum::http::request::Parts;
use postroom_domain::{MessageId, Refusal};
use serde::de::DeserializeOwned;

use super::App;
use super::body::{read_small, require_type};
use super::problem::ApiError;

/// A small JSON body.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        require_type(request.headers(), "application/json")?;
        let body = read_small(app, request).await?;
        parse_json(&body).map(Self)
    }
}

impl<T: DeserializeOwned> OptionalFromRequest<App> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Option<Self>, ApiError> {
        if request.headers().contains_key(header::CONTENT_TYPE) {
            <Self as FromRequest<App>>::from_request(request, app)
                .await
                .map(Some)
        } else {
            Ok(None)
        }
    }
}

fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        misfit(&path, error.inner())
    })?;
    reader.end().map_err(|error| misfit("", &error))?;
    Ok(value)
}

fn misfit(path: &str, error: &serde_json::Error) -> ApiError {
    let words = error.to_string();
    if !error.is_data() {
        return Refusal::BadJson { reason: words }.into();
    }
    // serde says where in the text it was; the field's path says it better.
    let words = words
        .rsplit_once(" at line ")
        .map_or(words.as_str(), |(words, _)| words);
    let field = || {
        if path == "." {
            "body".to_owned()
        } else {
            path.to_owned()
        }
    };
    if let Some((name, rest)) = between(words, "unknown field `") {
        let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
        let field = if path.ends_with(name) {
            path.to_owned()
        } else {
            name.to_owned()
        };
        let known = known.join(", ").into();
        return Refusal::UnknownField { field, known }.into();
    }
    if let Some((name, _)) = between(words, "missing field `") {
        let field = match path {
            "." | "" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        return Refusal::MissingField { field }.into();
    }
    if let Some((found, expected)) = words
        .strip_prefix("invalid type: ")
        .and_then(|rest| rest.split_once(", expected "))
    {
        return Refusal::WrongType {
            field: field(),
            expected: expected.to_owned().into(),
            found: found.to_owned().into(),
        }
        .into();
    }
    Refusal::BadValue {
        field: field(),
        reason: words.to_owned().into(),
    }
    .into()
}

fn between<'a>(words: &'a str, start: &str) -> Option<(&'a str, &'a str)> {
    words.strip_prefix(start)?.split_once('`')
}

/// The parameters of the query; unknown ones are refused by name.
#[derive(Debug)]
pub(super) struct Params<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(query)) => Ok(Self(query)),
            Err(error) => Err(bad_query(&error.body_text())),
        }
    }
}

fn bad_query(words: &str) -> ApiError {
    let words = words
        .strip_prefix("Failed to deserialize query string: ")
        .unwrap_or(words);
    if let Some((_, rest)) = words.split_once("unknown field `") {
        let (name, allowed) = rest.split_once('`').unwrap_or((rest, ""));
        let allowed: Vec<&str> = allowed.split('`').skip(1).step_by(2).collect();
        let detail = format!(
            "there is no parameter {name:?}; the parameters are {}",
            allowed.join(", ")
        );
        return ApiError::bad_parameter(name, detail);
    }
    let field = words.split_once(": ").map_or("", |(field, _)| field);
    ApiError::bad_parameter(field, words)
}

/// The number named `id` in the path; `None` for what cannot be one, which names nothing that exists.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbered(pub(super) Option<i64>);

impl<S: Send + Sync> FromRequestParts<S> for Numbered {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let values: Result<Path<Vec<(String, String)>>, _> = Path::from_request_parts(parts, state).await;
        let values = values.map(|Path(values)| values).unwrap_or_default();
        let id = values.iter().find(|(name, _)| name == "id");
        Ok(Self(id.and_then(|(_, text)| text.parse().ok())))
    }
}

/// The message named in the path. What cannot be an id is a message that does not exist.
#[derive(Debug, Clone, Copy)]
pub(super) struct Id(pub(super) MessageId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        // A path may have further parts behind the id: the first is always it.
        let Path(values): Path<Vec<(String, String)>> = Path::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::no_message())?;
        values
            .iter()
            .find(|(name, _)| name == "id")
            .and_then(|(_, text)| text.parse().ok())
            .map(Self)
            .ok_or_else(ApiError::no_message)
    }
}
