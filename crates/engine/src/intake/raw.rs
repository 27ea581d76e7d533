//! Messages that come as RFC 5322 octets: by SMTP, `POST /messages/raw`, the sendmail command line.
//!
//! The body travels byte for byte. The header block loses Bcc and `X-Postroom-Kind` and gains, at its top, Received and
//! whichever of Date, Message-ID and From is missing (RFC 6409 §8); every other field stays as it is.

use postroom_domain::{Address, Kind, Mailbox, Refusal};
use postroom_store::{BodyType, Content, NewMessage, Shown, SmtpParameters};

use super::desk::Desk;
use super::extras::Extras;
use super::header::{Header, unfold};
use super::lines::{self, Split};
use super::recipients::{EnvelopeRecipient, Recipients, Roles, travelling};
use super::sender::Identity;
use super::stamp::{self, Origin};
use super::text;
use crate::packing::pack;

/// A raw message and what came with it.
#[derive(Debug, Clone)]
pub struct RawSubmission {
    /// The message, every line ended with CR LF.
    pub octets: Vec<u8>,
    /// Whom it is from and goes to.
    pub envelope: Envelope,
    /// How it came.
    pub origin: Origin,
    /// What was said besides.
    pub extras: Extras,
}

/// Whom a message is from and goes to.
#[derive(Debug, Clone)]
pub enum Envelope {
    /// As SMTP told.
    Given(GivenEnvelope),
    /// From `From` (or `Sender`) to whoever stands in To, Cc and Bcc.
    FromHeader,
}

/// The envelope of an SMTP transaction.
#[derive(Debug, Clone, Default)]
pub struct GivenEnvelope {
    /// MAIL FROM; `None` for the null reverse-path.
    pub mail_from: Option<Address>,
    /// RCPT TO.
    pub recipients: Vec<EnvelopeRecipient>,
    /// Whether the client said SMTPUTF8.
    pub charset: DeclaredCharset,
    /// DSN RET (RFC 3461 §4.3), as given.
    pub ret: Option<String>,
    /// DSN ENVID (RFC 3461 §4.4), as given.
    pub envid: Option<String>,
}

/// What MAIL FROM said of the header's characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeclaredCharset {
    /// Nothing: octets above 127 in a header travel as they are, as relays take them.
    #[default]
    Unsaid,
    /// SMTPUTF8 (RFC 6531): only such relays may get a header with more than ASCII.
    SmtpUtf8,
}

/// Makes a message for the store of a raw one.
///
/// # Errors
/// A [`Refusal`] that names what is wrong.
pub(super) fn build(desk: &Desk<'_>, submission: RawSubmission) -> Result<NewMessage, Refusal> {
    let RawSubmission {
        octets,
        envelope,
        origin,
        extras,
    } = submission;
    desk.check_size(octets.len())?;
    let extras = extras.checked(desk.limits, desk.now)?;
    let split = lines::check(&octets, desk.limits)?;
    let (block, body) = parts(&octets, split);
    let header = Header::parse(block, desk.limits)?;

    let envelope = match envelope {
        Envelope::Given(given) => given,
        Envelope::FromHeader => envelope_of(&header)?,
    };
    let identity = sender(desk, &header, envelope.mail_from.as_ref())?;
    let mut recipients = Recipients::new(desk.limits.recipients);
    let roles = Roles::of(&header);
    for recipient in envelope.recipients {
        let role = roles.role(&recipient.address);
        recipients.add(recipient, role)?;
    }
    let asked = asked_kind(&header, &extras)?;
    let kind = desk.principal.kind(asked, || {
        recipients.all(|address| desk.directory.is_user(address))
    })?;
    let (recipients, recipients_utf8) = recipients.finish()?;

    let written = write_header(desk, &header, &origin, envelope.mail_from.as_ref());
    let utf8_header = envelope.charset == DeclaredCharset::SmtpUtf8 && !block.is_ascii();
    let parameters = SmtpParameters {
        body: if octets.is_ascii() {
            BodyType::SevenBit
        } else {
            BodyType::EightBitMime
        },
        smtputf8: recipients_utf8
            || utf8_header
            || envelope.mail_from.as_ref().is_some_and(Address::needs_smtputf8),
        ret: envelope.ret,
        envid: envelope.envid,
    };
    Ok(NewMessage {
        sender: identity.user,
        office: identity.office,
        submitted_by: desk.principal.submitted_by,
        kind,
        route: identity.route,
        mail_from: envelope.mail_from.as_ref().map(travelling).unwrap_or_default(),
        recipients,
        parameters,
        shown: shown(&header, body, kind, &written, envelope.mail_from.as_ref()),
        send_at: extras.send_at,
        tags: extras.tags,
        external_id: extras.external_id,
        metadata: extras.metadata,
        resent_from: None,
        content: Content {
            header: pack(&written.block),
            body: pack(body),
        },
    })
}

fn parts(octets: &[u8], split: Split) -> (&[u8], &[u8]) {
    let block = octets.get(..split.fields_end).unwrap_or_default();
    let body = octets.get(split.body_at..).unwrap_or_default();
    (block, body)
}

