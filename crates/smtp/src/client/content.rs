//! A message's content, made ready for the wire once: CRLF line ends, and dots doubled (RFC 5321 §4.5.2).

use bytes::Bytes;
use memchr::{memchr2_iter, memmem};

/// Content with CRLF line ends, beside the form that DATA needs.
///
/// Bytes that are clean already, as nearly all are, are shared and never copied.
#[derive(Debug, Clone)]
pub struct Content {
    lines: Bytes,
    dotted: Bytes,
    eight_bit: bool,
}

impl Content {
    /// Makes content ready: bare CR and bare LF become CRLF, the last line gets its end, leading dots are doubled.
    #[must_use]
    pub fn new(raw: impl Into<Bytes>) -> Self {
        let raw = raw.into();
        let lines = if has_clean_line_ends(&raw) {
            raw
        } else {
            normalised(&raw).into()
        };
        let dotted = if has_leading_dot(&lines) {
            dot_stuffed(&lines).into()
        } else {
            lines.clone()
        };
        let eight_bit = !lines.is_ascii();
        Self {
            lines,
            dotted,
            eight_bit,
        }
    }

    /// Returns the size that MAIL announces (RFC 1870): with line ends, without doubled dots.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.lines.len() as u64
    }

    /// Tells whether any byte is beyond ASCII, which BODY=8BITMIME announces (RFC 6152).
    #[must_use]
    pub const fn is_eight_bit(&self) -> bool {
        self.eight_bit
    }

    /// The bytes that go behind BDAT.
    pub(crate) const fn lines(&self) -> &Bytes {
        &self.lines
    }

    /// The bytes that go between DATA's 354 and the dot; empty or ending in CRLF.
    pub(crate) const fn dotted(&self) -> &Bytes {
        &self.dotted
    }
}

fn has_clean_line_ends(raw: &[u8]) -> bool {
    let mut carriage_return_at = None;
    for at in memchr2_iter(b'\r', b'\n', raw) {
        let is_line_feed = raw.get(at) == Some(&b'\n');
        let follows = carriage_return_at.take() == at.checked_sub(1) && at > 0;
        if is_line_feed != follows {
            // A CR in front that is followed by something else, or an LF without its CR.
            return false;
        }
        if !is_line_feed {
            if raw.get(at + 1) != Some(&b'\n') {
                return false;
            }
            carriage_return_at = Some(at);
        }
    }
    raw.is_empty() || raw.ends_with(b"\r\n")
}

fn normalised(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + raw.len() / 32 + 2);
    let mut from = 0;
    for at in memchr2_iter(b'\r', b'\n', raw) {
        if at < from {
            continue;
        }
        out.extend_from_slice(raw.get(from..at).unwrap_or_default());
        out.extend_from_slice(b"\r\n");
        let pair = raw.get(at..at + 2) == Some(b"\r\n");
        from = at + if pair { 2 } else { 1 };
    }
    let rest = raw.get(from..).unwrap_or_default();
    if !rest.is_empty() {
        out.extend_from_slice(rest);
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn has_leading_dot(lines: &[u8]) -> bool {
    lines.first() == Some(&b'.') || memmem::find(lines, b"\n.").is_some()
}

fn dot_stuffed(lines: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(lines.len() + 64);
    if lines.first() == Some(&b'.') {
        out.push(b'.');
    }
    let mut from = 0;
    for at in memmem::find_iter(lines, b"\n.") {
        out.extend_from_slice(lines.get(from..=at).unwrap_or_default());
        out.push(b'.');
        from = at + 1;
    }
    out.extend_from_slice(lines.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wire(raw: &[u8]) -> Vec<u8> {
        Content::new(raw.to_vec()).dotted().to_vec()
    }

    #[test]
    fn clean_content_is_shared_and_not_copied() {
        let raw = Bytes::from_static(b"Subject: x\r\n\r\nhello\r\n");
        let content = Content::new(raw.clone());
        assert_eq!(content.dotted().as_ptr(), raw.as_ptr());
    }

    #[test]
    fn line_ends_are_made_crlf() {
        assert_eq!(wire(b"a\nb\rc\r\nd"), b"a\r\nb\r\nc\r\nd\r\n");
        assert_eq!(wire(b"a\r\r\nb\n\r"), b"a\r\n\r\nb\r\n\r\n");
        assert_eq!(wire(b""), b"");
        assert_eq!(wire(b"\n"), b"\r\n");
    }

    #[test]
    fn leading_dots_are_doubled_wherever_a_line_starts() {
        assert_eq!(wire(b".\r\na.\r\n..b\n.c"), b"..\r\na.\r\n...b\r\n..c\r\n");
    }

    #[test]
    fn smuggled_end_of_data_does_not_survive() {
        for smuggled in [
            &b"x\n.\nMAIL FROM:<a@b>\n"[..],
            b"x\r.\rMAIL\r",
            b"x\r\n.\r\nMAIL\r\n",
            b"x\n.\r\ny",
        ] {
            let sent = wire(smuggled);
            assert_eq!(memmem::find(&sent, b"\n.\r"), None, "{smuggled:?}");
            assert_eq!(memmem::find(&sent, b"\r.\r"), None, "{smuggled:?}");
        }
    }

    #[test]
    fn size_counts_line_ends_but_not_doubled_dots() {
        assert_eq!(Content::new(&b".a\n"[..]).size_bytes(), 4);
    }

    proptest! {
        #[test]
        fn any_bytes_come_out_with_clean_line_ends_and_unstuff_to_their_lines(
            raw in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'.'), Just(b'a')], 0..60)
        ) {
            let content = Content::new(raw.clone());
            prop_assert!(has_clean_line_ends(content.lines()));
            prop_assert!(has_clean_line_ends(content.dotted()));
            let stuffed = content.dotted().to_vec();
            prop_assert!(!stuffed.starts_with(b".\r\n") && memmem::find(&stuffed, b"\n.\r\n").is_none());
            let mut unstuffed = Vec::new();
            for line in stuffed.split_inclusive(|b| *b == b'\n') {
                unstuffed.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
            }
            prop_assert_eq!(&unstuffed, &content.lines().to_vec());
            prop_assert_eq!(&normalised(&raw), &content.lines().to_vec());
        }
    }
}
