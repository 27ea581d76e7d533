//! What an alert says: its title, what happened, what to do, and where to go.

use serde::{Deserialize, Serialize};

use super::{LimitOf, Occasion, Reader, RelayHome, ServerTrouble};
use crate::id::OfficeId;
use crate::trouble::Trouble;

/// The words of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The title.
    pub title: String,
    /// What happened, with the cause.
    pub text: String,
    /// What the reader can do.
    pub advice: String,
    /// Where they do it.
    pub link: Link,
}

/// Where an alert leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Link {
    /// The queue list, with this query.
    Queue {
        /// The list's parameters, `type=failed`.
        query: String,
    },
    /// The SMTP settings of an office.
    OfficeSettings {
        /// The office.
        office: OfficeId,
    },
    /// A setting of the server configuration.
    ServerConfiguration {
        /// Its key.
        key: String,
    },
    /// The daily limits.
    Limits,
    /// The status of the server.
    ServerStatus,
}

impl Occasion {
    /// The words for a reader, with the product's name as configured.
    pub fn words(&self, brand: &str, reader: Reader) -> Words {
        match self {
            Self::Trouble {
                trouble,
                relay,
                home,
                error,
                ..
            } => trouble_words(brand, reader, *trouble, relay, home, error),
            Self::Down { outage, home, error } => down_words(reader, &outage.relay, home, error),
            Self::Up { outage, home } => Words {
                title: "The E-mail Server for your office is back online".to_owned(),
                text: format!(
                    "The {} is functioning properly again: {brand} can connect to send e-mail.",
                    server(home, &outage.relay)
                ),
                advice: "There is nothing to do: the e-mail that waited is being sent. Messages that have failed \
                         meanwhile can be sent with Resend Failed E-mail."
                    .to_owned(),
                link: queue("type=outbox"),
            },
            Self::Limit { of, most, .. } => limit_words(brand, reader, of, *most),
            Self::Failed { error } => Words {
                title: "You have undeliverable e-mail".to_owned(),
                text: format!("{brand} could not deliver a message and tries no more. The last answer was: {error}"),
                advice: "Look at the failed messages, correct what is wrong with them (often the recipient's address), \
                         and send them again with Resend Failed E-mail."
                    .to_owned(),
                link: queue("type=failed"),
            },
            Self::Damaged { message, damage } => Words {
                title: "Stored e-mail is damaged".to_owned(),
                text: format!(
                    "Message {message}: {}. Other e-mail goes on.",
                    damage.words()
                ),
                advice: "Run postroom check --deep on the server to see everything that is damaged, test its disk and \
                         memory, and restore what is lost from a backup or have it resent. Deleting the record \
                         ends the damage of one message."
                    .to_owned(),
                link: queue("type=failed"),
            },
            Self::Server(trouble) => server_words(*trouble),
        }
    }
}

