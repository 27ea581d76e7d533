//! Why mail is not taken in: one refusal with two faces, an RFC 9457 problem in HTTP and a reply with an enhanced
//! code (RFC 3463) in SMTP (SPEC I6, DESIGN invariant 13). Neither face invents reasons of its own.
//!
//! | code | HTTP | SMTP |
//! | --- | --- | --- |
//! | `bad_address` | 422 | 553 5.1.3 |
//! | `no_recipients` | 422 | 554 5.5.1 |
//! | `too_many_recipients` | 422 | 452 4.5.3 |
//! | `bare_line_end` | 422 | 554 5.6.0 |
//! | `nul_character` | 422 | 554 5.6.0 |
//! | `header_injection` | 422 | 554 5.6.0 |
//! | `bad_header` | 422 | 554 5.6.0 |
//! | `reserved_header` | 422 | 554 5.6.0 |
//! | `line_too_long` | 422 | 554 5.6.0 |
//! | `bad_mime` | 422 | 554 5.6.0 |
//! | `empty_message` | 422 | 554 5.6.0 |
//! | `too_large` | 413 | 552 5.3.4 |
//! | `batch_too_large` | 413 | 554 5.5.4 |
//! | `bad_json` | 400 | 554 5.6.0 |
//! | `unknown_field` | 422 | 554 5.5.4 |
//! | `missing_field` | 422 | 554 5.5.4 |
//! | `wrong_type` | 422 | 554 5.5.4 |
//! | `bad_value` | 422 | 554 5.5.4 |
//! | `bad_base64` | 422 | 554 5.6.0 |
//! | `unknown_kind` | 422 | 554 5.5.4 |
//! | `send_at_too_far` | 422 | 554 5.5.4 |
//! | `from_not_permitted` | 403 | 550 5.7.1 |
//! | `kind_not_permitted` | 403 | 550 5.7.1 |
//! | `office_sends_locally` | 409 | 550 5.7.1 |
//! | `idempotency_key_reused` | 409 | 554 5.5.4 |
//! | `idempotency_key_invalid` | 422 | 554 5.5.4 |
//! | `queue_disabled` | 503 | 451 4.3.2 |
//! | `store_unavailable` | 503 | 451 4.3.0 |
//! | `content_damaged` | 500 | 554 5.6.0 |
//! | `store_full` | 503 | 452 4.3.1 |
//! | `server_busy` | 503 | 452 4.3.1 |
//! | `sender_too_slow` | 408 | 421 4.4.2 |

use std::borrow::Cow;

use crate::address::{Address, AddressError};
use crate::kind::{Kind, NotAKind, Poster};
use crate::legible;
use crate::outcome::EnhancedCode;

