//! Whether an attempt to sign in is looked at: whose account it is for, and whether they signed in from there before.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use postroom_domain::{Clock, Timestamp, UserId};
use postroom_store::{KeyHash, SOURCE_LASTS, SignInSource, Store, StoreError};

use crate::throttle::{
    Account, Attempt, FloodGate, NameAt, Standing, Throttle, TokenThrottle, TooMany, Tried, WrongPasswords,
    network_of,
};

/// How exact the time is that somebody last signed in from a source.
const NOTED_EVERY: Duration = Duration::from_hours(24);

/// How long nothing is noted after a store could not write it: each sign-in would wait for it in vain.
const NOTED_AFTER_FAILURE: Duration = Duration::from_mins(1);

/// Where an attempt comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// Its address.
    pub address: IpAddr,
    /// Hash of what the browser's cookie says; `None` where there is no browser, or it brought none.
    pub device: Option<KeyHash>,
}

impl Client {
    /// A program at an address.
    pub const fn at(address: IpAddr) -> Self {
        Self {
            address,
            device: None,
        }
    }
}

/// Counts attempts, and knows where people signed in from.
pub(crate) struct Guard {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    names: RandomState,
    flood: FloodGate,
    sign_ins: Throttle,
    resets: Throttle,
    wrong_keys: TokenThrottle,
    wrong: WrongPasswords,
    /// From when on sources are noted, in microseconds of the steady clock.
    notes_from: AtomicI64,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

impl Guard {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            names: RandomState::new(),
            flood: FloodGate::new(),
            sign_ins: Throttle::of_sign_ins(),
            resets: Throttle::of_resets(),
            wrong_keys: TokenThrottle::default(),
            wrong: WrongPasswords::default(),
            notes_from: AtomicI64::new(i64::MIN),
        }
    }

    /// Says whether the store is asked about an attempt at all; see [`FloodGate::check`].
    pub(crate) fn admit(&self, login: &str, client: &Client) -> Result<(), TooMany> {
        let network = network_of(client.address);
        let names = self.names_at(login, client);
        self.flood.check(network, &names, self.clock.steady())
    }

    /// Remembers that somebody signed in, so that a flood from the same network does not keep them out.
    pub(crate) fn signed_in(&self, login: &str, client: &Client) {
        self.flood.signed_in(&self.names_at(login, client));
    }

    fn names_at(&self, login: &str, client: &Client) -> Vec<NameAt> {
        let name = self.names.hash_one(login);
        let sources = sources_of(client);
        sources.map(|source| (source, name)).collect()
    }

    /// What an attempt counts as. `login` is in lower case; a person's login and address are one account.
    pub(crate) async fn attempt(&self, login: &str, client: &Client) -> Result<Attempt, StoreError> {
        let user = self.store.user_by_login(login).await?;
        let account = user.as_ref().map_or_else(
            || Account::Nobody(self.names.hash_one(login)),
            |user| Account::Person(user.id),
        );
        // For a name that nobody has, the same is asked: it must not be answered sooner.
        let id = user.map_or(UserId(0), |user| user.id);
        if let Some(device) = client.device {
            let source = SignInSource::Device(device);
            if self.is_known(id, source).await? {
                return Ok(Attempt {
                    account,
                    source,
                    standing: Standing::Known,
                });
            }
        }
        let source = SignInSource::Network(network_of(client.address));
        let standing = if self.is_known(id, source).await? {
            Standing::Known
        } else {
            Standing::Unknown
        };
        Ok(Attempt {
            account,
            source,
            standing,
        })
    }

    /// Says whether an attempt to sign in would be looked at; see [`Throttle::look`].
    pub(crate) fn look(&self, attempt: &Attempt) -> Result<(), TooMany> {
        let looked = self.sign_ins.look(attempt, self.clock.steady());
        self.counted(attempt, looked)
    }

    /// Whether another attempt like it would be refused.
    pub(crate) fn is_exhausted(&self, attempt: &Attempt) -> bool {
        self.sign_ins.look(attempt, self.clock.steady()).is_err()
    }

    /// Counts a refusal. A browser that is known is one person's, and not counted.
    fn counted(&self, attempt: &Attempt, result: Result<(), TooMany>) -> Result<(), TooMany> {
        if let (Err(_), SignInSource::Network(network)) = (result, attempt.source) {
            self.flood.refused(network, self.clock.steady());
        }
        result
    }

    /// Counts an attempt to sign in; see [`Throttle::take`].
    pub(crate) fn take(&self, attempt: &Attempt) -> Result<(), TooMany> {
        let taken = self.sign_ins.take(attempt, self.clock.steady());
        self.counted(attempt, taken)
    }

    /// Counts a request of a link.
    pub(crate) fn take_reset(&self, attempt: &Attempt) -> Result<(), TooMany> {
        let taken = self.resets.take(attempt, self.clock.steady());
        self.counted(attempt, taken)
    }

    /// Counts an API key that is wrong, whosever name came with it: programs that go on with a key that has ended use up
    /// nobody's attempts, and need no account to be slowed down.
    pub(crate) fn take_wrong_key(&self, client: &Client) -> Result<(), TooMany> {
        self.wrong_keys.take(client.address, self.clock.steady())
    }

    /// Gives back what an attempt to sign in took; see [`Throttle::give_back`].
    pub(crate) fn give_back(&self, attempt: &Attempt) {
        self.sign_ins.give_back(attempt);
    }

    /// What a password is remembered as; see [`WrongPasswords::tried`].
    pub(crate) fn tried(&self, password: &str, hash: Option<&str>) -> Tried {
        self.wrong.tried(password, hash)
    }

    /// Whether the same password was wrong before, for this account and from there.
    pub(crate) fn was_wrong(&self, attempt: &Attempt, tried: Tried) -> bool {
        self.wrong.has(attempt, tried)
    }

    /// Remembers that a password was wrong.
    pub(crate) fn remember_wrong(&self, attempt: &Attempt, tried: Tried) {
        self.wrong.remember(attempt, tried);
    }

    /// Remembers where somebody proved who they are. A store that cannot write it now refuses nobody, and is asked again in a
    /// minute.
    pub(crate) async fn remember(&self, user: UserId, client: &Client) {
        if self.clock.steady().as_micros() < self.notes_from.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.note(user, client).await {
            let again_at = self.clock.steady().plus(NOTED_AFTER_FAILURE);
            self.notes_from.store(again_at.as_micros(), Ordering::Relaxed);
            tracing::warn!(user.id = %user, %error, "could not record where a sign-in came from; will retry in a minute");
        }
    }

    async fn note(&self, user: UserId, client: &Client) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut sources = Vec::new();
        for source in sources_of(client) {
            let seen = self.store.source_seen(user, source).await?;
            let is_noted = seen.is_some_and(|seen| is_within(seen, now, NOTED_EVERY));
            if !is_noted {
                sources.push(source);
            }
        }
        if sources.is_empty() {
            return Ok(());
        }
        self.store.note_sources(user, sources, now).await
    }

    async fn is_known(&self, user: UserId, source: SignInSource) -> Result<bool, StoreError> {
        let seen = self.store.source_seen(user, source).await?;
        Ok(seen.is_some_and(|seen| seen.plus(SOURCE_LASTS) > self.clock.now()))
    }
}

/// What a client is known by: its browser, where it brought the cookie, and its network.
fn sources_of(client: &Client) -> impl Iterator<Item = SignInSource> + use<> {
    let network = SignInSource::Network(network_of(client.address));
    let device = client.device.map(SignInSource::Device);
    device.into_iter().chain([network])
}

/// Whether a time lies at most that far back. A clock that was set back leaves a time ahead.
fn is_within(seen: Timestamp, now: Timestamp, most: Duration) -> bool {
    seen <= now && now.since(seen) < most
}
