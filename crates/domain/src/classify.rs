//! Whose failure it was and whether it lasts (SPEC D3), from where a session stood and what it heard.
//!
//! | phase | heard | lasting | blame |
//! | --- | --- | --- | --- |
//! | any | nothing: lost, timed out, rubbish | transient | relay |
//! | any | 421, or 4xx/5xx x.3.2 (not accepting) | transient | relay |
//! | any | 454 4.7.0, 530, 534, 535, 538, x.7.8, x.7.9, x.7.11 (sign-in) | 4xx transient, 5xx permanent | relay |
//! | connect, TLS, greeting, EHLO, AUTH | 4xx / 5xx | transient / permanent | relay |
//! | MAIL | x.3.x, 452 (the relay's system, storage) | transient | relay |
//! | MAIL | 5xx x.7.x (may not send) | permanent | sender |
//! | MAIL | other 4xx / 5xx | transient / permanent | message |
//! | RCPT | 4xx / 5xx | transient / permanent | recipient |
//! | DATA | 4xx x.3.x, 451, 452 | transient | relay |
//! | DATA | other 4xx / 5xx | transient / permanent | message |
//! | after the dot | 452 or 4xx x.3.1 (the relay's storage) | transient | relay |
//! | after the dot | other 4xx / 5xx | transient / permanent | message |
//! | any | a code that is none of these | transient | relay |
//!
//! Which replies state a limit of the relay and are no failures is [`throttle`](mod@crate::throttle)'s to say.
//!
//! What is unknown is transient: trying again costs little, a message that is lost costs much.

use crate::outcome::{Blame, EnhancedCode, Lasting};

/// Where an SMTP client session stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SmtpPhase {
    /// Finding the host and opening the connection.
    Connect,
    /// The TLS handshake or `STARTTLS`.
    Tls,
    /// Waiting for the banner.
    Greeting,
    /// `EHLO` or `HELO`.
    Ehlo,
    /// `AUTH`.
    Auth,
    /// `MAIL FROM`.
    Mail,
    /// One `RCPT TO`.
    Rcpt,
    /// `DATA` or a `BDAT` that is not the last.
    Data,
    /// The final dot or the last `BDAT`: waiting for the answer to the content.
    Content,
}

/// What a session heard in place of success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Heard {
    /// A reply.
    Reply {
        /// The basic code.
        code: u16,
        /// The enhanced code where there was one.
        enhanced: Option<EnhancedCode>,
    },
    /// Nothing that is a reply: a lost connection, a timeout, bytes that are not SMTP.
    Nothing,
}

/// Answers whether a failure lasts and whose it is, by the module's table.
pub fn classify(phase: SmtpPhase, heard: Heard) -> (Lasting, Blame) {
    let Heard::Reply { code, enhanced } = heard else {
        return (Lasting::Transient, Blame::Relay);
    };
    let lasting = match code {
        500..=599 => Lasting::Permanent,
        _ => Lasting::Transient,
    };
    let (subject, detail) = enhanced.map_or((0, 0), |e| (e.1, e.2));
    if code == 421 || (subject, detail) == (3, 2) || !(400..=599).contains(&code) {
        return (Lasting::Transient, Blame::Relay);
    }
    if is_sign_in(code, subject, detail) {
        return (lasting, Blame::Relay);
    }
    let blame = match phase {
        SmtpPhase::Connect | SmtpPhase::Tls | SmtpPhase::Greeting | SmtpPhase::Ehlo | SmtpPhase::Auth => {
            Blame::Relay
        }
        SmtpPhase::Rcpt => Blame::Recipient,
        SmtpPhase::Mail => match (lasting, subject) {
            (Lasting::Transient, 3) => Blame::Relay,
            (Lasting::Permanent, 7) => Blame::Sender,
            (Lasting::Transient, _) if code == 452 => Blame::Relay,
            _ => Blame::Message,
        },
        SmtpPhase::Data => match (lasting, subject, code) {
            (Lasting::Transient, 3, _) | (Lasting::Transient, 0, 451 | 452) => Blame::Relay,
            _ => Blame::Message,
        },
        SmtpPhase::Content => match (lasting, subject, detail) {
            (Lasting::Transient, 3, 1) => Blame::Relay,
            (Lasting::Transient, _, _) if code == 452 => Blame::Relay,
            _ => Blame::Message,
        },
    };
    (lasting, blame)
}

