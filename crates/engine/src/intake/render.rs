//! Messages as files, for offices that send form letters from their own mail program (SPEC I7): nothing is queued.

use postroom_domain::{Mailbox, Refusal, Timestamp};
use postroom_store::NewMessage;

use super::draft::Draft;
use super::sender::Principal;
use super::service::Intake;
use crate::packing::unpack_into;

/// A message as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The message (RFC 5322), lines ended with CR LF. Unlike what travels, it has its Bcc: the program that sends it
    /// reads them there.
    pub octets: Vec<u8>,
    /// Its sender's address.
    pub from: String,
    /// When it was rendered.
    pub at: Timestamp,
}

impl Intake {
    /// Writes a draft as a file, checked like one that is submitted.
    ///
    /// # Errors
    /// A [`Refusal`] that names what is wrong.
    pub async fn render(&self, principal: &Principal, draft: Draft) -> Result<Rendered, Refusal> {
        let at = self.now();
        let bcc = bcc(&draft.bcc);
        let message = self.build_draft(principal, draft).await?;
        let octets = octets(&message, &bcc).map_err(|error| {
            tracing::error!(%error, "a message that was just written cannot be read");
            Refusal::StoreUnavailable
        })?;
        Ok(Rendered {
            octets,
            from: message.mail_from,
            at,
        })
    }
}

fn octets(message: &NewMessage, bcc: &str) -> Result<Vec<u8>, crate::packing::UnpackError> {
    // Outlook opens a message with X-Unsent to be sent, not to be read.
    let mut octets = format!("X-Unsent: 1\r\n{bcc}").into_bytes();
    let mut header = Vec::new();
    unpack_into(&message.content.header, &mut header)?;
    octets.extend_from_slice(without_trace(&header));
    unpack_into(&message.content.body, &mut octets)?;
    Ok(octets)
}

/// The header without the Received field at its top: the message did not come through here.
fn without_trace(header: &[u8]) -> &[u8] {
    if !header.starts_with(b"Received:") {
        return header;
    }
    let mut rest = header;
    loop {
        let end = rest
            .windows(2)
            .position(|two| two == b"\r\n")
            .map_or(rest.len(), |at| at + 2);
        rest = rest.get(end..).unwrap_or_default();
        if !rest.starts_with(b" ") && !rest.starts_with(b"\t") {
            return rest;
        }
    }
}

/// The Bcc field, one address a line so that none grows too long.
fn bcc(list: &[Mailbox]) -> String {
    let addresses: Vec<String> = list
        .iter()
        .map(|mailbox| mailbox.address().to_ascii_domain())
        .collect();
    if addresses.is_empty() {
        String::new()
    } else {
        format!("Bcc: {}\r\n", addresses.join(",\r\n "))
    }
}

/// Puts messages into one file (RFC 4155): a separator line before each, lines ended with LF, and `>` before body lines
/// that would look like a separator.
pub fn mbox(messages: &[Rendered]) -> Vec<u8> {
    let mut file = Vec::new();
    for message in messages {
        let from = if message.from.is_empty() {
            "MAILER-DAEMON"
        } else {
            &message.from
        };
        file.extend_from_slice(format!("From {from} {}\n", asctime(message.at)).as_bytes());
        let mut lines = message.octets.split(|&octet| octet == b'\n').peekable();
        while let Some(line) = lines.next() {
            // What stands after the last line end is no line.
            if lines.peek().is_none() && line.is_empty() {
                break;
            }
            if line.starts_with(b"From ") {
                file.push(b'>');
            }
            file.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
            file.push(b'\n');
        }
        file.push(b'\n');
    }
    file
}

/// `Mon Nov 23 09:30:00 2026`, in UTC.
fn asctime(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%a %b %e %H:%M:%S %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mbox_has_a_separator_before_each_message_and_none_inside() {
        let message = Rendered {
            octets: b"Subject: a\r\n\r\nDear client,\r\nFrom now on\r\n".to_vec(),
            from: "case@example.test".to_owned(),
            at: Timestamp::from_micros(1_795_426_200_000_000),
        };
        let file = String::from_utf8(mbox(&[message.clone(), message])).unwrap();
        let expected =
            "From case@example.test Mon Nov 23 09:30:00 2026\nSubject: a\n\nDear client,\n>From now on\n\n";
        assert_eq!(file, expected.repeat(2));
    }
}
