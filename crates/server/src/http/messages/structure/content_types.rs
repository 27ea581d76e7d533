//! The Content-Type fields of a message, wherever one of its parts may have them.

use std::ops::Range;

use memchr::{memchr_iter, memchr2_iter, memmem};

use super::{BOUNDARY_BYTES_MAX, Budget, PARTS_MAX, end_of_field, is_skipped};

/// The field's name, in small letters.
const NAME: &[u8] = b"content-type";

/// What the Content-Type fields say.
#[derive(Debug, Default)]
pub(super) struct ContentTypes<'a> {
    /// All fields, in order.
    fields: Vec<Field>,
    /// The boundaries of multiparts, and where their parameters begin.
    pub(super) boundaries: Vec<(usize, Boundary<'a>)>,
    /// Where the fields are that make their part a message.
    pub(super) messages: Vec<usize>,
    /// Whether there is a `multipart/digest`: parts in it are messages without saying so.
    pub(super) has_digest: bool,
}

/// One field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    at: usize,
    /// Whether it certainly has a media type.
    has_type: bool,
}

/// The parameter of a multipart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Boundary<'a> {
    /// It has this value.
    Plain(&'a [u8]),
    /// It is too long, or written in a way that is not followed here; it has about so many bytes.
    Other(usize),
}

impl<'a> ContentTypes<'a> {
    /// Finds the fields; `None` where they are too many.
    pub(super) fn of(octets: &'a [u8], budget: &mut Budget) -> Option<Self> {
        let mut types = Self::default();
        let mut end = 0;
        for colon in memchr_iter(b':', octets) {
            if colon < end || !ends_with_name(octets.get(..colon).unwrap_or_default()) {
                continue;
            }
            if types.fields.len() == PARTS_MAX {
                return None;
            }
            end = end_of_field(octets, colon);
            let media_type = media_type(octets.get(colon..end).unwrap_or_default());
            types.fields.push(Field {
                at: colon,
                has_type: is_at_line_start(octets, colon) && begins_with_letter(media_type),
            });
            if has(media_type, b"message") && (has(media_type, b"rfc822") || has(media_type, b"global")) {
                types.messages.push(colon);
                budget.take_nested()?;
            }
            if has(media_type, b"multipart") && has(media_type, b"digest") {
                types.has_digest = true;
                budget.take_nested()?;
            }
            types.add_boundaries(octets, colon, end)?;
        }
        Some(types)
    }

    /// Whether a header certainly has one media type, so that its part in a digest is what that says.
    pub(super) fn is_certain(&self, header: &Range<usize>) -> bool {
        let from = self.fields.partition_point(|field| field.at < header.start);
        let to = self.fields.partition_point(|field| field.at < header.end);
        let fields = self.fields.get(from..to).unwrap_or_default();
        matches!(fields, [field] if field.has_type)
    }

    /// Adds the boundaries of a field; `None` where they become too many.
    fn add_boundaries(&mut self, octets: &'a [u8], from: usize, end: usize) -> Option<()> {
        let field = octets.get(from..end).unwrap_or_default();
        for at in memchr2_iter(b'b', b'B', field) {
            let Some(found) = boundary(octets.get(from + at..).unwrap_or_default()) else {
                continue;
            };
            if self.boundaries.len() == PARTS_MAX {
                return None;
            }
            self.boundaries.push((from + at, found));
        }
        Some(())
    }
}

/// Whether octets before a colon end with the name of the field; the parser passes over white space in it.
fn ends_with_name(octets: &[u8]) -> bool {
    let mut letters = octets
        .iter()
        .rev()
        .filter(|octet| **octet == b'\n' || !octet.is_ascii_whitespace());
    NAME.iter().rev().all(|expected| {
        letters
            .next()
            .is_some_and(|letter| letter.eq_ignore_ascii_case(expected))
    })
}

/// Whether the field before a colon begins its line and is written as usual, so that it continues no other field.
fn is_at_line_start(octets: &[u8], colon: usize) -> bool {
    let before = octets.get(..colon).unwrap_or_default();
    let Some((before, name)) = before.split_at_checked(before.len().saturating_sub(NAME.len())) else {
        return false;
    };
    name.eq_ignore_ascii_case(NAME) && before.last() == Some(&b'\n')
}

/// Whether a value, which begins with its colon, begins with a letter.
fn begins_with_letter(value: &[u8]) -> bool {
    let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii_start();
    value.first().is_some_and(u8::is_ascii_alphabetic)
}

/// The value of the field without its parameters; all of it where a comment comes before them.
fn media_type(value: &[u8]) -> &[u8] {
    let before = until(value, b";");
    if before.contains(&b'(') { value } else { before }
}

/// Whether a word is among octets, in any case.
pub(super) fn has(octets: &[u8], word: &[u8]) -> bool {
    octets
        .windows(word.len())
        .any(|some| some.eq_ignore_ascii_case(word))
}

/// The boundary, if the octets begin with a parameter of that name.
pub(super) fn boundary(octets: &[u8]) -> Option<Boundary<'_>> {
    let (name, rest) = octets.split_at_checked(b"boundary".len())?;
    if !name.eq_ignore_ascii_case(b"boundary") {
        return None;
    }
    let equals = rest.iter().position(|octet| !is_skipped(octet))?;
    let (equals, rest) = rest.get(equals..)?.split_first()?;
    match equals {
        b'=' => {}
        // A value in pieces, an encoded one, or a comment.
        b'*' | b'(' => return Some(Boundary::Other(until(rest, b"\r\n").len())),
        _ => return None,
    }
    let rest = rest.trim_ascii_start();
    let (value, others) = match rest.strip_prefix(b"\"") {
        Some(quoted) => (until(quoted, b"\""), b"'+_,-./:=? ();<>@[]!#$%&".as_slice()),
        None => (until(rest, b";\r\n").trim_ascii_end(), b"'+_,-./:=?".as_slice()),
    };
    let plain = |octet: &u8| octet.is_ascii_alphanumeric() || others.contains(octet);
    let followed =
        value.len() <= BOUNDARY_BYTES_MAX && value.iter().all(plain) && memmem::find(value, b"=?").is_none();
    Some(if followed {
        Boundary::Plain(value)
    } else {
        Boundary::Other(value.len())
    })
}

/// The octets before the first of some.
fn until<'a>(octets: &'a [u8], ends: &[u8]) -> &'a [u8] {
    let end = octets.iter().position(|octet| ends.contains(octet));
    octets.get(..end.unwrap_or(octets.len())).unwrap_or_default()
}
