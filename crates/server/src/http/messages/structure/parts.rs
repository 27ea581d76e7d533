//! The parts of a message: how many there may be, and how large their headers are.

use memchr::{memchr, memchr_iter, memmem};

use super::content_types::{Boundary, ContentTypes};
use super::{Budget, HEADER_BYTES_MAX, position};

/// A part that may be a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nested {
    /// Where its header begins, or before.
    pub(super) header: usize,
    /// Where its body begins.
    pub(super) body: usize,
}

/// What a part may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// No message.
    Other,
    /// A message where its header does not say what it is.
    OfDigest,
    /// A message.
    Message,
}

/// Takes the lines that may begin a part and the bytes of all headers, those of messages in the message included; returns
/// these messages. `None` where too little is left.
pub(super) fn take(octets: &[u8], types: &ContentTypes<'_>, budget: &mut Budget) -> Option<Vec<Nested>> {
    let of_parts = if types.has_digest {
        Content::OfDigest
    } else {
        Content::Other
    };
    let mut starts = vec![(0, Content::Other)];
    let delimiters = delimiters(octets, types, budget)?;
    starts.extend(delimiters.into_iter().map(|at| (at, of_parts)));
    starts.extend(types.messages.iter().map(|&at| (at, Content::Message)));
    starts.sort_unstable_by_key(|&(at, _)| at);
    let mut headers = Headers { octets, counted: 0 };
    let mut nested = Vec::new();
    for (at, content) in starts {
        let body = headers.take(at, budget)?;
        let bodies: Vec<usize> = blank_lines(octets, at, body).collect();
        let header = match content {
            Content::Other => continue,
            Content::OfDigest if types.is_certain(&(at..body)) && bodies == [body] => continue,
            Content::OfDigest => at,
            Content::Message => start_of_header(octets, at),
        };
        headers.take(body, budget)?;
        nested.extend(bodies.into_iter().map(|body| Nested { header, body }));
    }
    Some(nested)
}

/// Headers, each byte of which is counted once.
#[derive(Debug)]
struct Headers<'a> {
    octets: &'a [u8],
    /// Up to here they are.
    counted: usize,
}

impl Headers<'_> {
    /// Takes a header that begins at a position, or the rest of one, and returns where it ends.
    fn take(&mut self, from: usize, budget: &mut Budget) -> Option<usize> {
        let end = end_of_header(self.octets, from);
        budget.take_scan(end - from)?;
        let new = self.octets.get(from.max(self.counted)..end).unwrap_or_default();
        // Lines before the first colon are not fields: the parser passes over them.
        let colon = memchr(b':', new).unwrap_or(new.len());
        budget.take_header(new.len() - colon)?;
        self.counted = self.counted.max(end);
        Some(end)
    }
}

/// Where the header ends that a position lies in: behind the next empty line.
fn end_of_header(octets: &[u8], from: usize) -> usize {
    let mut at = from;
    loop {
        at = position(octets, at, b"\n");
        match octets.get(at + 1..) {
            Some([b'\n', ..]) => return at + 2,
            Some([b'\r', b'\n', ..]) => return at + 3,
            Some([_, ..]) => at += 1,
            Some([]) | None => return octets.len(),
        }
    }
}

/// Where the lines of white space of a header end: the parser may take each of them for its end, and the last one is.
fn blank_lines(octets: &[u8], from: usize, to: usize) -> impl Iterator<Item = usize> {
    let header = octets.get(from..to).unwrap_or_default();
    let mut line = 0;
    memchr_iter(b'\n', header).filter_map(move |end| {
        let is_blank = header.get(line..end).unwrap_or_default().trim_ascii().is_empty();
        line = end + 1;
        is_blank.then_some(from + line)
    })
}

/// Where the header begins that a position lies in, or before it.
fn start_of_header(octets: &[u8], at: usize) -> usize {
    let from = at.saturating_sub(HEADER_BYTES_MAX);
    let before = octets.get(from..at).unwrap_or_default();
    let empty_line = memmem::rfind(before, b"\n\r\n").max(memmem::rfind(before, b"\n\n"));
    from + empty_line.unwrap_or(0)
}

