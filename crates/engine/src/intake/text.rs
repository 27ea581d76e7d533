//! Header values and bodies in words for the list: decoded, safe to show, short.

use std::borrow::Cow;

use mail_parser::decoders::html::html_to_text;
use mail_parser::parsers::MessageStream;
use mail_parser::{Address, HeaderValue, MessageParser};
use postroom_domain::legible;

use super::header::{Header, unfold};

/// Longest text that is shown of a header field, in characters.
const FIELD_CHARS: usize = 1_000;
/// Characters of the body that the list shows (Q2).
const PREVIEW_CHARS: usize = 200;
/// Octets of a plain body that can hold the preview: four an UTF-8 character, and white space that collapses.
const PLAIN_BYTES: usize = 2 * 1024;
/// Octets of a body or a field that has to be decoded first; what is shown stands at its beginning. Decoding takes time by
/// the square of the length where encoded words do not end.
const ENCODED_BYTES: usize = 16 * 1024;
/// Longest field that says how a body is read; parameters take time by the square of their number.
const MIME_FIELD_BYTES: usize = 8 * 1024;

/// An unstructured value, decoded (RFC 2047).
pub(super) fn unstructured(value: &[u8]) -> String {
    let plain = unfold(value);
    if !plain.contains("=?") {
        return shown(&plain);
    }
    let value = format!("{}\r\n", beginning_of_str(&plain, ENCODED_BYTES));
    let parsed = MessageStream::new(value.as_bytes()).parse_unstructured();
    if let HeaderValue::Text(text) = parsed {
        shown(&text)
    } else {
        shown(&plain)
    }
}

/// An address list, names decoded.
pub(super) fn addresses(value: &[u8]) -> String {
    let plain = unfold(value);
    if !plain.contains("=?") {
        return shown(&plain);
    }
    // Decoded name by name: an encoded word must not become an address of the list.
    let value = format!("{}\r\n", beginning_of_str(&plain, ENCODED_BYTES));
    let parsed = MessageStream::new(value.as_bytes()).parse_address();
    if let HeaderValue::Address(list) = parsed {
        shown(&address_list(&list))
    } else {
        shown(&plain)
    }
}

fn address_list(list: &Address<'_>) -> String {
    let mut text = String::new();
    for one in list.iter() {
        if !text.is_empty() {
            text.push_str(", ");
        }
        match (one.name(), one.address()) {
            (Some(name), Some(address)) => {
                let name: String = name.chars().filter(|c| !"<>\",".contains(*c)).collect();
                text.push_str(&format!("{name} <{address}>"));
            }
            (None, Some(only)) | (Some(only), None) => text.push_str(only),
            (None, None) => {}
        }
    }
    text
}

/// A text made safe to show: no hidden characters, not too long.
pub(super) fn shown(text: &str) -> String {
    legible::shown(text).chars().take(FIELD_CHARS).collect()
}

/// The media type of a message's Content-Type: `text/plain` where there is none (RFC 2045 §5.2).
pub(super) fn media_type(value: Option<&[u8]>) -> String {
    let value = value.map(unfold).unwrap_or_default();
    let name = value.split(';').next().unwrap_or_default().trim();
    if name.is_empty() || name.len() > 127 || !name.is_ascii() {
        return "text/plain".to_owned();
    }
    name.to_ascii_lowercase()
}

/// The first characters of a plain text on one line.
pub(super) fn preview_of_text(text: &str) -> String {
    let mut line = String::with_capacity(PREVIEW_CHARS);
    let mut chars = 0;
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            gap = chars > 0;
            continue;
        }
        if gap {
            line.push(' ');
            chars += 1;
            gap = false;
        }
        if chars >= PREVIEW_CHARS {
            break;
        }
        line.push(c);
        chars += 1;
    }
    shown(line.trim_end())
}

/// The first characters of an HTML text without its tags.
pub(super) fn preview_of_html(html: &str) -> String {
    preview_of_text(&html_to_text(beginning_of_str(html, ENCODED_BYTES)))
}