/// Why mail is not taken in. Its `Display` is the detail: safe to show, it names the field or value and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// An address is not one.
    #[error("{field}: {error}")]
    BadAddress {
        /// Where it stands, as `to[1]`.
        field: String,
        /// What is wrong with it.
        error: AddressError,
    },
    /// Nobody to send to.
    #[error("the message has no recipient: give at least one address in to, cc or bcc")]
    NoRecipients,
    /// More recipients than one message may have.
    #[error("the message has {count} recipients, at most {most} are taken: send it in several messages")]
    TooManyRecipients {
        /// Recipients given.
        count: usize,
        /// Most that are taken.
        most: usize,
    },
    /// A CR without LF or an LF without CR (RFC 5321 §2.3.8).
    #[error(
        "line {line} of the message has a carriage return or line feed alone: end every line with both, CR LF"
    )]
    BareLineEnd {
        /// The line, counted from 1.
        line: usize,
    },
    /// A NUL character in the body: no message has one (RFC 5322 §3.5), and many programs lose what is behind it.
    #[error(
        "line {line} of the message has a NUL character in it: remove it, or send it as an attachment in base64"
    )]
    NulCharacter {
        /// The line, counted from 1.
        line: usize,
    },
    /// A line end or NUL in a value that becomes a header field.
    #[error("{field}: has a line end or a NUL character in it, which would end the header field: remove it")]
    HeaderInjection {
        /// The field.
        field: String,
    },
    /// A header field that is not of RFC 5322's form.
    #[error("{field}: {reason}")]
    BadHeader {
        /// The field, or its line.
        field: String,
        /// What is wrong and what to do.
        reason: Cow<'static, str>,
    },
    /// A header field that Postroom writes itself.
    #[error("{field}: {name} is written by Postroom: {instead}")]
    ReservedHeader {
        /// The field.
        field: String,
        /// The header's name.
        name: String,
        /// What to use in its place.
        instead: &'static str,
    },
    /// A line over the limit (RFC 5322 §2.1.1).
    #[error("line {line} of the message has more than {most} octets: fold or encode it")]
    LineTooLong {
        /// The line, counted from 1.
        line: usize,
        /// Most octets without the line end.
        most: usize,
    },
    /// Content that is no message.
    #[error("the message cannot be read: {reason}")]
    BadMime {
        /// What is wrong and what to do.
        reason: Cow<'static, str>,
    },
    /// Nothing in it.
    #[error("the message is empty: give it a subject, a text, an html body or an attachment")]
    EmptyMessage,
    /// More octets than a message may have.
    #[error("{field}: is larger than the {most_bytes} octets allowed: make it smaller or link to it")]
    TooLarge {
        /// What is too large: `message`, or a field.
        field: String,
        /// Most octets.
        most_bytes: u64,
    },
    /// More messages in a batch than are taken.
    #[error("messages: the batch has {count}, at most {most} are taken: send several batches")]
    BatchTooLarge {
        /// Messages given.
        count: usize,
        /// Most that are taken.
        most: usize,
    },
    /// A body that is not JSON.
    #[error("the body is not valid JSON: {reason}")]
    BadJson {
        /// The parser's words, with line and column.
        reason: String,
    },
    /// A field that the API does not have.
    #[error("{field}: there is no such field; the fields are {known}")]
    UnknownField {
        /// The field.
        field: String,
        /// The fields there are.
        known: Cow<'static, str>,
    },
    /// A field that has to be there.
    #[error("{field}: is missing")]
    MissingField {
        /// The field.
        field: String,
    },
    /// A value of another type.
    #[error("{field}: is {found}, but has to be {expected}")]
    WrongType {
        /// The field.
        field: String,
        /// The type it has to be, with its article.
        expected: Cow<'static, str>,
        /// What it is, with its article.
        found: Cow<'static, str>,
    },
    /// A value of the right type that cannot be used.
    #[error("{field}: {reason}")]
    BadValue {
        /// The field.
        field: String,
        /// What is wrong and what to do.
        reason: Cow<'static, str>,
    },
    /// Content that is not base64.
    #[error("{field}: is not valid base64: {reason}")]
    BadBase64 {
        /// The field, as `attachments[0].content`.
        field: String,
        /// What is wrong, with its place.
        reason: String,
    },
    /// A kind that does not exist.
    #[error("{field}: {error}")]
    UnknownKind {
        /// The field or header.
        field: String,
        /// The text.
        error: NotAKind,
    },
    /// A time too far ahead.
    #[error("send_at: lies more than {most_days} days ahead: choose an earlier time")]
    SendAtTooFar {
        /// Days ahead that are taken.
        most_days: u32,
    },
    /// Somebody may not send as that address (I5).
    #[error("you may not send as {address}: {reason}")]
    FromNotPermitted {
        /// The address.
        address: Address,
        /// The rule, and what to do.
        reason: Cow<'static, str>,
    },
    /// Somebody may not send mail of that kind (I9).
    #[error("you may not send mail of the kind {kind}: {}", takes(*kind))]
    KindNotPermitted {
        /// The kind.
        kind: Kind,
    },
    /// Form letters of this office leave by another way (I7).
    #[error(
        "this office is set to send e-mail locally through Outlook/Lotus Notes: form letters do not pass through the E-mail Queue"
    )]
    OfficeSendsLocally,
    /// A key that was used for another body (I2).
    #[error("this Idempotency-Key was used for another request: use a new key for a new message")]
    IdempotencyKeyReused,
    /// A key that cannot be used.
    #[error("Idempotency-Key: {reason}")]
    IdempotencyKeyInvalid {
        /// What is wrong and what to do.
        reason: Cow<'static, str>,
    },
    /// The queue service is off (I8).
    #[error("the e-mail queue is disabled in the server configuration: nobody can send at the moment")]
    QueueDisabled,
    /// The store cannot keep it now.
    #[error("the message could not be stored: nothing was kept, try again in a few seconds")]
    StoreUnavailable,
    /// The stored message that is to be sent again is damaged.
    #[error("the stored content of this message is damaged, so it cannot be sent again: submit it again")]
    ContentDamaged,
    /// The store has no room.
    #[error("there is no room to store the message: nothing was kept, try again later")]
    StoreFull,
    /// The memory for messages in progress is taken.
    #[error(
        "the server has too many large messages in progress to take this one now: nothing was kept, try again in a few seconds"
    )]
    ServerBusy,
    /// A sender that held memory others waited for.
    #[error(
        "the message arrived too slowly while others waited for the memory it takes: nothing was kept, try again later"
    )]
    SenderTooSlow,
}

