//! What the server, or the machine that it runs on, has to be looked after for (A7).

use serde::{Deserialize, Serialize};

/// What happened to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum ServerTrouble {
    /// The machine's clock was set while the server ran, and stayed so.
    ClockSet {
        /// By how many seconds; negative where it was set back.
        seconds: i64,
    },
    /// The database lost what was written to it last.
    WorkLost,
    /// Names are one person's login and another's address, from before that was refused.
    SignInNames {
        /// How many.
        clashes: u64,
    },
    /// SMTP servers in offices' settings are at addresses that connections are not allowed to: from before that was refused,
    /// or their names have others now.
    RelaysRefused {
        /// How many.
        relays: u64,
    },
    /// People have an address that is reserved for Postroom's own mail, so that they cannot send from it.
    ReservedAddresses {
        /// How many.
        people: u64,
    },
    /// People have an address outside the domains that their office may send from, so that they cannot send from it.
    OutsideDomains {
        /// How many.
        people: u64,
    },
}

impl ServerTrouble {
    /// The name within an alert's key: each sort is one alert a day.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ClockSet { .. } => "clock_set",
            Self::WorkLost => "work_lost",
            Self::SignInNames { .. } => "sign_in_names",
            Self::RelaysRefused { .. } => "relays_refused",
            Self::ReservedAddresses { .. } => "reserved_addresses",
            Self::OutsideDomains { .. } => "outside_domains",
        }
    }
}