/// The first characters of a raw body. A plain one is read as it is; another is decoded, its beginning alone.
pub(super) fn preview_of_body(header: &Header<'_>, body: &[u8]) -> String {
    let media = media_type(header.value("Content-Type"));
    let encoding = header
        .value("Content-Transfer-Encoding")
        .map(unfold)
        .unwrap_or_default();
    let as_it_is = ["", "7bit", "8bit", "binary"]
        .iter()
        .any(|name| encoding.eq_ignore_ascii_case(name));
    if as_it_is && media == "text/plain" {
        let start = beginning(body, PLAIN_BYTES);
        if let Some(text) = utf8_beginning(start) {
            return preview_of_text(text);
        }
    }
    let mut part = Vec::with_capacity(body.len().min(ENCODED_BYTES) + 512);
    for field in header.fields() {
        if field.whole.len() > MIME_FIELD_BYTES {
            continue;
        }
        if ["Content-Type", "Content-Transfer-Encoding", "MIME-Version"]
            .iter()
            .any(|name| field.is(name))
        {
            part.extend_from_slice(field.whole);
        }
    }
    part.extend_from_slice(b"\r\n");
    part.extend_from_slice(beginning(body, ENCODED_BYTES));
    let parsed = MessageParser::default().parse(&part);
    let text = parsed.as_ref().and_then(|message| message.body_text(0));
    preview_of_text(&text.unwrap_or(Cow::Borrowed("")))
}

fn beginning(octets: &[u8], most: usize) -> &[u8] {
    octets.get(..most).unwrap_or(octets)
}

fn beginning_of_str(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// The octets as UTF-8, but for a character that was cut at their end.
fn utf8_beginning(octets: &[u8]) -> Option<&str> {
    match str::from_utf8(octets) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() => str::from_utf8(octets.get(..error.valid_up_to())?).ok(),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::limits::IntakeLimits;

    fn preview(header: &str, body: &[u8]) -> String {
        let header = Header::parse(header.as_bytes(), &IntakeLimits::default()).expect("header");
        preview_of_body(&header, body)
    }

    #[test]
    fn headers_are_decoded_and_made_safe() {
        assert_eq!(unstructured(b" Gr\xc3\xbc\xc3\x9fe"), "Grüße");
        assert_eq!(
            unstructured(b" =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?B?IQ==?="),
            "Grüße!"
        );
        assert_eq!(unstructured("a\u{202e}b\tc\u{200b}d".as_bytes()), "ab cd");
        assert_eq!(unstructured("👩\u{200d}🚀".as_bytes()), "👩\u{200d}🚀");
        assert_eq!(
            addresses(b"=?utf-8?Q?D=C3=A4na_=3Cevil=40x=2Etest=3E=2C?= <case@example.com>, b@x.test"),
            "Däna evil@x.test <case@example.com>, b@x.test"
        );
        assert_eq!(unstructured(&b"x".repeat(5000)).len(), FIELD_CHARS);
    }

    #[test]
    fn fields_made_to_take_long_take_no_time() {
        let began = std::time::Instant::now();
        let words = "=?aa?q?x".repeat(30_000);
        assert!(unstructured(words.as_bytes()).contains("=?aa?q?x"));
        addresses(words.as_bytes());
        let pieces: String = (0..15_000).map(|n| format!("a{n}*1=x;\r\n ")).collect();
        let field = format!("Content-Type: text/html; {pieces}x=y\r\n");
        assert_eq!(preview(&field, b"Dear Case"), "Dear Case");
        assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    }

    #[test]
    fn bodies_show_their_first_words() {
        assert_eq!(
            preview("", b"  Dear\r\n\r\nCase,\t hello  \r\n"),
            "Dear Case, hello"
        );
        assert_eq!(preview("", &"ä".repeat(3000).into_bytes()), "ä".repeat(200));
        assert_eq!(
            preview("Content-Type: text/html\r\n", b"<p>Dear <b>Case</b></p>"),
            "Dear Case"
        );
        let qp =
            "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n";
        assert_eq!(preview(qp, b"Gr=FC=DFe"), "Grüße");
        let multi = "Content-Type: multipart/alternative; boundary=\"x\"\r\n";
        let body = b"--x\r\nContent-Type: text/plain\r\n\r\nPlain words\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>Rich</p>\r\n--x--\r\n";
        assert_eq!(preview(multi, body), "Plain words");
        assert_eq!(preview("Content-Type: image/png\r\n", b"\x89PNG"), "");
    }

    #[test]
    fn media_type_is_plain_text_where_none_is_told() {
        assert_eq!(media_type(None), "text/plain");
        assert_eq!(media_type(Some(b" Text/HTML;\r\n charset=utf-8")), "text/html");
        assert_eq!(media_type(Some(b";;")), "text/plain");
    }
}
