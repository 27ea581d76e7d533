//! Line ends and line lengths of a whole message, in one pass, and no NUL in its body.
//!
//! A bare CR or LF is what SMTP smuggling is made of: two servers that disagree where a line ends. It is refused, never
//! mended.

use memchr::{memchr, memchr_iter, memchr2};
use postroom_domain::Refusal;

use super::limits::IntakeLimits;

/// Where the header block of checked octets ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Split {
    /// Behind the last header field's line end.
    pub(super) fields_end: usize,
    /// Behind the empty line; the end of the octets where there is none.
    pub(super) body_at: usize,
}

/// Checks every line of a message and finds where its body begins.
///
/// # Errors
/// [`Refusal::BareLineEnd`], [`Refusal::LineTooLong`] and, for the body, [`Refusal::NulCharacter`] with the line's number.
pub(super) fn check(octets: &[u8], limits: &IntakeLimits) -> Result<Split, Refusal> {
    let mut split = None;
    let mut at = 0;
    let mut line = 1;
    loop {
        let rest = octets.get(at..).unwrap_or_default();
        let end = memchr2(b'\r', b'\n', rest);
        let most = if split.is_some() {
            limits.body_line_bytes
        } else {
            limits.header_line_bytes
        };
        let length = end.unwrap_or(rest.len());
        if length > most {
            return Err(Refusal::LineTooLong { line, most });
        }
        let Some(end) = end else { break };
        if !rest.get(end..).is_some_and(|tail| tail.starts_with(b"\r\n")) {
            return Err(Refusal::BareLineEnd { line });
        }
        if length == 0 && split.is_none() {
            split = Some(Split {
                fields_end: at,
                body_at: at + 2,
            });
        }
        at += end + 2;
        line += 1;
    }
    let split = split.unwrap_or(Split {
        fields_end: octets.len(),
        body_at: octets.len(),
    });
    match octets.get(split.body_at..).and_then(|body| memchr(0, body)) {
        Some(at) => {
            let before = octets.get(..split.body_at + at).unwrap_or_default();
            let line = 1 + memchr_iter(b'\n', before).count();
            Err(Refusal::NulCharacter { line })
        }
        None => Ok(split),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(octets: &[u8]) -> Result<(usize, usize), Refusal> {
        let limits = IntakeLimits {
            header_line_bytes: 10,
            body_line_bytes: 20,
            ..IntakeLimits::default()
        };
        check(octets, &limits).map(|split| (split.fields_end, split.body_at))
    }

    #[test]
    fn header_ends_at_the_first_empty_line() {
        assert_eq!(checked(b"a: b\r\n\r\nx\r\n\r\ny"), Ok((6, 8)));
        assert_eq!(checked(b"\r\nx"), Ok((0, 2)));
        assert_eq!(checked(b"a: b\r\n"), Ok((6, 6)));
        assert_eq!(checked(b"a: b"), Ok((4, 4)));
        assert_eq!(checked(b""), Ok((0, 0)));
    }

    #[test]
    fn bare_line_ends_are_named_by_line() {
        for (octets, line) in [
            (&b"a: b\n\r\n"[..], 1),
            (b"a: b\r\n\r\nx\r\n.\n", 4),
            (b"a: b\r\n\r\nx\r.\r\n", 3),
            (b"a: b\r\n\r\nx\r", 3),
            (b"a: b\r\r\n", 1),
        ] {
            assert_eq!(checked(octets), Err(Refusal::BareLineEnd { line }), "{octets:?}");
        }
    }

    #[test]
    fn nul_in_the_body_is_named_by_line() {
        for (octets, line) in [
            (&b"a: b\r\n\r\n\0"[..], 3),
            (b"a: b\r\n\r\nx\r\ny\0z\r\n\0", 4),
            (b"\r\n\0\r\n", 2),
        ] {
            assert_eq!(checked(octets), Err(Refusal::NulCharacter { line }), "{octets:?}");
        }
        // In the header the field is named, by whoever reads it.
        assert_eq!(checked(b"a: \0\r\n\r\nx"), Ok((6, 8)));
    }

    #[test]
    fn header_lines_are_shorter_than_body_lines() {
        assert_eq!(
            checked(b"a: 3456789\r\n\r\n12345678901234567890\r\n"),
            Ok((12, 14))
        );
        assert_eq!(
            checked(b"a: 34567890\r\n\r\n"),
            Err(Refusal::LineTooLong { line: 1, most: 10 })
        );
        assert_eq!(
            checked(b"a: b\r\n\r\n123456789012345678901"),
            Err(Refusal::LineTooLong { line: 3, most: 20 })
        );
    }
}
