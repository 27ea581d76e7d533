//! Sets offices' relays, and keeps the engine and the mail of the office with them.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use postroom_domain::{Clock, OfficeId, ReachPolicy, RouteId};
use postroom_engine::{EngineHandle, RelaySettings};
use postroom_smtp::client::{Connector, Dialler};
use postroom_store::{AuditAction, AuditEntry, AuditNote, Office, OfficeSettings, Store, StoreError};

use super::build::{OpenSecrets, Surroundings, relay, session};
use super::draft::{BadSetting, RelayDraft, SecretDraft, SettingsDraft, bad};
use super::reach::goes_to_same;
use super::refresh::RefreshTokens;
use super::report::TestReport;
use super::secrets;
use super::test::{patient, run};
use crate::vault::{Vault, VaultError};

/// Pause before mail is moved on after the store could not answer.
const STORE_RETRY: Duration = Duration::from_secs(1);
/// Connection tests at a time, over the whole server.
const TESTS_MAX: usize = 4;

/// Where the server's own relay is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServersRelay {
    /// In the configuration file: the System Office's settings have none.
    InFile,
    /// In the System Office's settings.
    InSettings,
}

/// Why settings were not set.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A value cannot be used.
    #[error(transparent)]
    Bad(#[from] BadSetting),
    /// The host is at an address that the operator did not allow (X3).
    #[error("{field}: {reason}")]
    Forbidden {
        /// Where the host stands.
        field: String,
        /// Which address, and why not.
        reason: String,
        /// The line of the configuration file that allows it, where that may be right.
        suggestion: Option<String>,
    },
    /// The configuration file has the server's relay.
    #[error(
        "the server's relay is written in its configuration file ([[relay]]), so it cannot be set here: change the file, or take [[relay]] out of it and restart"
    )]
    InConfiguration,
    /// There is no such office, the version is another, or the store cannot answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret cannot be sealed or opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// What the service works with.
pub struct RelaysParts {
    /// Where settings are kept.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Seals and opens secrets.
    pub vault: Vault,
    /// Which addresses may be connected to.
    pub reach: ReachPolicy,
    /// Who makes the connections.
    pub dial: Dialler,
    /// Our own name in EHLO.
    pub ehlo_name: String,
    /// Where the server's relay is set.
    pub servers: ServersRelay,
}

/// Offices' relays.
pub struct Relays {
    pub(super) store: Arc<dyn Store>,
    vault: Arc<Vault>,
    pub(super) around: Surroundings,
    servers: ServersRelay,
    engine: OnceLock<Arc<EngineHandle>>,
    tests: tokio::sync::Semaphore,
    /// One change at a time: the engine hears of them in the order of their commits, and a refresh token that is
    /// replaced meanwhile stays replaced.
    changing: Arc<tokio::sync::Mutex<()>>,
}

impl std::fmt::Debug for RelaysParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RelaysParts").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Relays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relays").finish_non_exhaustive()
    }
}

impl Relays {
    /// Puts the service together.
    pub fn new(parts: RelaysParts) -> Self {
        Self {
            store: parts.store,
            vault: Arc::new(parts.vault),
            around: Surroundings {
                clock: parts.clock,
                reach: parts.reach,
                dial: parts.dial,
                ehlo_name: parts.ehlo_name,
            },
            servers: parts.servers,
            engine: OnceLock::new(),
            tests: tokio::sync::Semaphore::new(TESTS_MAX),
            changing: Arc::default(),
        }
    }

    /// Where the server's relay is set.
    pub const fn servers(&self) -> ServersRelay {
        self.servers
    }

