//! Proves who asks: a password, a session or an API key, the same over HTTP and SMTP.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use postroom_domain::{Arm, Clock, KeyId, Scope, Timestamp};
use postroom_store::{Actor, ApiKey, Authority, KeyHash, NewSession, Office, Store, StoreError, User};
use tokio::sync::watch;

use crate::cache::Cache;
use crate::directory::Directory;
use crate::guard::{Client, Guard};
use crate::notifier::{Notice, NoticeEvent, Notifier};
use crate::password::{PasswordError, Passwords};
use crate::principal::{Key, Person, Principal, Who};
use crate::secret::{KEY_PREFIX, Secret, hash_of};
use crate::throttle::{Attempt, Standing, TooMany, wait_seconds};

/// How long a session lasts.
pub const SESSION_LASTS: Duration = Duration::from_secs(12 * 3600);
/// How accurate the time is that a key was last used.
const USED_EVERY: Duration = Duration::from_secs(3600);
/// Uses of keys that are written at a time.
const USES_MAX: usize = 256;
/// Longest login that is looked up, in bytes.
const MAX_LOGIN_BYTES: usize = 320;

/// Why somebody was not let in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The login is unknown, or the password or key is wrong: which of them is told to nobody.
    #[error("the login or the password is wrong")]
    Invalid,
    /// Too many attempts.
    #[error("too many attempts to sign in; wait {} seconds", wait_seconds(*retry_after))]
    TooMany {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TooMany> for SignInError {
    fn from(error: TooMany) -> Self {
        Self::TooMany {
            retry_after: error.retry_after,
        }
    }
}

/// Proves who asks.
pub struct Authenticator {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    passwords: Passwords,
    guard: Guard,
    cache: Cache,
    /// Keys whose last use is to be written.
    uses: Mutex<HashMap<KeyId, Timestamp>>,
    notifier: OnceLock<Arc<dyn Notifier>>,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator").finish_non_exhaustive()
    }
}

