//! Why mail failed, in groups that somebody can fix at once (SPEC C6).
//!
//! | what is known | cause |
//! | --- | --- |
//! | a [`Trouble`] with the relay | the same: connect, TLS, sign-in (a missing token too), sender, settings |
//! | no relay was Up for `max_wait` | relay down |
//! | no reply | no answer |
//! | a reply x.1.x or x.2.x (address, mailbox) | recipient |
//! | any other 4xx | busy |
//! | any other reply | refused |
//! | what is stored of it is damaged ([`crate::Damage`]) | damaged |

use serde::{Deserialize, Serialize};

use crate::outcome::Reply;
use crate::trouble::Trouble;

/// Why mail failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCause {
    /// No connection came about.
    Connect,
    /// STARTTLS, the handshake or the certificate.
    Tls,
    /// The relay refuses the sign-in.
    Auth,
    /// The relay does not let this sender send.
    Sender,
    /// Host, port or offer do not fit the settings.
    Settings,
    /// No relay was Up for too long.
    RelayDown,
    /// The connection was lost or the relay fell silent.
    NoAnswer,
    /// The address or its mailbox was refused.
    Recipient,
    /// The relay put it off each time.
    Busy,
    /// The relay refused the message.
    Refused,
    /// What is stored of it is damaged.
    Damaged,
}

impl FailureCause {
    /// Every cause, in the order of their numbers.
    pub const ALL: [Self; 11] = [
        Self::Connect,
        Self::Tls,
        Self::Auth,
        Self::Sender,
        Self::Settings,
        Self::RelayDown,
        Self::NoAnswer,
        Self::Recipient,
        Self::Busy,
        Self::Refused,
        Self::Damaged,
    ];

    /// The cause of a failed attempt, by the module's table.
    pub fn of(trouble: Option<Trouble>, reply: &Reply) -> Self {
        match trouble {
            Some(Trouble::Connect) => return Self::Connect,
            Some(Trouble::Tls) => return Self::Tls,
            Some(Trouble::Auth | Trouble::Token) => return Self::Auth,
            Some(Trouble::Sender) => return Self::Sender,
            Some(Trouble::Settings) => return Self::Settings,
            None => {}
        }
        let subject = reply.enhanced.map_or(0, |enhanced| enhanced.1);
        match (reply.code, subject) {
            (0, 0) => Self::NoAnswer,
            (_, 1 | 2) => Self::Recipient,
            (400..=499, _) => Self::Busy,
            _ => Self::Refused,
        }
    }

    /// The number that the store keeps.
    pub const fn number(self) -> i64 {
        match self {
            Self::Connect => 0,
            Self::Tls => 1,
            Self::Auth => 2,
            Self::Sender => 3,
            Self::Settings => 4,
            Self::RelayDown => 5,
            Self::NoAnswer => 6,
            Self::Recipient => 7,
            Self::Busy => 8,
            Self::Refused => 9,
            Self::Damaged => 10,
        }
    }

