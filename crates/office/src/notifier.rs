//! What people are told by mail about their accounts (SPEC A7).
//!
//! A live link must be readable nowhere afterwards, neither in facts nor in the audit log: the token passes through
//! memory to whoever writes the mail, and the store keeps its hash alone.

use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;
use postroom_domain::Timestamp;
use postroom_store::{Office, User};

use crate::secret::Secret;

/// Writes the mail of a [`Notice`].
#[async_trait]
pub trait Notifier: Send + Sync + fmt::Debug {
    /// Puts the mail into the queue.
    ///
    /// # Errors
    /// [`NotifyError`]; the token stays valid, and the person can ask again.
    async fn notify(&self, notice: Notice) -> Result<(), NotifyError>;
}

/// Why a notice was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the mail was not taken in: {0}")]
pub struct NotifyError(pub String);

/// Something that a person is told.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Who is told.
    pub user: User,
    /// Their office.
    pub office: Office,
    /// What happened.
    pub event: NoticeEvent,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum NoticeEvent {
    /// An account was made (`account_created`): the link sets its first password.
    AccountCreated(Link),
    /// Somebody asked for a new password (`password_reset`).
    PasswordReset(Link),
    /// The person's login or address was changed (`alert`); the notice's user has the old ones.
    SignInChanged {
        /// When.
        at: Timestamp,
    },
    /// Somebody tried wrong passwords until the pause (`sign_in_failed`).
    SignInFailed {
        /// Where from.
        peer: IpAddr,
        /// When.
        at: Timestamp,
    },
}

/// A link that works once.
#[derive(Debug, Clone)]
pub struct Link {
    /// What it carries: `{public_url}/password?token=…`.
    pub token: Secret,
    /// When it ends.
    pub ends_at: Timestamp,
}

impl Link {
    /// Its address on a server whose addresses begin with `base_url`.
    pub fn url(&self, base_url: &str) -> String {
        password_page(base_url, self.token.reveal())
    }
}

/// The address of the page that takes a link's token.
pub(crate) fn password_page(base_url: &str, token: &str) -> String {
    format!("{base_url}/password?token={token}")
}

/// Tells nobody: for stores without anything that writes mail.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unheard;

#[async_trait]
impl Notifier for Unheard {
    async fn notify(&self, _notice: Notice) -> Result<(), NotifyError> {
        Err(NotifyError("nothing writes notices here".to_owned()))
    }
}
