//! Settings as somebody wants them, and what is wrong with them.

use std::net::IpAddr;

use jiff::tz::TimeZone;
use postroom_domain::Address;
use postroom_store::{SmtpAuth, SmtpSettings, SmtpTls, SmtpTrust, TokenGrant};

use super::build::certificates;
use super::token::Endpoint;

/// Most relays of an office.
const RELAYS_MAX: usize = 2;
/// Most connections to a relay.
const CONNECTIONS_MAX: u16 = 200;
/// Most messages of a connection.
const MESSAGES_MAX: u32 = 100_000;
/// Most domains that a relay is asked about.
const DOMAINS_MAX: usize = 20;
/// Longest time of keeping, in days.
const DAYS_MAX: u32 = 36_500;

/// A secret in a change of settings.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum SecretDraft {
    /// Whatever is kept stays.
    #[default]
    Keep,
    /// This one from now on.
    Set(String),
    /// None any more.
    Clear,
}

impl std::fmt::Debug for SecretDraft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Keep => "Keep",
            Self::Set(_) => "Set(…)",
            Self::Clear => "Clear",
        })
    }
}

/// A relay as somebody wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayDraft {
    /// What is no secret of it.
    pub smtp: SmtpSettings,
    /// The password for AUTH.
    pub secret: SecretDraft,
    /// The client secret of its token endpoint.
    pub client_secret: SecretDraft,
    /// The refresh token for its token endpoint.
    pub refresh_token: SecretDraft,
}

/// An office's settings as somebody wants them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsDraft {
    /// Its IANA time zone; `None` for the server's.
    pub time_zone: Option<String>,
    /// Whether form letters leave through the people's own mail programs (I7).
    pub send_locally: bool,
    /// Its own relays, the first one first.
    pub relays: Vec<RelayDraft>,
    /// Days until a finished message is deleted.
    pub retention_days: Option<u32>,
    /// Days until its content goes.
    pub content_days: Option<u32>,
}

/// A value that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct BadSetting {
    /// Where it stands, `relays[0].host`.
    pub field: String,
    /// What is wrong and what to do.
    pub reason: String,
}

/// A value that cannot be used.
pub(super) fn bad(field: impl Into<String>, reason: impl Into<String>) -> BadSetting {
    BadSetting {
        field: field.into(),
        reason: reason.into(),
    }
}

impl SettingsDraft {
    /// Checks what can be checked without asking anybody.
    ///
    /// # Errors
    /// [`BadSetting`] for the first value that cannot be used.
    pub fn check(&self) -> Result<(), BadSetting> {
        if let Some(zone) = &self.time_zone
            && TimeZone::get(zone).is_err()
        {
            let reason = format!("{zone:?} is no time zone; write it like \"Europe/Berlin\"");
            return Err(bad("time_zone", reason));
        }
        for (field, days) in [
            ("retention_days", self.retention_days),
            ("content_days", self.content_days),
        ] {
            if days.is_some_and(|days| !(1..=DAYS_MAX).contains(&days)) {
                return Err(bad(field, format!("is 1 to {DAYS_MAX} days, or null for no end")));
            }
        }
        if let (Some(record), Some(content)) = (self.retention_days, self.content_days)
            && content > record
        {
            let reason = format!("the content cannot stay longer than its record ({record} days)");
            return Err(bad("content_days", reason));
        }
        if self.relays.len() > RELAYS_MAX {
            return Err(bad(
                "relays",
                "an office has at most two: the first, and one that takes over while it is down",
            ));
        }
        for (place, relay) in self.relays.iter().enumerate() {
            relay.check(&format!("relays[{place}]"))?;
        }
        Ok(())
    }
}

impl RelayDraft {
    /// Checks what can be checked without asking anybody; `at` names the relay in what is wrong.
    ///
    /// # Errors
    /// [`BadSetting`] for the first value that cannot be used.
    pub fn check(&self, at: &str) -> Result<(), BadSetting> {
        let smtp = &self.smtp;
        let field = |name: &str| format!("{at}.{name}");
        check_host(&smtp.host, &field("host"))?;
        let numbers = [
            (
                "port",
                smtp.port > 0,
                "is 1 to 65535: 587 with STARTTLS, 465 with TLS from the first byte",
            ),
            (
                "connections",
                (1..=CONNECTIONS_MAX).contains(&smtp.connections),
                "is 1 to 200",
            ),
            (
                "messages_per_connection",
                (1..=MESSAGES_MAX).contains(&smtp.messages_per_connection),
                "is 1 to 100000",
            ),
            (
                "per_minute",
                smtp.rates.per_minute != Some(0),
                "is 1 or more, or null for no limit",
            ),
            (
                "per_hour",
                smtp.rates.per_hour != Some(0),
                "is 1 or more, or null for no limit",
            ),
        ];
        for (name, fits, reason) in numbers {
            if !fits {
                return Err(bad(field(name), reason));
            }
        }
        self.check_sign_in(at)?;
        self.check_trust(at)?;
        if smtp.sender_domains.len() > DOMAINS_MAX {
            return Err(bad(field("sender_domains"), "has at most 20 domains"));
        }
        for domain in &smtp.sender_domains {
            if format!("postmaster@{domain}").parse::<Address>().is_err() {
                let reason = format!("{domain:?} is no domain; write it like \"example.com\"");
                return Err(bad(field("sender_domains"), reason));
            }
        }
        Ok(())
    }

