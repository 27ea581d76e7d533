//! Keeps the refresh token of a relay's token endpoint: an endpoint may give another in place of the one that it was sent
//! (RFC 6749 §6) and then refuse the old one, also after a restart.

use std::sync::Arc;

use postroom_domain::OfficeId;
use postroom_store::{Sealed, Store};

use crate::vault::{Field, Slot, Vault};

/// Where one relay's refresh token is kept, sealed.
#[derive(Clone)]
pub(super) struct RefreshTokens {
    pub(super) store: Arc<dyn Store>,
    pub(super) vault: Arc<Vault>,
    pub(super) office: OfficeId,
    /// 0 for the first relay, 1 for the second.
    pub(super) place: usize,
    /// Held by whoever changes an office's settings: they read a secret to keep it, and would put an old one back.
    pub(super) changing: Arc<tokio::sync::Mutex<()>>,
}

impl RefreshTokens {
    /// The token as it is kept now; another session, or an administrator, may have replaced it.
    ///
    /// # Errors
    /// Why it cannot be read, for the log.
    pub(super) async fn now(&self) -> Result<Option<String>, String> {
        let kept = self.kept().await?;
        kept.map(|kept| self.open(&kept)).transpose()
    }

    /// Keeps `given` in place of `used`. Where another than `used` is kept by now, that one stays: somebody set it.
    ///
    /// # Errors
    /// Why it was not kept, for the log.
    pub(super) async fn replace(&self, used: &str, given: &str) -> Result<(), String> {
        let _one = self.changing.lock().await;
        let Some(kept) = self.kept().await? else {
            return Ok(());
        };
        if self.open(&kept)? != used {
            return Ok(());
        }
        let sealed = self
            .vault
            .seal(self.slot(), given)
            .map_err(|error| error.to_string())?;
        self.store
            .replace_refresh_token(self.office, self.place, kept, sealed)
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    }

    const fn slot(&self) -> Slot {
        Slot {
            office: self.office,
            place: self.place,
            field: Field::RefreshToken,
        }
    }

    async fn kept(&self) -> Result<Option<Sealed>, String> {
        let settings = self.store.settings(self.office).await;
        let settings = settings.map_err(|error| error.to_string())?;
        let relays = settings.map(|settings| settings.relays).unwrap_or_default();
        let relay = relays.into_iter().nth(self.place);
        Ok(relay.and_then(|relay| relay.refresh_token))
    }

    fn open(&self, sealed: &Sealed) -> Result<String, String> {
        let opened = self.vault.open_secret(self.slot(), sealed);
        opened.map_err(|error| error.to_string())
    }
}
