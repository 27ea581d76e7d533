//! An office's settings and its relays.

use postroom_domain::Rates;
use postroom_office::relays::{RelayDraft, SecretDraft, SettingsDraft};
use postroom_store::{
    KeptRelay, OfficeSettings, SmtpAuth, SmtpSettings, SmtpTls, SmtpTrust, TokenEndpoint, TokenGrant,
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// An office's settings (SPEC O1). Its name and office security are at `/api/v1/offices/{id}`, its list layout at the
/// layouts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfficeSettingsAnswer {
    /// The office.
    pub office: i64,
    /// Raised by every change; the `ETag` too.
    pub version: i64,
    /// Its IANA time zone; `null`: the server's.
    #[schema(required)]
    pub time_zone: Option<String>,
    /// Whether form letters leave through Outlook/Lotus Notes.
    pub send_locally: bool,
    /// Its own relays, the first one first; none: mail leaves through the server's. The System Office's are the
    /// server's.
    pub relays: Vec<RelayAnswer>,
    /// Days until a finished message is deleted; `null`: never.
    #[schema(required)]
    pub retention_days: Option<u32>,
    /// Days until its content goes; `null`: with it.
    #[schema(required)]
    pub content_days: Option<u32>,
    /// Whether the relays are written in the server's configuration file and cannot be set here.
    pub set_in_configuration: bool,
    /// Whether mail of before the last change is still being moved to the new way out.
    pub moving: bool,
}

/// A relay of an office; secrets are never shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RelayAnswer {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// `none`, `opportunistic`, `required`, `implicit`.
    #[schema(value_type = String)]
    pub tls: SmtpTls,
    /// `none`, `plain`, `login`, `xoauth2`.
    #[schema(value_type = String)]
    pub auth: SmtpAuth,
    /// Who signs in.
    pub user: String,
    /// Whether a password is kept.
    pub has_secret: bool,
    /// Where access tokens come from.
    #[schema(required)]
    pub token: Option<TokenAnswer>,
    /// `system`, `authority`, `pinned`.
    #[schema(value_type = String)]
    pub trust: SmtpTrust,
    /// The authority, or the pinned certificate, as PEM.
    #[schema(required)]
    pub certificate: Option<String>,
    /// Domains that the office sends from.
    pub sender_domains: Vec<String>,
    /// Most connections at a time.
    pub connections: u16,
    /// Messages before a connection is renewed.
    pub messages_per_connection: u32,
    /// Most messages in any minute; `null`: no limit.
    #[schema(required)]
    pub per_minute: Option<u32>,
    /// Most messages in any hour; `null`: no limit.
    #[schema(required)]
    pub per_hour: Option<u32>,
}

/// Where access tokens come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenAnswer {
    /// The token endpoint.
    pub url: String,
    /// The client's id.
    pub client_id: String,
    /// What is asked for.
    pub scope: String,
    /// `client_credentials`, `refresh_token`.
    #[schema(value_type = String)]
    pub grant: TokenGrant,
    /// Whether a client secret is kept.
    pub has_client_secret: bool,
    /// Whether a refresh token is kept.
    pub has_refresh_token: bool,
}

/// New settings of an office: all of them, what is left out gets its default. Secrets alone are kept where they are left
/// out, and taken away by `null`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OfficeSettingsEdit {
    /// Its IANA time zone.
    pub time_zone: Option<String>,
    /// Whether form letters leave through Outlook/Lotus Notes.
    pub send_locally: bool,
    /// Its own relays, at most two.
    pub relays: Vec<RelayEdit>,
    /// Days until a finished message is deleted.
    pub retention_days: Option<u32>,
    /// Days until its content goes.
    pub content_days: Option<u32>,
}

/// A relay as it shall be.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelayEdit {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    #[serde(default = "submission_port")]
    pub port: u16,
    /// `none`, `opportunistic`, `required` (default), `implicit`.
    #[serde(default = "required_tls")]
    #[schema(value_type = String)]
    pub tls: SmtpTls,
    /// `none` (default), `plain`, `login`, `xoauth2`.
    #[serde(default = "no_auth")]
    #[schema(value_type = String)]
    pub auth: SmtpAuth,
    /// Who signs in.
    #[serde(default)]
    pub user: String,
    /// The password; left out: the kept one stays, for the same host and port.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub secret: Option<Option<String>>,
    /// Where access tokens come from, for `xoauth2`.
    #[serde(default)]
    pub token: Option<TokenEdit>,
    /// `system` (default), `authority`, `pinned`.
    #[serde(default = "system_trust")]
    #[schema(value_type = String)]
    pub trust: SmtpTrust,
    /// The authority, or the pinned certificate, as PEM.
    #[serde(default)]
    pub certificate: Option<String>,
    /// Domains that the office sends from.
    #[serde(default)]
    pub sender_domains: Vec<String>,
    /// Most connections at a time.
    #[serde(default = "connections")]
    pub connections: u16,
    /// Messages before a connection is renewed.
    #[serde(default = "messages_per_connection")]
    pub messages_per_connection: u32,
    /// Most messages in any minute.
    #[serde(default)]
    pub per_minute: Option<u32>,
    /// Most messages in any hour.
    #[serde(default)]
    pub per_hour: Option<u32>,
}

