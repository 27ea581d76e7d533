//! What people are told in their Alert Center (SPEC §7), as pure rules: the words, who is concerned, and what counts
//! as the same cause.
//!
//! | # | kind | one alert a | goes to |
//! | --- | --- | --- | --- |
//! | A1 | `smtp_failed` | trouble, route and day; for the first failure to connect: and outage | the sender, the office's administrators |
//! | A2 | `server_down` | outage | administrators concerned, each sender with waiting mail |
//! | A3 | `server_up` | outage | whoever got A2 |
//! | A4 | `limit_reached` | limit and day | the senders concerned, the System Office's administrators |
//! | A5 | `undeliverable` | day | the sender and who handed it in; a notification's: administrators |
//! | A6 | `damaged` | day | the System Office's administrators |
//! | A7 | `server_trouble` | trouble and day | the System Office's administrators |
//!
//! A cause that recurs counts up and makes the alert unread again, also one that was read or dismissed. An alert's own
//! mail raises none.

mod concerned;
mod key;
mod server;
mod words;

pub use concerned::{About, Reader, Staff, StaffMember};
pub use server::ServerTrouble;
pub use words::{Link, Words};

use std::fmt;

use crate::damage::Damage;
use crate::id::{MessageId, OfficeId, RouteId};
use crate::trouble::Trouble;

/// Kinds of alert, A1 to A7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertKind {
    /// A1: mail was not sent because of the SMTP settings.
    SmtpFailed,
    /// A2: a relay went Down.
    ServerDown,
    /// A3: it is Up again.
    ServerUp,
    /// A4: mail is held because of a daily limit.
    LimitReached,
    /// A5: mail ended Failed.
    Undeliverable,
    /// A6: what is stored of a message is damaged.
    Damaged,
    /// A7: the server or its machine has to be looked after.
    ServerTrouble,
}

impl AlertKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::SmtpFailed,
        Self::ServerDown,
        Self::ServerUp,
        Self::LimitReached,
        Self::Undeliverable,
        Self::Damaged,
        Self::ServerTrouble,
    ];

    /// The number that the store keeps.
    pub const fn number(self) -> i64 {
        match self {
            Self::SmtpFailed => 0,
            Self::ServerDown => 1,
            Self::ServerUp => 2,
            Self::LimitReached => 3,
            Self::Undeliverable => 4,
            Self::Damaged => 5,
            Self::ServerTrouble => 6,
        }
    }

    /// The kind of a kept number; `None` for a number that no kind has.
    pub fn from_number(number: i64) -> Option<Self> {
        usize::try_from(number)
            .ok()
            .and_then(|n| Self::ALL.get(n).copied())
    }

    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SmtpFailed => "smtp_failed",
            Self::ServerDown => "server_down",
            Self::ServerUp => "server_up",
            Self::LimitReached => "limit_reached",
            Self::Undeliverable => "undeliverable",
            Self::Damaged => "damaged",
            Self::ServerTrouble => "server_trouble",
        }
    }
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where the settings of a relay are, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelayHome {
    /// The office's own, in its Office Settings.
    Office {
        /// The office.
        id: OfficeId,
        /// Its name.
        name: String,
    },
    /// The server's, in the server configuration.
    ServerConfiguration,
    /// The server's, in the Office Settings of the System Office.
    SystemOffice {
        /// The System Office.
        id: OfficeId,
    },
}

/// Which daily limit was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitOf {
    /// The whole server's.
    System,
    /// A person's own: their name.
    User(String),
}

/// What happened that an alert tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occasion {
    /// An attempt failed for the settings' sake (A1).
    Trouble {
        /// What is wrong.
        trouble: Trouble,
        /// The message's way out.
        route: RouteId,
        /// The relay's name.
        relay: String,
        /// The relay's epoch, which tells its outages apart.
        epoch: i64,
        /// Where its settings are.
        home: RelayHome,
        /// The relay's words, or ours.
        error: String,
    },
    /// A relay went Down (A2).
    Down {
        /// The outage.
        outage: Outage,
        /// Where the relay's settings are.
        home: RelayHome,
        /// The failure that took it Down.
        error: String,
    },
    /// It is Up again (A3).
    Up {
        /// The outage that is over.
        outage: Outage,
        /// Where the relay's settings are.
        home: RelayHome,
    },
    /// The first message of a person was held that day (A4).
    Limit {
        /// Which limit.
        of: LimitOf,
        /// Its number.
        most: u64,
        /// The day in the limits' time zone, `2026-11-23`.
        day: String,
    },
    /// A message ended Failed (A5).
    Failed {
        /// The last words about it.
        error: String,
    },
    /// What is stored of a message is damaged (A6).
    Damaged {
        /// The message.
        message: MessageId,
        /// What of it.
        damage: Damage,
    },
    /// The server or its machine has to be looked after (A7).
    Server(ServerTrouble),
}

/// One outage of one relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// The route whose relay it is.
    pub route: RouteId,
    /// The first (0) or second (1) relay of the route.
    pub place: u8,
    /// The relay's name.
    pub relay: String,
    /// The epoch that the outage began with.
    pub number: i64,
}

impl Occasion {
    /// The kind of alert that it raises.
    pub const fn kind(&self) -> AlertKind {
        match self {
            Self::Trouble { .. } => AlertKind::SmtpFailed,
            Self::Down { .. } => AlertKind::ServerDown,
            Self::Up { .. } => AlertKind::ServerUp,
            Self::Limit { .. } => AlertKind::LimitReached,
            Self::Failed { .. } => AlertKind::Undeliverable,
            Self::Damaged { .. } => AlertKind::Damaged,
            Self::Server(_) => AlertKind::ServerTrouble,
        }
    }
}

#[cfg(test)]
mod tests;