    fn check_sign_in(&self, at: &str) -> Result<(), BadSetting> {
        let smtp = &self.smtp;
        let field = |name: &str| format!("{at}.{name}");
        if smtp.auth == SmtpAuth::None {
            return Ok(());
        }
        if smtp.user.is_empty() || smtp.user.chars().count() > 320 || smtp.user.chars().any(char::is_control)
        {
            return Err(bad(
                field("user"),
                "has 1 to 320 characters and no line end where auth is not \"none\"",
            ));
        }
        if smtp.auth != SmtpAuth::Xoauth2 {
            return check_secret(&self.secret, &field("secret"));
        }
        let Some(token) = &smtp.token else {
            let reason = "auth \"xoauth2\" needs the endpoint that gives access tokens";
            return Err(bad(field("token"), reason));
        };
        Endpoint::parse(&token.url).map_err(|reason| bad(field("token.url"), reason))?;
        if token.client_id.is_empty() {
            return Err(bad(field("token.client_id"), "has to be given"));
        }
        check_secret(&self.client_secret, &field("token.client_secret"))?;
        check_secret(&self.refresh_token, &field("token.refresh_token"))
    }

    fn check_trust(&self, at: &str) -> Result<(), BadSetting> {
        let smtp = &self.smtp;
        let field = format!("{at}.certificate");
        let verifies = matches!(smtp.tls, SmtpTls::Required | SmtpTls::Implicit);
        match (smtp.trust, &smtp.certificate) {
            (SmtpTrust::System, None) => Ok(()),
            (SmtpTrust::System, Some(_)) => Err(bad(
                field,
                "is not looked at while trust is \"system\": set trust to \"authority\" or \"pinned\", or leave it out",
            )),
            (SmtpTrust::Authority | SmtpTrust::Pinned, _) if !verifies => Err(bad(
                format!("{at}.trust"),
                "certificates are checked where tls is \"required\" or \"implicit\" alone",
            )),
            (SmtpTrust::Authority | SmtpTrust::Pinned, None) => {
                Err(bad(field, "has to be given as PEM where trust is not \"system\""))
            }
            (trust, Some(pem)) => {
                let found = certificates(pem).map_err(|reason| bad(field.clone(), reason))?;
                if trust == SmtpTrust::Pinned && found.len() != 1 {
                    return Err(bad(field, "holds exactly the one certificate to pin"));
                }
                Ok(())
            }
        }
    }

    /// Whether its secrets are complete; `Keep` counts where something is kept.
    ///
    /// # Errors
    /// [`BadSetting`] for the secret that is missing.
    pub(super) fn check_secrets(&self, at: &str, has: Has) -> Result<(), BadSetting> {
        let given = |draft: &SecretDraft, kept: bool| match draft {
            SecretDraft::Keep => kept,
            SecretDraft::Set(secret) => !secret.is_empty(),
            SecretDraft::Clear => false,
        };
        let words = match has.why_not {
            WhyNot::OtherServer => {
                "has to be given: none is saved for this server, and a saved one is not sent to another"
            }
            WhyNot::WeakerTls => {
                "has to be given again: the saved one is used only with TLS that is at least as strong and trusts no other certificate"
            }
        };
        let missing = match (self.smtp.auth, self.smtp.token.as_ref().map(|token| token.grant)) {
            (SmtpAuth::None, _) => None,
            (SmtpAuth::Plain | SmtpAuth::Login, _) => (!given(&self.secret, has.secret)).then_some("secret"),
            (SmtpAuth::Xoauth2, Some(TokenGrant::RefreshToken)) => {
                (!given(&self.refresh_token, has.refresh_token)).then_some("token.refresh_token")
            }
            (SmtpAuth::Xoauth2, _) => {
                (!given(&self.client_secret, has.client_secret)).then_some("token.client_secret")
            }
        };
        missing.map_or(Ok(()), |name| Err(bad(format!("{at}.{name}"), words)))
    }
}

/// Which secrets are kept and may be used.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Has {
    pub(super) secret: bool,
    pub(super) client_secret: bool,
    pub(super) refresh_token: bool,
    /// Why a kept one is not used, where it is not.
    pub(super) why_not: WhyNot,
}

/// Why a kept secret is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum WhyNot {
    /// It was for another server, or there is none.
    #[default]
    OtherServer,
    /// TLS with the server is weaker than it was, or trusts somebody else.
    WeakerTls,
}

fn check_host(host: &str, field: &str) -> Result<(), BadSetting> {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if host.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    if host.is_empty() || host.len() > 253 || !host.chars().all(plain) || host.starts_with(['.', '-']) {
        let reason = "is the name or address of the SMTP server alone, like \"smtp.example.com\"";
        return Err(bad(field, reason));
    }
    Ok(())
}

fn check_secret(secret: &SecretDraft, field: &str) -> Result<(), BadSetting> {
    match secret {
        SecretDraft::Set(text) if text.len() > 8_192 || text.contains('\0') => {
            Err(bad(field, "has at most 8192 octets and no NUL"))
        }
        SecretDraft::Keep | SecretDraft::Set(_) | SecretDraft::Clear => Ok(()),
    }
}