    /// The cause of a kept number.
    pub fn from_number(number: i64) -> Option<Self> {
        usize::try_from(number)
            .ok()
            .and_then(|n| Self::ALL.get(n).copied())
    }

    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Sender => "sender",
            Self::Settings => "settings",
            Self::RelayDown => "relay_down",
            Self::NoAnswer => "no_answer",
            Self::Recipient => "recipient",
            Self::Busy => "busy",
            Self::Refused => "refused",
            Self::Damaged => "damaged",
        }
    }

    /// The cause of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.name() == name)
    }

    /// Whether the place to fix it is the SMTP settings, and not the message.
    pub const fn is_of_settings(self) -> bool {
        match self {
            Self::Connect | Self::Tls | Self::Auth | Self::Sender | Self::Settings | Self::RelayDown => true,
            Self::NoAnswer | Self::Recipient | Self::Busy | Self::Refused | Self::Damaged => false,
        }
    }

    /// What happened and what to do, in plain words.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Connect => (
                "The SMTP server could not be reached.",
                "Check host and port in the SMTP settings, and that the server is running.",
            ),
            Self::Tls => (
                "A secure connection to the SMTP server could not be made.",
                "Check the TLS setting and the server's certificate.",
            ),
            Self::Auth => (
                "The sign-in at the SMTP server failed.",
                "Correct the sign-in (user name and password, or the token endpoint) in the SMTP settings.",
            ),
            Self::Sender => (
                "The SMTP server does not let this sender send.",
                "Use a sender address that the SMTP server permits, or have it permit this one.",
            ),
            Self::Settings => (
                "The SMTP server does not fit the settings.",
                "Check host, port, TLS and sign-in in the SMTP settings; Test connection names the step that fails.",
            ),
            Self::RelayDown => (
                "The SMTP server was down for too long.",
                "Bring the SMTP server back, then send this mail again.",
            ),
            Self::NoAnswer => (
                "The SMTP server stopped answering while mail was handed over.",
                "Ask whoever runs the SMTP server; then send this mail again.",
            ),
            Self::Recipient => (
                "The recipient's address or mailbox was refused.",
                "Check the address; correct it and send the message again.",
            ),
            Self::Busy => (
                "The SMTP server put the mail off each time.",
                "It may be limiting or greylisting this server: wait, then send this mail again.",
            ),
            Self::Refused => (
                "The SMTP server refused the message.",
                "Read its words: size, content and policy are the usual reasons.",
            ),
            Self::Damaged => (
                "The message is damaged where it is stored, so it was not sent.",
                "Submit it again. A system administrator should run postroom check and test the server's \
                 disk.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::EnhancedCode;

    #[test]
    fn table_of_causes_holds() {
        let reply = |code, enhanced: Option<(u8, u16, u16)>| Reply {
            code,
            enhanced: enhanced.map(|(class, subject, detail)| EnhancedCode(class, subject, detail)),
            text: String::new(),
        };
        for (trouble, said, expected) in [
            (
                Some(Trouble::Auth),
                reply(535, Some((5, 7, 8))),
                FailureCause::Auth,
            ),
            (Some(Trouble::Connect), reply(0, None), FailureCause::Connect),
            (None, reply(0, None), FailureCause::NoAnswer),
            (None, reply(550, Some((5, 1, 1))), FailureCause::Recipient),
            (None, reply(452, Some((4, 2, 2))), FailureCause::Recipient),
            (None, reply(451, Some((4, 7, 1))), FailureCause::Busy),
            (None, reply(421, None), FailureCause::Busy),
            (None, reply(552, Some((5, 3, 4))), FailureCause::Refused),
            (None, reply(0, Some((5, 6, 7))), FailureCause::Refused),
        ] {
            assert_eq!(FailureCause::of(trouble, &said), expected, "{said:?}");
        }
        for cause in FailureCause::ALL {
            assert_eq!(FailureCause::from_number(cause.number()), Some(cause));
            assert_eq!(FailureCause::from_name(cause.name()), Some(cause));
        }
    }

    #[test]
    fn trouble_with_the_settings_is_their_cause() {
        for (trouble, cause) in [
            (Trouble::Connect, FailureCause::Connect),
            (Trouble::Tls, FailureCause::Tls),
            (Trouble::Auth, FailureCause::Auth),
            (Trouble::Token, FailureCause::Auth),
            (Trouble::Sender, FailureCause::Sender),
            (Trouble::Settings, FailureCause::Settings),
        ] {
            assert_eq!(FailureCause::of(Some(trouble), &Reply::none("lost")), cause);
            assert!(cause.is_of_settings());
        }
        assert!(FailureCause::RelayDown.is_of_settings());
        assert!(!FailureCause::Recipient.is_of_settings());
    }

    #[test]
    fn every_cause_says_what_happened_and_what_to_do() {
        let mut said = std::collections::BTreeSet::new();
        for cause in FailureCause::ALL {
            let (what, todo) = cause.words();
            assert!(what.ends_with('.') && todo.ends_with('.'), "{cause:?}");
            assert!(said.insert(what), "{cause:?} says what another one says");
        }
    }
}
