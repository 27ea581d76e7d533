//! A reload (SIGHUP): reads the configuration again and applies what can change while the server runs.
//!
//! A file with a mistake, or a certificate that cannot be used, changes nothing.

use std::path::PathBuf;
use std::sync::Arc;

use postroom_domain::{Clock, RouteId};
use postroom_engine::EngineHandle;
use postroom_engine::intake::Intake;
use postroom_office::{ReservedAddresses, Senders};
use postroom_smtp::tls::Identity;
use postroom_store::{Actor, AuditAction, AuditEntry, AuditNote, Store, StoreError};

use crate::alerts;
use crate::certificate::{self, CertificateError};
use crate::config::{Config, ConfigError, Environment, Live, load, merge};
use crate::logging;
use crate::node::{configured_limits, engine_settings, intake_settings, sending};

/// Where the configuration was read from and is read again.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// The file.
    pub path: Option<PathBuf>,
    /// The variables of the process.
    pub environment: Environment,
}

/// What the listeners prove themselves with.
#[derive(Debug, Clone, Default)]
pub struct Identities {
    /// HTTPS.
    pub http: Option<Identity>,
    /// SMTP.
    pub submission: Option<Identity>,
}

impl Identities {
    /// Reads what the configuration names.
    ///
    /// # Errors
    /// [`CertificateError`] for the first that cannot be used.
    pub async fn read(config: &Config) -> Result<Self, CertificateError> {
        let (http, submission) = (&config.http, &config.submission);
        Ok(Self {
            http: certificate::read("http", &http.tls_certificate, &http.tls_key).await?,
            submission: certificate::read("submission", &submission.tls_certificate, &submission.tls_key)
                .await?,
        })
    }

    /// Proves itself with these from the next connection on.
    fn renew(&self, with: &Self) {
        for (held, new) in [(&self.http, &with.http), (&self.submission, &with.submission)] {
            if let (Some(held), Some(new)) = (held, new) {
                held.renew(new);
            }
        }
    }
}

/// Why nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store cannot keep the limits.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A relay's settings cannot be used.
    #[error("{0}")]
    Relays(String),
}

/// What a reload did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    /// Keys whose new value holds now.
    pub applied: Vec<String>,
    /// Keys whose new value waits for the next start.
    pub kept: Vec<String>,
}

/// Reads the configuration again on demand.
pub struct Reloader {
    /// Where it is read from.
    pub source: Source,
    /// What holds.
    pub live: Live,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Takes mail in.
    pub intake: Intake,
    /// Knows as whom people may send.
    pub senders: Arc<Senders>,
    /// Keeps limits.
    pub store: Arc<dyn Store>,
    /// Delivers.
    pub engine: Arc<EngineHandle>,
    /// What the listeners prove themselves with.
    pub identities: Identities,
}

impl std::fmt::Debug for Reloader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloader")
            .field("path", &self.source.path)
            .finish_non_exhaustive()
    }
}

impl Reloader {
    /// Reads the configuration again, and says in the log what came of it.
    pub async fn reload_and_log(&self) {
        match self.reload().await {
            Ok(reloaded) => {
                tracing::info!(
                    keys = reloaded.applied.join(", "),
                    "the configuration was reloaded"
                );
                for key in reloaded.kept {
                    tracing::warn!(key, "this key was changed, but holds from the next start alone");
                }
            }
            Err(error) => {
                for line in error.to_string().lines() {
                    tracing::error!("{line}");
                }
                tracing::error!("the configuration was not reloaded: nothing changed");
            }
        }
    }

    /// Takes the right to send from whoever has an address that is Postroom's own now.
    async fn reserve(&self, reserved: anyhow::Result<ReservedAddresses>) {
        match reserved {
            Ok(reserved) => self.senders.reserve(reserved),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "reserved addresses stay as before");
            }
        }
        if let Err(error) = self.senders.refresh().await {
            tracing::error!(%error, "reserved addresses take effect once the store answers");
        }
        let (reserved, now) = (self.senders.reserved(), self.clock.now());
        if let Err(error) = alerts::report_barred_people(&*self.store, &reserved, now).await {
            tracing::warn!(%error, "could not look for people who cannot send from their address");
        }
    }

    /// Reads the configuration again and applies what can change.
    ///
    /// # Errors
    /// [`ReloadError`]; then nothing changed.
    pub async fn reload(&self) -> Result<Reloaded, ReloadError> {
        let new = load(self.source.path.as_deref(), &self.source.environment)?;
        let merged = merge(&self.live.now(), &new);
        let identities = Identities::read(&merged.loaded).await?;
        let relays = engine_settings(&merged.loaded)
            .map_err(|error| ReloadError::Relays(format!("{error:#}")))?
            .relays;
        if merged.applied.iter().any(|key| key == "relay") {
            self.engine
                .set_route(RouteId::SERVER, relays)
                .map_err(|error| ReloadError::Relays(error.to_string()))?;
        }
        self.store
            .configure_limits(configured_limits(&merged.loaded))
            .await?;
        self.identities.renew(&identities);
        logging::set_level(&merged.loaded.log);
        self.intake.set(intake_settings(&merged.loaded));
        // Looks at the queue anew besides, so that a raised limit lets mail go at once.
        self.engine.set_sending(sending(&merged.loaded));
        let reserved = alerts::reserved_addresses(&merged.loaded);
        self.live.put(merged.loaded);
        self.reserve(reserved).await;
        if !merged.applied.is_empty() {
            let note = AuditNote::by(Actor::Operator);
            let entry = AuditEntry::new(
                self.clock.now(),
                &note,
                AuditAction::ConfigReload,
                "configuration",
            );
            let entry = entry.with("keys", merged.applied.clone());
            if let Err(error) = self.store.append_audit(entry).await {
                tracing::error!(%error, "the reload could not be written to the audit log");
            }
        }
        Ok(Reloaded {
            applied: merged.applied,
            kept: merged.kept,
        })
    }
}
