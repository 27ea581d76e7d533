//! Command lines, ended by CRLF and by nothing else.

use super::BareLineEnd;

/// What the bytes at hand hold of the next command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandLine {
    /// A whole line: `length` bytes of text, followed by CRLF.
    Complete {
        /// Bytes before the CRLF.
        length: usize,
    },
    /// The line's end has not arrived and it may still fit.
    Unfinished,
    /// The line has more than the allowed bytes, CRLF included (RFC 5321 §4.5.3.1.4).
    TooLong,
    /// The line holds a CR or LF that stands alone.
    Bare(BareLineEnd),
}

/// Looks for the end of the command line at the start of `bytes`; `max` counts its CRLF too.
#[must_use]
pub fn next_line(bytes: &[u8], max: usize) -> CommandLine {
    let Some(end) = memchr::memchr2(b'\r', b'\n', bytes) else {
        return if bytes.len() + 2 > max {
            CommandLine::TooLong
        } else {
            CommandLine::Unfinished
        };
    };
    if end + 2 > max {
        return CommandLine::TooLong;
    }
    match (bytes.get(end), bytes.get(end + 1)) {
        (Some(b'\n'), _) => CommandLine::Bare(BareLineEnd::LineFeed),
        (_, None) => CommandLine::Unfinished,
        (_, Some(b'\n')) => CommandLine::Complete { length: end },
        (_, Some(_)) => CommandLine::Bare(BareLineEnd::CarriageReturn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_crlf_ends_a_line() {
        assert_eq!(
            next_line(b"NOOP\r\nQUIT\r\n", 512),
            CommandLine::Complete { length: 4 }
        );
        assert_eq!(next_line(b"NOOP\r", 512), CommandLine::Unfinished);
        assert_eq!(
            next_line(b"NOOP\n", 512),
            CommandLine::Bare(BareLineEnd::LineFeed)
        );
        assert_eq!(
            next_line(b"NO\rOP\r\n", 512),
            CommandLine::Bare(BareLineEnd::CarriageReturn)
        );
        assert_eq!(
            next_line(b"\r\r\n", 512),
            CommandLine::Bare(BareLineEnd::CarriageReturn)
        );
    }

    #[test]
    fn length_limit_counts_the_line_end() {
        assert_eq!(
            next_line(b"12345678\r\n", 10),
            CommandLine::Complete { length: 8 }
        );
        assert_eq!(next_line(b"123456789\r\n", 10), CommandLine::TooLong);
        assert_eq!(next_line(b"12345678", 10), CommandLine::Unfinished);
        assert_eq!(next_line(b"123456789", 10), CommandLine::TooLong);
    }
}
