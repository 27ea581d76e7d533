//! A domain that people may send from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Address, domain};

/// A domain that people may send from, without those below it. Kept in ASCII and lower case, so that two spellings of one
/// domain are equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SenderDomain(Box<str>);

/// Not the name of a domain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a domain name: write it without @, for example example.com")]
pub struct BadSenderDomain(String);

impl SenderDomain {
    /// The name, in ASCII and lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an address is in this domain.
    pub fn has(&self, address: &Address) -> bool {
        self.0.eq_ignore_ascii_case(address.ascii_domain())
    }
}

impl FromStr for SenderDomain {
    type Err = BadSenderDomain;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.trim();
        let bad = || BadSenderDomain(name.to_owned());
        // Addresses have literals ([192.0.2.1]), which are no names.
        if name.starts_with('[') {
            return Err(bad());
        }
        let ascii = domain::check(name).map_err(|_| bad())?;
        let mut kept = ascii.unwrap_or_else(|| name.into());
        kept.make_ascii_lowercase();
        Ok(Self(kept))
    }
}

impl fmt::Display for SenderDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for SenderDomain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SenderDomain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(text: &str) -> SenderDomain {
        text.parse().unwrap()
    }

    #[test]
    fn domain_has_the_addresses_of_its_name_in_any_spelling() {
        for (name, address) in [
            ("Example.COM", "case@example.com"),
            (" example.com ", "case@EXAMPLE.com"),
            ("bücher.example", "case@xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "case@BÜCHER.example"),
        ] {
            assert!(domain(name).has(&address.parse().unwrap()), "{name} {address}");
        }
        for address in ["case@mail.example.com", "case@example.org", "case@[192.0.2.1]"] {
            assert!(!domain("example.com").has(&address.parse().unwrap()), "{address}");
        }
        assert_eq!(domain("BÜCHER.example"), domain("xn--bcher-kva.example"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "@example.com",
            "case@example.com",
            "a b.test",
            "a..test",
            "[192.0.2.1]",
        ] {
            assert!(text.parse::<SenderDomain>().is_err(), "{text}");
        }
    }
}
