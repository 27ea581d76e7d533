//! What SMTP's codes mean, in plain language, and what to do (RFC 5321 §4.2.3, RFC 3463, RFC 5248, RFC 7505).

use crate::outcome::Reply;

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

/// What a reply means: by its enhanced code where that is known, else by its basic code; `None` where neither is.
pub fn plain(reply: &Reply) -> Option<Meaning> {
    reply
        .enhanced
        .and_then(|code| by_enhanced(code.0, code.1, code.2))
        .or_else(|| by_code(reply.code))
}

/// Enhanced codes: class (0 for any), subject, first and last detail; the first that fits holds.
const ENHANCED: &[(u8, u16, u16, u16, Meaning)] = &[
    (
        0,
        1,
        1,
        1,
        meaning(
            "There is no mailbox of this name.",
            "Check the part of the address before the @.",
        ),
    ),
    (
        0,
        1,
        2,
        2,
        meaning(
            "The address's domain does not exist or takes no mail.",
            "Check the part of the address after the @.",
        ),
    ),
    (
        0,
        1,
        10,
        10,
        meaning(
            "The address's domain does not exist or takes no mail.",
            "Check the part of the address after the @.",
        ),
    ),
    (
        0,
        1,
        3,
        3,
        meaning(
            "The address is not written as an address.",
            "Correct the address.",
        ),
    ),
    (
        0,
        1,
        6,
        6,
        meaning(
            "The mailbox has moved and left no new address.",
            "Ask the recipient for the new address.",
        ),
    ),
    (
        0,
        1,
        7,
        7,
        meaning(
            "The sender's address is not accepted.",
            "Use a sender address that exists and that the SMTP server permits.",
        ),
    ),
    (
        0,
        1,
        8,
        8,
        meaning(
            "The sender's address is not accepted.",
            "Use a sender address that exists and that the SMTP server permits.",
        ),
    ),
    (
        0,
        1,
        0,
        999,
        meaning("Something is wrong with an address.", "Check the address."),
    ),
    (
        0,
        2,
        1,
        1,
        meaning("The mailbox is switched off.", "Reach the recipient another way."),
    ),
    (
        0,
        2,
        2,
        2,
        meaning(
            "The recipient's mailbox is full.",
            "Tell the recipient, or send it later.",
        ),
    ),
    (
        0,
        2,
        3,
        3,
        meaning(
            "The message is too large for the recipient.",
            "Send it with smaller files.",
        ),
    ),
    (
        0,
        2,
        0,
        999,
        meaning(
            "The recipient's mailbox does not take it.",
            "Ask the recipient, or send it later.",
        ),
    ),
    (
        0,
        3,
        1,
        1,
        meaning(
            "The mail server's disk is full.",
            "It passes once its administrator makes room.",
        ),
    ),
    (
        0,
        3,
        2,
        2,
        meaning(
            "The mail server takes no mail at the moment.",
            "It passes by itself.",
        ),
    ),
    (
        0,
        3,
        4,
        4,
        meaning(
            "The message is too large for the mail server.",
            "Send it with smaller files.",
        ),
    ),
    (
        0,
        3,
        0,
        999,
        meaning(
            "The mail server has a fault of its own.",
            "It usually passes; else tell its administrator.",
        ),
    ),
    (
        0,
        4,
        1,
        1,
        meaning(
            "The recipient's mail server does not answer.",
            "It usually passes by itself.",
        ),
    ),
    (
        0,
        4,
        2,
        2,
        meaning(
            "The recipient's mail server does not answer.",
            "It usually passes by itself.",
        ),
    ),
    (
        0,
        4,
        4,
        4,
        meaning(
            "There is no way to the recipient's domain.",
            "Check the part of the address after the @.",
        ),
    ),
    (
        0,
        4,
        7,
        7,
        meaning(
            "It took too long to deliver.",
            "Send it again; if it stays so, ask the recipient.",
        ),
    ),
    (
        0,
        4,
        0,
        999,
        meaning(
            "The way to the recipient's mail server is broken.",
            "It usually passes by itself.",
        ),
    ),
    (
        0,
        5,
        3,
        3,
        meaning(
            "The message has too many recipients for the mail server.",
            "Send it in several messages.",
        ),
    ),
    (
        0,
        5,
        0,
        999,
        meaning(
            "The mail server did not understand us.",
            "Tell the administrator: the settings may not fit.",
        ),
    ),
    (
        0,
        6,
        0,
        999,
        meaning(
            "The mail server does not take the letter's form.",
            "Send it in another form, for example without special files.",
        ),
    ),
    (
        4,
        7,
        1,
        1,
        meaning(
            "The mail server puts off mail of senders it does not know yet.",
            "It is let in at a later try.",
        ),
    ),
    (
        0,
        7,
        1,
        1,
        meaning(
            "The mail server's rules do not permit it.",
            "Read its words; its administrator can permit it.",
        ),
    ),
    (
        0,
        7,
        8,
        8,
        meaning(
            "The SMTP server refuses the user name or the password.",
            "Correct them in the SMTP settings.",
        ),
    ),
    (
        0,
        7,
        9,
        9,
        meaning(
            "The SMTP server refuses the user name or the password.",
            "Correct them in the SMTP settings.",
        ),
    ),
    (
        0,
        7,
        11,
        11,
        meaning(
            "The SMTP server refuses the user name or the password.",
            "Correct them in the SMTP settings.",
        ),
    ),
    (
        0,
        7,
        20,
        27,
        meaning(
            "The mail server does not trust that the mail comes from its sender's domain.",
            "The domain's administrator has to set up SPF, DKIM and reverse DNS.",
        ),
    ),
    (
        0,
        7,
        29,
        29,
        meaning(
            "The mail server does not trust that the mail comes from its sender's domain.",
            "The domain's administrator has to set up SPF, DKIM and reverse DNS.",
        ),
    ),
    (
        0,
        7,
        0,
        999,
        meaning(
            "The mail server's security rules refuse it.",
            "Read its words; its administrator can say more.",
        ),
    ),
];

