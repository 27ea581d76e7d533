//! Settings of an office: its time zone, its relays, how long its mail is kept.

use async_trait::async_trait;
use postroom_domain::{MessageId, OfficeId, Rates, RouteId, Timestamp};
use serde::{Deserialize, Serialize};

use super::audit::AuditNote;
use crate::StoreError;

/// Keeps the settings of offices (O1).
#[async_trait]
pub trait Settings: Send + Sync {
    /// The settings of an office; those of one that never set any are the defaults with version 0. `None` for no such
    /// office.
    ///
    /// # Errors
    /// Those of the store.
    async fn settings(&self, office: OfficeId) -> Result<Option<OfficeSettings>, StoreError>;

    /// The settings of every office that set any.
    ///
    /// # Errors
    /// Those of the store.
    async fn all_settings(&self) -> Result<Vec<OfficeSettings>, StoreError>;

    /// Sets an office's settings, made from version `set.version`, which is raised; the office's way out follows from
    /// them, for mail that is taken in from this commit on. Writes the audit log.
    ///
    /// # Errors
    /// [`StoreError::Missing`] for no such office, [`StoreError::Stale`] where the version is another.
    async fn set_settings(
        &self,
        set: OfficeSettings,
        note: &AuditNote,
        now: Timestamp,
    ) -> Result<OfficeSettings, StoreError>;

    /// Keeps another refresh token of an office's relay (`place` 0 or 1) in place of `before`; `false` where that one is
    /// not kept any more, and nothing changed. No version is raised: nobody has edited anything.
    ///
    /// # Errors
    /// Those of the store.
    async fn replace_refresh_token(
        &self,
        office: OfficeId,
        place: usize,
        before: Sealed,
        after: Sealed,
    ) -> Result<bool, StoreError>;

    /// Moves unfinished mail of an office to its way out, at most a step of it a call by id from behind `after`; answers the
    /// last one moved, `None` when all have been. What is leased goes on where it is and comes back to the new route.
    ///
    /// # Errors
    /// Those of the store.
    async fn reroute(
        &self,
        office: OfficeId,
        after: Option<MessageId>,
    ) -> Result<Option<MessageId>, StoreError>;
}

/// The settings of an office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficeSettings {
    /// The office.
    pub office: OfficeId,
    /// Raised by every change; 0 while nothing was ever set.
    pub version: i64,
    /// Its IANA time zone; `None` for the server's.
    pub time_zone: Option<String>,
    /// Whether form letters leave through the people's own mail programs (I7).
    pub send_locally: bool,
    /// Its own relays, the first one first, at most two; none: the server's.
    pub relays: Vec<KeptRelay>,
    /// Days until a finished message is deleted; `None` for never.
    pub retention_days: Option<u32>,
    /// Days until the content of a finished message goes, before its record; `None` for with it.
    pub content_days: Option<u32>,
    /// Whether mail that was taken in before the last change is still being moved to the way out.
    pub moving: bool,
}

impl OfficeSettings {
    /// What holds while nothing was set.
    pub const fn defaults(office: OfficeId) -> Self {
        Self {
            office,
            version: 0,
            time_zone: None,
            send_locally: false,
            relays: Vec::new(),
            retention_days: None,
            content_days: None,
            moving: false,
        }
    }
}

/// The way out that an office with settings has: its own where it has relays, unless it is the System Office, whose
/// relays are the server's.
pub const fn route_of(office: OfficeId, parent: Option<OfficeId>, has_relays: bool) -> RouteId {
    if has_relays && parent.is_some() {
        RouteId(office.0)
    } else {
        RouteId::SERVER
    }
}

/// Something secret, sealed before it came here: nobody who holds the database alone can read it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealed(…)")
    }
}

/// A relay of an office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRelay {
    /// What is no secret of it.
    pub smtp: SmtpSettings,
    /// The password for AUTH.
    pub secret: Option<Sealed>,
    /// The client secret of its token endpoint.
    pub client_secret: Option<Sealed>,
    /// The refresh token for its token endpoint.
    pub refresh_token: Option<Sealed>,
}

/// How to reach and use a relay (D5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmtpSettings {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// When TLS is used.
    pub tls: SmtpTls,
    /// How we sign in.
    pub auth: SmtpAuth,
    /// As whom; empty without AUTH.
    pub user: String,
    /// Where access tokens come from, for XOAUTH2.
    pub token: Option<TokenEndpoint>,
    /// PEM text of the authorities to trust, or of the one certificate; `None` for the machine's authorities.
    pub certificate: Option<String>,
    /// What `certificate` is.
    pub trust: SmtpTrust,
    /// Domains that the office sends from; the connection test asks the relay about each.
    pub sender_domains: Vec<String>,
    /// Most connections at a time.
    pub connections: u16,
    /// Messages before a connection is renewed.
    pub messages_per_connection: u32,
    /// Most messages of a time.
    pub rates: Rates,
}

/// When TLS is used with a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpTls {
    /// Never.
    None,
    /// STARTTLS where offered, any certificate.
    Opportunistic,
    /// STARTTLS or nothing, certificate verified.
    Required,
    /// TLS from the first byte, certificate verified.
    Implicit,
}

/// How we sign in to a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpAuth {
    /// Not at all.
    None,
    /// AUTH PLAIN.
    Plain,
    /// AUTH LOGIN.
    Login,
    /// AUTH XOAUTH2, with an access token.
    Xoauth2,
}

/// Whom a relay's certificate is trusted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpTrust {
    /// The machine's authorities vouch for it.
    System,
    /// The given authorities do.
    Authority,
    /// It is the given one.
    Pinned,
}

/// Where access tokens come from (RFC 6749).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenEndpoint {
    /// Its address, `https://…`.
    pub url: String,
    /// The client's id.
    pub client_id: String,
    /// What is asked for; empty for the default.
    pub scope: String,
    /// On what ground.
    pub grant: TokenGrant,
}

/// On what ground a token is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenGrant {
    /// The client's own secret (RFC 6749 §4.4).
    ClientCredentials,
    /// A refresh token that a person once consented to (RFC 6749 §6).
    RefreshToken,
}
