//! The commands of an envelope, as bytes.

use super::capabilities::Capabilities;
use super::transaction::{Notify, Recipient, ReturnContent, Transaction};

/// Appends MAIL FROM with what of its parameters the relay offers.
pub(crate) fn mail(out: &mut Vec<u8>, transaction: &Transaction, relay: &Capabilities) {
    out.extend_from_slice(b"MAIL FROM:<");
    out.extend_from_slice(transaction.mail_from.as_bytes());
    out.push(b'>');
    if relay.size {
        out.extend_from_slice(b" SIZE=");
        out.extend_from_slice(transaction.content.size_bytes().to_string().as_bytes());
    }
    if relay.eight_bit_mime && transaction.content.is_eight_bit() {
        out.extend_from_slice(b" BODY=8BITMIME");
    }
    if relay.smtputf8 && transaction.needs_utf8() {
        out.extend_from_slice(b" SMTPUTF8");
    }
    if relay.dsn {
        match transaction.ret {
            Some(ReturnContent::Full) => out.extend_from_slice(b" RET=FULL"),
            Some(ReturnContent::Headers) => out.extend_from_slice(b" RET=HDRS"),
            None => {}
        }
        if let Some(envid) = &transaction.envid {
            out.extend_from_slice(b" ENVID=");
            xtext(out, envid);
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends RCPT TO with what of its parameters the relay offers.
pub(crate) fn rcpt(out: &mut Vec<u8>, recipient: &Recipient, relay: &Capabilities) {
    out.extend_from_slice(b"RCPT TO:<");
    out.extend_from_slice(recipient.address.as_bytes());
    out.push(b'>');
    if relay.dsn {
        if let Some(notify) = recipient.notify {
            notify_parameter(out, notify);
        }
        if let Some(orcpt) = &recipient.orcpt {
            out.extend_from_slice(b" ORCPT=");
            xtext(out, orcpt);
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn notify_parameter(out: &mut Vec<u8>, notify: Notify) {
    let events = match notify {
        Notify::Never => [Some("NEVER"), None, None],
        Notify::On {
            success,
            failure,
            delay,
        } => [
            success.then_some("SUCCESS"),
            failure.then_some("FAILURE"),
            delay.then_some("DELAY"),
        ],
    };
    let mut lead = " NOTIFY=";
    for event in events.into_iter().flatten() {
        out.extend_from_slice(lead.as_bytes());
        out.extend_from_slice(event.as_bytes());
        lead = ",";
    }
}

/// Encodes as xtext (RFC 3461 §4), so that no byte can end the parameter or the line.
fn xtext(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if matches!(byte, b'!'..=b'~') && !matches!(byte, b'+' | b'=') {
            out.push(byte);
        } else {
            let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
            out.extend_from_slice(&[b'+', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::content::Content;
    use super::*;

    fn sample() -> Transaction {
        let recipient = Recipient {
            address: "b@example.test".into(),
            notify: Some(Notify::On {
                success: true,
                failure: false,
                delay: true,
            }),
            orcpt: Some("rfc822;b+x@example.test".into()),
        };
        let content = Content::new("S: ü\r\n".as_bytes().to_vec());
        let mut transaction = Transaction::new(1, "a@example.test", vec![recipient], content);
        transaction.ret = Some(ReturnContent::Headers);
        transaction.envid = Some("id 1\r\nQUIT".into());
        transaction
    }

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn parameters_are_sent_where_offered_and_encoded() {
        let relay = Capabilities {
            size: true,
            eight_bit_mime: true,
            dsn: true,
            smtputf8: true,
            ..Default::default()
        };
        let transaction = sample();
        assert_eq!(
            text(|out| mail(out, &transaction, &relay)),
            "MAIL FROM:<a@example.test> SIZE=7 BODY=8BITMIME RET=HDRS ENVID=id+201+0D+0AQUIT\r\n"
        );
        assert_eq!(
            text(|out| rcpt(out, &transaction.recipients[0], &relay)),
            "RCPT TO:<b@example.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+2Bx@example.test\r\n"
        );
    }

    #[test]
    fn a_relay_without_extensions_gets_no_parameters() {
        let relay = Capabilities::default();
        let transaction = sample();
        assert_eq!(
            text(|out| mail(out, &transaction, &relay)),
            "MAIL FROM:<a@example.test>\r\n"
        );
        assert_eq!(
            text(|out| rcpt(out, &transaction.recipients[0], &relay)),
            "RCPT TO:<b@example.test>\r\n"
        );
    }
}