/// Checks that the person may send as everybody whom the message names as its author, and says whose mail it is.
fn sender<'d>(
    desk: &Desk<'d>,
    header: &Header<'_>,
    mail_from: Option<&Address>,
) -> Result<&'d Identity, Refusal> {
    let rights = &desk.principal.rights;
    let mut whose = None;
    for name in ["From", "Sender"] {
        let Some(value) = header.value(name) else { continue };
        for mailbox in mailboxes(name, value)? {
            let identity = rights.identity(mailbox.address())?;
            whose = whose.or(Some(identity));
        }
    }
    if let Some(address) = mail_from {
        let identity = rights.identity(address)?;
        whose = whose.or(Some(identity));
    }
    whose.ok_or_else(|| Refusal::BadHeader {
        field: "From".to_owned(),
        reason: "is missing, and the envelope has no sender to write there: add it".into(),
    })
}

fn mailboxes(name: &str, value: &[u8]) -> Result<Vec<Mailbox>, Refusal> {
    Mailbox::parse_field(&unfold(value)).map_err(|error| Refusal::BadAddress {
        field: name.to_owned(),
        error,
    })
}

fn envelope_of(header: &Header<'_>) -> Result<GivenEnvelope, Refusal> {
    let mut envelope = GivenEnvelope::default();
    for name in ["Sender", "From"] {
        if let Some(value) = header.value(name) {
            let first = mailboxes(name, value)?.into_iter().next();
            envelope.mail_from = envelope.mail_from.or(first.map(|m| m.address().clone()));
        }
    }
    for name in ["To", "Cc", "Bcc"] {
        for field in header.all(name) {
            for mailbox in mailboxes(name, field.value)? {
                envelope.recipients.push(mailbox.address().clone().into());
            }
        }
    }
    Ok(envelope)
}

fn asked_kind(header: &Header<'_>, extras: &Extras) -> Result<Option<Kind>, Refusal> {
    match header.value(KIND_FIELD) {
        None => Ok(extras.kind),
        Some(value) => unfold(value)
            .parse()
            .map(Some)
            .map_err(|error| Refusal::UnknownKind {
                field: KIND_FIELD.to_owned(),
                error,
            }),
    }
}

const KIND_FIELD: &str = "X-Postroom-Kind";

/// A header block as it travels, and the Message-ID in it.
struct Written {
    block: Vec<u8>,
    message_id: String,
}

fn write_header(
    desk: &Desk<'_>,
    header: &Header<'_>,
    origin: &Origin,
    mail_from: Option<&Address>,
) -> Written {
    let original: usize = header.fields().iter().map(|field| field.whole.len()).sum();
    let mut block = Vec::with_capacity(original + 400);
    block.extend_from_slice(origin.received(desk.host, desk.now).as_bytes());
    if header.value("Date").is_none() {
        push_field(&mut block, "Date", &stamp::date(desk.now));
    }
    let message_id = match header.value("Message-ID") {
        Some(value) => unfold(value),
        None => {
            let made = stamp::message_id(desk.random, desk.host);
            push_field(&mut block, "Message-ID", &made);
            made
        }
    };
    if let (None, Some(address)) = (header.value("From"), mail_from) {
        push_field(&mut block, "From", &format!("<{}>", travelling(address)));
    }
    for field in header.fields() {
        let empty = field.value.trim_ascii().is_empty();
        let replaced = empty && ["Date", "Message-ID", "From"].iter().any(|name| field.is(name));
        if replaced || field.is("Bcc") || field.is("Resent-Bcc") || field.is(KIND_FIELD) {
            continue;
        }
        block.extend_from_slice(field.whole);
        if !field.whole.ends_with(b"\r\n") {
            block.extend_from_slice(b"\r\n");
        }
    }
    block.extend_from_slice(b"\r\n");
    Written { block, message_id }
}

fn push_field(block: &mut Vec<u8>, name: &str, value: &str) {
    for part in [name, ": ", value, "\r\n"] {
        block.extend_from_slice(part.as_bytes());
    }
}

fn shown(
    header: &Header<'_>,
    body: &[u8],
    kind: Kind,
    written: &Written,
    mail_from: Option<&Address>,
) -> Shown {
    let list = |name: &str| {
        let mut fields = header.all(name).map(|field| text::addresses(field.value));
        let first = fields.next().unwrap_or_default();
        fields.fold(first, |all, more| text::shown(&format!("{all}, {more}")))
    };
    let size = written.block.len() + body.len();
    Shown {
        from: match header.value("From") {
            Some(value) => text::addresses(value),
            None => mail_from.map(ToString::to_string).unwrap_or_default(),
        },
        to: list("To"),
        cc: list("Cc"),
        bcc: list("Bcc"),
        subject: header
            .value("Subject")
            .map(text::unstructured)
            .unwrap_or_default(),
        preview: if kind.body_is_secret() {
            String::new()
        } else {
            text::preview_of_body(header, body)
        },
        mime_type: text::media_type(header.value("Content-Type")),
        message_id: text::shown(&written.message_id),
        size_bytes: u64::try_from(size).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests;