/// Takes the lines that may begin a part, and returns where in them it may begin.
fn delimiters(octets: &[u8], types: &ContentTypes<'_>, budget: &mut Budget) -> Option<Vec<usize>> {
    let mut found = Vec::new();
    if types.boundaries.is_empty() {
        return Some(found);
    }
    let declared = Declared::of(types);
    let mut line_end = 0;
    for at in memchr_iter(b'-', octets) {
        let Some(after) = octets.get(at + 1..).and_then(|rest| rest.strip_prefix(b"-")) else {
            continue;
        };
        if at < line_end {
            continue;
        }
        budget.take_scan(declared.steps())?;
        if declared.has_beginning_of(after) {
            budget.take_part()?;
            found.push(at);
            line_end = position(octets, at, b"\n");
        }
    }
    Some(found)
}

/// The boundaries that a message declares.
#[derive(Debug, PartialEq, Eq)]
enum Declared<'a> {
    /// At least one of them is not known.
    Unknown,
    /// These, in order; none begins with another.
    Values(Vec<&'a [u8]>),
}

impl<'a> Declared<'a> {
    fn of(types: &ContentTypes<'a>) -> Self {
        let mut values = Vec::new();
        for (_, boundary) in &types.boundaries {
            match *boundary {
                Boundary::Other(_) => return Self::Unknown,
                // The parser looks for no empty one.
                Boundary::Plain([]) => {}
                Boundary::Plain(value) => values.push(value),
            }
        }
        values.sort_unstable();
        // What begins with the one before it is found with that one.
        values.dedup_by(|next, kept| next.starts_with(kept));
        Self::Values(values)
    }

    /// How many comparisons it takes to look for one.
    fn steps(&self) -> usize {
        match self {
            Self::Unknown => 1,
            Self::Values(values) => 1 + values.len().checked_ilog2().map_or(0, |log| log as usize),
        }
    }

    /// Whether octets begin with one of them.
    fn has_beginning_of(&self, octets: &[u8]) -> bool {
        match self {
            Self::Unknown => true,
            Self::Values(values) => {
                let after = values.partition_point(|value| *value <= octets);
                let before = after.checked_sub(1).and_then(|n| values.get(n));
                before.is_some_and(|value| octets.starts_with(value))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_begins_with_a_boundary_is_found() {
        let types = |values: &[&'static str]| {
            let boundaries = values.iter().map(|value| (0, Boundary::Plain(value.as_bytes())));
            let mut types = ContentTypes::default();
            types.boundaries.extend(boundaries);
            types
        };
        let declared = Declared::of(&types(&["b1", "b", "c", "ab", "abc", "b"]));
        assert_eq!(declared, Declared::Values(vec![b"ab".as_slice(), b"b", b"c"]));
        for (text, expected) in [
            ("ab", true),
            ("abx", true),
            ("b", true),
            ("b1\r\n", true),
            ("cc", true),
            ("a", false),
            ("aa", false),
            ("d", false),
            ("", false),
        ] {
            assert_eq!(declared.has_beginning_of(text.as_bytes()), expected, "{text}");
        }
        assert!(!Declared::of(&types(&[""])).has_beginning_of(b"any"));
    }

    #[test]
    fn header_ends_at_its_empty_line() {
        assert_eq!(end_of_header(b"a: b\r\n\r\nc", 0), 8);
        assert_eq!(end_of_header(b"a: b\n\nc", 0), 6);
        assert_eq!(end_of_header(b"a: b\r\n \r\nc: d", 0), 13);
        assert_eq!(end_of_header(b"a: b\r\n", 0), 6);
        assert_eq!(start_of_header(b"x\r\n\r\na: b", 8), 2);
        let blank = |text: &[u8]| blank_lines(text, 0, text.len()).collect::<Vec<_>>();
        assert_eq!(blank(b"a: b\r\n \r\nc: d\r\n\r\n"), [9, 17]);
        assert!(blank(b"a: b\n").is_empty());
        assert_eq!(start_of_header(b"a: b", 3), 0);
    }
}
