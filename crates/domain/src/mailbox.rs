//! Addresses with their display names, as people write them: `Case Clerk <case@example.com>` (RFC 5322 §3.4).

use std::fmt;
use std::str::FromStr;

use crate::address::{Address, AddressError, AddressProblem};
use crate::legible;

/// An address and the name shown with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mailbox {
    name: Option<Box<str>>,
    address: Address,
}

impl Mailbox {
    /// Puts a name to an address; white space around it goes, an empty name is none.
    ///
    /// # Errors
    /// [`AddressError`] for a name with control or other hidden characters in it.
    pub fn new(name: &str, address: Address) -> Result<Self, AddressError> {
        let mailbox = Self::as_written(name, address)?;
        match legible::check(name.trim()) {
            Err(hidden) => Err(AddressError::new(
                name.trim(),
                AddressProblem::HiddenCharacter(hidden),
            )),
            Ok(()) => Ok(mailbox),
        }
    }

    /// As [`Mailbox::new`], with whatever the name has in it besides control characters.
    fn as_written(name: &str, address: Address) -> Result<Self, AddressError> {
        let name = name.trim();
        match name.chars().find(|c| c.is_control()) {
            Some('\r' | '\n') => Err(AddressError::new(name, AddressProblem::LineEnd)),
            Some(c) => Err(AddressError::new(name, AddressProblem::ControlCharacter(c))),
            None => Ok(Self {
                name: (!name.is_empty()).then(|| name.into()),
                address,
            }),
        }
    }

    /// The name, where there is one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The address.
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// Reads mailboxes parted by commas; groups (`team: a@x, b@y;`) are opened, comments dropped.
    ///
    /// # Errors
    /// [`AddressError`] for the first one that is not a mailbox.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, AddressError> {
        list(text, Self::new)
    }

    /// Reads the mailboxes of an unfolded header field that travels as it came: names may have hidden characters, except
    /// control characters; the addresses are checked as by [`Mailbox::parse_list`].
    ///
    /// # Errors
    /// [`AddressError`] for the first one that is not a mailbox.
    pub fn parse_field(text: &str) -> Result<Vec<Self>, AddressError> {
        list(text, Self::as_written)
    }
}

/// Puts a name to an address, or refuses it.
type Build = fn(&str, Address) -> Result<Mailbox, AddressError>;

fn list(text: &str, build: Build) -> Result<Vec<Mailbox>, AddressError> {
    if text.contains(['\r', '\n']) {
        return Err(AddressError::new(text, AddressProblem::LineEnd));
    }
    split_list(text)
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
        .map(|part| one(part, build))
        .collect()
}

impl From<Address> for Mailbox {
    fn from(address: Address) -> Self {
        Self { name: None, address }
    }
}

impl FromStr for Mailbox {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::parse_list(text)?.into_iter();
        match (all.next(), all.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(AddressError::new(text, AddressProblem::Empty)),
            (Some(_), Some(_)) => Err(AddressError::new(text, AddressProblem::SeveralAddresses)),
        }
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(name) = self.name() else {
            return self.address.fmt(f);
        };
        if name.chars().all(|c| {
            c == ' ' || !c.is_ascii() || c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
        }) {
            return write!(f, "{name} <{}>", self.address);
        }
        f.write_str("\"")?;
        for c in name.chars() {
            if matches!(c, '"' | '\\') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        write!(f, "\" <{}>", self.address)
    }
}

/// Where a reader of the list stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Plain,
    Quotes,
    Angle,
    Comment(u8),
}

/// Splits at commas and semicolons outside quotes, brackets and comments; drops comments and names of groups.
fn split_list(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut inside = Inside::Plain;
    let mut literal = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let next = match (inside, c) {
            (Inside::Quotes, '\\') | (Inside::Comment(_), '\\') => {
                if inside == Inside::Quotes {
                    part.push(c);
                    part.extend(chars.next());
                } else {
                    chars.next();
                }
                continue;
            }
            (Inside::Comment(depth), '(') => Inside::Comment(depth.saturating_add(1)),
            (Inside::Comment(1), ')') => {
                inside = Inside::Plain;
                continue;
            }
            (Inside::Comment(depth), ')') => Inside::Comment(depth - 1),
            (Inside::Plain, '(') => Inside::Comment(1),
            (Inside::Plain, '"') => Inside::Quotes,
            (Inside::Quotes, '"') | (Inside::Angle, '>') => Inside::Plain,
            (Inside::Plain, '<') => Inside::Angle,
            (Inside::Plain, ',' | ';') => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            (Inside::Plain, ':') if !literal => {
                part.clear();
                continue;
            }
            (state, _) => state,
        };
        match c {
            '[' => literal = true,
            ']' => literal = false,
            _ => {}
        }
        if !matches!(inside, Inside::Comment(_)) && !matches!(next, Inside::Comment(_)) {
            part.push(c);
        }
        inside = next;
    }
    parts.push(part);
    parts
}

/// Reads `address`, `<address>` or `name <address>`.
fn one(part: &str, build: Build) -> Result<Mailbox, AddressError> {
    let broken = || AddressError::new(part, AddressProblem::BrokenDisplayForm);
    let Some(before) = part.strip_suffix('>') else {
        // A bracket outside quotes without its partner is caught by the address parser's character check.
        return Address::parse(part).map(Mailbox::from);
    };
    let (name, address) = split_angle(before).ok_or_else(broken)?;
    let address = Address::parse(address.trim())?;
    let name = unquote(name.trim()).ok_or_else(broken)?;
    build(&name, address)
}

