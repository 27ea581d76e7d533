//! The part before the @: a dot-atom or a quoted string (RFC 5321 §4.1.2, RFC 6531 §3.3).

use super::{Address, AddressProblem as P};
use crate::legible::{self, HiddenCharacter};

/// Where the local part of `text` ends: the place of its @.
pub(super) fn end(text: &str) -> Result<usize, P> {
    if text.starts_with('"') {
        let after = closing_quote(text)?;
        return match text.get(after..) {
            Some(rest) if rest.starts_with('@') => {
                if rest.get(1..).is_some_and(|domain| domain.contains('@')) {
                    return Err(P::TwoAtSigns);
                }
                Ok(after)
            }
            Some("") => Err(P::MissingAt),
            _ => Err(P::UnbalancedQuote),
        };
    }
    let mut places = text.match_indices('@').map(|(at, _)| at);
    match (places.next(), places.next()) {
        (None, _) => Err(P::MissingAt),
        (Some(_), Some(_)) => Err(P::TwoAtSigns),
        (Some(at), None) => Ok(at),
    }
}

/// The place behind the closing quote of the quoted string that `text` starts with.
fn closing_quote(text: &str) -> Result<usize, P> {
    let mut escaped = false;
    for (place, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Ok(place + 1),
            _ => {}
        }
    }
    Err(P::UnbalancedQuote)
}

/// Checks a local part; control characters were refused before.
pub(super) fn check(local: &str) -> Result<(), P> {
    if local.is_empty() {
        return Err(P::EmptyLocalPart);
    }
    if local.len() > Address::MAX_LOCAL_BYTES {
        return Err(P::LocalPartTooLong { bytes: local.len() });
    }
    if let Some(c) = local.chars().find(|&c| legible::is_hidden(c)) {
        return Err(P::HiddenCharacter(HiddenCharacter(c)));
    }
    if let Some(c) = local.chars().find(|&c| legible::is_private_use(c)) {
        return Err(P::PrivateUse(c));
    }
    if local.starts_with('"') {
        // `end` found the closing quote; inside everything printable goes.
        return if local == "\"\"" {
            Err(P::EmptyLocalPart)
        } else {
            Ok(())
        };
    }
    if let Some(c) = local.chars().find(|&c| c != '.' && !is_atext(c)) {
        return Err(P::BadLocalCharacter(c));
    }
    if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        return Err(P::MisplacedDot);
    }
    Ok(())
}

/// `atext` of RFC 5322 §3.2.3, and every UTF-8 character that is neither space nor control (RFC 6531 §3.3).
pub(crate) fn is_atext(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
    } else {
        !c.is_whitespace() && !c.is_control()
    }
}
