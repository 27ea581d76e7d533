//! The relays of each route and their connections, which can change while the engine runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use postroom_domain::{LearntLimits, RelayAccount, RouteId};
use postroom_smtp::client::{Connector, RelayAddress, RelayConfig, TlsSetupError};
use postroom_store::StoredLimits;

use super::loading::give_back;
use crate::delivery::BoxedJob;
use crate::relay::{Account, Pool, PoolParts};
use crate::scheduler::{RelayId, RelayLimits};
use crate::settings::RelaySettings;

/// A relay whose settings were found usable.
#[derive(Debug)]
pub(super) struct Prepared {
    settings: RelaySettings,
    connector: Connector,
}

impl Prepared {
    /// Reads the certificates that its settings trust.
    ///
    /// # Errors
    /// [`TlsSetupError`] where its TLS settings cannot be used.
    pub(super) fn new(settings: RelaySettings) -> Result<Self, TlsSetupError> {
        let connector = Connector::new(settings.session.clone())?;
        Ok(Self { settings, connector })
    }

    pub(super) const fn route(&self) -> RouteId {
        self.settings.route
    }
}

/// The connections to every relay.
#[derive(Debug)]
pub(super) struct Pools {
    parts: Arc<PoolParts>,
    pools: BTreeMap<RelayId, Arc<Pool>>,
    routes: BTreeMap<RouteId, Vec<RelayId>>,
    /// Every account that a relay had since the start.
    accounts: BTreeMap<RelayAccount, Arc<Account>>,
    made: u64,
}

impl Pools {
    /// Starts without relays, with what is stored of their limits.
    pub(super) fn new(parts: Arc<PoolParts>, stored: &[StoredLimits]) -> Self {
        let now = parts.clock.now();
        let account = |stored: &StoredLimits| {
            let limits = LearntLimits::stored(stored.values, now);
            let name = stored.account.clone();
            (name.clone(), Arc::new(Account::new(name, limits)))
        };
        Self {
            accounts: stored.iter().map(account).collect(),
            parts,
            pools: BTreeMap::new(),
            routes: BTreeMap::new(),
            made: 0,
        }
    }

    /// Gives a route these relays. What its earlier ones have on the wire is finished on their connections; what waits
    /// for those goes back to the queue.
    pub(super) fn set(&mut self, route: RouteId, relays: Vec<Prepared>) -> Vec<RelayLimits> {
        self.remove(route);
        let mut limits = Vec::with_capacity(relays.len());
        for Prepared { settings, connector } in relays {
            self.made += 1;
            let id = RelayId(self.made);
            let account = self.account(&settings.session);
            limits.push(RelayLimits {
                id,
                connections: settings.connections,
                rates: settings.rates,
                account: Arc::clone(&account),
            });
            let pool = Pool::new(id, settings, connector, account, Arc::clone(&self.parts));
            self.pools.insert(id, Arc::new(pool));
        }
        self.routes
            .insert(route, limits.iter().map(|limit| limit.id).collect());
        limits
    }

    /// The account that a relay's sessions sign in to.
    fn account(&mut self, session: &RelayConfig) -> Arc<Account> {
        let (host, port) = match &session.address {
            RelayAddress::Host { host, port } => (host.to_ascii_lowercase(), *port),
            RelayAddress::Socket(address) => (address.ip().to_string(), address.port()),
        };
        let user = session.credentials.as_ref().map(|known| known.user.clone());
        let name = RelayAccount {
            host,
            port,
            user: user.unwrap_or_default(),
        };
        let make = || Arc::new(Account::new(name.clone(), LearntLimits::default()));
        Arc::clone(self.accounts.entry(name.clone()).or_insert_with(make))
    }

    /// Every account.
    pub(super) fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.accounts.values()
    }

    /// Ends the relays of a route, as [`Pools::set`] does.
    pub(super) fn remove(&mut self, route: RouteId) {
        for id in self.routes.remove(&route).unwrap_or_default() {
            if let Some(pool) = self.pools.remove(&id) {
                pool.close();
                self.give_back(pool.drain());
            }
        }
    }

    /// Gives back what no connection of a relay has taken: it costs nothing.
    pub(super) fn drain(&self, relay: RelayId) {
        if let Some(pool) = self.pools.get(&relay) {
            self.give_back(pool.drain());
        }
    }

    fn give_back(&self, jobs: Vec<BoxedJob>) {
        self.parts.spawn(give_back(jobs));
    }

    pub(super) fn get(&self, relay: RelayId) -> Option<&Arc<Pool>> {
        self.pools.get(&relay)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Pool>> {
        self.pools.values()
    }

    /// A relay's place in its route: 0 for the first, 1 for the second.
    pub(super) fn place(&self, route: RouteId, relay: RelayId) -> Option<u8> {
        let at = self
            .routes
            .get(&route)?
            .iter()
            .position(|&known| known == relay)?;
        u8::try_from(at).ok()
    }

    /// The relay at a place of a route.
    pub(super) fn at(&self, route: RouteId, place: u8) -> Option<RelayId> {
        self.routes.get(&route)?.get(usize::from(place)).copied()
    }
}
