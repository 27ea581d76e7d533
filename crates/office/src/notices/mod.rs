//! Mail that Postroom itself sends (SPEC A7): `account_created`, `password_reset`, `sign_in_failed` and `alert`, as
//! real messages of the queue in the office of whom they go to, which leave through the server's relay.
//!
//! A live link passes through memory into the message's content alone, which nobody is shown (V5).

mod letter;
mod templates;

use self::letter::Letter;
pub use templates::TemplateError;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use postroom_domain::{Address, Kind, Mailbox, Refusal, RouteId, Timestamp, UserId};
use postroom_engine::intake::{Draft, Extras, Identity, Intake, KindRights, Principal, SenderRights};
use postroom_store::{Alert, IdempotencyClaim, Submitter, User};

use self::templates::{Addressee, Templates};
use crate::notifier::{Notice, NoticeEvent, Notifier, NotifyError};

/// Postroom itself, as the sender of its own mail.
pub const POSTROOM: UserId = UserId(0);

/// What can change while notices are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeSettings {
    /// The product's name.
    pub brand: String,
    /// Where notices come from (`notifications.from`).
    pub from: Address,
    /// What links begin with, without a slash at the end: `https://mail.example.com`.
    pub base_url: String,
}

/// Why a notice was not sent.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// It will never be taken in as it is.
    #[error("the mail was refused: {0}")]
    Refused(Refusal),
    /// It may be taken in later.
    #[error("the mail cannot be taken in now: {0}")]
    Later(Refusal),
    /// The words could not be put together.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// Writes notices into the queue.
pub struct Notices {
    intake: Intake,
    settings: ArcSwap<NoticeSettings>,
    templates: Templates,
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").finish_non_exhaustive()
    }
}

impl Notices {
    /// Writes into `intake`'s queue.
    ///
    /// # Errors
    /// [`TemplateError`] where a template of this version is broken.
    pub fn new(intake: Intake, settings: NoticeSettings) -> Result<Self, TemplateError> {
        Ok(Self {
            intake,
            settings: ArcSwap::from_pointee(settings),
            templates: Templates::new()?,
        })
    }

    /// Changes the settings from the next notice on.
    pub fn set(&self, settings: NoticeSettings) {
        self.settings.store(Arc::new(settings));
    }

    /// The settings of now.
    pub fn settings(&self) -> Arc<NoticeSettings> {
        self.settings.load_full()
    }

    /// Mails an alert to whose it is, once: the alert's id is its idempotency key.
    ///
    /// # Errors
    /// [`NoticeError`]; nothing was kept.
    pub async fn mail_alert(&self, alert: &Alert, to: &User) -> Result<(), NoticeError> {
        let settings = self.settings.load();
        let letter = self.templates.alert(&settings, alert)?;
        self.send(to, Kind::Alert, letter, Some(format!("alert:{}", alert.id.0)))
            .await
    }

    async fn send(
        &self,
        to: &User,
        kind: Kind,
        letter: Letter,
        once: Option<String>,
    ) -> Result<(), NoticeError> {
        let settings = self.settings.load();
        let identity = Identity {
            user: POSTROOM,
            office: to.office,
            route: RouteId::SERVER,
        };
        let rights = SenderRights::new("Postroom sends its own notices").with(&settings.from, identity);
        let principal = Principal {
            submitted_by: Submitter::System,
            rights: Arc::new(rights),
            kinds: KindRights::Every,
        };
        let draft = draft(&settings, to, kind, letter).map_err(NoticeError::Refused)?;
        let claim = once.map(|key| IdempotencyClaim {
            credential: "notices".to_owned(),
            key,
            digest: [0; 32],
        });
        match self.intake.submit(&principal, draft, claim).await {
            Ok(_) => Ok(()),
            Err(refusal @ (Refusal::StoreUnavailable | Refusal::StoreFull | Refusal::QueueDisabled)) => {
                Err(NoticeError::Later(refusal))
            }
            Err(refusal) => Err(NoticeError::Refused(refusal)),
        }
    }
}

fn draft(settings: &NoticeSettings, to: &User, kind: Kind, letter: Letter) -> Result<Draft, Refusal> {
    let unusable = |error: postroom_domain::AddressError| Refusal::BadValue {
        field: "to".to_owned(),
        // Without the address: this ends in the log.
        reason: error.problem.to_string().into(),
    };
    let from = Mailbox::new(&settings.brand, settings.from.clone()).map_err(unusable)?;
    let address: Address = to.email.parse().map_err(unusable)?;
    let to = Mailbox::new(&to.name, address.clone()).or_else(|_| Mailbox::new("", address));
    let mut draft = Draft::new(from);
    draft.to = vec![to.map_err(unusable)?];
    draft.subject = letter.subject;
    draft.text = Some(letter.text);
    draft.html = Some(letter.html);
    // RFC 3834 §5: so that vacation notices do not answer it.
    draft.headers = vec![("Auto-Submitted".to_owned(), "auto-generated".to_owned())];
    draft.extras = Extras {
        kind: Some(kind),
        ..Extras::default()
    };
    Ok(draft)
}

#[async_trait]
impl Notifier for Notices {
    async fn notify(&self, notice: Notice) -> Result<(), NotifyError> {
        let settings = self.settings.load_full();
        let to = &notice.user;
        let addressee = Addressee {
            name: &to.name,
            login: &to.login,
            office: &notice.office.name,
        };
        let (kind, letter, once) = match &notice.event {
            NoticeEvent::AccountCreated(link) => {
                let letter =
                    self.templates
                        .account_created(&settings, &addressee, link.token.reveal(), link.ends_at);
                (Kind::AccountCreated, letter, None)
            }
            NoticeEvent::PasswordReset(link) => {
                let letter =
                    self.templates
                        .password_reset(&settings, &addressee, link.token.reveal(), link.ends_at);
                (Kind::PasswordReset, letter, None)
            }
            NoticeEvent::SignInChanged { at } => {
                let letter = self.templates.sign_in_changed(&settings, &addressee, *at);
                (Kind::Alert, letter, None)
            }
            NoticeEvent::SignInFailed { peer, at } => {
                let letter = self.templates.sign_in_failed(&settings, &addressee, *peer, *at);
                (Kind::SignInFailed, letter, Some(sign_in_key(to.id)))
            }
        };
        let failed = |error: NoticeError| NotifyError(error.to_string());
        let letter = letter.map_err(|error| failed(error.into()))?;
        self.send(to, kind, letter, once).await.map_err(failed)
    }
}

/// A key is kept for a day: somebody whose password is being guessed is told once a day, not after each pause.
fn sign_in_key(person: UserId) -> String {
    format!("sign-in-failed:{person}")
}

/// A time as people read it in mail whose reader's zone is unknown.
fn shown(at: Timestamp) -> String {
    let time = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
