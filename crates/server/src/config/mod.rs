//! The server's configuration: one TOML file, overridden by environment variables.
//!
//! Unknown keys and bad values refuse the start and are named with their line; see [`ConfigError`].

mod error;
mod load;
mod values;

pub use error::ConfigError;
pub use load::{Environment, load};
pub use values::{HumanDuration, Network};

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

/// Everything that can be configured, with its defaults.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The name that people see, in titles and alerts.
    pub brand: String,
    /// This node.
    pub server: Server,
    /// The API and the web page.
    pub http: Http,
    /// Mail coming in by SMTP.
    pub submission: Submission,
    /// Whether mail moves at all.
    pub queue: Queue,
    /// The schedule of attempts.
    pub delivery: Delivery,
    /// The relays; the first one is the server's own.
    pub relay: Vec<Relay>,
    /// What is told about the server's work.
    pub log: Log,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            brand: "Postroom".to_owned(),
            server: Server::default(),
            http: Http::default(),
            submission: Submission::default(),
            queue: Queue::default(),
            delivery: Delivery::default(),
            relay: Vec::new(),
            log: Log::default(),
        }
    }
}

/// `[server]`: this node.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Where the database and the admin socket are.
    pub data_dir: PathBuf,
    /// The name said in EHLO, Received and Message-ID.
    pub hostname: String,
    /// This node's place in the cluster, 0 to 1023.
    pub node: u16,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("./data"),
            hostname: "localhost".to_owned(),
            node: 0,
        }
    }
}

/// `[http]`: the API and the web page.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Where the API and the web page are served.
    #[serde(deserialize_with = "values::socket_address")]
    pub listen: SocketAddr,
    /// What people type, `https://mail.example.com`; empty: as the request says.
    pub public_url: String,
    /// Networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: String::new(),
            trusted_proxies: Vec::new(),
        }
    }
}

/// `[submission]`: mail coming in by SMTP.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Submission {
    /// Addresses that begin in plain text and offer STARTTLS where there is a certificate.
    #[serde(deserialize_with = "values::socket_addresses")]
    pub listen: Vec<SocketAddr>,
    /// Addresses that begin with TLS (RFC 8314).
    #[serde(deserialize_with = "values::socket_addresses")]
    pub listen_tls: Vec<SocketAddr>,
    /// PEM file of the certificate chain; empty: no TLS.
    pub tls_certificate: PathBuf,
    /// PEM file of the private key.
    pub tls_key: PathBuf,
    /// Largest message, in octets.
    pub max_message_size_bytes: u64,
    /// Most recipients of one message.
    pub max_recipients: u16,
    /// Clients that need no AUTH.
    pub trusted: Vec<Trusted>,
}

impl Default for Submission {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 2525))],
            listen_tls: Vec::new(),
            tls_certificate: PathBuf::new(),
            tls_key: PathBuf::new(),
            max_message_size_bytes: 25 * 1024 * 1024,
            max_recipients: 1000,
            trusted: Vec::new(),
        }
    }
}

/// `[[submission.trusted]]`: clients of a network that submit as one user without AUTH.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trusted {
    /// Where they are.
    pub network: Network,
    /// Who they act as.
    pub login: String,
}

/// `[queue]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Queue {
    /// Whether mail is taken in and sent at all (I8).
    pub enabled: bool,
}

impl Default for Queue {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// `[delivery]`: the schedule of attempts (D2).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Delivery {
    /// Attempts before a message ends Failed.
    pub max_attempts: u16,
    /// The wait after each attempt; the last one repeats.
    pub retry_waits: Vec<HumanDuration>,
    /// What a permanent refusal does.
    pub permanent_failures: PermanentFailures,
    /// How long mail waits for a relay that is Down before it ends Failed.
    pub max_wait: HumanDuration,
    /// Takes mail in but sends nothing.
    pub paused: bool,
}

impl Default for Delivery {
    fn default() -> Self {
        let minutes = [1, 5, 15, 30, 60, 120, 240, 360, 480];
        Self {
            max_attempts: 10,
            retry_waits: minutes.into_iter().map(HumanDuration::from_minutes).collect(),
            permanent_failures: PermanentFailures::Retry,
            max_wait: HumanDuration::from_minutes(24 * 60),
            paused: false,
        }
    }
}

/// What a 5xx about a recipient or a message does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermanentFailures {
    /// Tries again like any failure.
    Retry,
    /// Ends undelivered at once.
    Fail,
}

/// `[[relay]]`: an SMTP server that mail leaves through.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Relay {
    /// What people call it.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// When TLS is used.
    pub tls: RelayTls,
    /// For AUTH; empty: none.
    pub username: String,
    /// For AUTH.
    pub password: String,
    /// Most connections at a time.
    pub connections: u16,
    /// Messages before a connection is renewed.
    pub messages_per_connection: u32,
    /// PEM file of certificate authorities to trust besides the system's.
    pub ca_file: PathBuf,
}

impl Default for Relay {
    fn default() -> Self {
        Self {
            name: "default".to_owned(),
            host: String::new(),
            port: 25,
            tls: RelayTls::Opportunistic,
            username: String::new(),
            password: String::new(),
            connections: 20,
            messages_per_connection: 100,
            ca_file: PathBuf::new(),
        }
    }
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the password: this text ends in logs.
        f.debug_struct("Relay")
            .field("name", &self.name)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// When TLS is used with a relay (D5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelayTls {
    /// Never.
    None,
    /// STARTTLS where offered, any certificate.
    Opportunistic,
    /// STARTTLS or nothing, certificate verified.
    Required,
    /// TLS from the first byte, certificate verified.
    Implicit,
}

/// `[log]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// For people or for programs.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,postroom=debug`.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: "info".to_owned(),
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
