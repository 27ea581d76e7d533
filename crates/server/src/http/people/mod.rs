//! Offices and people (SPEC V1–V9, O3): who may look at and change what.

pub(super) mod fields;
pub(super) mod keys;
pub(super) mod offices;
pub(super) mod own_address;
pub(super) mod password;
pub(super) mod proxies;
pub(super) mod setup;
pub(super) mod users;

use std::net::IpAddr;

use postroom_domain::{OfficeId, PeopleRule, Rule, UserId};
use postroom_office::{Directory, Principal, TooMany};
use postroom_store::{By, Office, StoreError, User};

use super::App;
use super::problem::ApiError;
use super::throttled;
use super::wire::session::Named;

impl App {
    /// Who changes something, and when.
    pub(super) fn by(&self, who: &Principal) -> By {
        By {
            note: who.note(),
            at: self.clock.now(),
        }
    }

    /// Puts a change of people into force for the next request.
    pub(super) async fn people_changed(&self) -> Result<(), ApiError> {
        self.authenticator.forget_all();
        Ok(self.senders.refresh().await?)
    }

    /// Refuses a link, or a secret that sets the server up, that does not work. Such tries are counted by their address:
    /// not because anybody guesses 256 bits, but so that trying costs the server little.
    pub(super) async fn check_token(&self, token: &str, peer: IpAddr) -> Result<(), ApiError> {
        if self.accounts.token_works(token).await? {
            return Ok(());
        }
        self.tries
            .take(peer, self.clock.steady())
            .map_err(|TooMany { retry_after }| throttled::token(retry_after))?;
        Err(StoreError::People(PeopleRule::TokenInvalid).into())
    }

    /// The offices as a tree.
    pub(super) async fn directory(&self) -> Result<Directory, ApiError> {
        Ok(Directory::new(self.store.offices().await?))
    }
}

/// Whether somebody knows of an office: their own, those that their Enterprise View reaches, and all for those who
/// administer the server.
pub(super) fn knows_office(who: &Principal, directory: &Directory, office: OfficeId) -> bool {
    who.is_system_administrator()
        || who.office_id() == Some(office)
        || who
            .user()
            .is_some_and(|user| user.rights.enterprise_view && directory.viewed(user).contains(&office))
}

/// An office that somebody knows of; 404 as for an unknown id otherwise.
pub(super) fn known_office<'d>(
    who: &Principal,
    directory: &'d Directory,
    id: OfficeId,
) -> Result<&'d Office, ApiError> {
    directory
        .office(id)
        .filter(|office| knows_office(who, directory, office.id))
        .ok_or_else(no_office)
}

/// An office that somebody administers: 404 where they do not know of it, 403 where they do.
pub(in crate::http) fn administered_office<'d>(
    who: &Principal,
    directory: &'d Directory,
    id: OfficeId,
) -> Result<&'d Office, ApiError> {
    let office = known_office(who, directory, id)?;
    if who.administers(office.id) {
        Ok(office)
    } else {
        Err(ApiError::forbidden(Rule::AdministerOffice))
    }
}

/// Refuses whoever does not administer the server.
pub(super) fn require_system_administrator(who: &Principal) -> Result<(), ApiError> {
    if who.is_system_administrator() {
        Ok(())
    } else {
        Err(ApiError::forbidden(Rule::AdministerSystem))
    }
}

/// A person that somebody knows of: themself, colleagues, and those whom they administer.
pub(super) async fn known_user(app: &App, who: &Principal, id: UserId) -> Result<User, ApiError> {
    let user = app.store.user(id).await?;
    user.filter(|user| who.knows(user)).ok_or_else(no_user)
}

/// A person whom somebody administers.
pub(super) async fn administered_user(app: &App, who: &Principal, id: UserId) -> Result<User, ApiError> {
    let user = known_user(app, who, id).await?;
    if who.administers(user.office) {
        Ok(user)
    } else {
        Err(ApiError::forbidden(Rule::AdministerOffice))
    }
}

/// The person who asks; an office's key is nobody.
pub(super) fn oneself(who: &Principal) -> Result<&User, ApiError> {
    who.user().ok_or_else(|| ApiError::forbidden(Rule::BeAPerson))
}

/// An office that does not exist or that one does not know of.
pub(in crate::http) fn no_office() -> ApiError {
    ApiError::not_found("there is no such office among those that you may see")
}

/// A person who does not exist or whom one does not know of.
pub(super) fn no_user() -> ApiError {
    ApiError::not_found("there is no such person among those that you may see")
}

/// An office by id and name.
pub(super) fn named_office(directory: &Directory, id: OfficeId) -> Named {
    Named {
        id: id.0,
        name: directory
            .office(id)
            .map_or_else(String::new, |office| office.name.clone()),
    }
}
