//! SMTP replies: a three-digit code, perhaps an enhanced code, and words (RFC 5321 §4.2, RFC 3463).

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

/// Longest reply line accepted, in bytes. RFC 5321 §4.5.3.1.5 says 512; relays in the wild send more.
pub const REPLY_LINE_BYTES_MAX: usize = 2_048;
/// Most lines accepted in one reply.
pub const REPLY_LINES_MAX: usize = 128;
/// Longest reply accepted over all its lines, in bytes.
pub const REPLY_BYTES_MAX: usize = 32_768;

/// What a reply's first digit says (RFC 5321 §4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// 2yz: the command was carried out.
    Success,
    /// 3yz: the server waits for more.
    Intermediate,
    /// 4yz: not now; the same command may succeed later.
    Transient,
    /// 5yz: not like this; the same command will fail again.
    Permanent,
}

/// An enhanced mail system status code, `class.subject.detail` (RFC 3463 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnhancedCode {
    /// 2 success, 4 persistent transient failure, 5 permanent failure.
    pub class: u8,
    /// What the status is about: 1 addresses, 2 mailbox, 3 mail system, 7 security …
    pub subject: u16,
    /// The detail within the subject.
    pub detail: u16,
}

impl EnhancedCode {
    /// Names a code from its three numbers.
    #[must_use]
    pub const fn new(class: u8, subject: u16, detail: u16) -> Self {
        Self {
            class,
            subject,
            detail,
        }
    }

    /// Reads a code at the start of `text` and returns it with what follows its space.
    ///
    /// Answers `None` where `text` does not start with a well-formed code: class 2, 4 or 5, and one to three
    /// digits in the other places (RFC 3463 §2).
    #[must_use]
    pub fn strip_from(text: &str) -> Option<(Self, &str)> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut parts = word.split('.');
        let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || !matches!(class, "2" | "4" | "5") {
            return None;
        }
        let number = |digits: &str| {
            let short = (1..=3).contains(&digits.len());
            (short && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
        };
        let code = Self::new(class.parse().ok()?, number(subject)?, number(detail)?);
        Some((code, rest))
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// One reply of a server: what the client reads and the server writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reply {
    /// The basic code, 200 to 599.
    pub code: u16,
    /// The enhanced code, if the server gave one whose class fits the basic code.
    pub enhanced: Option<EnhancedCode>,
    /// The words, without codes; lines are separated by `\n`.
    pub text: Cow<'static, str>,
}

/// Why bytes are not a reply.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReplyError {
    /// A line does not start with a code from 200 to 599 and a space or hyphen.
    #[error("the server answered with something that is not an SMTP reply: {line:?}")]
    NotAReply {
        /// The start of the line, made printable.
        line: String,
    },
    /// The lines of one reply carry different codes (RFC 5321 §4.2.1).
    #[error("the server's reply changes its code from {first} to {then} between its lines")]
    CodeChanged {
        /// The first line's code.
        first: u16,
        /// The code that differs.
        then: u16,
    },
    /// A line has more than [`REPLY_LINE_BYTES_MAX`] bytes.
    #[error("the server sent a reply line of more than {REPLY_LINE_BYTES_MAX} bytes")]
    LineTooLong,
    /// The reply has more than [`REPLY_LINES_MAX`] lines or [`REPLY_BYTES_MAX`] bytes.
    #[error("the server sent a reply of more than {REPLY_LINES_MAX} lines or {REPLY_BYTES_MAX} bytes")]
    TooLong,
}

