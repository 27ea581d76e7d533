//! Whether a message can be taken apart in time.
//!
//! The parser looks ahead, and begins anew where it finds nothing: for the first delimiter of each multipart up to the end
//! of the message, for the end of each encoded word up to the end of its field, and it joins each piece of a parameter to
//! those before it. A message of thousands of them would be read thousands of times, seconds for 1 MB and without a way to
//! interrupt it; and a part of eight bytes takes hundreds in memory. So the ways of the parser are added up before, by
//! searches that are faster than it and end at the bound, and the lines are counted that may begin a part.

use memchr::{memchr, memchr_iter, memchr2_iter, memmem};

/// So many bytes may be looked through for one thing, whatever the size of the message.
const SEEK_BYTES_MAX: usize = 64 * 1024 * 1024;
/// A small message may be looked through so many times,
const SEEKS_MAX: usize = 256;
/// and a large one so many times.
const SEEKS_OF_LARGE_MAX: usize = 8;
/// Longest end of a parameter's name that is looked at.
const PIECE_BYTES_MAX: usize = 40;
/// Most lines that may begin a part: with "--" somewhere in them.
const PARTS_MAX: usize = 100_000;
/// Longest boundary that is looked for here, and so many bytes are compared in the time of one step: RFC 2046 §5.1.1
/// allows 70.
const BOUNDARY_BYTES_MAX: usize = 200;

/// The parameter of a multipart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Boundary<'a> {
    /// It has this value.
    Plain(&'a [u8]),
    /// It is too long, or written in a way that is not followed here; it has about so many bytes.
    Other(usize),
}

/// Whether a message can be taken apart in time.
pub(super) fn is_readable(octets: &[u8]) -> bool {
    has_few_parts(octets) && has_short_ways(octets) && has_short_words(octets) && has_few_pieces(octets)
}

/// What may be looked through for one thing.
#[derive(Debug)]
struct Budget {
    left: usize,
}

impl Budget {
    fn of(octets: &[u8]) -> Self {
        let small = octets.len().saturating_mul(SEEKS_MAX).min(SEEK_BYTES_MAX);
        let large = octets.len().saturating_mul(SEEKS_OF_LARGE_MAX);
        Self {
            left: small.max(large),
        }
    }

    /// Takes a way from it, if there is as much left.
    fn take(&mut self, way: usize) -> Option<()> {
        self.left = self.left.checked_sub(way)?;
        Some(())
    }
}

fn has_few_parts(octets: &[u8]) -> bool {
    let mut rest = octets;
    for _ in 0..PARTS_MAX {
        let Some(at) = memmem::find(rest, b"--") else {
            return true;
        };
        rest = rest.get(at..).unwrap_or_default();
        let Some(end) = memchr(b'\n', rest) else {
            return true;
        };
        rest = rest.get(end..).unwrap_or_default();
    }
    false
}

/// Whether the delimiters of all multiparts are near.
fn has_short_ways(octets: &[u8]) -> bool {
    let mut budget = Budget::of(octets);
    memchr2_iter(b'b', b'B', octets).all(|at| {
        let rest = octets.get(at..).unwrap_or_default();
        let way = match boundary(rest) {
            None => 0,
            Some(Boundary::Other(bytes)) => rest.len().saturating_mul(1 + bytes / BOUNDARY_BYTES_MAX),
            Some(Boundary::Plain(value)) => way_to(value, rest),
        };
        budget.take(way).is_some()
    })
}

/// Whether the ends of all encoded words (`=?charset?q?…?=`, RFC 2047) are near.
fn has_short_words(octets: &[u8]) -> bool {
    let mut budget = Budget::of(octets);
    let (mut word_end, mut field_end) = (0, 0);
    for at in memmem::find_iter(octets, b"=?") {
        let charset = at + 2;
        let Some(mark) = memchr(b'?', octets.get(charset..).unwrap_or_default()) else {
            return true;
        };
        // Behind the letter of the encoding and its mark.
        let text = charset + mark + 3;
        if word_end < text {
            word_end = position(octets, text, b"?=");
        }
        if field_end < text {
            field_end = end_of_field(octets, text);
        }
        if budget.take(word_end.min(field_end).saturating_sub(at)).is_none() {
            return false;
        }
    }
    true
}

/// Whether few parameters are in pieces or encoded (`name*0*=`, RFC 2231): each is compared and joined with those before
/// it in its header.
fn has_few_pieces(octets: &[u8]) -> bool {
    let mut budget = Budget::of(octets);
    let (mut block, mut last) = (0, 0);
    for at in memchr_iter(b'*', octets) {
        if !is_piece(octets.get(at + 1..).unwrap_or_default()) {
            continue;
        }
        if memmem::find(octets.get(last..at).unwrap_or_default(), b"\r\n\r\n").is_some() {
            block = at;
        }
        last = at;
        // Comparing four short names takes about the time of one step, and so does joining more bytes than that.
        if budget.take((at - block) / 4).is_none() {
            return false;
        }
    }
    true
}

/// Whether what follows an asterisk makes it part of a parameter's name: a number, another asterisk, and `=`.
fn is_piece(rest: &[u8]) -> bool {
    let near = rest.get(..PIECE_BYTES_MAX).unwrap_or(rest);
    let skipped = |octet: &u8| octet.is_ascii_digit() || is_skipped(octet);
    let after = |octets: &[u8]| octets.iter().position(|octet| !skipped(octet));
    let Some(next) = after(near) else {
        return near.len() == PIECE_BYTES_MAX;
    };
    match near.get(next..).unwrap_or_default() {
        [b'=', ..] => true,
        [b'*', more @ ..] => after(more).is_none_or(|next| more.get(next) == Some(&b'=')),
        _ => false,
    }
}

/// What the parser passes over between the name of a parameter and its `=`.
fn is_skipped(octet: &u8) -> bool {
    octet.is_ascii_whitespace() || matches!(octet, b'"' | b'\\')
}

/// The end of the field that a position lies in, or of the line where it is no field's.
fn end_of_field(octets: &[u8], from: usize) -> usize {
    let mut at = from;
    loop {
        at = position(octets, at, b"\n");
        match octets.get(at + 1) {
            Some(b' ' | b'\t') => at += 1,
            Some(_) | None => return at,
        }
    }
}

/// Where something begins at or after a position; the end where it does not.
fn position(octets: &[u8], from: usize, what: &[u8]) -> usize {
    let rest = octets.get(from..).unwrap_or_default();
    memmem::find(rest, what).map_or(octets.len(), |found| from + found)
}

/// How far it is from a multipart's header to its first delimiter, or to the end of the message.
fn way_to(boundary: &[u8], rest: &[u8]) -> usize {
    // A delimiter within the header does not count.
    let Some(body) = memmem::find(rest, b"\r\n\r\n") else {
        return rest.len();
    };
    let delimiter = [b"--".as_slice(), boundary].concat();
    let found = memmem::find(rest.get(body..).unwrap_or_default(), &delimiter);
    found.map_or(rest.len(), |found| body + found)
}

/// The boundary, if the octets begin with a parameter of that name.
fn boundary(octets: &[u8]) -> Option<Boundary<'_>> {
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
    let value = match rest.strip_prefix(b"\"") {
        Some(quoted) => until(quoted, b"\""),
        None => until(rest, b";\r\n").trim_ascii_end(),
    };
    let plain = |octet: &u8| octet.is_ascii_alphanumeric() || b"'+_,-./:=?".contains(octet);
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

#[cfg(test)]
mod tests;
