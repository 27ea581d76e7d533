//! Drafts become RFC 5322 messages: UTF-8 header fields encoded, text and HTML as alternatives, attachments in base64.

use std::borrow::Cow;

use mail_builder::MessageBuilder;
use mail_builder::encoders::base64::Base64Encoder;
use mail_builder::headers::HeaderType;
use mail_builder::headers::address::Address as HeaderAddress;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::mime::{BodyPart, MimePart};
use memchr::{memchr2, memmem};
use postroom_domain::{Mailbox, Refusal};
use postroom_store::{BodyType, Content, NewMessage, Shown, SmtpParameters};

use super::desk::Desk;
use super::draft::{Attachment, Draft};
use super::recipients::travelling;
use super::stamp::{self, Origin};
use super::text;
use crate::packing::pack;

/// Room for a header and the frame of its parts: most fit.
const HEADER_BYTES: usize = 2_048;
/// Room for the header of an attachment.
const PART_HEADER_BYTES: usize = 256;

/// Octets of base64 in lines of 76 with their ends.
const fn encoded_bytes(octets: usize) -> usize {
    let encoded = octets.div_ceil(3) * 4;
    encoded + encoded.div_ceil(76) * 2 + 2
}

/// Makes a message for the store of a draft.
///
/// # Errors
/// A [`Refusal`] that names what is wrong.
pub(super) fn build(desk: &Desk<'_>, mut draft: Draft) -> Result<NewMessage, Refusal> {
    // What is too large before it is encoded is too large after it: spare the work.
    desk.check_size(draft.content_bytes())?;
    draft.check(desk.limits)?;
    let extras = std::mem::take(&mut draft.extras).checked(desk.limits, desk.now)?;
    let identity = desk.principal.rights.identity(draft.from.address())?;
    let recipients = draft.recipients(desk.limits.recipients)?;
    let kind = desk.principal.kind(extras.kind, || {
        recipients.all(|address| desk.directory.is_user(address))
    })?;
    let (recipients, recipients_utf8) = recipients.finish()?;
    let preview = if kind.body_is_secret() {
        String::new()
    } else {
        preview(&draft)
    };
    let message_id = stamp::message_id(desk.random, desk.host);
    let mail_from = travelling(draft.from.address());
    let mut shown = Shown {
        from: text::shown(&draft.from.to_string()),
        to: listed(&draft.to),
        cc: listed(&draft.cc),
        bcc: listed(&draft.bcc),
        subject: text::shown(&draft.subject),
        preview,
        mime_type: String::new(),
        message_id: message_id.clone(),
        size_bytes: 0,
    };
    let octets = write(desk, draft, &message_id, &mut shown.mime_type);
    desk.check_size(octets.len())?;
    shown.size_bytes = u64::try_from(octets.len()).unwrap_or(u64::MAX);
    let body_at = memmem::find(&octets, b"\r\n\r\n").map_or(octets.len(), |at| at + 4);
    let (block, body) = octets.split_at_checked(body_at).unwrap_or((&octets, &[]));
    let smtputf8 = recipients_utf8 || !block.is_ascii();
    Ok(NewMessage {
        sender: identity.user,
        office: identity.office,
        submitted_by: desk.principal.submitted_by,
        kind,
        route: identity.route,
        mail_from,
        recipients,
        parameters: SmtpParameters {
            body: if octets.is_ascii() {
                BodyType::SevenBit
            } else {
                BodyType::EightBitMime
            },
            smtputf8,
            ret: None,
            envid: None,
        },
        shown,
        send_at: extras.send_at,
        tags: extras.tags,
        external_id: extras.external_id,
        metadata: extras.metadata,
        resent_from: None,
        content: Content {
            header: pack(block),
            body: pack(body),
        },
    })
}

/// Writes the whole message and tells its media type.
fn write(desk: &Desk<'_>, draft: Draft, message_id: &str, mime_type: &mut String) -> Vec<u8> {
    let mut message = MessageBuilder::new()
        .header("Date", Raw::new(stamp::date(desk.now)))
        .header("Message-ID", Raw::new(message_id))
        .header("From", addresses(std::slice::from_ref(&draft.from)));
    for (name, list) in [
        ("Reply-To", &draft.reply_to),
        ("To", &draft.to),
        ("Cc", &draft.cc),
    ] {
        if !list.is_empty() {
            message = message.header(name, addresses(list));
        }
    }
    // A message to blind copies alone shows that it has recipients, and not who (RFC 5322 §3.6.3).
    if draft.to.is_empty() && draft.cc.is_empty() {
        message = message.header("To", Raw::new("undisclosed-recipients:;"));
    }
    message = message.header("Subject", Text::new(draft.subject.as_str()));
    for (name, value) in &draft.headers {
        let value: HeaderType<'_> = if value.is_ascii() {
            Raw::new(value.as_str()).into()
        } else {
            Text::new(value.as_str()).into()
        };
        message = message.header(name.as_str(), value);
    }
    let words = draft.text.as_ref().map_or(0, String::len) + draft.html.as_ref().map_or(0, String::len);
    let files = draft
        .attachments
        .iter()
        .map(|file| encoded_bytes(file.content.len()) + PART_HEADER_BYTES);
    let expected = words + words / 8 + files.sum::<usize>() + HEADER_BYTES;
    let body = body(desk, draft.text, draft.html, draft.attachments);
    *mime_type = body.media.to_owned();
    let mut octets = Vec::with_capacity(expected);
    octets.extend_from_slice(Origin::HTTP.received(desk.host, desk.now).as_bytes());
    message.body(body.part).serialize(&mut octets);
    octets
}

