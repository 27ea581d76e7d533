//! What comes in.

use postroom_domain::{KeyId, Kind, MessageId, MessageState, NodeSlot, OfficeId, RouteId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::contract::audit::AuditEntry;
use crate::contract::content::Content;

/// Messages to take in, all or none.
#[derive(Debug, Clone)]
pub struct Enqueue {
    /// 1 to 1,000 messages.
    pub messages: Vec<NewMessage>,
    /// The promise to answer the same again, where the caller asked for it (I2).
    pub idempotency: Option<IdempotencyClaim>,
    /// The node that takes them in: the low bits of their ids.
    pub slot: NodeSlot,
    /// The time of submission.
    pub now: Timestamp,
    /// What the audit log says of it, in the same transaction; not again where an earlier answer is given again.
    pub audit: Option<AuditEntry>,
}

/// A key under which the same answer is given again for 24 hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyClaim {
    /// Whose key space: `key:7`, `user:3`.
    pub credential: String,
    /// The caller's key, at most 256 characters.
    pub key: String,
    /// SHA-256 of the request's body and path.
    pub digest: [u8; 32],
}

/// What became of an [`Enqueue`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enqueued {
    /// Taken in and durable, in the order given.
    Accepted(Vec<Admitted>),
    /// The same request was taken in before: its answer.
    Replayed(Vec<Admitted>),
    /// The key was used for another body.
    KeyReused,
}

/// One message that was taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// Its id.
    pub id: MessageId,
    /// `queued`, `scheduled` or `held`.
    pub state: MessageState,
    /// Number of recipients.
    pub recipients: u16,
    /// Its Message-ID header, with angle brackets.
    pub message_id: String,
    /// Why and until when it is held, if it is.
    pub hold: Option<Hold>,
}

/// Why a message is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// `system_limit`, `user_limit`, `administrator`, `paused`, `restored` ([`postroom_domain::HoldReason`]).
    pub reason: String,
    /// When it is released by itself; `None` for holds by people.
    pub until: Option<Timestamp>,
}

/// A valid message on its way in.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Whose mail it is (V9).
    pub sender: UserId,
    /// The sender's office.
    pub office: OfficeId,
    /// Who or which key handed it in.
    pub submitted_by: Submitter,
    /// What sort of mail.
    pub kind: Kind,
    /// The way out.
    pub route: RouteId,
    /// MAIL FROM without angle brackets; empty for the null reverse-path.
    pub mail_from: String,
    /// 1..n recipients.
    pub recipients: Vec<NewRecipient>,
    /// Parameters of the envelope.
    pub parameters: SmtpParameters,
    /// What the list shows.
    pub shown: Shown,
    /// Not before this time.
    pub send_at: Option<Timestamp>,
    /// Free words of the caller.
    pub tags: Vec<String>,
    /// The caller's own id.
    pub external_id: Option<String>,
    /// The caller's JSON object, as text.
    pub metadata: Option<String>,
    /// The message that this one sends again (C2).
    pub resent_from: Option<MessageId>,
    /// The content, packed before it reaches the writer.
    pub content: Content,
}

/// Who handed a message in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Submitter {
    /// A person.
    User(UserId),
    /// An API key.
    Key(KeyId),
    /// Postroom itself.
    System,
}

/// A recipient of a message on its way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecipient {
    /// RCPT TO without angle brackets.
    pub address: String,
    /// Where the address stood.
    pub role: RecipientRole,
    /// DSN NOTIFY (RFC 3461 §4.1), as given.
    pub notify: Option<String>,
    /// DSN ORCPT (RFC 3461 §4.2), as given.
    pub orcpt: Option<String>,
}

/// Where a recipient's address stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecipientRole {
    /// In To.
    To,
    /// In Cc.
    Cc,
    /// In Bcc.
    Bcc,
    /// In the envelope alone.
    Envelope,
}

impl RecipientRole {
    /// Every role, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::To, Self::Cc, Self::Bcc, Self::Envelope];

    /// The number that the store keeps.
    pub const fn number(self) -> i64 {
        match self {
            Self::To => 0,
            Self::Cc => 1,
            Self::Bcc => 2,
            Self::Envelope => 3,
        }
    }
}

/// BODY= of RFC 6152 and RFC 3030.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyType {
    /// Every octet below 128.
    #[default]
    SevenBit,
    /// Octets above 127 in lines.
    EightBitMime,
}

/// Parameters that travel with the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SmtpParameters {
    /// Whether the content has octets above 127.
    pub body: BodyType,
    /// Whether addresses or header fields need SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// DSN RET (RFC 3461 §4.3), as given.
    pub ret: Option<String>,
    /// DSN ENVID (RFC 3461 §4.4), as given.
    pub envid: Option<String>,
}

/// What the list shows of a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// The From field, decoded.
    pub from: String,
    /// The To field, decoded; shortened by the store to 1,000 characters.
    pub to: String,
    /// The Cc field, decoded.
    pub cc: String,
    /// Blind copies: never in the content, shown to those who may see the message.
    pub bcc: String,
    /// The subject, decoded.
    pub subject: String,
    /// The first 200 characters of the text; empty where the body is secret (V5).
    pub preview: String,
    /// The media type of the whole message, `text/html`.
    pub mime_type: String,
    /// The Message-ID field, with angle brackets.
    pub message_id: String,
    /// Octets of the message as it travels.
    pub size_bytes: u64,
}