fn server_words(trouble: ServerTrouble) -> Words {
    let (title, text, advice) = match trouble {
        ServerTrouble::ClockSet { seconds } => (
            "The server’s clock was changed",
            format!(
                "The clock of the server was set {} by {}. Waiting e-mail keeps the rest of its wait.",
                if seconds < 0 { "back" } else { "forward" },
                length(seconds.unsigned_abs())
            ),
            "Check the time and the time zone of the server, and whether it synchronizes its clock (NTP). While the \
             clock is wrong, e-mail has a wrong Date, and daily limits and scheduled e-mail go by the wrong day.",
        ),
        ServerTrouble::WorkLost => (
            "The database lost recent work",
            "When the server started, the database lacked what was written to it last: its write-ahead log \
             (postroom.db-wal) was deleted, or the database was replaced by an older copy. E-mail that was accepted or \
             sent shortly before may be missing or sent twice."
                .to_owned(),
            "Run postroom check on the server to see the period. Ask for e-mail of that period to be submitted again, and make \
             sure that no other program deletes or replaces files in the data folder.",
        ),
        ServerTrouble::SignInNames { clashes } => (
            "Two people have one sign-in name",
            format!(
                "{} is the login of one person and the e-mail address of another. Nobody can sign in with it or have a \
                 link for a new password sent for it; the other name of each of them still works.",
                if clashes == 1 {
                    "A name".to_owned()
                } else {
                    format!("Each of {clashes} names")
                }
            ),
            "Run postroom check on the server to see whose names they are, and give one of the two people another login \
             or address with postroom user change.",
        ),
        ServerTrouble::RelaysRefused { relays } => (
            "SMTP servers at addresses that are not allowed",
            format!(
                "{} in the Office Settings {} at an address that connections are not allowed to. The e-mail of the \
                 office waits; it does not fail for that.",
                counted(relays, "An SMTP server", "SMTP servers"),
                if relays == 1 { "is" } else { "are each" },
            ),
            "The server’s log names each of them, with the line for the configuration file that allows its network \
             (allow_relay_networks under [network]). Add the networks that are right and restart the server, or have \
             the SMTP settings changed.",
        ),
        ServerTrouble::ReservedAddresses { people } => reserved_addresses(people),
        ServerTrouble::OutsideDomains { people } => outside_domains(people),
    };
    Words {
        title: title.to_owned(),
        text,
        advice: advice.to_owned(),
        link: Link::ServerStatus,
    }
}

fn reserved_addresses(people: u64) -> (&'static str, String, &'static str) {
    (
        "A person has a reserved address",
        format!(
            "{} the address that Postroom sends its own e-mail from, or the postmaster address of the server, and cannot \
             send from it.",
            counted(people, "One person has", "people have"),
        ),
        "Run postroom check on the server to see who it is. Give them another address under Office, People, or have \
         Postroom send from another one (notifications.from in the configuration).",
    )
}

fn outside_domains(people: u64) -> (&'static str, String, &'static str) {
    (
        "People cannot send from their address",
        format!(
            "{} an address outside the domains that their office may send from. E-mail that they send from it is refused.",
            counted(people, "One person has", "people have"),
        ),
        "Run postroom check on the server to see who they are. Add their domain to the allowed sender domains in the Office \
         Settings, or give them another address under Office, People.",
    )
}

/// One as it is called, or how many.
fn counted(n: u64, one: &str, many: &str) -> String {
    if n == 1 {
        one.to_owned()
    } else {
        format!("{n} {many}")
    }
}

/// A length of time in its largest whole unit: `3 days`, `1 hour`.
fn length(seconds: u64) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let (size, unit) = units
        .into_iter()
        .find(|(size, _)| seconds >= *size)
        .unwrap_or((1, "second"));
    let n = seconds / size;
    format!("{n} {unit}{}", if n == 1 { "" } else { "s" })
}

fn queue(query: &str) -> Link {
    Link::Queue {
        query: query.to_owned(),
    }
}

fn trouble_words(
    brand: &str,
    reader: Reader,
    trouble: Trouble,
    relay: &str,
    home: &RelayHome,
    error: &str,
) -> Words {
    let cause = match trouble {
        Trouble::Connect => "no connection could be made",
        Trouble::Tls => "the encrypted connection (TLS) could not be made",
        Trouble::Auth => "the SMTP server refused the sign-in",
        Trouble::Token => "there is no access token to sign in with",
        Trouble::Sender => "the SMTP server does not let this sender send",
        Trouble::Settings => "the SMTP server does not fit the settings",
    };
    let setting = match trouble {
        Trouble::Connect | Trouble::Settings => "host and port",
        Trouble::Tls => "TLS policy and certificate authority",
        Trouble::Auth => "user name and password",
        Trouble::Token => "the token endpoint, its client and its secret",
        Trouble::Sender => "user name and sender domains",
    };
    let advice = match reader {
        Reader::Administrator => format!(
            "Check {setting} of the SMTP settings in {}. Once they are right, failed messages can be sent with Resend \
             Failed E-mail.",
            place(home)
        ),
        Reader::Sender => format!(
            "Your administrator has been told to check the SMTP settings in {}. {brand} tries again by itself; if the \
             message fails, it can be sent with Resend Failed E-mail.",
            place(home)
        ),
    };
    Words {
        title: format!("{brand} failed to connect to the SMTP server"),
        text: format!(
            "E-mail was not sent through the {}: {cause}. {error}",
            server(home, relay)
        ),
        advice,
        link: match reader {
            Reader::Administrator => setting_link(home),
            Reader::Sender => queue("type=outbox"),
        },
    }
}