/// Basic codes, first and last.
const BASIC: &[(u16, u16, Meaning)] = &[
    (
        421,
        421,
        meaning("The mail server closes for a moment.", "It passes by itself."),
    ),
    (
        450,
        450,
        meaning(
            "The mailbox cannot be reached at the moment.",
            "It usually passes by itself.",
        ),
    ),
    (
        451,
        451,
        meaning(
            "The mail server has a fault of its own at the moment.",
            "It usually passes by itself.",
        ),
    ),
    (
        452,
        452,
        meaning(
            "The mail server is short of room.",
            "It passes once there is room.",
        ),
    ),
    (
        454,
        454,
        meaning(
            "The sign-in at the SMTP server does not work at the moment.",
            "It usually passes by itself.",
        ),
    ),
    (
        500,
        504,
        meaning(
            "The mail server did not understand us.",
            "Tell the administrator: the settings may not fit.",
        ),
    ),
    (
        530,
        530,
        meaning(
            "The SMTP server refuses the sign-in.",
            "Correct user name and password in the SMTP settings.",
        ),
    ),
    (
        534,
        534,
        meaning(
            "The SMTP server refuses the sign-in.",
            "Correct user name and password in the SMTP settings.",
        ),
    ),
    (
        535,
        535,
        meaning(
            "The SMTP server refuses the sign-in.",
            "Correct user name and password in the SMTP settings.",
        ),
    ),
    (
        538,
        538,
        meaning(
            "The SMTP server refuses the sign-in.",
            "Correct user name and password in the SMTP settings.",
        ),
    ),
    (
        550,
        550,
        meaning(
            "The mailbox does not exist or does not take the message.",
            "Check the address.",
        ),
    ),
    (
        551,
        551,
        meaning("The recipient is not of this mail server.", "Check the address."),
    ),
    (
        552,
        552,
        meaning(
            "The mailbox is full or the message too large.",
            "Send it with smaller files, or later.",
        ),
    ),
    (
        553,
        553,
        meaning("The address is not accepted.", "Check the address."),
    ),
    (
        554,
        554,
        meaning(
            "The mail server refuses the message.",
            "Read its words; its administrator can say more.",
        ),
    ),
    (
        555,
        555,
        meaning(
            "The mail server does not know a parameter.",
            "Tell the administrator: the settings may not fit.",
        ),
    ),
    (
        556,
        556,
        meaning(
            "The address's domain takes no mail.",
            "Check the part of the address after the @.",
        ),
    ),
];

fn by_enhanced(class: u8, subject: u16, detail: u16) -> Option<Meaning> {
    ENHANCED
        .iter()
        .find(|(of, about, first, last, _)| {
            (*of == 0 || *of == class) && *about == subject && (*first..=*last).contains(&detail)
        })
        .map(|entry| entry.4)
}

fn by_code(code: u16) -> Option<Meaning> {
    BASIC
        .iter()
        .find(|(first, last, _)| (*first..=*last).contains(&code))
        .map(|entry| entry.2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::EnhancedCode;

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
}
