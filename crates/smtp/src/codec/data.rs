//! Message data: the transparency of RFC 5321 §4.5.2, taken off.

use super::BareLineEnd;

/// How far [`DataDecoder::decode`] came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataProgress {
    /// Every byte given was used and the message goes on.
    More,
    /// The final dot was met; the first `used` bytes belong to the message, what follows is the next command.
    Complete {
        /// Bytes used of the slice that was given.
        used: usize,
    },
}

/// Takes the dots out of message data as it arrives and finds its end, `<CRLF>.<CRLF>` and nothing else.
///
/// | state | CR | LF | `.` | other |
/// | --- | --- | --- | --- | --- |
/// | line start | after CR | bare LF | after dot | in line |
/// | in line | after CR | bare LF | in line | in line |
/// | after CR | bare CR | line start | bare CR | bare CR |
/// | after dot (held back) | after dot CR | bare LF | in line | in line |
/// | after dot CR | bare CR | **end** | bare CR | bare CR |
///
/// A line's first dot is dropped whatever follows it, as §4.5.2 says. Bytes are copied in runs between such dots,
/// not line by line.
#[derive(Debug, Clone)]
pub struct DataDecoder {
    state: State,
    decoded_bytes: u64,
    keep_bytes_max: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    LineStart,
    InLine,
    AfterCr,
    AfterDot,
    AfterDotCr,
}

impl DataDecoder {
    /// Starts at the first line of a message of which at most `keep_bytes_max` bytes are kept; what is over is counted
    /// and thrown away, so that the end can still be found.
    #[must_use]
    pub const fn new(keep_bytes_max: usize) -> Self {
        Self {
            state: State::LineStart,
            decoded_bytes: 0,
            keep_bytes_max,
        }
    }

    /// Keeps nothing more: what still comes is counted and thrown away, so that the end can be found.
    pub const fn discard_rest(&mut self) {
        self.keep_bytes_max = 0;
    }

    /// Counts the message's bytes so far, those thrown away included.
    #[must_use]
    pub const fn decoded_bytes(&self) -> u64 {
        self.decoded_bytes
    }

    /// Tells whether the message has more bytes than are kept.
    #[must_use]
    pub fn is_oversize(&self) -> bool {
        usize::try_from(self.decoded_bytes).map_or(true, |bytes| bytes > self.keep_bytes_max)
    }

    /// Appends to `message` what `bytes` hold of it.
    ///
    /// # Errors
    /// [`BareLineEnd`] where a CR or LF stands alone; the session must not go on, for where the message ends has
    /// become a matter of opinion.
    pub fn decode(&mut self, bytes: &[u8], message: &mut Vec<u8>) -> Result<DataProgress, BareLineEnd> {
        // `run` is where the bytes not yet copied start, `at` the next byte to look at.
        let (mut run, mut at) = (0, 0);
        while let Some(&byte) = bytes.get(at) {
            match (self.state, byte) {
                (State::LineStart, b'.') => {
                    self.keep(bytes.get(run..at), message);
                    (self.state, at) = (State::AfterDot, at + 1);
                    run = at;
                }
                (State::AfterCr, b'\n') => (self.state, at) = (State::LineStart, at + 1),
                (State::AfterDotCr, b'\n') => return Ok(DataProgress::Complete { used: at + 1 }),
                (State::AfterCr | State::AfterDotCr, _) => return Err(BareLineEnd::CarriageReturn),
                (State::AfterDot, b'\r') => {
                    // Held back: if a line feed follows, the pair is the end and not part of the message.
                    (self.state, at) = (State::AfterDotCr, at + 1);
                    run = at;
                }
                (State::LineStart | State::InLine | State::AfterDot, _) => {
                    let rest = bytes.get(at..).unwrap_or_default();
                    let Some(found) = memchr::memchr2(b'\r', b'\n', rest) else {
                        self.state = State::InLine;
                        break;
                    };
                    at += found;
                    if bytes.get(at) == Some(&b'\n') {
                        return Err(BareLineEnd::LineFeed);
                    }
                    (self.state, at) = (State::AfterCr, at + 1);
                }
            }
        }
        self.keep(bytes.get(run..), message);
        Ok(DataProgress::More)
    }

    fn keep(&mut self, run: Option<&[u8]>, message: &mut Vec<u8>) {
        let run = run.unwrap_or_default();
        self.decoded_bytes += run.len() as u64;
        let room = self.keep_bytes_max.saturating_sub(message.len());
        message.extend_from_slice(run.get(..room).unwrap_or(run));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(wire: &[u8]) -> Result<(Vec<u8>, DataProgress), BareLineEnd> {
        let mut message = Vec::new();
        let progress = DataDecoder::new(1_000).decode(wire, &mut message)?;
        Ok((message, progress))
    }

    #[test]
    fn lone_dot_as_first_line_is_an_empty_message() {
        assert_eq!(decode(b".\r\n"), Ok((vec![], DataProgress::Complete { used: 3 })));
    }

    #[test]
    fn stuffed_dots_are_taken_out_on_every_line() {
        let (message, progress) = decode(b"..first\r\n...\r\na.b\r\n.x\r\n.\r\nQUIT\r\n").unwrap();
        assert_eq!(message, b".first\r\n..\r\na.b\r\nx\r\n");
        assert_eq!(progress, DataProgress::Complete { used: 26 });
    }

    #[test]
    fn only_crlf_dot_crlf_ends_the_message() {
        for smuggled in ["a\n.\n", "a\n.\r\n", "a\r\n.\n", "\n.\r\n", ".\n"] {
            assert_eq!(
                decode(smuggled.as_bytes()),
                Err(BareLineEnd::LineFeed),
                "{smuggled:?}"
            );
        }
        for smuggled in [
            "a\r.\r\n",
            "a\r.\r",
            "a\r\n.\r.\r\n",
            "a\r\r\n",
            "a\r\n.\rQUIT",
            "\r\r",
        ] {
            assert_eq!(
                decode(smuggled.as_bytes()),
                Err(BareLineEnd::CarriageReturn),
                "{smuggled:?}"
            );
        }
    }

    #[test]
    fn what_is_over_the_limit_is_counted_and_thrown_away() {
        let mut decoder = DataDecoder::new(4);
        let mut message = Vec::new();
        let progress = decoder.decode(b"..234567\r\n.\r\n", &mut message).unwrap();
        assert_eq!(progress, DataProgress::Complete { used: 13 });
        assert_eq!((message.as_slice(), decoder.decoded_bytes()), (&b".234"[..], 9));
        assert!(decoder.is_oversize());
    }
}