impl std::fmt::Debug for RelayEdit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RelayEdit")
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

/// Where access tokens shall come from.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenEdit {
    /// The token endpoint, `https://…`.
    pub url: String,
    /// The client's id.
    pub client_id: String,
    /// What is asked for.
    #[serde(default)]
    pub scope: String,
    /// `client_credentials`, `refresh_token`.
    #[schema(value_type = String)]
    pub grant: TokenGrant,
    /// The client secret; left out: the kept one stays.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub client_secret: Option<Option<String>>,
    /// The refresh token; left out: the kept one stays.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub refresh_token: Option<Option<String>>,
}

/// Tells `null` from a field that is left out.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

const fn submission_port() -> u16 {
    587
}

const fn required_tls() -> SmtpTls {
    SmtpTls::Required
}

const fn no_auth() -> SmtpAuth {
    SmtpAuth::None
}

const fn system_trust() -> SmtpTrust {
    SmtpTrust::System
}

const fn connections() -> u16 {
    10
}

const fn messages_per_connection() -> u32 {
    100
}

fn secret(edit: Option<Option<String>>) -> SecretDraft {
    match edit {
        None => SecretDraft::Keep,
        Some(None) => SecretDraft::Clear,
        Some(Some(secret)) => SecretDraft::Set(secret),
    }
}

impl From<OfficeSettingsEdit> for SettingsDraft {
    fn from(edit: OfficeSettingsEdit) -> Self {
        Self {
            time_zone: edit.time_zone.filter(|zone| !zone.is_empty()),
            send_locally: edit.send_locally,
            relays: edit.relays.into_iter().map(Into::into).collect(),
            retention_days: edit.retention_days,
            content_days: edit.content_days,
        }
    }
}

impl From<RelayEdit> for RelayDraft {
    fn from(edit: RelayEdit) -> Self {
        let (token, client_secret, refresh_token) = match edit.token {
            None => (None, SecretDraft::Clear, SecretDraft::Clear),
            Some(token) => {
                let endpoint = TokenEndpoint {
                    url: token.url,
                    client_id: token.client_id,
                    scope: token.scope,
                    grant: token.grant,
                };
                (
                    Some(endpoint),
                    secret(token.client_secret),
                    secret(token.refresh_token),
                )
            }
        };
        let smtp = SmtpSettings {
            host: edit.host.trim().to_owned(),
            port: edit.port,
            tls: edit.tls,
            auth: edit.auth,
            user: edit.user,
            token,
            certificate: edit.certificate,
            trust: edit.trust,
            sender_domains: edit.sender_domains,
            connections: edit.connections,
            messages_per_connection: edit.messages_per_connection,
            rates: Rates {
                per_minute: edit.per_minute,
                per_hour: edit.per_hour,
            },
        };
        Self {
            smtp,
            secret: secret(edit.secret),
            client_secret,
            refresh_token,
        }
    }
}

impl OfficeSettingsAnswer {
    /// Shows settings; `set_in_configuration` says that the relays are the configuration file's.
    pub fn new(settings: OfficeSettings, set_in_configuration: bool) -> Self {
        Self {
            office: settings.office.0,
            version: settings.version,
            time_zone: settings.time_zone,
            send_locally: settings.send_locally,
            relays: settings.relays.into_iter().map(Into::into).collect(),
            retention_days: settings.retention_days,
            content_days: settings.content_days,
            set_in_configuration,
            moving: settings.moving,
        }
    }
}

impl From<KeptRelay> for RelayAnswer {
    fn from(kept: KeptRelay) -> Self {
        let smtp = kept.smtp;
        let token = smtp.token.map(|token| TokenAnswer {
            url: token.url,
            client_id: token.client_id,
            scope: token.scope,
            grant: token.grant,
            has_client_secret: kept.client_secret.is_some(),
            has_refresh_token: kept.refresh_token.is_some(),
        });
        Self {
            host: smtp.host,
            port: smtp.port,
            tls: smtp.tls,
            auth: smtp.auth,
            user: smtp.user,
            has_secret: kept.secret.is_some(),
            token,
            trust: smtp.trust,
            certificate: smtp.certificate,
            sender_domains: smtp.sender_domains,
            connections: smtp.connections,
            messages_per_connection: smtp.messages_per_connection,
            per_minute: smtp.rates.per_minute,
            per_hour: smtp.rates.per_hour,
        }
    }
}
