//! What a sink offers, keeps and asks for.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

use super::limits::SinkLimits;
use super::plan::Plan;

/// How a sink behaves.
#[derive(Debug, Clone)]
pub struct SinkConfig {
    /// Its name in the greeting.
    pub hostname: String,
    /// The extensions that EHLO names.
    pub offers: Offers,
    /// Its TLS; none where `None`.
    pub tls: Option<SinkTls>,
    /// The one user that it knows. Where set, mail is taken after AUTH only.
    pub auth: Option<SinkAuth>,
    /// Scripted misbehaviour.
    pub plan: Plan,
    /// Its own limits.
    pub limits: SinkLimits,
    /// Misbehaviour by recipient.
    pub by_address: ByAddress,
    /// What it remembers.
    pub keep: Keep,
    /// A file that gets one line per accepted message: Message-ID, sender and recipients, separated by tabs.
    pub log: Option<PathBuf>,
}

impl Default for SinkConfig {
    fn default() -> Self {
        Self {
            hostname: "sink.test".to_owned(),
            offers: Offers::default(),
            tls: None,
            auth: None,
            plan: Plan::default(),
            limits: SinkLimits::default(),
            by_address: ByAddress::Off,
            keep: Keep::Envelopes,
            log: None,
        }
    }
}

/// The extensions that a sink names in answer to EHLO. STARTTLS and AUTH follow from its TLS and its user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one per EHLO keyword, each independent of the others"
)]
pub struct Offers {
    /// Whether EHLO is known at all; HELO always is.
    pub ehlo: bool,
    /// PIPELINING.
    pub pipelining: bool,
    /// 8BITMIME.
    pub eight_bit_mime: bool,
    /// SMTPUTF8.
    pub smtputf8: bool,
    /// CHUNKING.
    pub chunking: bool,
    /// DSN.
    pub dsn: bool,
    /// SIZE with this limit, which is enforced; zero is no limit.
    pub size_bytes: Option<u64>,
    /// The mechanisms behind AUTH.
    pub auth: &'static str,
    /// Whether input that came together with a dot is thrown away, as some old relays do.
    pub drops_input_behind_dot: bool,
}

impl Default for Offers {
    fn default() -> Self {
        Self {
            ehlo: true,
            pipelining: true,
            eight_bit_mime: true,
            smtputf8: true,
            chunking: true,
            dsn: true,
            size_bytes: Some(0),
            auth: "PLAIN LOGIN",
            drops_input_behind_dot: false,
        }
    }
}

/// How a sink speaks TLS.
#[derive(Debug, Clone)]
pub enum SinkTls {
    /// After STARTTLS.
    StartTls(Arc<ServerConfig>),
    /// From the first byte.
    Implicit(Arc<ServerConfig>),
}

/// The user that a sink knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkAuth {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Whether the local part of a recipient decides what happens to it.
///
/// | local part starts with | what happens |
/// | --- | --- |
/// | `fail` | 550 5.1.1 to RCPT |
/// | `full` | 552 5.2.2 to RCPT |
/// | `defer` | 451 4.3.0 to RCPT |
/// | `grey` | 450 4.7.1 to RCPT on the first two tries, then accepted |
/// | `stall` | RCPT is answered late |
/// | `drop` | the connection is cut in the content |
/// | `busy` | 421 4.3.2 to RCPT, and the connection is closed |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ByAddress {
    /// All addresses are alike.
    #[default]
    Off,
    /// As in the table.
    On {
        /// How late `stall` is answered.
        stall: Duration,
    },
}

/// What a sink remembers of the messages it accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// Their number.
    Counts,
    /// Sender, recipients and Message-ID.
    #[default]
    Envelopes,
    /// The content too, and every command line.
    Everything,
}
