//! Changes of offices and people, each with its entry in the audit log.

use async_trait::async_trait;
use postroom_domain::{OfficeId, ProxyId, SenderDomain, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::audit::{Actor, AuditNote};
use super::people::{KeyHash, NewApiKey, NewOffice, NewUser, Office, OfficeSecurity, Rights, User};
use crate::StoreError;

/// Most principals that one person proxies for: each is a range that lists merge.
pub const PROXIES_MAX: usize = 200;
/// Most links for a new password that work at a time for one person; beyond that the oldest ends.
pub const RESET_LINKS_MAX: u32 = 24;

/// Who changes something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub note: AuditNote,
    /// When.
    pub at: Timestamp,
}

impl By {
    /// Somebody, without words of their own.
    pub const fn of(actor: Actor, at: Timestamp) -> Self {
        Self {
            note: AuditNote::by(actor),
            at,
        }
    }
}

/// Changes of offices and people. Every one is checked and written to the audit log in its own transaction.
///
/// A change of a row names the version that it was made from: [`StoreError::Stale`] where the row has another,
/// [`StoreError::Missing`] where there is none, [`StoreError::People`] where a rule is in the way.
#[async_trait]
pub trait Administration: Send + Sync {
    /// Makes an office. The first one without a parent is the System Office.
    ///
    /// # Errors
    /// [`StoreError::Exists`]; the rule `OneRoot` for a second root, `TooDeep` below too many offices.
    async fn add_office(&self, office: NewOffice, by: &By) -> Result<Office, StoreError>;

    /// Renames an office, moves it, or turns its security on or off.
    ///
    /// # Errors
    /// The rules `Cycle`, `RootStays` and `TooDeep`.
    async fn change_office(
        &self,
        id: OfficeId,
        version: i64,
        change: OfficeChange,
        by: &By,
    ) -> Result<Office, StoreError>;

    /// Removes an office that nothing belongs to. Its id is never given again.
    ///
    /// # Errors
    /// The rules `OfficeNotEmpty` and `RootStays`.
    async fn remove_office(&self, id: OfficeId, version: i64, by: &By) -> Result<(), StoreError>;

    /// Makes a user.
    ///
    /// # Errors
    /// [`StoreError::Exists`] for a login or an address that somebody has as either; [`StoreError::Missing`] for the
    /// office; the rules of branches.
    async fn add_user(&self, user: NewUser, branches: Branches, by: &By) -> Result<User, StoreError>;

    /// Changes a user. A new login or address ends their sessions and tokens; disabling ends these and their keys. A right
    /// that shows more, given by somebody else, ends their keys.
    ///
    /// # Errors
    /// The rules `LastAdministrator`, `BranchOutside`, `BranchWithoutView`; [`StoreError::Exists`].
    async fn change_user(
        &self,
        id: UserId,
        version: i64,
        change: UserChange,
        by: &By,
    ) -> Result<User, StoreError>;

    /// Sets a password hash and ends the user's sessions and tokens, and their API keys where `keys` says so.
    ///
    /// # Errors
    /// [`StoreError::Missing`].
    async fn change_password(
        &self,
        id: UserId,
        password_hash: String,
        keys: OpenKeys,
        by: &By,
    ) -> Result<(), StoreError>;

    /// Every proxy, of one assistant where one is named, by principal.
    ///
    /// # Errors
    /// Those of the store.
    async fn proxies(&self, assistant: Option<UserId>) -> Result<Vec<Proxy>, StoreError>;

    /// Makes a proxy.
    ///
    /// # Errors
    /// The rules `ProxyForOneself`, `ProxyAcrossOffices`, `ProxyEndsFirst`, `Disabled`; [`StoreError::Exists`] for a
    /// second one of the same two people; [`StoreError::TooMuch`] beyond [`PROXIES_MAX`].
    async fn add_proxy(&self, proxy: NewProxy, by: &By) -> Result<Proxy, StoreError>;

    /// Changes what a proxy allows, or when.
    ///
    /// # Errors
    /// The rule `ProxyEndsFirst`.
    async fn change_proxy(
        &self,
        id: ProxyId,
        version: i64,
        terms: ProxyTerms,
        by: &By,
    ) -> Result<Proxy, StoreError>;

    /// Ends a proxy; `false` where there is none.
    ///
    /// # Errors
    /// Those of the store.
    async fn remove_proxy(&self, id: ProxyId, by: &By) -> Result<bool, StoreError>;

    /// Keeps an API key.
    ///
    /// # Errors
    /// The rule `Disabled`.
    async fn add_key(&self, key: NewApiKey, by: &By) -> Result<postroom_domain::KeyId, StoreError>;

    /// Ends an API key; `false` where there is none.
    ///
    /// # Errors
    /// Those of the store.
    async fn end_key(&self, id: postroom_domain::KeyId, by: &By) -> Result<bool, StoreError>;

