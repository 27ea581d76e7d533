//! One message as the session takes it: envelope, parameters and content.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::capabilities::Capabilities;
use super::content::Content;
use super::outcome::Unsendable;

/// One message for the relay.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// The caller's own name for it; comes back in the [`Delivery`](super::Delivery).
    pub id: u64,
    /// The reverse path without brackets; empty for the null sender.
    pub mail_from: String,
    /// The forward paths, in the order of the replies.
    pub recipients: Vec<Recipient>,
    /// The content, ready for the wire.
    pub content: Content,
    /// Whether a header field needs SMTPUTF8; addresses are looked at anyhow.
    pub utf8_headers: bool,
    /// What a DSN is to return (RFC 3461 §4.3).
    pub ret: Option<ReturnContent>,
    /// The envelope's id in DSNs, not encoded (RFC 3461 §4.4).
    pub envid: Option<String>,
    /// How far its content has come.
    pub progress: Progress,
}

/// Whether a transaction's content began to leave; shared by its clones, so that it can be asked when the session that
/// carried it is gone.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<AtomicBool>);

impl Progress {
    /// Tells whether an octet of the content, or the dot of an empty one, was handed to the connection.
    #[must_use]
    pub fn content_began(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Called before the first octet is written.
    pub fn begin_content(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// One forward path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Recipient {
    /// The address without brackets.
    pub address: String,
    /// When to send a DSN (RFC 3461 §4.1).
    pub notify: Option<Notify>,
    /// The original recipient as `type;address`, not encoded (RFC 3461 §4.2).
    pub orcpt: Option<String>,
}

/// How much of the message a DSN returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReturnContent {
    /// All of it.
    Full,
    /// Its header.
    Headers,
}

/// When a DSN is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notify {
    /// Never.
    Never,
    /// On these events; no event at all is the same as no parameter.
    On {
        /// Upon delivery.
        success: bool,
        /// Upon failure.
        failure: bool,
        /// Upon delay.
        delay: bool,
    },
}

impl Recipient {
    /// Makes a recipient without DSN parameters.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            notify: None,
            orcpt: None,
        }
    }
}

impl Transaction {
    /// Makes a transaction without parameters.
    #[must_use]
    pub fn new(id: u64, mail_from: impl Into<String>, recipients: Vec<Recipient>, content: Content) -> Self {
        Self {
            id,
            mail_from: mail_from.into(),
            recipients,
            content,
            utf8_headers: false,
            ret: None,
            envid: None,
            progress: Progress::default(),
        }
    }

    /// Tells whether MAIL must ask for SMTPUTF8 (RFC 6531 §3.4).
    #[must_use]
    pub fn needs_utf8(&self) -> bool {
        self.utf8_headers || !self.addresses().all(str::is_ascii)
    }

    pub(crate) fn check(&self, relay: &Capabilities) -> Result<(), Unsendable> {
        if self.recipients.is_empty() {
            return Err(Unsendable::NoRecipients);
        }
        if let Some(address) = self.addresses().find(|address| breaks_a_command(address)) {
            return Err(Unsendable::BadAddress {
                address: address.escape_debug().to_string(),
            });
        }
        if self.needs_utf8() && !relay.smtputf8 {
            return Err(Unsendable::SmtpUtf8NotOffered);
        }
        let size_bytes = self.content.size_bytes();
        match relay.size_limit_bytes {
            Some(limit_bytes) if size_bytes > limit_bytes => Err(Unsendable::TooLarge {
                size_bytes,
                limit_bytes,
            }),
            Some(_) | None => Ok(()),
        }
    }

    fn addresses(&self) -> impl Iterator<Item = &str> {
        let recipients = self.recipients.iter().map(|recipient| recipient.address.as_str());
        std::iter::once(self.mail_from.as_str()).chain(recipients)
    }
}

/// Finds what would end the path or the line. A quoted local part may hold a space or a bracket.
fn breaks_a_command(address: &str) -> bool {
    let quoted = address.starts_with('"');
    address
        .bytes()
        .any(|b| b.is_ascii_control() || (!quoted && matches!(b, b' ' | b'<' | b'>')))
}