/// What a refusal says besides its detail; one line of the module's table.
struct Face {
    code: &'static str,
    title: &'static str,
    http: u16,
    smtp: (u16, EnhancedCode),
}

const fn face(
    code: &'static str,
    title: &'static str,
    http: u16,
    basic: u16,
    subject: u16,
    detail: u16,
) -> Face {
    let class = if basic < 500 { 4 } else { 5 };
    Face {
        code,
        title,
        http,
        smtp: (basic, EnhancedCode(class, subject, detail)),
    }
}

/// What it takes to send mail of a kind.
const fn takes(kind: Kind) -> &'static str {
    match kind.poster() {
        Poster::Person => "it needs a person, or an API key with the scope send",
        Poster::Crm => "it needs an API key with the scope post_notifications",
        Poster::Postroom => "only the server itself sends it",
    }
}

impl Refusal {
    #[rustfmt::skip]
    const fn face(&self) -> Face {
        match self {
            Self::BadAddress { .. } => face("bad_address", "An address is not valid", 422, 553, 1, 3),
            Self::NoRecipients => face("no_recipients", "The message has no recipient", 422, 554, 5, 1),
            Self::TooManyRecipients { .. } => face("too_many_recipients", "The message has too many recipients", 422, 452, 5, 3),
            Self::BareLineEnd { .. } => face("bare_line_end", "The message has a bare CR or LF", 422, 554, 6, 0),
            Self::NulCharacter { .. } => face("nul_character", "The message has a NUL character", 422, 554, 6, 0),
            Self::HeaderInjection { .. } => face("header_injection", "A value would break out of its header field", 422, 554, 6, 0),
            Self::BadHeader { .. } => face("bad_header", "A header field is not valid", 422, 554, 6, 0),
            Self::ReservedHeader { .. } => face("reserved_header", "A header field is written by Postroom", 422, 554, 6, 0),
            Self::LineTooLong { .. } => face("line_too_long", "A line of the message is too long", 422, 554, 6, 0),
            Self::BadMime { .. } => face("bad_mime", "The message cannot be read", 422, 554, 6, 0),
            Self::EmptyMessage => face("empty_message", "The message is empty", 422, 554, 6, 0),
            Self::TooLarge { .. } => face("too_large", "The message is too large", 413, 552, 3, 4),
            Self::BatchTooLarge { .. } => face("batch_too_large", "The batch has too many messages", 413, 554, 5, 4),
            Self::BadJson { .. } => face("bad_json", "The body is not valid JSON", 400, 554, 6, 0),
            Self::UnknownField { .. } => face("unknown_field", "There is no such field", 422, 554, 5, 4),
            Self::MissingField { .. } => face("missing_field", "A field is missing", 422, 554, 5, 4),
            Self::WrongType { .. } => face("wrong_type", "A field has a value of the wrong type", 422, 554, 5, 4),
            Self::BadValue { .. } => face("bad_value", "A field has a value that cannot be used", 422, 554, 5, 4),
            Self::BadBase64 { .. } => face("bad_base64", "Content is not valid base64", 422, 554, 6, 0),
            Self::UnknownKind { .. } => face("unknown_kind", "There is no such kind of mail", 422, 554, 5, 4),
            Self::SendAtTooFar { .. } => face("send_at_too_far", "The time to send is too far ahead", 422, 554, 5, 4),
            Self::FromNotPermitted { .. } => face("from_not_permitted", "You may not send as this address", 403, 550, 7, 1),
            Self::KindNotPermitted { .. } => face("kind_not_permitted", "You may not send mail of this kind", 403, 550, 7, 1),
            Self::OfficeSendsLocally => face("office_sends_locally", "This office sends form letters locally", 409, 550, 7, 1),
            Self::IdempotencyKeyReused => face("idempotency_key_reused", "The Idempotency-Key was used for another request", 409, 554, 5, 4),
            Self::IdempotencyKeyInvalid { .. } => face("idempotency_key_invalid", "The Idempotency-Key cannot be used", 422, 554, 5, 4),
            Self::QueueDisabled => face("queue_disabled", "The e-mail queue is disabled", 503, 451, 3, 2),
            Self::StoreUnavailable => face("store_unavailable", "The message could not be stored", 503, 451, 3, 0),
            Self::ContentDamaged => face("content_damaged", "The stored content is damaged", 500, 554, 6, 0),
            Self::StoreFull => face("store_full", "There is no room to store the message", 503, 452, 3, 1),
            Self::ServerBusy => face("server_busy", "The server is busy", 503, 452, 3, 1),
            Self::SenderTooSlow => face("sender_too_slow", "The message arrived too slowly", 408, 421, 4, 2),
        }
    }