fn down_words(reader: Reader, relay: &str, home: &RelayHome, error: &str) -> Words {
    let title = match home {
        RelayHome::Office { .. } => "The E-mail Server for your office is Down",
        RelayHome::ServerConfiguration | RelayHome::SystemOffice { .. } => "E-mail Server for system is Down",
    };
    let (advice, link) = match reader {
        Reader::Administrator => (
            format!(
                "Check the server and the SMTP settings in {}. Its e-mail waits without using up attempts, and is \
                 sent when the server is back.",
                place(home)
            ),
            setting_link(home),
        ),
        Reader::Sender => (
            "There is nothing to do: your e-mail waits, and is sent when the server is back. You will be told."
                .to_owned(),
            queue("type=outbox"),
        ),
    };
    Words {
        title: title.to_owned(),
        text: format!(
            "The {} cannot be reached to send e-mail. {error}",
            server(home, relay)
        ),
        advice,
        link,
    }
}

fn limit_words(brand: &str, reader: Reader, of: &LimitOf, most: u64) -> Words {
    let title = match (of, reader) {
        (LimitOf::System, _) => {
            format!("The daily {brand} E-mail limit for the System Office has been reached")
        }
        (LimitOf::User(_), Reader::Sender) => "Your daily e-mail limit has been reached".to_owned(),
        // To an administrator it is not "your" limit, and the name may be one of several that day.
        (LimitOf::User(_), Reader::Administrator) => {
            "The daily e-mail limit of a user has been reached".to_owned()
        }
    };
    let text = match of {
        LimitOf::System => format!(
            "No more e-mail can be sent today: the daily limit of {most} messages for all users of the server has been \
             reached."
        ),
        LimitOf::User(name) => {
            format!("The daily limit of {most} messages for one user has been reached by {name}.")
        }
    };
    let (advice, link) = match reader {
        Reader::Administrator => (
            "E-mail on hold because of the limit is sent the following day. Raising the limit sends it at once.",
            Link::Limits,
        ),
        Reader::Sender => (
            "E-mail on hold because of the limit is sent the following day, by itself.",
            queue("type=outbox&state=held"),
        ),
    };
    Words {
        title,
        text,
        advice: advice.to_owned(),
        link,
    }
}

fn server(home: &RelayHome, relay: &str) -> String {
    match home {
        RelayHome::Office { name, .. } => format!("e-mail server of the office {name}"),
        RelayHome::ServerConfiguration | RelayHome::SystemOffice { .. } => {
            format!("e-mail server {relay:?} of the system")
        }
    }
}

fn place(home: &RelayHome) -> String {
    match home {
        RelayHome::Office { name, .. } => format!("the Office Settings of {name}"),
        RelayHome::ServerConfiguration => "the server configuration ([[relay]])".to_owned(),
        RelayHome::SystemOffice { .. } => "the Office Settings of the System Office".to_owned(),
    }
}

fn setting_link(home: &RelayHome) -> Link {
    match home {
        RelayHome::Office { id, .. } | RelayHome::SystemOffice { id } => Link::OfficeSettings { office: *id },
        RelayHome::ServerConfiguration => Link::ServerConfiguration {
            key: "relay".to_owned(),
        },
    }
}
