//! Messages in parts that are themselves encoded, which RFC 2046 §5.2.1 forbids and some mail servers do.

use mail_parser::parsers::MessageStream;
use memchr::memmem;

use super::content_types::has;
use super::parts::Nested;
use super::{Budget, take_message};

/// Takes what encoded messages cost; `None` where too little is left.
pub(super) fn take(octets: &[u8], messages: &[Nested], budget: &mut Budget, levels: usize) -> Option<()> {
    for message in messages {
        let header = octets.get(message.header..message.body).unwrap_or_default();
        let body = octets.get(message.body..).unwrap_or_default();
        budget.take_scan(header.len())?;
        // The name of the encoding may be an encoded word.
        let may_be_any = memmem::find(header, b"=?").is_some();
        if may_be_any || has(header, b"base64") {
            // The parser takes two hyphens for the end, or the part for no base64.
            let end = memmem::find(body, b"--").unwrap_or(body.len());
            budget.take_scan(end)?;
            let body = body.get(..end).unwrap_or_default();
            let (_, decoded) = MessageStream::new(body).decode_base64_mime(b"");
            take_message(&decoded, budget, levels)?;
        }
        if may_be_any || has(header, b"quoted-printable") {
            // Up to the end: where the part ends is not known, and more than it has cannot cost less.
            budget.take_scan(body.len())?;
            take_message(&quoted_printable(body), budget, levels)?;
        }
    }
    Some(())
}

/// Between the octets of an encoded one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Plain,
    Equals,
    /// After the first digit.
    Digit(u8),
}

/// Decodes quoted-printable as the parser does, which ends where this passes over a mistake.
fn quoted_printable(octets: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(octets.len());
    let mut state = State::Plain;
    let mut blanks = 0;
    for &octet in octets {
        state = match (state, octet) {
            (_, b'=') => State::Equals,
            (State::Equals, b'\n') => {
                blanks = 0;
                State::Plain
            }
            (same, b'\n') => {
                decoded.truncate(decoded.len() - blanks);
                decoded.extend_from_slice(b"\r\n");
                blanks = 0;
                same
            }
            (same, b'\r') => same,
            (State::Plain, _) => {
                blanks = if octet.is_ascii_whitespace() {
                    blanks + 1
                } else {
                    0
                };
                decoded.push(octet);
                State::Plain
            }
            (State::Equals, _) if octet.is_ascii_hexdigit() => State::Digit(octet),
            (State::Equals, _) if octet.is_ascii_whitespace() => State::Equals,
            (State::Equals, _) => {
                decoded.extend_from_slice(&[b'=', octet]);
                blanks = 0;
                State::Plain
            }
            (State::Digit(first), _) => {
                match byte(first, octet) {
                    Some(byte) => decoded.push(byte),
                    None => decoded.extend_from_slice(&[b'=', first, octet]),
                }
                blanks = 0;
                State::Plain
            }
        };
    }
    decoded
}

/// The byte of two hexadecimal digits.
fn byte(first: u8, second: u8) -> Option<u8> {
    let high = char::from(first).to_digit(16)?;
    let low = char::from(second).to_digit(16)?;
    u8::try_from(16 * high + low).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_printable_is_decoded_as_the_parser_decodes_it() {
        for text in [
            "Content-Type: text/plain; charset=3Dutf-8\r\n\r\nGr=C3=BC=C3=9Fe=\r\n!\r\n",
            "a =\r\nb  \r\nc=20\r\n",
            "= 41 =4",
            "=\r\n=\r\n",
            "=4\r\n1x",
        ] {
            let (_, decoded) = MessageStream::new(text.as_bytes()).decode_quoted_printable_mime(b"");
            assert_eq!(quoted_printable(text.as_bytes()), decoded.as_ref(), "{text:?}");
        }
    }
}