impl Reply {
    /// Makes a reply without an enhanced code.
    #[must_use]
    pub fn basic(code: u16, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            enhanced: None,
            text: text.into(),
        }
    }

    /// Makes a reply with an enhanced code.
    #[must_use]
    pub fn enhanced(code: u16, enhanced: EnhancedCode, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            enhanced: Some(enhanced),
            text: text.into(),
        }
    }

    /// Says what the first digit means.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self.code {
            ..300 => Severity::Success,
            300..400 => Severity::Intermediate,
            400..500 => Severity::Transient,
            500.. => Severity::Permanent,
        }
    }

    /// Tells whether the command was carried out (2yz).
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.severity() == Severity::Success
    }

    /// Tells whether the server is about to close this connection (421, RFC 5321 §3.8).
    #[must_use]
    pub const fn closes(&self) -> bool {
        self.code == 421
    }

    /// Iterates over the words, line by line; a reply has at least one line.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.split('\n')
    }

    /// Reads the reply at the start of `bytes` and says how many bytes it took; `None` if its end has not arrived.
    ///
    /// Lines may end in a bare LF: nothing depends on it in this direction. Control characters and bytes that are not
    /// UTF-8 are replaced, for the words go to logs and people.
    ///
    /// # Errors
    /// [`ReplyError`] as soon as the bytes cannot become a reply within the limits.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, ReplyError> {
        let mut at = 0;
        let mut first: Option<u16> = None;
        let mut enhanced = None;
        let mut text = String::new();
        for number in 0..REPLY_LINES_MAX {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(end) = memchr::memchr(b'\n', rest) else {
                return refuse_hopeless(rest, at).map(|()| None);
            };
            if end > REPLY_LINE_BYTES_MAX {
                return Err(ReplyError::LineTooLong);
            }
            at += end + 1;
            let line = parse_line(rest.get(..end).unwrap_or_default())?;
            let code = *first.get_or_insert(line.code);
            if code != line.code {
                return Err(ReplyError::CodeChanged {
                    first: code,
                    then: line.code,
                });
            }
            if number > 0 {
                text.push('\n');
            }
            match EnhancedCode::strip_from(&line.text) {
                Some((found, words)) if u16::from(found.class) == code / 100 => {
                    enhanced.get_or_insert(found);
                    text.push_str(words);
                }
                _ => text.push_str(&line.text),
            }
            if at > REPLY_BYTES_MAX {
                return Err(ReplyError::TooLong);
            }
            if line.last {
                let reply = Self {
                    code,
                    enhanced,
                    text: text.into(),
                };
                return Ok(Some((reply, at)));
            }
        }
        Err(ReplyError::TooLong)
    }

    /// Appends the reply as it goes over the wire, every line ending in CRLF.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let mut lines = self.lines().peekable();
        while let Some(line) = lines.next() {
            let mark = if lines.peek().is_some() { '-' } else { ' ' };
            out.extend_from_slice(self.code.to_string().as_bytes());
            out.push(mark as u8);
            if let Some(enhanced) = self.enhanced {
                out.extend_from_slice(enhanced.to_string().as_bytes());
                out.push(b' ');
            }
            // A carriage return inside the words would start a line of its own for a lenient reader.
            out.extend(line.bytes().map(|b| if b == b'\r' { b' ' } else { b }));
            out.extend_from_slice(b"\r\n");
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        for line in self.lines().filter(|line| !line.is_empty()) {
            write!(f, " {line}")?;
        }
        Ok(())
    }
}

struct Line<'a> {
    code: u16,
    last: bool,
    text: Cow<'a, str>,
}

fn parse_line(raw: &[u8]) -> Result<Line<'_>, ReplyError> {
    let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
    let (head, rest) = raw.split_at_checked(3).ok_or_else(|| not_a_reply(raw))?;
    let code = match head {
        [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9'] => head
            .iter()
            .fold(0, |code, digit| code * 10 + u16::from(digit - b'0')),
        _ => return Err(not_a_reply(raw)),
    };
    let (last, words) = match rest.split_first() {
        None => (true, rest),
        Some((b' ', words)) => (true, words),
        Some((b'-', words)) => (false, words),
        Some(_) => return Err(not_a_reply(raw)),
    };
    Ok(Line {
        code,
        last,
        text: printable(words),
    })
}

/// Refuses an unfinished line early where nothing that may follow makes it a reply.
fn refuse_hopeless(rest: &[u8], before: usize) -> Result<(), ReplyError> {
    if rest.len() > REPLY_LINE_BYTES_MAX {
        return Err(ReplyError::LineTooLong);
    }
    if before + rest.len() > REPLY_BYTES_MAX {
        return Err(ReplyError::TooLong);
    }
    if rest.len() > 3 {
        parse_line(rest)?;
    }
    Ok(())
}

fn not_a_reply(line: &[u8]) -> ReplyError {
    let start = line.get(..80).unwrap_or(line);
    ReplyError::NotAReply {
        line: printable(start).into_owned(),
    }
}

