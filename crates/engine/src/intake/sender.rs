//! Who hands mail in, and as whom they may send (SPEC I5, I9, V9).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use postroom_domain::{Address, Kind, OfficeId, Poster, Refusal, RouteId, UserId};
use postroom_store::{IdempotencyClaim, Submitter};

/// Who hands mail in.
#[derive(Debug, Clone)]
pub struct Principal {
    /// The person or key.
    pub submitted_by: Submitter,
    /// As whom they may send.
    pub rights: Arc<SenderRights>,
    /// Which kinds of mail are taken from them.
    pub kinds: KindRights,
}

/// Which kinds of mail are taken from somebody (I9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KindRights {
    /// People's mail.
    #[default]
    UserMail,
    /// A CRM's notifications: an API key with `post_notifications` alone.
    CrmNotifications,
    /// People's mail and a CRM's notifications.
    UserMailAndCrmNotifications,
    /// Every kind: Postroom itself.
    Every,
}

impl KindRights {
    /// Whether mail of a kind is taken.
    const fn allow(self, kind: Kind) -> bool {
        match kind.poster() {
            Poster::Person => !matches!(self, Self::CrmNotifications),
            Poster::Crm => !matches!(self, Self::UserMail),
            Poster::Postroom => matches!(self, Self::Every),
        }
    }
}

/// A person whose mail somebody may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Whose mail it is.
    pub user: UserId,
    /// Their office.
    pub office: OfficeId,
    /// The office's way out.
    pub route: RouteId,
}

/// The addresses that somebody may send as. Compared whatever the case: an office has one person per mailbox.
#[derive(Debug, Clone)]
pub struct SenderRights {
    by_address: HashMap<Box<str>, Identity>,
    /// Addresses of theirs that they may not send from, with the reason.
    barred: HashMap<Box<str>, Cow<'static, str>>,
    local_offices: HashSet<OfficeId>,
    rule: Cow<'static, str>,
}

impl SenderRights {
    /// Starts with nobody; `rule` says in a refusal who would be allowed.
    pub fn new(rule: impl Into<Cow<'static, str>>) -> Self {
        Self {
            by_address: HashMap::new(),
            barred: HashMap::new(),
            local_offices: HashSet::new(),
            rule: rule.into(),
        }
    }

    /// Adds a person's address.
    #[must_use]
    pub fn with(mut self, address: &Address, identity: Identity) -> Self {
        self.by_address.insert(folded(address), identity);
        self
    }

    /// Leaves a person's address out; `reason` says in a refusal why, and what to do.
    #[must_use]
    pub fn without(mut self, address: &Address, reason: impl Into<Cow<'static, str>>) -> Self {
        self.barred.insert(folded(address), reason.into());
        self
    }

    /// Names the offices that send form letters from their own mail program (I7).
    #[must_use]
    pub fn with_local_offices(mut self, offices: impl IntoIterator<Item = OfficeId>) -> Self {
        self.local_offices.extend(offices);
        self
    }

    /// Refuses form letters of offices that send them locally (I7).
    ///
    /// # Errors
    /// [`Refusal::OfficeSendsLocally`].
    pub(super) fn check_queued(&self, office: OfficeId, kind: Kind) -> Result<(), Refusal> {
        if kind == Kind::FormLetter && self.local_offices.contains(&office) {
            return Err(Refusal::OfficeSendsLocally);
        }
        Ok(())
    }

    /// The person whose address it is.
    ///
    /// # Errors
    /// [`Refusal::FromNotPermitted`] with the rule.
    pub fn identity(&self, address: &Address) -> Result<&Identity, Refusal> {
        let folded = folded(address);
        self.by_address
            .get(&folded)
            .ok_or_else(|| Refusal::FromNotPermitted {
                address: address.clone(),
                reason: self.barred.get(&folded).unwrap_or(&self.rule).clone(),
            })
    }
}

/// Knows which addresses are users of this server: what makes a message `intra_office`.
pub trait Directory: Send + Sync + fmt::Debug {
    /// Whether a user of the server has this address.
    fn is_user(&self, address: &Address) -> bool;
}

/// A directory that knows nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct NobodyKnown;

impl Directory for NobodyKnown {
    fn is_user(&self, _address: &Address) -> bool {
        false
    }
}

/// An address in lower case with its domain in ASCII: how [`SenderRights`] and a [`Directory`] compare.
pub fn folded(address: &Address) -> Box<str> {
    let mut text = address.to_ascii_domain();
    if text.is_ascii() {
        text.make_ascii_lowercase();
        text.into()
    } else {
        text.to_lowercase().into()
    }
}

impl Principal {
    /// Whose key space their idempotency keys are in: `user:3`, `key:7`, `system`.
    pub fn credential(&self) -> String {
        match self.submitted_by {
            Submitter::User(user) => format!("user:{user}"),
            Submitter::Key(key) => format!("key:{key}"),
            Submitter::System => "system".to_owned(),
        }
    }

    /// Claims an `Idempotency-Key` for a request whose body and path have this SHA-256 (I2).
    ///
    /// # Errors
    /// [`Refusal::IdempotencyKeyInvalid`] for an empty key, one over 256 characters, or with control characters.
    pub fn claim(&self, key: &str, digest: [u8; 32]) -> Result<IdempotencyClaim, Refusal> {
        let reason = if key.is_empty() {
            "is empty: leave the header out or give it a value"
        } else if key.chars().nth(256).is_some() {
            "has more than 256 characters: use a shorter one"
        } else if key.chars().any(char::is_control) {
            "has a control character in it: use letters, digits and punctuation"
        } else {
            return Ok(IdempotencyClaim {
                credential: self.credential(),
                key: key.to_owned(),
                digest,
            });
        };
        Err(Refusal::IdempotencyKeyInvalid {
            reason: reason.into(),
        })
    }

    /// The kind of a message: the one asked for, else by its recipients.
    ///
    /// # Errors
    /// [`Refusal::KindNotPermitted`] for a kind that is not taken from them.
    pub(super) fn kind(
        &self,
        asked: Option<Kind>,
        all_are_users: impl FnOnce() -> bool,
    ) -> Result<Kind, Refusal> {
        let kind = match asked {
            Some(kind) => kind,
            None if all_are_users() => Kind::IntraOffice,
            None => Kind::Direct,
        };
        if self.kinds.allow(kind) {
            Ok(kind)
        } else {
            Err(Refusal::KindNotPermitted { kind })
        }
    }
}
