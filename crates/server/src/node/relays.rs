//! The engine's settings as configured.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use postroom_domain::retry::{PermanentFailures, RetrySchedule};
use postroom_domain::{Clock, NodeSlot, ReachPolicy, RouteId};
use postroom_engine::{EngineSettings, RelaySettings, Sending};
use postroom_office::Vault;
use postroom_office::relays::{Relays, RelaysParts, ServersRelay};
use postroom_smtp::client::{Credentials, Dialler, RelayAddress, RelayConfig, TlsPolicy, Trust};
use postroom_store::Store;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::config::{self, Config};

/// Makes the engine's settings.
///
/// # Errors
/// For a schedule or a `ca_file` that cannot be used.
pub fn engine_settings(config: &Config) -> anyhow::Result<EngineSettings> {
    let slot = NodeSlot(config.server.node);
    anyhow::ensure!(
        config.relay.len() <= 2,
        "relay: there are {} [[relay]] sections; the first serves and a second takes over while it is down, more have \
         nothing to do",
        config.relay.len()
    );
    let relays = config
        .relay
        .iter()
        .map(|relay| relay_settings(relay, &config.server.hostname))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut settings = EngineSettings::new(slot, relays);
    settings.retry = schedule(&config.delivery)?;
    settings.max_wait = config.delivery.max_wait.0;
    settings.sending = sending(config);
    settings.stop_timeout = config.server.stop_timeout.0;
    Ok(settings)
}

/// Offices' relays, as far as the configuration decides over them.
///
/// # Errors
/// Where the key file of their secrets cannot be used.
pub(super) fn offices_relays(
    config: &Config,
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Relays> {
    Ok(Relays::new(RelaysParts {
        store: Arc::clone(store),
        clock: Arc::clone(clock),
        vault: Vault::open(&config.server.data_dir)?,
        reach: ReachPolicy {
            allow: config.network.allow_relay_networks.clone(),
            deny: config.network.deny_relay_networks.clone(),
        },
        dial: Dialler::default(),
        ehlo_name: config.server.hostname.clone(),
        servers: if config.relay.is_empty() {
            ServersRelay::InSettings
        } else {
            ServersRelay::InFile
        },
    }))
}

/// Whether mail leaves, as configured.
pub fn sending(config: &Config) -> Sending {
    if config.delivery.paused || !config.queue.enabled {
        Sending::Paused
    } else {
        Sending::On
    }
}

/// The waits between attempts: as many as attempts need; the last one repeats.
fn schedule(delivery: &config::Delivery) -> anyhow::Result<RetrySchedule> {
    let needed = usize::from(delivery.max_attempts).saturating_sub(1);
    let last = delivery.retry_waits.last().map_or(Duration::ZERO, |wait| wait.0);
    let waits: Vec<Duration> = delivery
        .retry_waits
        .iter()
        .map(|wait| wait.0)
        .chain(std::iter::repeat(last))
        .take(needed)
        .collect();
    let permanent = match delivery.permanent_failures {
        config::PermanentFailures::Retry => PermanentFailures::Retry,
        config::PermanentFailures::Fail => PermanentFailures::Fail,
    };
    RetrySchedule::new(waits, permanent).context("delivery.retry_waits, delivery.max_attempts")
}

/// The relays of the configuration are the server's: the first, and the one that takes over while it is Down.
fn relay_settings(relay: &config::Relay, hostname: &str) -> anyhow::Result<RelaySettings> {
    let address = match relay.host.parse() {
        Ok(ip) => RelayAddress::Socket(std::net::SocketAddr::new(ip, relay.port)),
        Err(_) => RelayAddress::Host {
            host: relay.host.clone(),
            port: relay.port,
        },
    };
    let mut session = RelayConfig::new(address);
    hostname.clone_into(&mut session.ehlo_name);
    session.tls = match relay.tls {
        config::RelayTls::None => TlsPolicy::None,
        config::RelayTls::Opportunistic => TlsPolicy::Opportunistic,
        config::RelayTls::Required => TlsPolicy::Required,
        config::RelayTls::Implicit => TlsPolicy::Implicit,
    };
    session.trust = trust(&relay.ca_file)?;
    session.credentials = (!relay.username.is_empty()).then(|| Credentials {
        user: relay.username.clone(),
        password: relay.password.clone(),
    });
    let mut settings = RelaySettings::new(relay.name.clone(), RouteId::SERVER, session);
    settings.connections = relay.connections.into();
    settings.messages_per_connection = relay.messages_per_connection;
    Ok(settings)
}

fn trust(ca_file: &Path) -> anyhow::Result<Trust> {
    if ca_file.as_os_str().is_empty() {
        return Ok(Trust::Platform);
    }
    let read = || -> Result<Vec<Vec<u8>>, rustls::pki_types::pem::Error> {
        CertificateDer::pem_file_iter(ca_file)?
            .map(|certificate| certificate.map(|der| der.to_vec()))
            .collect()
    };
    let authorities = read().with_context(|| format!("relay.ca_file: cannot read {}", ca_file.display()))?;
    anyhow::ensure!(
        !authorities.is_empty(),
        "relay.ca_file: {} has no certificate in it",
        ca_file.display()
    );
    Ok(Trust::Authorities(authorities))
}
