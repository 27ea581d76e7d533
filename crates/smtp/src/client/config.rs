//! What the session needs to know about a relay.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use super::dial::Dialler;
use super::reach::Reach;
use super::sign_in::{AuthUse, Tokens};
use super::tls::Trust;

/// Where a relay listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RelayAddress {
    /// A name, resolved at every connect, and a port.
    Host {
        /// The name, or an address without brackets.
        host: String,
        /// The TCP port.
        port: u16,
    },
    /// An address that somebody resolved already.
    Socket(SocketAddr),
}

/// Why a text is not `host:port`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not host:port, as in relay.example.com:587 or [::1]:25")]
pub struct InvalidRelayAddress {
    text: String,
}

impl FromStr for RelayAddress {
    type Err = InvalidRelayAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Socket(address));
        }
        let parts = text.rsplit_once(':').and_then(|(host, port)| {
            let named = !host.is_empty() && !host.contains([':', '[', ']', ' ']);
            named.then_some(())?;
            Some((host.to_owned(), port.parse().ok()?))
        });
        let (host, port) = parts.ok_or_else(|| InvalidRelayAddress {
            text: text.to_owned(),
        })?;
        Ok(Self::Host { host, port })
    }
}

impl fmt::Display for RelayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { host, port } => write!(f, "{host}:{port}"),
            Self::Socket(address) => write!(f, "{address}"),
        }
    }
}

/// How a connection is protected (RFC 3207, RFC 8314).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TlsPolicy {
    /// Never: all goes in clear, a password too.
    None,
    /// STARTTLS where offered, whatever the certificate; no password without it.
    #[default]
    Opportunistic,
    /// STARTTLS or nothing, and the certificate is verified.
    Required,
    /// TLS from the first byte (port 465), and the certificate is verified.
    Implicit,
}

/// Whether commands are sent before the last one is answered, where the relay offers it (RFC 2920).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PipeliningUse {
    /// The next envelope goes with the dot.
    #[default]
    AcrossMessages,
    /// Within an envelope only: for relays that leave a MAIL behind a dot unanswered.
    WithinEnvelope,
    /// One command, one reply.
    Never,
}

/// Whether content goes by BDAT (RFC 3030).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ChunkingUse {
    /// DATA always.
    #[default]
    Never,
    /// BDAT where the relay offers CHUNKING.
    WhereOffered,
}

/// A user name and password for AUTH.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The authentication identity.
    pub user: String,
    /// The password; never printed.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .field("password", &"…")
            .finish()
    }
}

/// How long the session waits for a relay; the defaults are RFC 5321 §4.5.3.2 where it names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// The TCP connection: 30 s.
    pub connect: Duration,
    /// The greeting: 5 minutes.
    pub greeting: Duration,
    /// EHLO, HELO and STARTTLS: 5 minutes.
    pub ehlo: Duration,
    /// The TLS handshake: 1 minute.
    pub tls: Duration,
    /// Each step of AUTH: 2 minutes.
    pub auth: Duration,
    /// MAIL and RSET: 5 minutes.
    pub mail: Duration,
    /// Each RCPT: 5 minutes.
    pub rcpt: Duration,
    /// DATA: 2 minutes.
    pub data: Duration,
    /// Any progress while sending content: 3 minutes.
    pub content: Duration,
    /// The answer to the final dot: 10 minutes.
    pub final_dot: Duration,
    /// The answer to a MAIL that went with the last dot, counted from that dot's answer: 20 s.
    pub pipelined_mail: Duration,
    /// QUIT: 5 s; nothing depends on it.
    pub quit: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        Self {
            connect: Duration::from_secs(30),
            greeting: Duration::from_secs(5 * MINUTE),
            ehlo: Duration::from_secs(5 * MINUTE),
            tls: Duration::from_secs(MINUTE),
            auth: Duration::from_secs(2 * MINUTE),
            mail: Duration::from_secs(5 * MINUTE),
            rcpt: Duration::from_secs(5 * MINUTE),
            data: Duration::from_secs(2 * MINUTE),
            content: Duration::from_secs(3 * MINUTE),
            final_dot: Duration::from_secs(10 * MINUTE),
            pipelined_mail: Duration::from_secs(20),
            quit: Duration::from_secs(5),
        }
    }
}

/// Everything that a session needs to know about a relay.
#[derive(Debug, Clone)]
pub struct RelayConfig {
    /// Where it listens.
    pub address: RelayAddress,
    /// The name that its certificate must carry; the address's host where `None`.
    pub tls_name: Option<String>,
    /// How the connection is protected.
    pub tls: TlsPolicy,
    /// Which certificates are good, where the policy verifies them.
    pub trust: Trust,
    /// The credentials for AUTH; no AUTH where `None`.
    pub credentials: Option<Credentials>,
    /// How to sign in with them.
    pub auth: AuthUse,
    /// Where access tokens come from, for XOAUTH2.
    pub tokens: Tokens,
    /// Which addresses may be connected to.
    pub reach: Reach,
    /// Who makes the connections.
    pub dial: Dialler,
    /// Our own name in EHLO.
    pub ehlo_name: String,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// Whether to pipeline, where offered.
    pub pipelining: PipeliningUse,
    /// Whether to use BDAT, where offered.
    pub chunking: ChunkingUse,
}

impl RelayConfig {
    /// Describes a relay by its address; all else has the default, with TLS policy `opportunistic`.
    #[must_use]
    pub fn new(address: RelayAddress) -> Self {
        Self {
            address,
            tls_name: None,
            tls: TlsPolicy::default(),
            trust: Trust::Platform,
            credentials: None,
            auth: AuthUse::default(),
            tokens: Tokens::default(),
            reach: Reach::default(),
            dial: Dialler::default(),
            ehlo_name: "localhost".to_owned(),
            timeouts: Timeouts::default(),
            pipelining: PipeliningUse::default(),
            chunking: ChunkingUse::default(),
        }
    }

    /// Returns the name that the relay's certificate must carry.
    #[must_use]
    pub fn certificate_name(&self) -> String {
        match (&self.tls_name, &self.address) {
            (Some(name), _) => name.clone(),
            (None, RelayAddress::Host { host, .. }) => host.clone(),
            (None, RelayAddress::Socket(address)) => address.ip().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_alike() {
        for text in ["relay.example.com:587", "127.0.0.1:25", "[::1]:2525"] {
            assert_eq!(text.parse::<RelayAddress>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_host_and_port_is_refused_by_name() {
        for text in ["relay", ":25", "relay:x", "relay:70000", "a b:25", "::1:25x"] {
            let error = text.parse::<RelayAddress>().unwrap_err();
            assert!(error.to_string().contains(text));
        }
    }

    #[test]
    fn password_is_never_printed() {
        let credentials = Credentials {
            user: "u".into(),
            password: "hunter2".into(),
        };
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }
}
