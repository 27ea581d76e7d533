//! What can be wrong with an address, in words for the person who typed it.

use crate::legible::{self, HiddenCharacter};

/// An address that is refused, with the text as it came (shortened, control and other hidden characters escaped).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{shown}\" {problem}")]
pub struct AddressError {
    shown: String,
    /// What is wrong.
    pub problem: AddressProblem,
}

impl AddressError {
    /// Characters of the refused text that are shown again.
    const SHOWN_CHARS: usize = 80;

    pub(crate) fn new(text: &str, problem: AddressProblem) -> Self {
        let end = text.char_indices().nth(Self::SHOWN_CHARS).map(|(at, _)| at);
        let mut shown = legible::escaped(end.and_then(|end| text.get(..end)).unwrap_or(text));
        if end.is_some() {
            shown.push('…');
        }
        Self { shown, problem }
    }
}

/// What is wrong with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressProblem {
    /// No text at all.
    #[error("is empty")]
    Empty,
    /// A carriage return or line feed.
    #[error("has a line end in it")]
    LineEnd,
    /// Another control character.
    #[error("has the control character U+{:04X} in it", u32::from(*.0))]
    ControlCharacter(char),
    /// A character that nobody sees, or that turns around what follows.
    #[error("{}", .0.reason())]
    HiddenCharacter(HiddenCharacter),
    /// A character of private use in the local part.
    #[error("has the private-use character U+{:04X} before the @ sign, which is not allowed there", u32::from(*.0))]
    PrivateUse(char),
    /// No @ sign.
    #[error("has no @ sign")]
    MissingAt,
    /// More than one @ sign outside quotes.
    #[error("has two @ signs")]
    TwoAtSigns,
    /// Nothing before the @.
    #[error("has nothing before the @ sign")]
    EmptyLocalPart,
    /// Nothing after the @.
    #[error("has no domain after the @ sign")]
    MissingDomain,
    /// A dot at the start or end of the local part, or two in a row.
    #[error("has a dot at the start or end of the part before the @ sign, or two dots in a row")]
    MisplacedDot,
    /// A character that has to be quoted.
    #[error("has the character {0:?} before the @ sign, which is not allowed outside quotes")]
    BadLocalCharacter(char),
    /// A quoted local part whose quotes do not match.
    #[error("has an opening quote without its closing quote before the @ sign")]
    UnbalancedQuote,
    /// The local part is over [`Address::MAX_LOCAL_BYTES`](super::Address::MAX_LOCAL_BYTES).
    #[error("has {bytes} octets before the @ sign, more than the 64 allowed")]
    LocalPartTooLong {
        /// Octets found.
        bytes: usize,
    },
    /// An empty label in the domain.
    #[error("has an empty label in its domain (a dot at its start or end, or two in a row)")]
    EmptyLabel,
    /// A character that no domain has.
    #[error("has the character {0:?} in its domain, which is not allowed there")]
    BadDomainCharacter(char),
    /// A hyphen where a label may not have one.
    #[error("has a domain label that starts or ends with a hyphen")]
    MisplacedHyphen,
    /// A label over 63 octets.
    #[error("has a domain label of more than 63 octets")]
    LabelTooLong,
    /// The domain is over [`Address::MAX_DOMAIN_BYTES`](super::Address::MAX_DOMAIN_BYTES).
    #[error("has a domain of {bytes} octets, more than the 255 allowed")]
    DomainTooLong {
        /// Octets found.
        bytes: usize,
    },
    /// The domain is not a name in IDNA.
    #[error("has a domain that is not a valid international domain name")]
    BadInternationalDomain,
    /// `[…]` that holds neither an IPv4 nor an `IPv6:` address.
    #[error("has an address literal that is neither [IPv4] nor [IPv6:…]")]
    BadLiteral,
    /// The whole is over [`Address::MAX_BYTES`](super::Address::MAX_BYTES).
    #[error("has {bytes} octets, more than the 254 allowed")]
    TooLong {
        /// Octets found.
        bytes: usize,
    },
    /// The angle brackets or the display form around the address are broken.
    #[error("is not of the form Name <local@domain>")]
    BrokenDisplayForm,
    /// Several addresses where one is expected.
    #[error("has more than one address where one is expected")]
    SeveralAddresses,
}
