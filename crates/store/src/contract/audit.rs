//! Who did what to which message or setting (SPEC X1): append-only, each entry chained to the one before.
//!
//! What the chain shows: an entry that was changed, removed or put in between, and, by the kept head, entries cut off
//! at the end. What it cannot show: a chain computed anew from some entry on by somebody who can write the database
//! file. Against that, keep the head that `postroom audit verify` prints somewhere else and hand it back later: an
//! older head must still be found in the chain.

use async_trait::async_trait;
use postroom_domain::{KeyId, MessageId, OfficeId, Timestamp, UserId};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::StoreError;

/// Keeps and shows the audit log. Entries of settings and of actions on messages are appended in the transaction of
/// the change; [`Audit::append_audit`] is for what changes nothing (an export).
#[async_trait]
pub trait Audit: Send + Sync {
    /// Appends an entry by itself.
    ///
    /// # Errors
    /// Those of the store.
    async fn append_audit(&self, entry: AuditEntry) -> Result<(), StoreError>;

    /// One page, newest first, at most 200 entries, older than `before`.
    ///
    /// # Errors
    /// Those of the store.
    async fn audit_page(
        &self,
        view: AuditView,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, StoreError>;

    /// Checks the whole chain in one snapshot; `remembered` is a head that was printed earlier and has to be in it.
    ///
    /// # Errors
    /// Those of the store; what is wrong with the chain is in the report.
    async fn verify_audit(&self, remembered: Option<AuditHead>) -> Result<AuditReport, StoreError>;
}

/// Something that somebody did. Never holds addresses, bodies or secrets: ids and numbers alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: AuditAction,
    /// To what: `messages`, `message 01k2m3n4p5q6r`, `user 7`, `limits`, `office 3 smtp`.
    pub subject: String,
    /// The office it concerns; its administrators see the entry.
    pub office: Option<OfficeId>,
    /// How many things it was done to.
    pub count: u64,
    /// [`IdsDigest`] of the list of messages, where there was one.
    pub ids_digest: Option<[u8; 32]>,
    /// More about it, as a JSON object; `Null` for nothing more.
    pub detail: Value,
}

impl AuditEntry {
    /// An entry about one thing.
    pub fn new(at: Timestamp, note: &AuditNote, action: AuditAction, subject: impl Into<String>) -> Self {
        let detail = match &note.reason {
            Some(reason) => serde_json::json!({ "reason": reason }),
            None => Value::Null,
        };
        Self {
            at,
            actor: note.actor,
            action,
            subject: subject.into(),
            office: None,
            count: 1,
            ids_digest: None,
            detail,
        }
    }

    /// Names the office that it concerns.
    #[must_use]
    pub fn of_office(mut self, office: OfficeId) -> Self {
        self.office = Some(office);
        self
    }

    /// Counts the messages that it was done to and takes their digest.
    #[must_use]
    pub fn with_ids(mut self, ids: &[MessageId]) -> Self {
        self.count = u64::try_from(ids.len()).unwrap_or(u64::MAX);
        self.ids_digest = Some(IdsDigest::of(ids).0);
        self
    }

    /// Adds a fact to the detail, `with("limit", 2000)`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Value::Object(detail) = &mut self.detail {
            detail.insert(name.to_owned(), value.into());
        } else {
            self.detail = Value::Object(std::iter::once((name.to_owned(), value.into())).collect());
        }
        self
    }
}

/// Who does something and why; changes of the contract take one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditNote {
    /// Who.
    pub actor: Actor,
    /// Their words, where they gave any.
    pub reason: Option<String>,
}

impl AuditNote {
    /// A note without words.
    pub const fn by(actor: Actor) -> Self {
        Self { actor, reason: None }
    }
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The operator, at the command line.
    Operator,
    /// A person.
    User(UserId),
    /// An API key.
    Key(KeyId),
    /// Postroom by itself.
    System,
}

impl std::fmt::Display for Actor {
    /// `operator`, `user:7`, `key:3`, `system`: what the log keeps.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::Key(id) => write!(f, "key:{id}"),
            Self::System => f.write_str("system"),
        }
    }
}

impl std::str::FromStr for Actor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once(':') {
            None if text == "operator" => Ok(Self::Operator),
            None if text == "system" => Ok(Self::System),
            Some(("user", id)) => id.parse().map(|id| Self::User(UserId(id))).map_err(|_| ()),
            Some(("key", id)) => id.parse().map(|id| Self::Key(KeyId(id))).map_err(|_| ()),
            None | Some(_) => Err(()),
        }
    }
}

