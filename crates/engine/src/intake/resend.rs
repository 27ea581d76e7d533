//! Sending a message again as a new one (SPEC C2).

use postroom_domain::{MessageId, MessageState, Refusal, RouteId};
use postroom_store::{BodyType, Content, Detail, NewMessage, NewRecipient, Packed, Shown, SmtpParameters};

use super::desk::Desk;
use super::header::Header;
use super::stamp;
use crate::budget::Reservation;
use crate::packing::{pack, unpack_into};

/// What came of making the new message of a resend.
#[derive(Debug)]
pub enum Prepared {
    /// The message, to be taken in; where it is large also its room in memory, to be held until then. Whoever holds room
    /// prepares no other message.
    Message(Box<NewMessage>, Option<Reservation>),
    /// No such message in what the person may act on.
    NotFound,
    /// It has not ended.
    NotEnded(MessageState),
    /// It carries a link that works once, which no copy may carry on.
    LiveLink,
    /// Its content has been removed by retention.
    ContentGone,
}

/// Makes a new message for the store of a kept one: the same content under a new Date and Message-ID, to the same
/// recipients, of the same sender, linked to it.
///
/// # Errors
/// [`Refusal::ContentDamaged`] where the stored content cannot be read.
pub(super) fn build(
    desk: &Desk<'_>,
    route: RouteId,
    detail: Detail,
    content: Content,
) -> Result<NewMessage, Refusal> {
    let id = detail.row.id;
    let block = unpacked(id, &content.header)?;
    let seven_bit = block.is_ascii() && unpacked(id, &content.body)?.is_ascii();
    let fields = block.strip_suffix(b"\r\n").unwrap_or(&block);
    let header = Header::parse(fields, desk.limits)?;
    let message_id = stamp::message_id(desk.random, desk.host);
    let mut renewed = Vec::with_capacity(block.len() + 64);
    for field in header.fields() {
        let value = if field.is("Date") {
            stamp::date(desk.now)
        } else if field.is("Message-ID") {
            message_id.clone()
        } else {
            renewed.extend_from_slice(field.whole);
            continue;
        };
        renewed.extend_from_slice(format!("{}: {value}\r\n", field.name).as_bytes());
    }
    renewed.extend_from_slice(b"\r\n");

    let row = detail.row;
    // An address keeps its domain in ASCII wherever it can, so what is not ASCII needs SMTPUTF8.
    let smtputf8 = !detail.mail_from.is_ascii() || detail.recipients.iter().any(|r| !r.address.is_ascii());
    let size_bytes = content.body.len + u64::try_from(renewed.len()).unwrap_or(u64::MAX);
    Ok(NewMessage {
        sender: row.sender.0,
        office: row.office.0,
        submitted_by: desk.principal.submitted_by,
        kind: row.kind,
        route,
        mail_from: detail.mail_from,
        recipients: detail
            .recipients
            .into_iter()
            .map(|recipient| NewRecipient {
                address: recipient.address,
                role: recipient.role,
                notify: None,
                orcpt: None,
            })
            .collect(),
        parameters: SmtpParameters {
            body: if seven_bit {
                BodyType::SevenBit
            } else {
                BodyType::EightBitMime
            },
            smtputf8,
            ret: None,
            envid: None,
        },
        shown: Shown {
            from: row.from,
            to: row.to,
            cc: row.cc,
            bcc: row.bcc,
            subject: row.subject,
            preview: row.preview,
            mime_type: row.mime_type,
            message_id,
            size_bytes,
        },
        send_at: None,
        tags: row.tags,
        external_id: row.external_id,
        metadata: detail.metadata,
        resent_from: Some(row.id),
        content: Content {
            header: pack(&renewed),
            body: content.body,
        },
    })
}

fn unpacked(id: MessageId, packed: &Packed) -> Result<Vec<u8>, Refusal> {
    let mut octets = Vec::new();
    match unpack_into(packed, &mut octets) {
        Ok(()) => Ok(octets),
        Err(error) => {
            tracing::error!(message.id = %id, error = %error, "kept content cannot be read");
            Err(Refusal::ContentDamaged)
        }
    }
}