/// Parts `name <address` at its bracket, which stands outside the name's quotes.
fn split_angle(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let mut escaped = false;
    for (place, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' if !quoted => return Some((text.get(..place)?, text.get(place + 1..)?)),
            _ => {}
        }
    }
    None
}

/// A display name without its quotes and escapes; `None` for quotes that do not match.
fn unquote(name: &str) -> Option<String> {
    let mut plain = String::with_capacity(name.len());
    let mut quoted = false;
    let mut chars = name.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '\\' if quoted => plain.push(chars.next()?),
            '<' | '>' if !quoted => return None,
            _ => plain.push(c),
        }
    }
    (!quoted).then_some(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::legible::HiddenCharacter;

    fn shown(text: &str) -> Vec<(Option<String>, String)> {
        Mailbox::parse_list(text)
            .unwrap_or_else(|e| panic!("{text}: {e}"))
            .into_iter()
            .map(|m| (m.name().map(str::to_owned), m.address().to_string()))
            .collect()
    }

    #[test]
    fn forms_that_people_write_are_read() {
        let case = |name: &str| vec![(Some(name.to_owned()), "case@example.com".to_owned())];
        assert_eq!(shown("Case Clerk <case@example.com>"), case("Case Clerk"));
        assert_eq!(shown("\"Clerk, Case\" <case@example.com>"), case("Clerk, Case"));
        assert_eq!(
            shown("\"a \\\"b\\\" <c>\" <case@example.com>"),
            case("a \"b\" <c>")
        );
        assert_eq!(shown("Däna <case@example.com> (office)"), case("Däna"));
        assert_eq!(
            shown(" <case@example.com> "),
            vec![(None, "case@example.com".to_owned())]
        );
        assert_eq!(
            shown("team: a@x.test, \"b, c\" <b@x.test>;, d@[IPv6:2001:db8::1]"),
            vec![
                (None, "a@x.test".to_owned()),
                (Some("b, c".to_owned()), "b@x.test".to_owned()),
                (None, "d@[IPv6:2001:db8::1]".to_owned()),
            ]
        );
        assert_eq!(
            shown("\"a@b, c\"@x.test"),
            vec![(None, "\"a@b, c\"@x.test".to_owned())]
        );
    }

    #[test]
    fn broken_forms_are_named() {
        use AddressProblem as P;
        for (text, problem) in [
            ("Case case@example.com>", P::BrokenDisplayForm),
            ("\"Case <case@example.com>", P::BrokenDisplayForm),
            ("Case <a@b@c>", P::TwoAtSigns),
            ("Case <>", P::Empty),
            ("a@x.test, b@y.test", P::SeveralAddresses),
            ("", P::Empty),
            ("Case\r\nBcc: x@y.test <a@x.test>", P::LineEnd),
            ("Da\0na <a@x.test>", P::ControlCharacter('\0')),
            (
                "Ca\u{202e}se <a@x.test>",
                P::HiddenCharacter(HiddenCharacter('\u{202e}')),
            ),
            (
                "\"Ca\u{200b}se\" <a@x.test>",
                P::HiddenCharacter(HiddenCharacter('\u{200b}')),
            ),
            (
                "Case <\u{202a}a@x.test>",
                P::HiddenCharacter(HiddenCharacter('\u{202a}')),
            ),
        ] {
            let found = text.parse::<Mailbox>().map_err(|e| e.problem);
            assert_eq!(found, Err(problem), "{text:?}");
        }
    }

    #[test]
    fn names_in_a_field_stay_as_written_and_its_addresses_are_checked() {
        let read = |text: &str| -> Result<Vec<String>, AddressProblem> {
            let found = Mailbox::parse_field(text).map_err(|error| error.problem)?;
            let names = found.iter().map(|m| m.name().unwrap_or_default().to_owned());
            Ok(names.collect::<Vec<_>>())
        };
        assert_eq!(
            read("\u{200f}שרה <sara@x.test>, Ca\u{202e}se <a@x.test>"),
            Ok(vec!["\u{200f}שרה".to_owned(), "Ca\u{202e}se".to_owned()])
        );
        let hidden = AddressProblem::HiddenCharacter(HiddenCharacter('\u{200b}'));
        assert_eq!(read("Case <ca\u{200b}se@x.test>"), Err(hidden));
        assert_eq!(
            read("Ca\u{7}se <a@x.test>"),
            Err(AddressProblem::ControlCharacter('\u{7}'))
        );
    }

    proptest! {
        #[test]
        fn display_form_reads_back(name in "[a-zA-Zé,<>@()\"\\\\ .:;]{0,20}") {
            let address = Address::parse("case@example.com").expect("address");
            let mailbox = Mailbox::new(&name, address).expect("no control characters");
            let again: Mailbox = mailbox.to_string().parse().expect("display form");
            prop_assert_eq!(again, mailbox);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}|[\\x00-\\x7f]{0,60}") {
            let _ = Mailbox::parse_list(&text);
        }
    }
}
