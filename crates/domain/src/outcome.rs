//! What became of an attempt: the relay's words, and whose failure it was (SPEC S2, D3).

use std::fmt;

use serde::{Deserialize, Serialize};

/// An enhanced status code, `class.subject.detail` (RFC 3463).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EnhancedCode(pub u8, pub u16, pub u16);

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What a relay said, or what Postroom says where the relay said nothing (`code` is 0 then).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The basic code (RFC 5321 §4.2), 0 where there was no reply.
    pub code: u16,
    /// The enhanced code where one was given.
    pub enhanced: Option<EnhancedCode>,
    /// The text, lines joined by a space, at most [`Reply::MAX_TEXT_BYTES`].
    pub text: String,
}

impl Reply {
    /// Longest text that is kept of a reply, in bytes.
    pub const MAX_TEXT_BYTES: usize = 512;

    /// Words of Postroom itself, where no relay spoke.
    pub fn none(text: impl Into<String>) -> Self {
        Self {
            code: 0,
            enhanced: None,
            text: text.into(),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.enhanced) {
            (0, _) => f.write_str(&self.text),
            (code, Some(enhanced)) => write!(f, "{code} {enhanced} {}", self.text),
            (code, None) => write!(f, "{code} {}", self.text),
        }
    }
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lasting {
    /// It may pass: 4xx, a lost connection, and whatever is unknown.
    Transient,
    /// It will not pass by itself: 5xx.
    Permanent,
}

/// Whose failure it was. Only [`Blame::Relay`] and [`Blame::Sender`] touch relay health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// One recipient's address was refused.
    Recipient,
    /// The message was refused: its size, content or sender.
    Message,
    /// The relay does not let this sender send; its own failure only where other senders are refused too.
    Sender,
    /// The relay could not be reached, did not speak SMTP, or refused us.
    Relay,
}

/// A failure, with both answers that SPEC D3 asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Whether it lasts.
    pub lasting: Lasting,
    /// Whose it is.
    pub blame: Blame,
    /// What was said.
    pub reply: Reply,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reply_is_shown_as_it_was_said() {
        let reply = |code, enhanced| Reply {
            code,
            enhanced,
            text: "lost".to_owned(),
        };
        let enhanced = Some(EnhancedCode(5, 1, 10));
        assert_eq!(reply(550, enhanced).to_string(), "550 5.1.10 lost");
        assert_eq!(reply(550, None).to_string(), "550 lost");
        assert_eq!(reply(0, enhanced).to_string(), "lost", "words of Postroom itself");
    }
}
