//! What SMTP's refusals mean, in plain language, and what to do (RFC 5321 §4.2.3, RFC 3463, RFC 5248, RFC 7505).

use crate::outcome::{EnhancedCode, Reply};

/// What a reply means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// What it says.
    pub what: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

const fn meaning(what: &'static str, advice: &'static str) -> Meaning {
    Meaning { what, advice }
}

const CHECK_LOCAL_PART: &str = "Check the part of the address before the @.";
const CHECK_DOMAIN: &str = "Check the part of the address after the @.";
const CHECK_ADDRESS: &str = "Check the address.";
const PASSES: &str = "It passes by itself.";
const USUALLY_PASSES: &str = "It usually passes by itself.";
const SMALLER_FILES: &str = "Send it with smaller files.";
const ADMINISTRATOR_SAYS_MORE: &str = "Read its words; its administrator can say more.";

const NOT_UNDERSTOOD: Meaning = meaning(
    "The mail server did not understand us.",
    "Tell the administrator: the settings may not fit.",
);

/// What a refusal means: by its enhanced code where that is known, else by its basic code; `None` where neither is, and
/// for an acceptance, whose enhanced code has the same subjects (`250 2.6.0 queued` is nothing wrong with the form).
pub fn plain(reply: &Reply) -> Option<Meaning> {
    if (200..400).contains(&reply.code) {
        return None;
    }
    reply
        .enhanced
        .and_then(by_enhanced)
        .or_else(|| by_code(reply.code))
}

/// RFC 3463 §3: the second number names the subject.
const fn by_enhanced(EnhancedCode(class, subject, detail): EnhancedCode) -> Option<Meaning> {
    match subject {
        1 => Some(of_address(detail)),
        2 => Some(of_mailbox(detail)),
        3 => Some(of_mail_server(detail)),
        4 => Some(of_network(detail)),
        5 => Some(of_protocol(detail)),
        6 => Some(meaning(
            "The mail server does not take the letter's form.",
            "Send it in another form, for example without special files.",
        )),
        7 => Some(of_policy(class, detail)),
        _ => None,
    }
}

/// RFC 3463 §3.2, and the null MX of RFC 7505.
const fn of_address(detail: u16) -> Meaning {
    match detail {
        1 => meaning("There is no mailbox of this name.", CHECK_LOCAL_PART),
        2 | 10 => meaning(
            "The address's domain does not exist or takes no mail.",
            CHECK_DOMAIN,
        ),
        3 => meaning(
            "The address is not written as an address.",
            "Correct the address.",
        ),
        6 => meaning(
            "The mailbox has moved and left no new address.",
            "Ask the recipient for the new address.",
        ),
        7 | 8 => meaning(
            "The sender's address is not accepted.",
            "Use a sender address that exists and that the SMTP server permits.",
        ),
        _ => meaning("Something is wrong with an address.", CHECK_ADDRESS),
    }
}

/// RFC 3463 §3.3.
const fn of_mailbox(detail: u16) -> Meaning {
    match detail {
        1 => meaning("The mailbox is switched off.", "Reach the recipient another way."),
        2 => meaning(
            "The recipient's mailbox is full.",
            "Tell the recipient, or send it later.",
        ),
        3 => meaning("The message is too large for the recipient.", SMALLER_FILES),
        _ => meaning(
            "The recipient's mailbox does not take it.",
            "Ask the recipient, or send it later.",
        ),
    }
}

/// RFC 3463 §3.4.
const fn of_mail_server(detail: u16) -> Meaning {
    match detail {
        1 => meaning(
            "The mail server's disk is full.",
            "It passes once its administrator makes room.",
        ),
        2 => meaning("The mail server takes no mail at the moment.", PASSES),
        4 => meaning("The message is too large for the mail server.", SMALLER_FILES),
        _ => meaning(
            "The mail server has a fault of its own.",
            "It usually passes; else tell its administrator.",
        ),
    }
}

/// RFC 3463 §3.5.
const fn of_network(detail: u16) -> Meaning {
    match detail {
        1 | 2 => meaning("The recipient's mail server does not answer.", USUALLY_PASSES),
        4 => meaning("There is no way to the recipient's domain.", CHECK_DOMAIN),
        7 => meaning(
            "It took too long to deliver.",
            "Send it again; if it stays so, ask the recipient.",
        ),
        _ => meaning(
            "The way to the recipient's mail server is broken.",
            USUALLY_PASSES,
        ),
    }
}