macro_rules! audit_actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum AuditAction { $($(#[$doc])* $variant,)+ }

        impl AuditAction {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name that is kept and shown.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

audit_actions! {
    /// Messages were put back to Outbox (C1).
    Requeue = "messages.requeue",
    /// Messages were sent again as new ones (C2).
    Resend = "messages.resend",
    /// Messages were deleted (C3).
    Delete = "messages.delete",
    /// Messages were held.
    Hold = "messages.hold",
    /// Held messages were released.
    Release = "messages.release",
    /// Messages held under a daily limit were released past it (L3).
    ReleasePastLimit = "messages.release_past_limit",
    /// A recipient's address was changed (C7).
    ChangeRecipient = "message.change_recipient",
    /// A list was exported.
    Export = "messages.export",
    /// What a cause had failed was requeued (C6).
    Replay = "failures.requeue",
    /// A job began.
    JobStart = "job.start",
    /// A job was cancelled.
    JobCancel = "job.cancel",
    /// The first administrator was set up.
    Setup = "setup",
    /// An office was made.
    OfficeCreate = "office.create",
    /// An office was changed.
    OfficeChange = "office.change",
    /// An office was removed.
    OfficeDelete = "office.delete",
    /// A user was made.
    UserCreate = "user.create",
    /// A user was changed: name, address, office.
    UserChange = "user.change",
    /// A user's rights were changed.
    RightsChange = "user.rights",
    /// A user was disabled.
    UserDisable = "user.disable",
    /// A user was enabled again.
    UserEnable = "user.enable",
    /// A password was set.
    PasswordSet = "user.password",
    /// A password reset was asked for.
    PasswordReset = "user.password_reset",
    /// Sessions were ended.
    SessionsEnd = "user.sessions_end",
    /// A proxy was granted.
    ProxyGrant = "proxy.grant",
    /// A proxy was revoked.
    ProxyRevoke = "proxy.revoke",
    /// An API key was made.
    KeyCreate = "key.create",
    /// An API key was revoked.
    KeyRevoke = "key.revoke",
    /// Limits were changed.
    LimitsChange = "limits.change",
    /// Settings were changed.
    SettingsChange = "settings.change",
    /// SMTP settings were changed.
    SmtpChange = "smtp.change",
    /// A connection was tested.
    SmtpTest = "smtp.test",
    /// Sending was paused.
    Pause = "sending.pause",
    /// Sending was resumed.
    Resume = "sending.resume",
    /// A list layout was changed for others.
    LayoutChange = "layout.change",
    /// The configuration was read anew.
    ConfigReload = "config.reload",
}

impl AuditAction {
    /// The action of a kept name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.name() == name)
    }
}

/// The digest of a list of messages: from 32 zero octets on, SHA-256 of the digest so far and the next id (64 bits, big
/// endian). It can be carried on step by step, so that a job of many steps has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IdsDigest(pub [u8; 32]);

impl IdsDigest {
    /// The digest of a list.
    pub fn of(ids: &[MessageId]) -> Self {
        ids.iter().fold(Self::default(), |digest, &id| digest.then(id))
    }

    /// The digest with one more id.
    #[must_use]
    pub fn then(self, id: MessageId) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(id.ord().to_be_bytes());
        Self(hash.finalize().into())
    }
}

/// What of the log somebody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditView {
    /// All of it: the System Office's administrators, the operator.
    Everything,
    /// What concerns one office: its administrators.
    Office(OfficeId),
}

/// A kept entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its number, from 1 without gaps.
    pub seq: u64,
    /// The entry.
    pub entry: AuditEntry,
    /// The hash over it and the hash before.
    pub hash: [u8; 32],
}

/// The end of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHead {
    /// Number of the last entry; 0 while there is none.
    pub seq: u64,
    /// Its hash; zeros while there is none.
    pub hash: [u8; 32],
}

/// What [`Audit::verify_audit`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReport {
    /// Entries that were looked at.
    pub entries: u64,
    /// The head.
    pub head: AuditHead,
    /// One sentence for each thing that is wrong, at most 20; empty when all is right.
    pub problems: Vec<String>,
}