    /// The relays of every office, for the engine's start. One that cannot be used is told in the log, and its
    /// office's mail waits.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn at_start(&self) -> Result<Vec<RelaySettings>, StoreError> {
        let mut all = Vec::new();
        for settings in self.store.all_settings().await? {
            if let Some(office) = self.office(settings.office).await?
                && let Some(route) = self.route(&office)
            {
                all.extend(self.usable(route, &settings));
            }
        }
        Ok(all)
    }

    /// Lets changes reach a running engine.
    pub fn attach(&self, engine: Arc<EngineHandle>) {
        if self.engine.set(engine).is_err() {
            tracing::debug!("an engine is attached already");
        }
    }

    /// Ends the moving of mail that the last stop, or an upgrade, cut off: before the engine's start, or mail would leave by
    /// the old way. What the store cannot do now is tried again while the server runs.
    pub async fn finish_moves(&self) {
        let all = match self.store.all_settings().await {
            Ok(all) => all,
            Err(error) => {
                tracing::error!(%error, "offices' mail could not be moved to its way out; the next start tries again");
                return;
            }
        };
        for OfficeSettings { office, .. } in all.into_iter().filter(|settings| settings.moving) {
            tracing::info!(office.id = %office, "the office's mail is moved to its way out");
            if let Err(error) = move_mail(&*self.store, office).await {
                tracing::warn!(%error, office.id = %office, "the office's mail waits to be moved");
                self.move_behind(office);
            }
        }
    }

    /// Sets an office's settings, made from version `version`; the engine follows at once, the office's unfinished mail
    /// soon.
    ///
    /// # Errors
    /// [`SettingsError`]; nothing changed then.
    pub async fn set(
        &self,
        office: &Office,
        draft: &SettingsDraft,
        version: i64,
        note: &AuditNote,
    ) -> Result<OfficeSettings, SettingsError> {
        draft.check()?;
        if office.parent.is_none() && self.servers == ServersRelay::InFile && !draft.relays.is_empty() {
            return Err(SettingsError::InConfiguration);
        }
        // Before the lock: name servers may take their time.
        self.check_reaches(draft, &self.settings(office.id).await?)
            .await?;
        let _one = self.changing.lock().await;
        let before = self.settings(office.id).await?;
        let mut relays = Vec::with_capacity(draft.relays.len());
        for (place, wanted) in draft.relays.iter().enumerate() {
            let at = format!("relays[{place}]");
            let kept = before.relays.get(place);
            wanted.check_secrets(&at, secrets::usable(wanted, kept))?;
            relays.push(secrets::sealed(&self.vault, office.id, place, wanted, kept)?);
        }
        let wanted = OfficeSettings {
            version,
            time_zone: draft.time_zone.clone(),
            send_locally: draft.send_locally,
            relays,
            retention_days: draft.retention_days,
            content_days: draft.content_days,
            ..OfficeSettings::defaults(office.id)
        };
        self.check_tls(office, &wanted)?;
        let now = self.around.clock.now();
        let after = self.store.set_settings(wanted, note, now).await?;
        if before.relays != after.relays {
            self.tell_engine(office, &after);
        }
        if after.moving {
            self.move_behind(office.id);
        }
        Ok(after)
    }

    /// Checks where relays lead that an office does not have yet. What is kept is not undone by a rule that came later:
    /// everything else can be changed meanwhile.
    async fn check_reaches(
        &self,
        draft: &SettingsDraft,
        before: &OfficeSettings,
    ) -> Result<(), SettingsError> {
        for (place, wanted) in draft.relays.iter().enumerate() {
            let mut kept = before.relays.iter();
            if !kept.any(|kept| goes_to_same(&wanted.smtp, &kept.smtp)) {
                self.check_reach(&wanted.smtp, &format!("relays[{place}]"))
                    .await?;
            }
        }
        Ok(())
    }

    /// An office's settings, or the defaults.
    ///
    /// # Errors
    /// [`StoreError::Missing`] for no such office.
    pub async fn settings(&self, office: OfficeId) -> Result<OfficeSettings, StoreError> {
        let settings = self.store.settings(office).await?;
        settings.ok_or(StoreError::Missing("office"))
    }

    /// Tries a relay that is not set yet, step by step, without sending mail. The kept secret is used where the draft
    /// leaves it out, but for the same host and port alone, over TLS that is as strong.
    ///
    /// # Errors
    /// [`SettingsError`] for values that cannot be tried.
    pub async fn test(
        &self,
        office: &Office,
        place: usize,
        draft: &RelayDraft,
        note: &AuditNote,
    ) -> Result<TestReport, SettingsError> {
        draft.check("relay")?;
        let before = self.settings(office.id).await?;
        let kept = before.relays.get(place);
        let has = secrets::usable(draft, kept);
        draft.check_secrets("relay", has)?;
        let secrets = secrets::tried(&self.vault, office.id, place, draft, kept)?;
        let unusable = |reason| bad("relay.certificate", reason);
        // A try with the kept refresh token may use it up like any other use.
        let is_kept = matches!(draft.refresh_token, SecretDraft::Keep) && has.refresh_token;
        let refresh = is_kept.then(|| self.refresh_tokens(office.id, place));
        let session = session(&draft.smtp, secrets, refresh, &self.around).map_err(unusable)?;
        let connector = Connector::new(patient(session)).map_err(|error| unusable(error.to_string()))?;
        let subject = format!("office {} smtp", office.id);
        let entry = AuditEntry::new(self.around.clock.now(), note, AuditAction::SmtpTest, subject);
        self.store.append_audit(entry.of_office(office.id)).await?;
        let Ok(_permit) = self.tests.acquire().await else {
            return Err(StoreError::Closed.into());
        };
        let senders = senders(&draft.smtp.sender_domains, &self.around.ehlo_name);
        let mut report = run(&connector, &senders).await;
        report.suggestion = report.refused.and_then(|address| self.suggestion(address));
        Ok(report)
    }

    async fn office(&self, id: OfficeId) -> Result<Option<Office>, StoreError> {
        let offices = self.store.offices().await?;
        Ok(offices.into_iter().find(|office| office.id == id))
    }

    /// The route that an office's own relays serve; `None` for the System Office while the file has the server's.
    pub(super) fn route(&self, office: &Office) -> Option<RouteId> {
        match (office.parent, self.servers) {
            (Some(_), _) => Some(RouteId(office.id.0)),
            (None, ServersRelay::InSettings) => Some(RouteId::SERVER),
            (None, ServersRelay::InFile) => None,
        }
    }

    fn usable(&self, route: RouteId, settings: &OfficeSettings) -> Vec<RelaySettings> {
        let mut usable = Vec::new();
        for (place, kept) in settings.relays.iter().enumerate() {
            let name = kept.smtp.host.clone();
            let made = OpenSecrets::of(&self.vault, settings.office, place, kept)
                .map_err(|error| error.to_string())
                .and_then(|secrets| {
                    let refresh = self.refresh_tokens(settings.office, place);
                    session(&kept.smtp, secrets, Some(refresh), &self.around)
                })
                .and_then(|session| {
                    Connector::new(session.clone()).map_err(|error| error.to_string())?;
                    Ok(session)
                });
            match made {
                Ok(session) => usable.push(relay(name, route, &kept.smtp, session)),
                Err(error) => {
                    tracing::error!(office.id = %settings.office, place, error, "a relay cannot be used");
                }
            }
        }
        usable
    }

    fn refresh_tokens(&self, office: OfficeId, place: usize) -> RefreshTokens {
        RefreshTokens {
            store: Arc::clone(&self.store),
            vault: Arc::clone(&self.vault),
            office,
            place,
            changing: Arc::clone(&self.changing),
        }
    }

    fn tell_engine(&self, office: &Office, settings: &OfficeSettings) {
        if let (Some(engine), Some(route)) = (self.engine.get(), self.route(office))
            && let Err(error) = engine.set_route(route, self.usable(route, settings))
        {
            tracing::error!(office.id = %office.id, error = %error, "a relay cannot be used");
        }
    }

    /// Moves an office's mail beside whoever changed its settings.
    fn move_behind(&self, office: OfficeId) {
        let (store, engine) = (Arc::clone(&self.store), self.engine.get().cloned());
        tokio::spawn(async move {
            while let Err(error) = move_mail(&*store, office).await {
                if matches!(error, StoreError::Closed) {
                    return;
                }
                tracing::warn!(error = %error, office.id = %office, "the office's mail waits to be moved");
                tokio::time::sleep(STORE_RETRY).await;
            }
            if let Some(engine) = engine {
                engine.wake();
            }
        });
    }

    /// What cannot be set up is found before anything is written.
    fn check_tls(&self, office: &Office, settings: &OfficeSettings) -> Result<(), SettingsError> {
        for (place, kept) in settings.relays.iter().enumerate() {
            let field = format!("relays[{place}].certificate");
            let secrets = OpenSecrets::of(&self.vault, office.id, place, kept)?;
            let session =
                session(&kept.smtp, secrets, None, &self.around).map_err(|reason| bad(&field, reason))?;
            Connector::new(session).map_err(|error| bad(&field, error.to_string()))?;
        }
        Ok(())
    }
}

/// The senders that a relay is asked about.
fn senders(domains: &[String], own: &str) -> Vec<String> {
    let own = [own.to_owned()];
    let domains = if domains.is_empty() { &own[..] } else { domains };
    domains
        .iter()
        .map(|domain| format!("postmaster@{domain}"))
        .collect()
}

/// Moves an office's unfinished mail to its way out, step by step.
async fn move_mail(store: &dyn Store, office: OfficeId) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        match store.reroute(office, after).await? {
            Some(last) => after = Some(last),
            // A pass that moved something is followed by one that finds nothing and says so.
            None if after.is_some() => after = None,
            None => return Ok(()),
        }
    }
}