impl Authenticator {
    /// Works on `store`.
    ///
    /// # Errors
    /// [`PasswordError::Hash`] where the system gives no random bytes.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Result<Self, PasswordError> {
        Ok(Self {
            guard: Guard::new(Arc::clone(&store), Arc::clone(&clock)),
            store,
            cache: Cache::new(Arc::clone(&clock)),
            clock,
            passwords: Passwords::new()?,
            uses: Mutex::default(),
            notifier: OnceLock::new(),
        })
    }

    /// Names whoever writes the mail about failed sign-ins; the first one stays.
    pub fn notify_through(&self, notifier: Arc<dyn Notifier>) {
        drop(self.notifier.set(notifier));
    }

    /// Signs a person in by login (or e-mail address) and password. An API key is a password too: its user's login
    /// goes with it; with an office's key the login does not matter. Where a person signs in, they can go on signing in
    /// while others guess.
    ///
    /// # Errors
    /// [`SignInError`]; unknown logins take the time and the words of wrong passwords.
    pub async fn sign_in(
        &self,
        login: &str,
        password: &str,
        client: &Client,
    ) -> Result<Arc<Principal>, SignInError> {
        let login = login.trim().to_lowercase();
        if login.len() > MAX_LOGIN_BYTES {
            return Err(SignInError::Invalid);
        }
        if password.starts_with(KEY_PREFIX) {
            // Nobody guesses a key, and one that is right costs next to nothing: only wrong ones are counted.
            if let Some(principal) = self.key_as_password(&login, password).await? {
                return Ok(principal);
            }
            self.guard.take_wrong_key(client)?;
            return Err(SignInError::Invalid);
        }
        let principal = self.person(&login, password, client).await?;
        principal.ok_or(SignInError::Invalid)
    }

    /// A try is taken in the turn that computes the hash, and given back in it: however many sign in at a time, those
    /// that are right hold no more tries than there are turns. A password that was wrong before needs no hash and takes no try: a
    /// phone that goes on with an old password must not keep its own person out.
    async fn person(
        &self,
        login: &str,
        password: &str,
        client: &Client,
    ) -> Result<Option<Arc<Principal>>, SignInError> {
        self.guard.admit(login, client)?;
        let attempt = self.guard.attempt(login, client).await?;
        self.guard.look(&attempt)?;
        let turn = match attempt.standing {
            Standing::Known => self.passwords.turn_of_known().await,
            Standing::Unknown => self.passwords.turn().await,
        };
        self.guard.take(&attempt)?;
        // Looked up in the turn: the password may have been changed before it.
        let user = self.store.user_by_login(login).await?;
        let user = user.filter(|user| !user.disabled);
        let hash = user.as_ref().map(|user| user.password_hash.as_str());
        let tried = self.guard.tried(password, hash);
        if self.guard.was_wrong(&attempt, tried) {
            self.guard.give_back(&attempt);
            return Ok(None);
        }
        if !self.passwords.verify(&turn, password, hash).await {
            self.guard.remember_wrong(&attempt, tried);
            if let Some(user) = user {
                self.failed(user, &attempt, client);
            }
            return Ok(None);
        }
        let Some(user) = user else {
            return Ok(None);
        };
        self.guard.give_back(&attempt);
        self.guard.signed_in(login, client);
        drop(turn);
        self.guard.remember(user.id, client).await;
        Ok(self
            .principal_of(user, None)
            .await?
            .map(|(principal, _)| principal))
    }

    /// Tells a person that somebody tried wrong passwords until the pause; behind the answer, which takes no longer.
    fn failed(&self, user: User, attempt: &Attempt, client: &Client) {
        let (now, peer) = (self.clock.now(), client.address);
        let Some(notifier) = self.notifier.get() else {
            return;
        };
        if !self.guard.is_exhausted(attempt) {
            return;
        }
        let (store, notifier) = (Arc::clone(&self.store), Arc::clone(notifier));
        tokio::spawn(async move {
            let offices = match store.offices().await {
                Ok(offices) => offices,
                Err(error) => return tracing::warn!(%error, "a notice about failed sign-ins was not sent"),
            };
            let Some(office) = offices.into_iter().find(|office| office.id == user.office) else {
                return;
            };
            let event = NoticeEvent::SignInFailed { peer, at: now };
            let id = user.id;
            if let Err(error) = notifier.notify(Notice { user, office, event }).await {
                tracing::warn!(user.id = %id, %error, "a notice about failed sign-ins was not sent");
            }
        });
    }

    /// Counts a request for a link to choose a new password, as attempts to sign in are counted: by a person, whichever of
    /// their names is given, and where they signed in before apart from strangers.
    ///
    /// # Errors
    /// [`SignInError::TooMany`], for known and unknown names alike, and [`SignInError::Store`].
    pub async fn take_reset(&self, login: &str, client: &Client) -> Result<(), SignInError> {
        let login = login.trim().to_lowercase();
        self.guard.admit(&login, client)?;
        let attempt = self.guard.attempt(&login, client).await?;
        Ok(self.guard.take_reset(&attempt)?)
    }

    /// Remembers that somebody proved who they are without a password, by a link that was mailed to them: from there they
    /// can sign in while others guess.
    pub async fn remember(&self, user: &User, client: &Client) {
        self.guard.remember(user.id, client).await;
    }

    async fn key_as_password(&self, login: &str, secret: &str) -> Result<Option<Arc<Principal>>, StoreError> {
        let principal = self.key(secret).await?;
        Ok(principal.filter(|principal| {
            principal
                .user()
                .is_none_or(|user| user.login == login || user.email.to_lowercase() == login)
        }))
    }

    /// The principal of a person without proof, for clients that a configured network vouches for.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn trusted(&self, login: &str) -> Result<Option<Arc<Principal>>, StoreError> {
        match self.store.user_by_login(&login.trim().to_lowercase()).await? {
            Some(user) if !user.disabled => Ok(self
                .principal_of(user, None)
                .await?
                .map(|(principal, _)| principal)),
            Some(_) | None => Ok(None),
        }
    }

    /// The principal of an API key; `None` for one that is unknown, revoked or over.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn key(&self, secret: &str) -> Result<Option<Arc<Principal>>, StoreError> {
        if !secret.starts_with(KEY_PREFIX) || secret.len() > 200 {
            return Ok(None);
        }
        self.key_of_hash(hash_of(secret)).await
    }

    async fn key_of_hash(&self, hash: KeyHash) -> Result<Option<Arc<Principal>>, StoreError> {
        if let Some(principal) = self.cache.get(&hash) {
            return Ok(Some(principal));
        }
        let generation = self.cache.generation();
        let Some(key) = self.store.key(&hash).await? else {
            return Ok(None);
        };
        let (id, last_used_at) = (key.id, key.last_used_at);
        let Some((principal, until)) = self.principal_of_key(key, Some(hash)).await? else {
            return Ok(None);
        };
        self.note_use(id, last_used_at);
        self.cache.put(hash, &principal, until, generation);
        Ok(Some(principal))
    }

    /// Remembers that a key is used, where that is to be written: once an hour. A busy key is found in the cache and comes
    /// here every few seconds, no request writes anything.
    fn note_use(&self, id: KeyId, last: Option<Timestamp>) {
        let now = self.clock.now();
        // A clock that was set back leaves a time ahead.
        let is_recent = last.is_some_and(|last| last <= now && now.since(last) < USED_EVERY);
        if !is_recent {
            self.uses().insert(id, now);
        }
    }

    /// Writes when keys were last used. For every few minutes.
    ///
    /// # Errors
    /// Those of the store; what was not written is the next time.
    pub async fn save_key_uses(&self) -> Result<(), StoreError> {
        let uses: Vec<_> = std::mem::take(&mut *self.uses()).into_iter().collect();
        for (n, some) in uses.chunks(USES_MAX).enumerate() {
            if let Err(error) = self.store.keys_used(some.to_vec()).await {
                let left = uses.iter().skip(n * USES_MAX).copied();
                let mut noted = self.uses();
                for (id, at) in left {
                    noted.entry(id).or_insert(at);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn uses(&self) -> MutexGuard<'_, HashMap<KeyId, Timestamp>> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session of a person.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn begin_session(&self, user: &User) -> Result<Secret, StoreError> {
        let token = Secret::session();
        let now = self.clock.now();
        let session = NewSession {
            hash: token.hash(),
            user: user.id,
            started_at: now,
            ends_at: now.plus(SESSION_LASTS),
        };
        self.store.create_session(session).await?;
        Ok(token)
    }

    /// The principal of a session's token; `None` for one that is unknown or has ended.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn session(&self, token: &str) -> Result<Option<Arc<Principal>>, StoreError> {
        self.session_of_hash(hash_of(token)).await
    }

    async fn session_of_hash(&self, hash: KeyHash) -> Result<Option<Arc<Principal>>, StoreError> {
        if let Some(principal) = self.cache.get(&hash) {
            return Ok(Some(principal));
        }
        let generation = self.cache.generation();
        let Some(session) = self.store.session(&hash, self.clock.now()).await? else {
            return Ok(None);
        };
        let Some((principal, until)) = self.principal_of(session.user, Some(hash)).await? else {
            return Ok(None);
        };
        let until = until.map_or(session.ends_at, |until| until.min(session.ends_at));
        self.cache.put(hash, &principal, Some(until), generation);
        Ok(Some(principal))
    }

    /// The same principal with the rights of now; `None` where the session or key has ended, the person is disabled, or
    /// their login, address or password is another than when they signed in. For what goes on longer than a request.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn again(&self, principal: &Arc<Principal>) -> Result<Option<Arc<Principal>>, StoreError> {
        match (&principal.who, principal.proof) {
            (Who::Operator, _) => Ok(Some(Arc::clone(principal))),
            (Who::Person(_), Some(hash)) => self.session_of_hash(hash).await,
            (Who::Key(_), Some(hash)) => self.key_of_hash(hash).await,
            (Who::Person(person), None) => {
                let before = &person.user;
                let now = self.by_actor(Actor::User(before.id)).await?;
                let key = |user: &User| (user.login.clone(), user.email.clone(), user.password_hash.clone());
                let same = |user: &User| key(user) == key(before);
                Ok(now.filter(|now| now.user().is_some_and(same)))
            }
            (Who::Key(_), None) => Ok(None),
        }
    }

    /// Counts the changes of people, keys and offices of this process: what was found before the last one may not hold.
    pub fn generation(&self) -> u64 {
        self.cache.generation()
    }

    /// Tells of changes of people, keys and offices of this process.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.cache.watch()
    }

    /// Ends a session.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn end_session(&self, token: &str) -> Result<(), StoreError> {
        let hash = hash_of(token);
        self.store.end_session(&hash).await?;
        self.cache.forget(&hash);
        Ok(())
    }

    /// The principal that an entry of the audit log or a job names, with the rights of now; `None` for somebody who may
    /// not sign in any more, or a key that was revoked.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn by_actor(&self, actor: Actor) -> Result<Option<Arc<Principal>>, StoreError> {
        match actor {
            Actor::Operator => Ok(Some(Principal::operator())),
            Actor::System => Ok(None),
            Actor::User(id) => match self.store.user(id).await? {
                Some(user) if !user.disabled => Ok(first(self.principal_of(user, None).await?)),
                Some(_) | None => Ok(None),
            },
            Actor::Key(id) => {
                let keys = self.store.keys().await?;
                match keys.into_iter().find(|key| key.id == id) {
                    Some(key) => Ok(first(self.principal_of_key(key, None).await?)),
                    None => Ok(None),
                }
            }
        }
    }

    /// Forgets what it remembers: people, keys or offices changed.
    pub fn forget_all(&self) {
        self.cache.clear();
    }

    /// Hashes passwords of new users.
    pub const fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// The principal of a person, and until when at most its rights are these.
    async fn principal_of(
        &self,
        user: User,
        proof: Option<KeyHash>,
    ) -> Result<Option<(Arc<Principal>, Option<Timestamp>)>, StoreError> {
        let directory = Directory::new(self.store.offices().await?);
        let Some(office) = directory.office(user.office).cloned() else {
            return Ok(None);
        };
        let (authority, until) = self.authority_of(&directory, &user).await?;
        let who = Who::Person(Person { user, office });
        let principal = Principal {
            who,
            authority,
            proof,
        };
        Ok(Some((Arc::new(principal), until)))
    }

    async fn authority_of(
        &self,
        directory: &Directory,
        user: &User,
    ) -> Result<(Authority, Option<Timestamp>), StoreError> {
        let proxies = self.store.proxies(Some(user.id)).await?;
        let now = self.clock.now();
        // A proxy that begins or ends changes the rights by itself.
        let moments = proxies
            .iter()
            .flat_map(|proxy| [proxy.terms.from, proxy.terms.until])
            .flatten();
        let until = moments.filter(|moment| *moment > now).min();
        Ok((directory.authority_of(user, &proxies, now), until))
    }

    async fn principal_of_key(
        &self,
        key: ApiKey,
        proof: Option<KeyHash>,
    ) -> Result<Option<(Arc<Principal>, Option<Timestamp>)>, StoreError> {
        if key.ends_at.is_some_and(|ends_at| ends_at <= self.clock.now()) {
            return Ok(None);
        }
        let user = match key.user {
            None => None,
            Some(id) => match self.store.user(id).await? {
                Some(user) if !user.disabled => Some(user),
                Some(_) | None => return Ok(None),
            },
        };
        let directory = Directory::new(self.store.offices().await?);
        let Some(office) = directory.office(key.office).cloned() else {
            return Ok(None);
        };
        let (authority, until) = match &user {
            Some(user) => self.authority_of(&directory, user).await?,
            None => (authority_of_office_key(&office, &key.scopes), None),
        };
        let until = until.into_iter().chain(key.ends_at).min();
        let who = Who::Key(Key {
            id: key.id,
            user,
            office,
            scopes: key.scopes,
        });
        let principal = Principal {
            who,
            authority,
            proof,
        };
        Ok(Some((Arc::new(principal), until)))
    }
}

/// The principal without the end of its rights.
fn first(found: Option<(Arc<Principal>, Option<Timestamp>)>) -> Option<Arc<Principal>> {
    found.map(|(principal, _)| principal)
}

/// An office's key has the scopes that it was given (V6).
fn authority_of_office_key(office: &Office, scopes: &[String]) -> Authority {
    let has = |name: &str| scopes.iter().any(|scope| scope == name);
    let whole = || Scope::nothing().with(Arm::OfficeMail(office.id));
    let manage = has("manage");
    Authority {
        see: if manage || has("read") {
            whole()
        } else {
            Scope::nothing()
        },
        act: if manage { whole() } else { Scope::nothing() },
        hold: Scope::nothing(),
    }
}
