//! The envelope: who a message is from, whom it goes to, and what the client asked besides.

use std::fmt;

/// A mailbox as SMTP writes it, `local-part@domain`, checked by its grammar (RFC 5321 §4.1.2, RFC 6531 §3.3).
///
/// `postmaster` alone is one too.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mailbox(String);

impl Mailbox {
    pub(super) fn checked(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Lends the address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// MAIL FROM with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MailFrom {
    /// The reverse path; `None` is the null path `<>` of bounces.
    pub address: Option<Mailbox>,
    /// SIZE: how many bytes the client means to send (RFC 1870).
    pub size_bytes: Option<u64>,
    /// BODY (RFC 6152).
    pub body: Body,
    /// Whether the envelope or the headers may hold UTF-8 (RFC 6531).
    pub smtp_utf8: bool,
    /// RET: what a bounce should carry (RFC 3461 §4.3).
    pub ret: Option<Ret>,
    /// ENVID in xtext, as it was given (RFC 3461 §4.4).
    pub envelope_id: Option<String>,
    /// AUTH in xtext, as it was given (RFC 4954 §5).
    pub auth: Option<String>,
}

/// What the message's bytes may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Body {
    /// US-ASCII.
    #[default]
    SevenBit,
    /// Any byte in lines.
    EightBitMime,
}

/// What a bounce should carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ret {
    /// The whole message.
    Full,
    /// Its headers.
    Headers,
}

/// RCPT TO with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RcptTo {
    /// The forward path.
    pub address: Mailbox,
    /// NOTIFY (RFC 3461 §4.1).
    pub notify: Option<Notify>,
    /// ORCPT, type and xtext, as it was given (RFC 3461 §4.2).
    pub original_recipient: Option<String>,
}

/// When the sender wants to hear about a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notify {
    /// Never.
    Never,
    /// On any of these.
    On {
        /// Delivered.
        success: bool,
        /// Given up.
        failure: bool,
        /// Late.
        delay: bool,
    },
}

/// A whole envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The sender.
    pub mail: MailFrom,
    /// The recipients that the handler accepted, in the order given; at least one.
    pub recipients: Vec<RcptTo>,
}
