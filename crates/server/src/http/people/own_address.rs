//! Which addresses and logins people may be given.

use axum::http::StatusCode;
use postroom_domain::{Address, OfficeId, Refusal};
use postroom_office::{AddressBar, Directory};

use crate::http::App;
use crate::http::problem::ApiError;

/// Refuses an address that somebody of an office is to have: a reserved one, or one outside the office's domains.
///
/// # Errors
/// 409 `address_reserved` or `domain_not_allowed`.
pub(in crate::http) fn check_email(
    app: &App,
    directory: &Directory,
    office: OfficeId,
    email: &str,
) -> Result<(), ApiError> {
    let address: Address = email.parse().map_err(|error| Refusal::BadAddress {
        field: "email".to_owned(),
        error,
    })?;
    let checked = app.senders.reserved().check(&address, office, directory);
    checked.map_err(|bar| refused("email", &bar))
}

/// Refuses a login that is a reserved address.
///
/// # Errors
/// 409 `address_reserved`.
pub(in crate::http) fn check_login(app: &App, login: &str) -> Result<(), ApiError> {
    if let Ok(address) = login.parse::<Address>()
        && app.senders.reserved().has(&address)
    {
        return Err(refused("login", &AddressBar::Reserved));
    }
    Ok(())
}

fn refused(field: &str, bar: &AddressBar) -> ApiError {
    let (code, title, advice) = match bar {
        AddressBar::Reserved => (
            "address_reserved",
            "The address is reserved",
            "choose another one",
        ),
        AddressBar::OutsideDomains(_) => (
            "domain_not_allowed",
            "The domain is not allowed",
            "use an address in one of these domains, or ask an administrator of the System Office to allow another domain",
        ),
    };
    ApiError::new(StatusCode::CONFLICT, code, title, format!("{bar}: {advice}")).at(field)
}