    /// Keeps the hash of a token that works once. An earlier setup secret or invitation of the same person ends; of links for
    /// a new password the newest [`RESET_LINKS_MAX`] work.
    ///
    /// # Errors
    /// [`StoreError::Stale`] where the person changed since the token's mail was addressed.
    async fn keep_token(&self, token: NewToken, by: &By) -> Result<(), StoreError>;

    /// Whether there is a token of this hash that works at `now`, whatever it is for.
    ///
    /// # Errors
    /// Those of the store.
    async fn token_works(&self, hash: &KeyHash, now: Timestamp) -> Result<bool, StoreError>;

    /// Sets the password of whoever a token belongs to, and ends the token and their sessions, and their API keys where
    /// `keys` says so.
    ///
    /// # Errors
    /// The rule `TokenInvalid` for one that is unknown, used or over, or whose person is disabled.
    async fn use_token(
        &self,
        hash: &KeyHash,
        password_hash: String,
        keys: OpenKeys,
        at: Timestamp,
    ) -> Result<User, StoreError>;

    /// Makes the System Office, where it is missing, and its first administrator. Works once: only while there is no
    /// user.
    ///
    /// # Errors
    /// The rules `SetUpAlready` and `TokenInvalid`.
    async fn set_up(&self, setup: SetUp, by: &By) -> Result<User, StoreError>;
}

/// What becomes of an office; `None` leaves it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OfficeChange {
    /// Its new name.
    pub name: Option<String>,
    /// Its new parent.
    pub parent: Option<OfficeId>,
    /// Whether proxies count.
    pub security: Option<OfficeSecurity>,
    /// The domains that its people may send from.
    pub allowed_sender_domains: Option<Vec<SenderDomain>>,
}

/// What becomes of a user; `None` leaves it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserChange {
    /// Their name.
    pub name: Option<String>,
    /// What they sign in with.
    pub login: Option<String>,
    /// Their address.
    pub email: Option<String>,
    /// Their rights and branches.
    pub rights: Option<(Rights, Branches)>,
    /// Whether they may sign in.
    pub account: Option<Account>,
}

/// Whether somebody may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// They may.
    Enabled,
    /// They may not; sessions, tokens and keys end.
    Disabled,
}

/// What becomes of a person's API keys with a new password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OpenKeys {
    /// They go on.
    #[default]
    Keep,
    /// They end: somebody else may have made or copied one.
    End,
}

/// How far Enterprise View reaches below one's office.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Branches {
    /// Every office below.
    #[default]
    All,
    /// These offices and those below them.
    Only(Vec<OfficeId>),
}

/// What a proxy allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProxyLevel {
    /// Looking.
    View,
    /// Looking, acting, and sending as the principal.
    Manage,
}

/// What a proxy allows and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyTerms {
    /// What it allows.
    pub level: ProxyLevel,
    /// Its first moment; `None` for at once.
    pub from: Option<Timestamp>,
    /// The moment that it is over; `None` for never.
    pub until: Option<Timestamp>,
}

impl ProxyTerms {
    /// Whether it counts at `now`.
    pub fn hold_at(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

/// A proxy to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewProxy {
    /// Who sees.
    pub assistant: UserId,
    /// Whose mail.
    pub principal: UserId,
    /// What it allows and when.
    pub terms: ProxyTerms,
}

/// A proxy: one way, and not passed on (V2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proxy {
    /// Its id.
    pub id: ProxyId,
    /// Who sees.
    pub assistant: UserId,
    /// Whose mail.
    pub principal: UserId,
    /// What it allows and when.
    pub terms: ProxyTerms,
    /// When it was made.
    pub created_at: Timestamp,
    /// Raised by every change.
    pub version: i64,
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenPurpose {
    /// Setting up the server; it belongs to nobody.
    SetUp,
    /// The first password of a new account.
    Invitation(Addressee),
    /// A new password.
    PasswordReset(Addressee),
}

/// The person whom a token is mailed to. The version is that of the row that the address was read from: a token never
/// goes to an address that was changed meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Addressee {
    /// The person.
    pub id: UserId,
    /// Their version.
    pub version: i64,
}

impl From<&User> for Addressee {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            version: user.version,
        }
    }
}

/// A token to keep.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Hash of its text.
    pub hash: KeyHash,
    /// What it is for.
    pub purpose: TokenPurpose,
    /// When it ends.
    pub ends_at: Timestamp,
}

/// The first steps of a server.
#[derive(Debug, Clone)]
pub struct SetUp {
    /// The secret that the server printed; `None` for the operator.
    pub token: Option<KeyHash>,
    /// The name of the System Office.
    pub office: String,
    /// The first administrator's login.
    pub login: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// argon2id, PHC string.
    pub password_hash: String,
}