/// RFC 3463 §3.6.
const fn of_protocol(detail: u16) -> Meaning {
    match detail {
        3 => meaning(
            "The message has too many recipients for the mail server.",
            "Send it in several messages.",
        ),
        _ => NOT_UNDERSTOOD,
    }
}

/// RFC 3463 §3.8, RFC 5248 and RFC 7372; class 4 is for now, 5 for good.
const fn of_policy(class: u8, detail: u16) -> Meaning {
    match (class, detail) {
        (4, 1) => meaning(
            "The mail server puts off mail of senders it does not know yet.",
            "It is let in at a later try.",
        ),
        (_, 1) => meaning(
            "The mail server's rules do not permit it.",
            "Read its words; its administrator can permit it.",
        ),
        (_, 8 | 9 | 11) => meaning(
            "The SMTP server refuses the user name or the password.",
            "Correct them in the SMTP settings.",
        ),
        (_, 20..=27 | 29) => meaning(
            "The mail server does not trust that the mail comes from its sender's domain.",
            "The domain's administrator has to set up SPF, DKIM and reverse DNS.",
        ),
        (_, _) => meaning(
            "The mail server's security rules refuse it.",
            ADMINISTRATOR_SAYS_MORE,
        ),
    }
}

/// RFC 5321 §4.2.3, RFC 4954 §6 and RFC 7504.
const fn by_code(code: u16) -> Option<Meaning> {
    Some(match code {
        421 => meaning("The mail server closes for a moment.", PASSES),
        450 => meaning("The mailbox cannot be reached at the moment.", USUALLY_PASSES),
        451 => meaning(
            "The mail server has a fault of its own at the moment.",
            USUALLY_PASSES,
        ),
        452 => meaning(
            "The mail server is short of room.",
            "It passes once there is room.",
        ),
        454 => meaning(
            "The sign-in at the SMTP server does not work at the moment.",
            USUALLY_PASSES,
        ),
        500..=504 => NOT_UNDERSTOOD,
        530 | 534 | 535 | 538 => meaning(
            "The SMTP server refuses the sign-in.",
            "Correct user name and password in the SMTP settings.",
        ),
        550 => meaning(
            "The mailbox does not exist or does not take the message.",
            CHECK_ADDRESS,
        ),
        551 => meaning("The recipient is not of this mail server.", CHECK_ADDRESS),
        552 => meaning(
            "The mailbox is full or the message too large.",
            "Send it with smaller files, or later.",
        ),
        553 => meaning("The address is not accepted.", CHECK_ADDRESS),
        554 => meaning("The mail server refuses the message.", ADMINISTRATOR_SAYS_MORE),
        555 => meaning(
            "The mail server does not know a parameter.",
            "Tell the administrator: the settings may not fit.",
        ),
        556 => meaning("The address's domain takes no mail.", CHECK_DOMAIN),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: u16, enhanced: Option<EnhancedCode>) -> Option<&'static str> {
        plain(&Reply {
            code,
            enhanced,
            text: String::new(),
        })
        .map(|meaning| meaning.what)
    }

    #[test]
    fn enhanced_code_comes_before_the_basic_one() {
        assert_eq!(
            said(550, Some(EnhancedCode(5, 1, 1))),
            Some("There is no mailbox of this name.")
        );
        assert_eq!(
            said(550, Some(EnhancedCode(5, 0, 0))),
            Some("The mailbox does not exist or does not take the message.")
        );
        assert_ne!(
            said(450, Some(EnhancedCode(4, 7, 1))),
            said(550, Some(EnhancedCode(5, 7, 1)))
        );
        assert_eq!(said(0, None), None);
    }

    #[test]
    fn acceptance_is_nothing_wrong() {
        assert_eq!(said(250, Some(EnhancedCode(2, 6, 0))), None);
        assert_eq!(said(250, Some(EnhancedCode(2, 1, 5))), None);
    }

    #[test]
    fn unknown_code_means_nothing_and_an_unknown_detail_its_subject() {
        assert_eq!(said(499, Some(EnhancedCode(4, 0, 0))), None);
        assert_eq!(
            said(550, Some(EnhancedCode(5, 2, 99))),
            Some("The recipient's mailbox does not take it.")
        );
    }
}
