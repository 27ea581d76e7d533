//! Whether the parts of a message can be told apart in time.
//!
//! For each multipart the parser looks for its first delimiter, up to the end of the message where it never comes. A
//! message of thousands of multiparts without any would be read thousands of times: 1 MB would take many seconds. And a
//! part of eight bytes takes hundreds in memory. So the ways of the parser are added up before, by a search that is faster
//! than it and ends at the bound, and the lines are counted that may begin a part.

use memchr::{memchr, memchr2_iter, memmem};

/// So many bytes may be looked through for delimiters, whatever the size of the message.
const SEEK_BYTES_MIN: usize = 64 * 1024 * 1024;
/// A large message may be looked through so many times.
const SEEKS_MAX: usize = 8;
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
    has_few_parts(octets) && has_short_ways(octets)
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

fn has_short_ways(octets: &[u8]) -> bool {
    let seek_bytes_max = octets.len().saturating_mul(SEEKS_MAX).max(SEEK_BYTES_MIN);
    let mut seek_bytes = 0usize;
    for at in memchr2_iter(b'b', b'B', octets) {
        let rest = octets.get(at..).unwrap_or_default();
        let way = match boundary(rest) {
            None => continue,
            Some(Boundary::Other(bytes)) => rest.len().saturating_mul(1 + bytes / BOUNDARY_BYTES_MAX),
            Some(Boundary::Plain(value)) => way_to(value, rest),
        };
        seek_bytes = seek_bytes.saturating_add(way);
        if seek_bytes > seek_bytes_max {
            return false;
        }
    }
    true
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
    let skipped = |octet: &u8| octet.is_ascii_whitespace() || matches!(octet, b'"' | b'\\');
    let equals = rest.iter().position(|octet| !skipped(octet))?;
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
mod tests {
    use super::*;

    /// A multipart within another, many times.
    fn nested(n: usize) -> String {
        let mut message = String::new();
        for n in 0..n {
            message += &format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n");
        }
        message + "\r\nThe words\r\n"
    }

    #[test]
    fn parts_that_name_boundaries_that_never_come_are_not_read() {
        let part = "--x\r\nContent-Type: multipart/mixed; boundary=never\r\n\r\n";
        let bomb = format!(
            "Content-Type: multipart/mixed; boundary=x\r\n\r\n{}",
            part.repeat(16_000)
        );
        assert!(!is_readable(bomb.as_bytes()));
        for way in [
            "boundary=\"ne ver\"",
            "boundary=ne ver",
            "boundary*0=x",
            "BOUNDARY (comment) = x",
            "boundary\"=\"=?utf-8?q?x?=\"",
            "boundary=x\\x",
        ] {
            let other = bomb.replace("boundary=never", way);
            assert!(!is_readable(other.as_bytes()), "{way}");
        }
    }

    #[test]
    fn very_many_parts_are_not_read() {
        let parts = |n| {
            let message = format!(
                "Content-Type: multipart/mixed; boundary=x\r\n\r\n{}",
                "--x\r\n\r\n".repeat(n)
            );
            is_readable(message.as_bytes())
        };
        assert!(parts(PARTS_MAX - 1));
        assert!(!parts(PARTS_MAX));
    }

    #[test]
    fn endless_boundary_is_not_looked_for_everywhere() {
        let long = format!(
            "Content-Type: multipart/mixed; boundary={}x\r\n\r\n{}",
            "-".repeat(50_000),
            "-".repeat(1_000_000)
        );
        assert!(!is_readable(long.as_bytes()));
    }

    #[test]
    fn delimiter_in_the_header_is_none() {
        let way = |message: &[u8]| {
            let at = memmem::find(message, b"boundary").unwrap();
            way_to(b"y", &message[at..])
        };
        let before = way(b"Content-Type: multipart/mixed; boundary=y; name=\"--y\"\r\n\r\n12345");
        let after = way(b"Content-Type: multipart/mixed; boundary=y; name=\"--y\"\r\n\r\n--y\r\n12345");
        assert_eq!((before, after), (31, 26));
    }

    #[test]
    fn ordinary_messages_are_read() {
        assert!(is_readable(b""));
        assert!(is_readable(
            b"Subject: boundary\r\n\r\nThe boundary= of the boundary (x) is a boundary"
        ));
        let prose = format!(
            "Subject: s\r\n\r\n{}",
            "a boundary is a boundary = boundary\r\n".repeat(30)
        );
        assert!(is_readable(prose.as_bytes()));
        // As many as a digest of a thousand messages has, however large they are.
        let large = nested(1_000).replace("--b7\r\n", &format!("--b7\r\n{}\r\n", "x".repeat(8_000_000)));
        assert!(is_readable(large.as_bytes()));
    }

    #[test]
    fn parameter_is_found_as_it_is_written() {
        let plain = |text: &'static [u8]| Some(Boundary::Plain(text));
        assert_eq!(boundary(b"boundary=abc; x"), plain(b"abc"));
        assert_eq!(boundary(b"Boundary = \"a=_b:c\"\r\n"), plain(b"a=_b:c"));
        assert_eq!(boundary(b"boundary=abc \r\n"), plain(b"abc"));
        assert_eq!(boundary(b"boundary=a c\r\n"), Some(Boundary::Other(3)));
        assert_eq!(boundary(b"boundary*0=a"), Some(Boundary::Other(3)));
        assert_eq!(boundary(b"boundary of"), None);
        assert_eq!(boundary(b"bound"), None);
    }
}
