//! Gathers what an explanation rests on.

use std::sync::Arc;
use std::time::Duration;

use postroom_domain::{Clock, MessageId, RouteId};
use postroom_engine::RelayStatus;
use postroom_store::{Actor, Store, StoreError};

use super::{Explained, Holder, Known, Service, SettingsPlace, blames_settings, explain};
use crate::directory::Directory;
use crate::principal::Principal;
use crate::relays::ServersRelay;

/// What explanations rest on, besides the message.
pub struct ExplainParts {
    /// Where mail is kept.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whether mail is sent at all.
    pub service: Service,
    /// Where the server's relay is set.
    pub servers: ServersRelay,
    /// Attempts before a message fails.
    pub attempts_max: u16,
    /// How long mail waits for a relay.
    pub max_wait: Duration,
}

/// Explains where messages are.
pub struct Explainer(ExplainParts);

impl std::fmt::Debug for Explainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Explainer").finish_non_exhaustive()
    }
}

impl Explainer {
    /// Explains by these parts.
    pub const fn new(parts: ExplainParts) -> Self {
        Self(parts)
    }

    /// Why a message is where it is, given what the engine says of all relays; `None` for a message that does not exist
    /// or is out of the sight of `who`.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn explain(
        &self,
        who: &Principal,
        id: MessageId,
        relays: Vec<RelayStatus>,
    ) -> Result<Option<Explained>, StoreError> {
        let parts = &self.0;
        let see = &who.authority.see;
        let Some(found) = parts.store.detail(see, id).await? else {
            return Ok(None);
        };
        let Some(situation) = parts.store.situation(see, id).await? else {
            return Ok(None);
        };
        let pauses = parts.store.pauses().await?;
        let holder = match situation.held {
            Some((by, since)) => Some((self.holder(who, by).await?, since)),
            None => None,
        };
        let settings = settings_place(&*parts.store, parts.servers, situation.route).await?;
        let known = Known {
            found: &found,
            relays: relays
                .into_iter()
                .filter(|relay| relay.route == situation.route)
                .collect(),
            situation,
            holder,
            pauses: &pauses,
            service: parts.service,
            attempts_max: parts.attempts_max,
            max_wait: parts.max_wait,
            now: parts.clock.now(),
        };
        let mut explained = explain(&known);
        explained.settings = blames_settings(&known).then_some(settings);
        Ok(Some(explained))
    }

    /// Who holds a message, by name where `who` knows of that person.
    async fn holder(&self, who: &Principal, by: Actor) -> Result<Holder, StoreError> {
        let store = &self.0.store;
        let person = match by {
            Actor::User(id) => Some(id),
            // A person's key is that person; an office's key, or one that has ended, is nobody.
            Actor::Key(id) => {
                let keys = store.keys().await?;
                keys.into_iter().find(|key| key.id == id).and_then(|key| key.user)
            }
            Actor::Operator | Actor::System => return Ok(Holder::Operator),
        };
        let Some(id) = person else {
            return Ok(Holder::Key);
        };
        let user = store.user(id).await?;
        Ok(match user.filter(|user| who.knows(user)) {
            Some(user) => Holder::Person(user.name),
            None => Holder::Administrator,
        })
    }
}

/// Where the SMTP settings of a route are: the office's own, the System Office's, or the configuration file.
///
/// # Errors
/// Those of the store.
pub async fn settings_place(
    store: &dyn Store,
    servers: ServersRelay,
    route: RouteId,
) -> Result<SettingsPlace, StoreError> {
    let office = match (route, servers) {
        (RouteId::SERVER, ServersRelay::InFile) => None,
        (RouteId::SERVER, ServersRelay::InSettings) => {
            let directory = Directory::new(store.offices().await?);
            directory.root().map(|root| root.id)
        }
        // A route other than the server's has the number of the office whose settings it is.
        (RouteId(office), _) => Some(postroom_domain::OfficeId(office)),
    };
    Ok(office.map_or(SettingsPlace::Configuration, SettingsPlace::Office))
}
