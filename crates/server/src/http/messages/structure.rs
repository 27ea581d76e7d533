//! Whether a message can be parsed safely.
//!
//! The parser looks ahead, and starts over where it finds nothing: for the first delimiter of each multipart up to the end
//! of the message, for the end of each encoded word up to the end of its field, and it joins each piece of a parameter to
//! those before it. A message of thousands of them would be read thousands of times, seconds for 1 MB and without a way to
//! interrupt it; a part of eight bytes takes hundreds in memory, a header field of four takes a hundred, and a message in a
//! message is dropped by a function that calls itself. So all of that is counted before, by searches that are faster than
//! the parser and end at a bound. What is counted may be more than the parser would find, never less.
//!
//! | bound | against |
//! | --- | --- |
//! | [`SCAN_BYTES_MAX`] | searches that start over |
//! | [`PARTS_MAX`] | many parts |
//! | [`HEADER_BYTES_MAX`] | many header fields |
//! | [`NESTED_MAX`] | messages in messages |
//!
//! A message in a part that is encoded is decoded and counted in the same way, as deep as the parser goes.

mod content_types;
mod encoded;
mod parts;

use memchr::{memchr, memchr_iter, memmem};

use self::content_types::{Boundary, ContentTypes};

/// So many bytes may be scanned, whatever the size of the message.
const SCAN_BYTES_MAX: usize = 64 * 1024 * 1024;
/// A small message may be scanned so many times,
const SCANS_MAX: usize = 256;
/// and a large one so many times.
const SCANS_OF_LARGE_MAX: usize = 4;
/// Longest end of a parameter's name that is looked at.
const PIECE_BYTES_MAX: usize = 40;
/// Most lines that may begin a part.
const PARTS_MAX: usize = 100_000;
/// Most bytes of headers, of the message and its parts together: each takes up to fifty in memory.
const HEADER_BYTES_MAX: usize = 1024 * 1024;
/// Most messages in a message: dropping one in another takes a few hundred bytes of the stack.
const NESTED_MAX: usize = 200;
/// How many encoded messages in one another the parser decodes.
const ENCODED_LEVELS_MAX: usize = 3;
/// Longest boundary that is looked for here, and so many bytes are compared in the time of one step: RFC 2046 §5.1.1
/// allows 70.
const BOUNDARY_BYTES_MAX: usize = 200;

/// Whether a message can be parsed safely.
pub(super) fn is_readable(octets: &[u8]) -> bool {
    take_message(octets, &mut Budget::of(octets), ENCODED_LEVELS_MAX).is_some()
}

/// What a message may still cost, all that is in it included.
#[derive(Debug)]
struct Budget {
    scan_bytes: usize,
    parts: usize,
    header_bytes: usize,
    nested: usize,
}

impl Budget {
    fn of(octets: &[u8]) -> Self {
        let small = octets.len().saturating_mul(SCANS_MAX).min(SCAN_BYTES_MAX);
        let large = octets.len().saturating_mul(SCANS_OF_LARGE_MAX);
        Self {
            scan_bytes: small.max(large),
            parts: PARTS_MAX,
            header_bytes: HEADER_BYTES_MAX,
            nested: NESTED_MAX,
        }
    }

    /// Takes the distance of a scan, if as much is left.
    fn take_scan(&mut self, bytes: usize) -> Option<()> {
        self.scan_bytes = self.scan_bytes.checked_sub(bytes)?;
        Some(())
    }

    /// Takes one line that may begin a part.
    fn take_part(&mut self) -> Option<()> {
        self.parts = self.parts.checked_sub(1)?;
        Some(())
    }

    /// Takes bytes of a header.
    fn take_header(&mut self, bytes: usize) -> Option<()> {
        self.header_bytes = self.header_bytes.checked_sub(bytes)?;
        Some(())
    }

    /// Takes one message in another.
    fn take_nested(&mut self) -> Option<()> {
        self.nested = self.nested.checked_sub(1)?;
        Some(())
    }
}

/// Takes what a message costs; `None` where too little is left.
fn take_message(octets: &[u8], budget: &mut Budget, encoded_levels: usize) -> Option<()> {
    let types = ContentTypes::of(octets, budget)?;
    take_boundaries(octets, &types, budget)?;
    take_words(octets, budget)?;
    take_pieces(octets, budget)?;
    let messages = parts::take(octets, &types, budget)?;
    match encoded_levels.checked_sub(1) {
        Some(levels) => encoded::take(octets, &messages, budget, levels),
        None => Some(()),
    }
}

/// Takes the distances from the headers of multiparts to their first delimiters.
fn take_boundaries(octets: &[u8], types: &ContentTypes<'_>, budget: &mut Budget) -> Option<()> {
    for &(at, boundary) in &types.boundaries {
        let rest = octets.get(at..).unwrap_or_default();
        budget.take_scan(match boundary {
            Boundary::Other(bytes) => rest.len().saturating_mul(1 + bytes / BOUNDARY_BYTES_MAX),
            Boundary::Plain(value) => distance_to_delimiter(value, rest),
        })?;
    }
    Some(())
}

/// Takes the distances to the ends of encoded words (`=?charset?q?…?=`, RFC 2047).
fn take_words(octets: &[u8], budget: &mut Budget) -> Option<()> {
    let (mut word_end, mut field_end) = (0, 0);
    for at in memmem::find_iter(octets, b"=?") {
        let charset = at + 2;
        let Some(mark) = memchr(b'?', octets.get(charset..).unwrap_or_default()) else {
            return Some(());
        };
        // Behind the letter of the encoding and its mark.
        let text = charset + mark + 3;
        if word_end < text {
            word_end = position(octets, text, b"?=");
        }
        if field_end < text {
            field_end = end_of_field(octets, text);
        }
        budget.take_scan(word_end.min(field_end).saturating_sub(at))?;
    }
    Some(())
}

/// Takes the pieces of parameters, and encoded ones (`name*0*=`, RFC 2231): each is compared and joined with those before
/// it in its header.
fn take_pieces(octets: &[u8], budget: &mut Budget) -> Option<()> {
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
        budget.take_scan((at - block) / 4)?;
    }
    Some(())
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
fn distance_to_delimiter(boundary: &[u8], rest: &[u8]) -> usize {
    // A delimiter within the header does not count.
    let Some(body) = memmem::find(rest, b"\r\n\r\n") else {
        return rest.len();
    };
    let delimiter = [b"--".as_slice(), boundary].concat();
    let found = memmem::find(rest.get(body..).unwrap_or_default(), &delimiter);
    found.map_or(rest.len(), |found| body + found)
}

#[cfg(test)]
mod tests;
