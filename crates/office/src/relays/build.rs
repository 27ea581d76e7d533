//! From an office's settings to what the engine and a session are told.

use std::sync::Arc;

use postroom_domain::{Clock, OfficeId, ReachPolicy, RouteId};
use postroom_engine::RelaySettings;
use postroom_smtp::client::{
    AuthUse, Credentials, Dialler, Reach, RelayAddress, RelayConfig, TlsPolicy, Tokens, Trust,
};
use postroom_store::{KeptRelay, SmtpAuth, SmtpSettings, SmtpTls, SmtpTrust};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::refresh::RefreshTokens;
use super::token::{TokenClient, TokenSecrets};
use crate::vault::{Field, Slot, Vault, VaultError};

/// The secrets of a relay, opened.
#[derive(Clone, Default)]
pub(super) struct OpenSecrets {
    pub(super) secret: Option<String>,
    pub(super) client_secret: Option<String>,
    pub(super) refresh_token: Option<String>,
}

impl OpenSecrets {
    /// Opens what is kept of a relay.
    ///
    /// # Errors
    /// [`VaultError::NotOurs`].
    pub(super) fn of(
        vault: &Vault,
        office: OfficeId,
        place: usize,
        kept: &KeptRelay,
    ) -> Result<Self, VaultError> {
        let open = |field, sealed: &Option<_>| {
            let slot = Slot { office, place, field };
            let opened = sealed.as_ref().map(|sealed| vault.open_secret(slot, sealed));
            opened.transpose()
        };
        Ok(Self {
            secret: open(Field::Password, &kept.secret)?,
            client_secret: open(Field::ClientSecret, &kept.client_secret)?,
            refresh_token: open(Field::RefreshToken, &kept.refresh_token)?,
        })
    }
}

/// What sessions need besides the settings.
#[derive(Debug, Clone)]
pub(super) struct Surroundings {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) reach: ReachPolicy,
    pub(super) dial: Dialler,
    pub(super) ehlo_name: String,
}

/// Describes a relay to a session; `refresh` keeps its refresh token where it is a relay that is set.
///
/// # Errors
/// What is wrong with its certificate.
pub(super) fn session(
    smtp: &SmtpSettings,
    secrets: OpenSecrets,
    refresh: Option<RefreshTokens>,
    around: &Surroundings,
) -> Result<RelayConfig, String> {
    let mut session = RelayConfig::new(address(smtp));
    session.ehlo_name.clone_from(&around.ehlo_name);
    session.reach = reach(&around.reach);
    session.dial = around.dial.clone();
    session.tls = match smtp.tls {
        SmtpTls::None => TlsPolicy::None,
        SmtpTls::Opportunistic => TlsPolicy::Opportunistic,
        SmtpTls::Required => TlsPolicy::Required,
        SmtpTls::Implicit => TlsPolicy::Implicit,
    };
    session.trust = trust(smtp)?;
    session.auth = match smtp.auth {
        SmtpAuth::None => return Ok(session),
        SmtpAuth::Plain => AuthUse::Plain,
        SmtpAuth::Login => AuthUse::Login,
        SmtpAuth::Xoauth2 => AuthUse::Xoauth2,
    };
    session.credentials = Some(Credentials {
        user: smtp.user.clone(),
        password: secrets.secret.unwrap_or_default(),
    });
    if let (SmtpAuth::Xoauth2, Some(endpoint)) = (smtp.auth, &smtp.token) {
        let secrets = TokenSecrets {
            client_secret: secrets.client_secret.unwrap_or_default(),
            refresh_token: secrets.refresh_token.unwrap_or_default(),
        };
        let client = TokenClient::new(
            endpoint.clone(),
            secrets,
            refresh,
            session.reach.clone(),
            Arc::clone(&around.clock),
        );
        session.tokens = Tokens::from(Arc::new(client));
    }
    Ok(session)
}

/// Where a relay is.
pub(super) fn address(smtp: &SmtpSettings) -> RelayAddress {
    match smtp.host.parse() {
        Ok(ip) => RelayAddress::Socket(std::net::SocketAddr::new(ip, smtp.port)),
        Err(_) => RelayAddress::Host {
            host: smtp.host.clone(),
            port: smtp.port,
        },
    }
}

/// Describes a relay to the engine.
pub(super) fn relay(
    name: String,
    route: RouteId,
    smtp: &SmtpSettings,
    session: RelayConfig,
) -> RelaySettings {
    let mut relay = RelaySettings::new(name, route, session);
    relay.connections = smtp.connections.into();
    relay.messages_per_connection = smtp.messages_per_connection;
    relay.rates = smtp.rates;
    relay
}

/// The guard that sessions ask before they connect.
fn reach(policy: &ReachPolicy) -> Reach {
    let policy = policy.clone();
    Reach::guarded(move |address| policy.check(address).map_err(|why| why.to_string()))
}

fn trust(smtp: &SmtpSettings) -> Result<Trust, String> {
    let Some(pem) = &smtp.certificate else {
        return Ok(Trust::Platform);
    };
    let mut found = certificates(pem)?;
    Ok(match smtp.trust {
        SmtpTrust::System => Trust::Platform,
        SmtpTrust::Authority => Trust::Authorities(found),
        SmtpTrust::Pinned => found.pop().map_or(Trust::Platform, Trust::Pinned),
    })
}

/// Reads the certificates of a PEM text, in DER.
///
/// # Errors
/// What is wrong with it.
pub(super) fn certificates(pem: &str) -> Result<Vec<Vec<u8>>, String> {
    let wrong = "is no certificate in PEM: paste it from -----BEGIN CERTIFICATE----- to its end";
    let found: Vec<Vec<u8>> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .map(|certificate| certificate.map(|der| der.to_vec()))
        .collect::<Result<_, _>>()
        .map_err(|_| wrong.to_owned())?;
    if found.is_empty() {
        Err(wrong.to_owned())
    } else {
        Ok(found)
    }
}
