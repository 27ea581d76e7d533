//! E-mail addresses (RFC 5321 §4.1.2 `Mailbox`, RFC 6531 for UTF-8, IDNA for domains).

mod domain;
mod error;
mod local;
mod sender_domain;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use error::{AddressError, AddressProblem};
pub use sender_domain::{BadSenderDomain, SenderDomain};

/// An address that was checked: `local@domain`, kept as it was typed.
///
/// Two addresses are equal when their local parts are the same octets and their domains the same name, whatever the
/// case or the script that the domain was typed in.
#[derive(Clone)]
pub struct Address {
    text: Box<str>,
    /// Where the @ stands in `text`.
    at: usize,
    /// The domain in ASCII where it was typed otherwise.
    ascii_domain: Option<Box<str>>,
}

impl Address {
    /// Longest address in octets: a path of 256 without its angle brackets (RFC 5321 §4.5.3.1.3).
    pub const MAX_BYTES: usize = 254;
    /// Longest local part in octets (RFC 5321 §4.5.3.1.1).
    pub const MAX_LOCAL_BYTES: usize = 64;
    /// Longest domain in octets (RFC 5321 §4.5.3.1.2).
    pub const MAX_DOMAIN_BYTES: usize = 255;

    /// Checks `text`, without angle brackets, and keeps it.
    ///
    /// # Errors
    /// [`AddressError`] shows the text and names what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        Self::checked(text).map_err(|problem| AddressError::new(text, problem))
    }

    fn checked(text: &str) -> Result<Self, AddressProblem> {
        use AddressProblem as P;
        if text.is_empty() {
            return Err(P::Empty);
        }
        if let Some(c) = text.chars().find(|c| c.is_control()) {
            return Err(if matches!(c, '\r' | '\n') {
                P::LineEnd
            } else {
                P::ControlCharacter(c)
            });
        }
        let at = local::end(text)?;
        let (local, rest) = text.split_at_checked(at).ok_or(P::MissingDomain)?;
        local::check(local)?;
        let domain = rest.strip_prefix('@').ok_or(P::MissingAt)?;
        let ascii_domain = domain::check(domain)?;
        if text.len() > Self::MAX_BYTES {
            return Err(P::TooLong { bytes: text.len() });
        }
        Ok(Self {
            text: text.into(),
            at,
            ascii_domain,
        })
    }

    /// The whole address as it was typed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part before the @, with its quotes if it has any.
    pub fn local_part(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default()
    }

    /// The part after the @ as it was typed.
    pub fn domain(&self) -> &str {
        self.text.get(self.at + 1..).unwrap_or_default()
    }

    /// The domain in ASCII (`xn--…` labels for others), in the case it was typed.
    pub fn ascii_domain(&self) -> &str {
        self.ascii_domain.as_deref().unwrap_or_else(|| self.domain())
    }

    /// The address with its domain in ASCII: what goes to a relay without SMTPUTF8.
    pub fn to_ascii_domain(&self) -> String {
        format!("{}@{}", self.local_part(), self.ascii_domain())
    }

    /// Whether only a relay with SMTPUTF8 can take it: the local part has more than ASCII (RFC 6531 §3.2).
    pub fn needs_smtputf8(&self) -> bool {
        !self.local_part().is_ascii()
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.local_part() == other.local_part()
            && self.ascii_domain().eq_ignore_ascii_case(other.ascii_domain())
    }
}

impl Eq for Address {}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.local_part().hash(state);
        for byte in self.ascii_domain().bytes() {
            byte.to_ascii_lowercase().hash(state);
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
