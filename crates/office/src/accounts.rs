//! Tokens that work once: the first administrator, invitations, forgotten passwords.
//!
//! A token's text exists in two places: with whoever it is for, and for a moment in the notice that becomes their mail.
//! The store keeps its hash.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use postroom_domain::Clock;
use postroom_store::{
    Actor, AuditNote, By, NewToken, Office, OpenKeys, SetUp, Store, StoreError, TokenPurpose, User,
};
use tokio::sync::Semaphore;

use crate::notifier::{Link, Notice, NoticeEvent, Notifier};
use crate::secret::{Secret, hash_of};

/// How long the secret of a new server works; every start draws a new one.
pub const SETUP_LASTS: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long an invitation works.
pub const INVITATION_LASTS: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long a link for a new password works.
pub const RESET_LASTS: Duration = Duration::from_secs(3600);
/// Requests for new passwords that are worked on at a time; more are let go, as if the mail had been lost.
const RESETS_AT_A_TIME: usize = 64;

/// Hands out tokens and takes them back.
pub struct Accounts {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    notifier: Arc<dyn Notifier>,
    resets: Arc<Semaphore>,
    people_known: AtomicBool,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}

impl Accounts {
    /// Works on `store` and tells people through `notifier`.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, notifier: Arc<dyn Notifier>) -> Self {
        Self {
            store,
            clock,
            notifier,
            resets: Arc::new(Semaphore::new(RESETS_AT_A_TIME)),
            people_known: AtomicBool::new(false),
        }
    }

    /// Whether the server waits for its first administrator. Strangers ask this: once there are people, who are never
    /// deleted, the store is not asked again.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn setup_is_needed(&self) -> Result<bool, StoreError> {
        if self.people_known.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let empty = self.store.users().await?.is_empty();
        self.people_known.store(!empty, Ordering::Relaxed);
        Ok(empty)
    }

    /// Draws the secret of a server without users; `None` where it is set up.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn draw_setup_secret(&self) -> Result<Option<Secret>, StoreError> {
        if !self.setup_is_needed().await? {
            return Ok(None);
        }
        let secret = Secret::session();
        self.keep(&secret, TokenPurpose::SetUp, SETUP_LASTS, Actor::System)
            .await?;
        Ok(Some(secret))
    }

    /// Whether a link or secret works now. One that does is nobody's guess, so whoever has it need not wait for those who
    /// try others.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn token_works(&self, token: &str) -> Result<bool, StoreError> {
        self.store.token_works(&hash_of(token), self.clock.now()).await
    }

    /// Makes the first administrator; `secret` is what the server printed, `None` for the operator.
    ///
    /// # Errors
    /// [`StoreError::People`] where it is set up already or the secret is not the right one.
    pub async fn set_up(&self, secret: Option<&str>, setup: SetUp) -> Result<User, StoreError> {
        let actor = if secret.is_some() {
            Actor::System
        } else {
            Actor::Operator
        };
        let setup = SetUp {
            token: secret.map(hash_of),
            ..setup
        };
        let user = self.store.set_up(setup, &self.by(actor)).await?;
        Ok(user)
    }

    /// Invites somebody to set a password: their first one, or a new one.
    ///
    /// # Errors
    /// Those of the store, [`StoreError::Stale`] where `user` was changed since it was read. Where the mail could not be
    /// written, that is logged, and the invitation can be repeated.
    pub async fn invite(&self, user: User, office: Office, note: AuditNote) -> Result<(), StoreError> {
        let token = token_for(&user);
        let purpose = TokenPurpose::Invitation((&user).into());
        let ends_at = self.keep(&token, purpose, INVITATION_LASTS, note.actor).await?;
        let event = NoticeEvent::AccountCreated(Link { token, ends_at });
        self.tell(Notice { user, office, event }).await;
        Ok(())
    }

    /// Makes a link for a new password that the operator hands over; nothing is mailed.
    ///
    /// # Errors
    /// Those of the store, [`StoreError::Stale`] where `user` was changed since it was read.
    pub async fn link(&self, user: &User) -> Result<Link, StoreError> {
        let token = token_for(user);
        let purpose = TokenPurpose::PasswordReset(user.into());
        let ends_at = self.keep(&token, purpose, RESET_LASTS, Actor::Operator).await?;
        Ok(Link { token, ends_at })
    }

    /// Tells the old address of a person that their login or address was changed; `before` is the person with the old ones.
    pub async fn sign_in_changed(&self, before: User, office: Office) {
        let event = NoticeEvent::SignInChanged { at: self.clock.now() };
        let user = before;
        self.tell(Notice { user, office, event }).await;
    }

    /// Somebody says that they forgot their password. The work goes on behind the answer, so that the answer takes the
    /// same time and words for a login that nobody has.
    pub fn forgot(self: &Arc<Self>, login: &str) {
        let Ok(place) = Arc::clone(&self.resets).try_acquire_owned() else {
            return;
        };
        let (accounts, login) = (Arc::clone(self), login.trim().to_lowercase());
        tokio::spawn(async move {
            if let Err(error) = accounts.send_reset(&login).await {
                tracing::warn!(%error, "a link for a new password was not sent");
            }
            drop(place);
        });
    }

    async fn send_reset(&self, login: &str) -> Result<(), StoreError> {
        let Some(user) = self
            .store
            .user_by_login(login)
            .await?
            .filter(|user| !user.disabled)
        else {
            return Ok(());
        };
        let offices = self.store.offices().await?;
        let Some(office) = offices.into_iter().find(|office| office.id == user.office) else {
            return Ok(());
        };
        let token = Secret::session();
        let purpose = TokenPurpose::PasswordReset((&user).into());
        let ends_at = self
            .keep(&token, purpose, RESET_LASTS, Actor::User(user.id))
            .await?;
        let event = NoticeEvent::PasswordReset(Link { token, ends_at });
        self.tell(Notice { user, office, event }).await;
        Ok(())
    }

    /// Sets the password of whoever a token belongs to; it works once, and their sessions end, and where it is asked their
    /// API keys.
    ///
    /// # Errors
    /// [`StoreError::People`] for a token that is unknown, used or over.
    pub async fn redeem(
        &self,
        token: &str,
        password_hash: String,
        keys: OpenKeys,
    ) -> Result<User, StoreError> {
        self.store
            .use_token(&hash_of(token), password_hash, keys, self.clock.now())
            .await
    }

    async fn keep(
        &self,
        token: &Secret,
        purpose: TokenPurpose,
        lasts: Duration,
        actor: Actor,
    ) -> Result<postroom_domain::Timestamp, StoreError> {
        let by = self.by(actor);
        let ends_at = by.at.plus(lasts);
        let kept = NewToken {
            hash: token.hash(),
            purpose,
            ends_at,
        };
        self.store.keep_token(kept, &by).await?;
        Ok(ends_at)
    }

    async fn tell(&self, notice: Notice) {
        let user = notice.user.id;
        if let Err(error) = self.notifier.notify(notice).await {
            tracing::warn!(user.id = %user, %error, "a notice about an account was not sent");
        }
    }

    fn by(&self, actor: Actor) -> By {
        By {
            note: AuditNote::by(actor),
            at: self.clock.now(),
        }
    }
}

/// A token for a person's first password, or for another one.
fn token_for(user: &User) -> Secret {
    if user.password_hash.is_empty() {
        Secret::first_password()
    } else {
        Secret::session()
    }
}
