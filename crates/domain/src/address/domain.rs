//! The part after the @: a domain name or an address literal (RFC 5321 §4.1.2 and §4.1.3, RFC 5890).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Address, AddressProblem as P};
use crate::legible::{self, HiddenCharacter};

/// Checks a domain; gives its ASCII form where that is another text.
pub(super) fn check(domain: &str) -> Result<Option<Box<str>>, P> {
    if domain.is_empty() {
        return Err(P::MissingDomain);
    }
    if domain.len() > Address::MAX_DOMAIN_BYTES {
        return Err(P::DomainTooLong { bytes: domain.len() });
    }
    if let Some(inner) = domain.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or(P::BadLiteral)?;
        return literal(inner).map(|()| None);
    }
    if domain.is_ascii() {
        return labels(domain).map(|()| None);
    }
    // IDNA leaves these out without a word. It knows where joiners belong in a name.
    let is_joiner = |c: char| matches!(c, '\u{200c}' | '\u{200d}');
    if let Some(c) = domain.chars().find(|&c| legible::is_hidden(c) && !is_joiner(c)) {
        return Err(P::HiddenCharacter(HiddenCharacter(c)));
    }
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| P::BadInternationalDomain)?;
    if ascii.len() > Address::MAX_DOMAIN_BYTES {
        return Err(P::DomainTooLong { bytes: ascii.len() });
    }
    labels(&ascii)?;
    Ok(Some(ascii.into()))
}

fn labels(domain: &str) -> Result<(), P> {
    for label in domain.split('.') {
        if label.is_empty() {
            return Err(P::EmptyLabel);
        }
        if label.len() > 63 {
            return Err(P::LabelTooLong);
        }
        if let Some(c) = label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
            return Err(P::BadDomainCharacter(c));
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(P::MisplacedHyphen);
        }
    }
    Ok(())
}

fn literal(inner: &str) -> Result<(), P> {
    let v6 = inner
        .get(..5)
        .filter(|tag| tag.eq_ignore_ascii_case("IPv6:"))
        .and_then(|_| inner.get(5..));
    let good = match v6 {
        Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
        None => inner.parse::<Ipv4Addr>().is_ok(),
    };
    if good { Ok(()) } else { Err(P::BadLiteral) }
}