fn printable(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes);
    if text.chars().any(char::is_control) {
        let clean = |c: char| if c.is_control() { ' ' } else { c };
        return Cow::Owned(text.chars().map(clean).collect());
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_reply_a_start_or_a_refusal(bytes in proptest::collection::vec(
            prop_oneof![Just(b'2'), Just(b'5'), Just(b'0'), Just(b'-'), Just(b' '), Just(b'.'), Just(b'\r'), Just(b'\n'), any::<u8>()],
            0..64,
        )) {
            if let Ok(Some((reply, used))) = Reply::parse(&bytes) {
                prop_assert!(used <= bytes.len() && (200..600).contains(&reply.code));
                // A reply never changes when more follows, and is not there before its last byte.
                let more = [&bytes[..used], b"250 more\r\n"].concat();
                prop_assert_eq!(Reply::parse(&more), Ok(Some((reply, used))));
                prop_assert_eq!(Reply::parse(&bytes[..used - 1]), Ok(None));
            }
        }
    }

    fn parsed(bytes: &[u8]) -> Reply {
        let (reply, used) = Reply::parse(bytes).unwrap().unwrap();
        assert_eq!(used, bytes.len());
        reply
    }

    #[test]
    fn single_line_gives_code_enhanced_code_and_words() {
        let reply = parsed(b"550 5.1.1 no such user\r\n");
        let wanted = Reply::enhanced(550, EnhancedCode::new(5, 1, 1), "no such user");
        assert_eq!(reply, wanted);
        assert_eq!(reply.severity(), Severity::Permanent);
    }

    #[test]
    fn multi_line_reply_keeps_its_lines_and_drops_repeated_enhanced_codes() {
        let reply = parsed(b"450-4.2.1 busy\r\n450-4.2.1 very busy\r\n450 4.2.1 come back\r\n");
        assert_eq!(reply.enhanced, Some(EnhancedCode::new(4, 2, 1)));
        assert_eq!(reply.text, "busy\nvery busy\ncome back");
    }

    #[test]
    fn enhanced_code_of_another_class_stays_in_the_words() {
        let reply = parsed(b"250 5.1.1 odd\r\n");
        assert_eq!(reply, Reply::basic(250, "5.1.1 odd"));
    }

    #[test]
    fn bare_code_and_bare_line_feed_are_read() {
        assert_eq!(parsed(b"250\r\n"), Reply::basic(250, ""));
        assert_eq!(parsed(b"250 ok\n"), Reply::basic(250, "ok"));
    }

    #[test]
    fn unfinished_reply_asks_for_more() {
        for part in [&b""[..], b"25", b"250-a\r\n", b"250-a\r\n250 b\r"] {
            assert_eq!(Reply::parse(part), Ok(None), "{part:?}");
        }
    }

    #[test]
    fn reply_ends_where_its_last_line_ends() {
        let (reply, used) = Reply::parse(b"250 a\r\n550 b\r\n").unwrap().unwrap();
        assert_eq!((reply.code, used), (250, 7));
    }

    #[test]
    fn what_is_not_a_reply_is_refused_before_its_line_ends() {
        for bad in [
            &b"HTTP/1.1 400"[..],
            b"999 x\r\n",
            b"25\r\n",
            b"250_x\r\n",
            b"\r\n",
        ] {
            let error = Reply::parse(bad).unwrap_err();
            assert!(matches!(error, ReplyError::NotAReply { .. }), "{bad:?}: {error}");
        }
    }

    #[test]
    fn code_that_changes_between_lines_is_refused() {
        let error = Reply::parse(b"250-a\r\n550 b\r\n").unwrap_err();
        assert_eq!(
            error,
            ReplyError::CodeChanged {
                first: 250,
                then: 550
            }
        );
    }

    #[test]
    fn endless_lines_and_endless_replies_are_refused() {
        let line = [b"250 ".as_slice(), &[b'x'; REPLY_LINE_BYTES_MAX]].concat();
        assert_eq!(Reply::parse(&line), Err(ReplyError::LineTooLong));
        let many = b"250-x\r\n".repeat(REPLY_LINES_MAX + 1);
        assert_eq!(Reply::parse(&many), Err(ReplyError::TooLong));
        let wide = [b"250-".as_slice(), &[b'x'; 1_000], b"\r\n"].concat().repeat(40);
        assert_eq!(Reply::parse(&wide), Err(ReplyError::TooLong));
    }

    #[test]
    fn control_characters_never_reach_the_words() {
        assert_eq!(parsed(b"550 a\x1b[31mb\xff\r\n").text, "a [31mb\u{fffd}");
    }

    #[test]
    fn written_reply_reads_back_the_same() {
        let reply = Reply::enhanced(452, EnhancedCode::new(4, 5, 3), "too many\nreally \u{e9}\nlast");
        let mut wire = Vec::new();
        reply.write_to(&mut wire);
        assert_eq!(
            wire,
            "452-4.5.3 too many\r\n452-4.5.3 really é\r\n452 4.5.3 last\r\n".as_bytes()
        );
        assert_eq!(parsed(&wire), reply);
    }
}
