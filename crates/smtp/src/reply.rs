//! SMTP replies: a three-digit code, perhaps an enhanced code, and words (RFC 5321 §4.2, RFC 3463).

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

/// Longest text kept of a reply line, in bytes. RFC 5321 §4.5.3.1.5 allows 512 for a line; relays in the wild send more,
/// and what is longer is read and cut.
pub const REPLY_LINE_BYTES_MAX: usize = 2_048;
/// Most lines kept of one reply; those beyond are read for their codes.
pub const REPLY_LINES_MAX: usize = 128;
/// Longest reply accepted over all its lines, in bytes.
pub const REPLY_BYTES_MAX: usize = 65_536;

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
    /// The lines of one reply contradict each other: one accepts what another refuses (RFC 5321 §4.2.1).
    #[error("the server's reply changes its code from {first} to {then} between its lines")]
    CodeChanged {
        /// The code of the lines before.
        first: u16,
        /// The code that contradicts it.
        then: u16,
    },
    /// The reply has more than [`REPLY_BYTES_MAX`] bytes.
    #[error("the server sent a reply of more than {REPLY_BYTES_MAX} bytes")]
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
    /// The digits decide, and whatever is untidy around them does not:
    ///
    /// | the lines' codes | the reply's code |
    /// | --- | --- |
    /// | all of one class (`250-`, `251 `) | the last line's, or 421 where a line says that |
    /// | 4yz and 5yz | the 4yz one: trying again costs little |
    /// | 2yz or 3yz and another class | [`ReplyError::CodeChanged`] |
    ///
    /// Lines may end in a bare LF: nothing depends on it in this direction. Control characters and bytes that are not
    /// UTF-8 are replaced, for the words go to logs and people.
    ///
    /// # Errors
    /// [`ReplyError`] as soon as the bytes cannot become a reply within the limits.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, ReplyError> {
        let mut at = 0;
        let mut codes: Option<u16> = None;
        let mut enhanced = None;
        let mut text = String::new();
        let mut kept = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(end) = memchr::memchr(b'\n', rest) else {
                return refuse_hopeless(rest, at).map(|()| None);
            };
            at += end + 1;
            if at > REPLY_BYTES_MAX {
                return Err(ReplyError::TooLong);
            }
            let line = parse_line(rest.get(..end).unwrap_or_default())?;
            let code = codes.map_or(Ok(line.code), |before| common_code(before, line.code))?;
            codes = Some(code);
            let words = match EnhancedCode::strip_from(&line.text) {
                Some((found, words)) if u16::from(found.class) == line.code / 100 => {
                    enhanced = enhanced
                        .filter(|kept: &EnhancedCode| kept.class == found.class)
                        .or(Some(found));
                    words
                }
                _ => &line.text,
            };
            if kept < REPLY_LINES_MAX {
                if kept > 0 {
                    text.push('\n');
                }
                text.push_str(words);
                kept += 1;
            }
            if line.last {
                let reply = Self {
                    code,
                    enhanced: enhanced.filter(|found| u16::from(found.class) == code / 100),
                    text: text.into(),
                };
                return Ok(Some((reply, at)));
            }
        }
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

/// The code of a reply whose lines so far say `before` and whose next line says `then`.
fn common_code(before: u16, then: u16) -> Result<u16, ReplyError> {
    match (before / 100, then / 100) {
        (4, 4 | 5) if before == 421 => Ok(before),
        (4, 5) => Ok(before),
        (5, 4) => Ok(then),
        (class, same) if class == same => Ok(then),
        _ => Err(ReplyError::CodeChanged { first: before, then }),
    }
}

fn parse_line(raw: &[u8]) -> Result<Line<'_>, ReplyError> {
    let text_end = raw.iter().rposition(|&b| b != b'\r').map_or(0, |last| last + 1);
    let raw = raw.get(..text_end).unwrap_or(raw);
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
    let text = match words.get(..REPLY_LINE_BYTES_MAX) {
        // A character that the cut divides is no loss.
        Some(kept) if kept.len() < words.len() => {
            printable(kept).trim_end_matches('\u{fffd}').to_owned().into()
        }
        _ => printable(words),
    };
    Ok(Line { code, last, text })
}

/// Refuses an unfinished line early where nothing that may follow makes it a reply.
fn refuse_hopeless(rest: &[u8], before: usize) -> Result<(), ReplyError> {
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
mod tests;