fn addresses(list: &[Mailbox]) -> HeaderAddress<'_> {
    let one = |mailbox: &Mailbox| {
        HeaderAddress::new_address(
            mailbox.name().map(|name| name.to_owned()),
            travelling(mailbox.address()),
        )
    };
    match list {
        [only] => one(only),
        several => HeaderAddress::new_list(several.iter().map(one).collect()),
    }
}

/// A body and its media type.
struct Body {
    part: MimePart<'static>,
    media: &'static str,
}

fn body(desk: &Desk<'_>, text: Option<String>, html: Option<String>, files: Vec<Attachment>) -> Body {
    let multipart = |media: &'static str, parts: Vec<MimePart<'static>>| {
        let content_type = ContentType::new(media).attribute("boundary", stamp::boundary(desk.random));
        Body {
            part: MimePart::new(content_type, BodyPart::Multipart(parts)),
            media,
        }
    };
    let words = match (text, html) {
        (Some(text), Some(html)) => multipart("multipart/alternative", vec![plain(text), rich(html)]),
        (None, Some(html)) => Body {
            part: rich(html),
            media: "text/html",
        },
        (text, None) => Body {
            part: plain(text.unwrap_or_default()),
            media: "text/plain",
        },
    };
    if files.is_empty() {
        return words;
    }
    let mut parts = vec![words.part];
    parts.extend(files.into_iter().map(file));
    multipart("multipart/mixed", parts)
}

fn plain(text: String) -> MimePart<'static> {
    MimePart::new("text/plain", BodyPart::Text(crlf(text).into()))
}

fn rich(html: String) -> MimePart<'static> {
    MimePart::new("text/html", BodyPart::Text(crlf(html).into()))
}

fn file(attachment: Attachment) -> MimePart<'static> {
    // A message/* part may not be encoded (RFC 2046 §5.2), and only encoded does a file stay as it is.
    let media = if attachment
        .content_type
        .to_ascii_lowercase()
        .starts_with("message/")
    {
        Cow::Borrowed("application/octet-stream")
    } else {
        Cow::Owned(attachment.content_type)
    };
    // Encoded here, because the builder would choose quoted-printable for text and another program its own line ends.
    let mut lines = Vec::with_capacity(encoded_bytes(attachment.content.len()));
    Base64Encoder::new()
        .wrap_lines()
        .encode_into(&attachment.content, &mut lines);
    drop(attachment.content);
    MimePart::new(ContentType::new(media), BodyPart::Binary(lines.into()))
        .transfer_encoding("base64")
        .attachment(attachment.filename)
}

/// A text whose lines all end with CR LF, however they ended before, and whose last line ends too.
fn crlf(text: String) -> String {
    let mut lines = String::with_capacity(text.len() + text.len() / 32 + 2);
    let mut rest = text.as_str();
    while let Some((line, after)) =
        memchr2(b'\r', b'\n', rest.as_bytes()).and_then(|at| rest.split_at_checked(at))
    {
        lines.push_str(line);
        lines.push_str("\r\n");
        rest = after
            .strip_prefix("\r\n")
            .or_else(|| after.get(1..))
            .unwrap_or_default();
    }
    lines.push_str(rest);
    if !lines.ends_with("\r\n") {
        lines.push_str("\r\n");
    }
    lines
}

fn preview(draft: &Draft) -> String {
    match (&draft.text, &draft.html) {
        (Some(text), _) if !text.trim().is_empty() => text::preview_of_text(text),
        (_, Some(html)) => text::preview_of_html(html),
        (_, None) => String::new(),
    }
}

fn listed(list: &[Mailbox]) -> String {
    let all: Vec<String> = list.iter().map(ToString::to_string).collect();
    text::shown(&all.join(", "))
}

#[cfg(test)]
mod tests;