    /// The stable name: `code` in the API and the end of the problem's `type`.
    pub const fn code(&self) -> &'static str {
        self.face().code
    }

    /// A short sentence that is the same for every case of this code.
    pub const fn title(&self) -> &'static str {
        self.face().title
    }

    /// What exactly is wrong and what to do, safe to show; at most [`Refusal::MAX_DETAIL_CHARS`] characters.
    pub fn detail(&self) -> String {
        let text = self.to_string();
        let mut safe: String = text
            .chars()
            .map(|c| if legible::is_hidden(c) { '\u{fffd}' } else { c })
            .take(Self::MAX_DETAIL_CHARS)
            .collect();
        if text.chars().nth(Self::MAX_DETAIL_CHARS).is_some() {
            safe.pop();
            safe.push('…');
        }
        safe
    }

    /// Longest detail, in characters: it fits a reply line of 512 octets in ASCII.
    pub const MAX_DETAIL_CHARS: usize = 400;

    /// The field that is wrong, as a path like `attachments[0].content`, where it is one field.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::BadAddress { field, .. }
            | Self::HeaderInjection { field }
            | Self::BadHeader { field, .. }
            | Self::ReservedHeader { field, .. }
            | Self::TooLarge { field, .. }
            | Self::UnknownField { field, .. }
            | Self::MissingField { field }
            | Self::WrongType { field, .. }
            | Self::BadValue { field, .. }
            | Self::BadBase64 { field, .. }
            | Self::UnknownKind { field, .. } => Some(field),
            Self::BatchTooLarge { .. } => Some("messages"),
            Self::SendAtTooFar { .. } => Some("send_at"),
            Self::FromNotPermitted { .. } => Some("from"),
            Self::KindNotPermitted { .. } => Some("kind"),
            Self::IdempotencyKeyInvalid { .. } => Some("Idempotency-Key"),
            Self::NoRecipients
            | Self::TooManyRecipients { .. }
            | Self::BareLineEnd { .. }
            | Self::NulCharacter { .. }
            | Self::LineTooLong { .. }
            | Self::BadMime { .. }
            | Self::EmptyMessage
            | Self::BadJson { .. }
            | Self::OfficeSendsLocally
            | Self::IdempotencyKeyReused
            | Self::QueueDisabled
            | Self::StoreUnavailable
            | Self::ContentDamaged
            | Self::StoreFull
            | Self::ServerBusy
            | Self::SenderTooSlow => None,
        }
    }

    /// The HTTP status; 503 goes with a `Retry-After`.
    pub const fn http_status(&self) -> u16 {
        self.face().http
    }

    /// The basic and the enhanced code of the SMTP reply.
    pub const fn smtp(&self) -> (u16, EnhancedCode) {
        self.face().smtp
    }
}

#[cfg(test)]
mod tests;
