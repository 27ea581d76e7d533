//! Offices, users, sessions and API keys.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use postroom_domain::{KeyId, OfficeId, RouteId, SenderDomain, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::administration::Branches;
use crate::StoreError;

/// How long a source is known after somebody signed in from it.
pub const SOURCE_LASTS: Duration = Duration::from_hours(90 * 24);
/// Most devices, and most networks, that are known of a person; beyond that the one that was noted first is forgotten. Devices
/// do not push out networks, nor networks devices.
pub const SOURCES_MAX: u32 = 100;

/// Finds people and what proves who they are, and keeps sessions. Whatever else changes goes through
/// [`super::Administration`], with its entry in the audit log.
#[async_trait]
pub trait People: Send + Sync {
    /// Every office.
    ///
    /// # Errors
    /// Those of the store.
    async fn offices(&self) -> Result<Vec<Office>, StoreError>;

    /// Every user, by login.
    ///
    /// # Errors
    /// Those of the store.
    async fn users(&self) -> Result<Vec<User>, StoreError>;

    /// A user.
    ///
    /// # Errors
    /// Those of the store.
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The user of a login, compared in lower case; an e-mail address is a login too. `None` also for a name of
    /// [`Self::sign_in_clashes`].
    ///
    /// # Errors
    /// Those of the store.
    async fn user_by_login(&self, login: &str) -> Result<Option<User>, StoreError>;

    /// Names that are one person's login and another's address, by name. Earlier versions took them; new ones are
    /// refused.
    ///
    /// # Errors
    /// Those of the store.
    async fn sign_in_clashes(&self) -> Result<Vec<SignInClash>, StoreError>;

    /// Keeps a session.
    ///
    /// # Errors
    /// Those of the store.
    async fn create_session(&self, session: NewSession) -> Result<(), StoreError>;

    /// The session of a token's hash that has not ended at `now`, with its user (not disabled).
    ///
    /// # Errors
    /// Those of the store.
    async fn session(&self, hash: &KeyHash, now: Timestamp) -> Result<Option<Session>, StoreError>;

    /// Ends a session.
    ///
    /// # Errors
    /// Those of the store.
    async fn end_session(&self, hash: &KeyHash) -> Result<(), StoreError>;

    /// The key of a secret's hash, not revoked; it may have ended.
    ///
    /// # Errors
    /// Those of the store.
    async fn key(&self, hash: &KeyHash) -> Result<Option<ApiKey>, StoreError>;

    /// Every key, without secrets.
    ///
    /// # Errors
    /// Those of the store.
    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError>;

    /// When somebody was last noted to have signed in from a source; `None` where that is not known.
    ///
    /// # Errors
    /// Those of the store.
    async fn source_seen(&self, user: UserId, source: SignInSource) -> Result<Option<Timestamp>, StoreError>;

    /// Notes that somebody signed in from sources. [`super::Upkeep::forget`] forgets them after [`SOURCE_LASTS`].
    ///
    /// # Errors
    /// Those of the store.
    async fn note_sources(
        &self,
        user: UserId,
        sources: Vec<SignInSource>,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Writes when keys were used last. It is no change of what anybody may do, and has no entry in the audit log.
    ///
    /// # Errors
    /// Those of the store.
    async fn keys_used(&self, uses: Vec<(KeyId, Timestamp)>) -> Result<(), StoreError>;
}

/// SHA-256 of a secret of at least 128 random bits (a session token, an API key).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash(pub [u8; 32]);

/// Where somebody signs in from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignInSource {
    /// A network, by its first address.
    Network(IpAddr),
    /// A browser, by the hash of its cookie.
    Device(KeyHash),
}

/// An office to make.
#[derive(Debug, Clone)]
pub struct NewOffice {
    /// Its parent; `None` for the System Office, the root.
    pub parent: Option<OfficeId>,
    /// Its name.
    pub name: String,
    /// Its way out.
    pub route: RouteId,
}

/// An office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Office {
    /// Its id.
    pub id: OfficeId,
    /// Its parent.
    pub parent: Option<OfficeId>,
    /// Its name.
    pub name: String,
    /// Its way out.
    pub route: RouteId,
    /// Whether proxies count (V2).
    pub security: OfficeSecurity,
    /// Domains that its people may send from; none: those of the nearest office above that has some, else any.
    pub allowed_sender_domains: Vec<SenderDomain>,
    /// Raised by every change.
    pub version: i64,
}

/// An office's switch: proxies widen what is seen only while it is on (V2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OfficeSecurity {
    /// Proxies count.
    #[default]
    On,
    /// Proxies count for nothing.
    Off,
}

/// A person's rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent rights, each on or off"
)]
pub struct Rights {
    /// Sees every user message of the office (V3).
    pub super_user: bool,
    /// Sees the user mail of descendant offices (V4).
    pub enterprise_view: bool,
    /// Sees notifications, changes settings (V5).
    pub administrator: bool,
    /// Keeps a list layout of their own (Q2).
    pub customize_list_layout: bool,
}

/// A user to make.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Their office.
    pub office: OfficeId,
    /// What they sign in with, kept in lower case.
    pub login: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// argon2id, PHC string; empty where nobody can sign in yet.
    pub password_hash: String,
    /// Their rights.
    pub rights: Rights,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their office.
    pub office: OfficeId,
    /// What they sign in with.
    pub login: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// argon2id, PHC string.
    pub password_hash: String,
    /// Their rights.
    pub rights: Rights,
    /// How far their Enterprise View reaches (V4).
    pub branches: Branches,
    /// Whether they may not sign in.
    pub disabled: bool,
    /// Raised by every change of name, address, rights or account.
    pub version: i64,
}

/// A name that two people have: nobody signs in with it until one of them has another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInClash {
    /// The name.
    pub name: String,
    /// Whose login it is.
    pub login_of: UserId,
    /// Whose address it is.
    pub address_of: UserId,
}

/// A session to keep.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Hash of its token.
    pub hash: KeyHash,
    /// Whose it is.
    pub user: UserId,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
}

/// A session that has not ended.
#[derive(Debug, Clone)]
pub struct Session {
    /// Whose it is.
    pub user: User,
    /// When it ends.
    pub ends_at: Timestamp,
}

/// An API key to keep.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// Hash of its secret.
    pub hash: KeyHash,
    /// Its first characters, to recognise it by.
    pub prefix: String,
    /// What it is for.
    pub label: String,
    /// Its office.
    pub office: OfficeId,
    /// The user it stands for; `None` for an office's key.
    pub user: Option<UserId>,
    /// `send`, `read`, `manage`, `post_notifications`.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself; `None` for never.
    pub ends_at: Option<Timestamp>,
}

/// An API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// Its first characters.
    pub prefix: String,
    /// What it is for.
    pub label: String,
    /// Its office.
    pub office: OfficeId,
    /// The user it stands for.
    pub user: Option<UserId>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The person who made it; `None` for the operator, and where it is not known.
    pub made_by: Option<UserId>,
    /// When it ends by itself. One that has ended is still listed, until somebody revokes it.
    pub ends_at: Option<Timestamp>,
    /// When it was last used, accurate to about an hour; `None` where no use is known.
    pub last_used_at: Option<Timestamp>,
}