/// Whether a reply asks for a sign-in or refuses ours (RFC 4954 §6, RFC 5248).
pub(crate) fn is_sign_in(code: u16, subject: u16, detail: u16) -> bool {
    matches!(code, 530 | 534 | 535 | 538)
        || (code == 454 && subject == 7)
        || (subject == 7 && matches!(detail, 8 | 9 | 11))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(phase: SmtpPhase, code: u16, enhanced: &str) -> (Lasting, Blame) {
        let mut parts = enhanced.split('.').map(|n| n.parse().expect("number"));
        let enhanced = (!enhanced.is_empty()).then(|| {
            let mut next = || parts.next().expect("three numbers");
            EnhancedCode(u8::try_from(next()).expect("class"), next(), next())
        });
        classify(phase, Heard::Reply { code, enhanced })
    }

    #[test]
    fn table_of_replies_holds() {
        use Blame::{Message, Recipient, Relay, Sender};
        use Lasting::{Permanent, Transient};
        use SmtpPhase::{Auth, Content, Data, Ehlo, Greeting, Mail, Rcpt};
        for (phase, code, enhanced, expected) in [
            (Rcpt, 550, "5.1.1", (Permanent, Recipient)),
            (Rcpt, 554, "5.7.1", (Permanent, Recipient)),
            (Rcpt, 450, "4.2.0", (Transient, Recipient)),
            (Rcpt, 452, "4.5.3", (Transient, Recipient)),
            (Rcpt, 421, "4.7.0", (Transient, Relay)),
            (Rcpt, 530, "5.7.0", (Permanent, Relay)),
            (Mail, 530, "", (Permanent, Relay)),
            (Mail, 550, "5.7.1", (Permanent, Sender)),
            (Mail, 552, "5.3.4", (Permanent, Message)),
            (Mail, 501, "5.1.7", (Permanent, Message)),
            (Mail, 452, "4.3.1", (Transient, Relay)),
            (Mail, 450, "4.1.8", (Transient, Message)),
            (Auth, 535, "5.7.8", (Permanent, Relay)),
            (Auth, 454, "4.7.0", (Transient, Relay)),
            (Greeting, 554, "", (Permanent, Relay)),
            (Ehlo, 502, "", (Permanent, Relay)),
            (Data, 451, "4.3.0", (Transient, Relay)),
            (Data, 554, "", (Permanent, Message)),
            (Content, 554, "5.7.1", (Permanent, Message)),
            (Content, 552, "5.2.3", (Permanent, Message)),
            (Content, 451, "4.7.1", (Transient, Message)),
            (Content, 452, "4.3.1", (Transient, Relay)),
            (Content, 554, "5.3.2", (Transient, Relay)),
            (Content, 299, "", (Transient, Relay)),
            (Rcpt, 999, "", (Transient, Relay)),
            // Without an enhanced code the basic one decides, and the other way about.
            (Mail, 452, "", (Transient, Relay)),
            (Mail, 451, "4.3.0", (Transient, Relay)),
            (Mail, 552, "5.3.1", (Permanent, Message)),
            (Mail, 451, "4.7.1", (Transient, Message)),
            (Data, 451, "", (Transient, Relay)),
            (Data, 452, "", (Transient, Relay)),
            (Data, 450, "", (Transient, Message)),
            (Data, 450, "4.3.0", (Transient, Relay)),
            (Data, 554, "5.3.0", (Permanent, Message)),
            (Content, 452, "", (Transient, Relay)),
            (Content, 451, "4.3.1", (Transient, Relay)),
            (Content, 451, "4.3.0", (Transient, Message)),
            (Content, 552, "5.3.1", (Permanent, Message)),
            // The sign-in.
            (Rcpt, 550, "5.7.8", (Permanent, Relay)),
            (Rcpt, 450, "4.7.9", (Transient, Relay)),
            (Rcpt, 550, "5.7.11", (Permanent, Relay)),
            (Rcpt, 550, "5.1.8", (Permanent, Recipient)),
            (Rcpt, 454, "4.2.1", (Transient, Recipient)),
            (Rcpt, 450, "4.7.1", (Transient, Recipient)),
            (Mail, 399, "", (Transient, Relay)),
            (Mail, 600, "", (Transient, Relay)),
        ] {
            assert_eq!(
                said(phase, code, enhanced),
                expected,
                "{phase:?} {code} {enhanced}"
            );
        }
    }

    #[test]
    fn silence_is_the_relays_and_passes() {
        for phase in [
            SmtpPhase::Connect,
            SmtpPhase::Tls,
            SmtpPhase::Rcpt,
            SmtpPhase::Content,
        ] {
            assert_eq!(
                classify(phase, Heard::Nothing),
                (Lasting::Transient, Blame::Relay)
            );
        }
    }
}
