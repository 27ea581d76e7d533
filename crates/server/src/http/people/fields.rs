//! What people are asked for, and what may stand in it.

use postroom_domain::{Address, BadSenderDomain, OfficeId, Refusal, SenderDomain, Timestamp, legible};
use postroom_store::{Branches, Rights};

use crate::http::App;
use crate::http::problem::ApiError;

/// Rights by their names.
const RIGHTS: &str = "super_user, enterprise_view, administrator, customize_list_layout";
/// Scopes of an office's key.
pub(in crate::http) const KEY_SCOPES: [&str; 4] = ["send", "read", "manage", "post_notifications"];

/// Most domains that an office's people may send from.
const SENDER_DOMAINS_MAX: usize = 100;

/// What somebody signs in with, in lower case.
pub(in crate::http) fn login(given: &str) -> Result<String, ApiError> {
    let login = given.trim().to_lowercase();
    if login.is_empty() || login.chars().count() > 64 {
        return Err(bad(
            "login",
            "has 1 to 64 letters, digits and . _ - @ +, for example \"case\"",
        ));
    }
    legible::check_identifier(&login).map_err(|error| bad("login", error.to_string()))?;
    Ok(login)
}

/// The name of a person, an office or a key.
pub(in crate::http) fn name(field: &str, given: &str) -> Result<String, ApiError> {
    let name = given.trim();
    if name.is_empty() || name.chars().any(char::is_control) || name.chars().count() > 200 {
        return Err(bad(field, "has 1 to 200 characters and no line end"));
    }
    visible(field, name)?;
    Ok(name.to_owned())
}

/// The label of an API key, which may have none.
pub(in crate::http) fn label(given: &str) -> Result<String, ApiError> {
    if given.trim().is_empty() {
        Ok(String::new())
    } else {
        name("label", given)
    }
}

/// Refuses characters that nobody sees, by name.
pub(in crate::http) fn visible(field: &str, text: &str) -> Result<(), ApiError> {
    legible::check(text).map_err(|hidden| bad(field, hidden.reason()))
}

/// An address.
pub(in crate::http) fn email(given: &str) -> Result<String, ApiError> {
    let address: Address = given.trim().parse().map_err(|error| Refusal::BadAddress {
        field: "email".to_owned(),
        error,
    })?;
    Ok(address.to_string())
}

/// Domains that an office's people may send from.
pub(in crate::http) fn allowed_sender_domains(names: &[String]) -> Result<Vec<SenderDomain>, ApiError> {
    if names.len() > SENDER_DOMAINS_MAX {
        return Err(bad(
            "allowed_sender_domains",
            format!("has at most {SENDER_DOMAINS_MAX} domains"),
        ));
    }
    let parsed: Result<Vec<SenderDomain>, BadSenderDomain> =
        names.iter().map(|name| name.parse::<SenderDomain>()).collect();
    let mut domains = parsed.map_err(|error| bad("allowed_sender_domains", error.to_string()))?;
    domains.sort_unstable();
    domains.dedup();
    Ok(domains)
}

/// The hash of a new password.
pub(in crate::http) async fn password_hash(app: &App, password: &str) -> Result<String, ApiError> {
    let hash = app.authenticator.passwords().hash(password).await;
    hash.map_err(|error| bad("password", error.to_string()))
}

/// Rights by their names.
pub(in crate::http) fn rights(names: &[String]) -> Result<Rights, ApiError> {
    let mut rights = Rights::default();
    for name in names {
        match name.as_str() {
            "super_user" => rights.super_user = true,
            "enterprise_view" => rights.enterprise_view = true,
            "administrator" => rights.administrator = true,
            "customize_list_layout" => rights.customize_list_layout = true,
            other => {
                return Err(bad(
                    "rights",
                    format!("{other:?} is not a right; they are {RIGHTS}"),
                ));
            }
        }
    }
    Ok(rights)
}

/// Scopes of an office's key.
pub(in crate::http) fn scopes(names: &[String]) -> Result<(), ApiError> {
    match names.iter().find(|scope| !KEY_SCOPES.contains(&scope.as_str())) {
        None => Ok(()),
        Some(scope) => Err(bad(
            "scopes",
            format!("{scope:?} is not a scope; they are {}", KEY_SCOPES.join(", ")),
        )),
    }
}

/// When an API key ends by itself.
pub(in crate::http) fn key_end(
    given: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Timestamp>, ApiError> {
    if given.is_some_and(|ends_at| ends_at <= now) {
        return Err(bad("ends_at", "must be in the future, or left out"));
    }
    Ok(given)
}

/// Branches by their ids.
pub(in crate::http) fn branches(given: Option<&[i64]>) -> Branches {
    given.map_or(Branches::All, |ids| {
        Branches::Only(ids.iter().copied().map(OfficeId).collect())
    })
}

/// A field that cannot be used.
pub(in crate::http) fn bad(field: &str, reason: impl Into<String>) -> ApiError {
    Refusal::BadValue {
        field: field.to_owned(),
        reason: reason.into().into(),
    }
    .into()
}
