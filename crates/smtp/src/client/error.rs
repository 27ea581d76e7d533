//! What can go wrong with a session, in which phase, and whose words say so.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

use super::tls::TlsFault;
use crate::reply::{Reply, ReplyError, Severity};

/// The step of a session that was under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Name resolution and the TCP connection.
    Connect,
    /// Waiting for the relay's first words.
    Greeting,
    /// EHLO, or HELO where EHLO is refused.
    Ehlo,
    /// The STARTTLS command.
    StartTls,
    /// The TLS handshake and the check of the certificate.
    Tls,
    /// AUTH and its exchange.
    Auth,
    /// MAIL FROM, and the RSET before it.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// The DATA command.
    Data,
    /// The content, before its final dot.
    Content,
    /// The final dot and the relay's answer to it.
    FinalDot,
    /// QUIT.
    Quit,
}

impl Phase {
    /// Names the phase as people meet it in an error message.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::Greeting => "greeting",
            Self::Ehlo => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::Tls => "TLS handshake",
            Self::Auth => "AUTH",
            Self::Mail => "MAIL FROM",
            Self::Rcpt => "RCPT TO",
            Self::Data => "DATA",
            Self::Content => "sending the message",
            Self::FinalDot => "end of the message",
            Self::Quit => "QUIT",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A session that ended, with the phase it ended in.
#[derive(Debug, Error)]
#[error("{phase}: {cause}")]
pub struct SessionError {
    /// What was under way.
    pub phase: Phase,
    /// What happened.
    pub cause: Cause,
}

/// What ended a session.
#[derive(Debug, Error)]
pub enum Cause {
    /// The relay's name resolves to no address.
    #[error("the name {host:?} has no address ({source})")]
    Unresolved {
        /// The name as configured.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// The operating system reports a fault of the connection.
    #[error("the connection failed ({0})")]
    Io(io::Error),
    /// The relay did not answer, or took no more bytes, for this long.
    #[error("the relay did not answer within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// The relay closed the connection without a word.
    #[error("the relay closed the connection")]
    Closed,
    /// The relay refused, or said that it is closing (421).
    #[error("the relay said: {0}")]
    Refused(Reply),
    /// The reply is none that this command may get.
    #[error("the relay gave an answer that makes no sense here: {0}")]
    Unexpected(Reply),
    /// What the relay sent is no SMTP reply.
    #[error(transparent)]
    Garbage(#[from] ReplyError),
    /// The TLS handshake failed; for a certificate the text names what is wrong with it.
    #[error(transparent)]
    Tls(TlsFault),
    /// Connections to the address of the relay, or of its token endpoint, are not allowed.
    #[error("connections to {address} are not allowed: {why}")]
    Forbidden {
        /// The address.
        address: IpAddr,
        /// Why not, and who can allow it.
        why: String,
    },
    /// There is no access token to sign in with.
    #[error("no access token: {0}")]
    Token(String),
    /// The relay sent plain text behind its answer to STARTTLS, as an attacker in the middle would (CVE-2011-0411).
    #[error("the relay sent plain text behind its answer to STARTTLS; the connection may be tampered with")]
    PlainTextBehindStartTls,
    /// The configuration asks for what the relay does not offer.
    #[error("{0}")]
    Missing(Missing),
}

/// What a relay does not offer though the configuration needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Missing {
    /// TLS policy `required` without STARTTLS.
    #[error(
        "the relay does not offer STARTTLS, which the TLS policy requires; set it to none, or to implicit for port 465"
    )]
    StartTls,
    /// Credentials without AUTH.
    #[error("the relay does not offer AUTH, yet a user name and password are configured")]
    Auth,
    /// AUTH without a mechanism that we speak.
    #[error("the relay offers no AUTH mechanism that we may use (PLAIN or LOGIN, as configured)")]
    Mechanism,
    /// XOAUTH2 where it is configured.
    #[error("the relay does not offer AUTH XOAUTH2, which is configured")]
    Xoauth2,
    /// XOAUTH2 without a place to get tokens from.
    #[error("AUTH XOAUTH2 is configured without a token endpoint")]
    Token,
    /// Credentials under policy `opportunistic`, and no TLS: the password would go over the wire in clear.
    #[error(
        "the relay offers no TLS, so the password is not sent; set the TLS policy to required, or to none to send it in clear"
    )]
    TlsForAuth,
}

/// What this machine lacks for a connection. It says nothing of the relay, and of no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LocalFault {
    /// Descriptors, memory, buffers or local ports.
    Resources,
    /// A network: no device is up, or none leads to the relay's.
    Network,
    /// The permission: this machine's rules forbid the address.
    Permission,
}

impl Cause {
    /// Says whether the fault is this machine's.
    #[must_use]
    pub fn local_fault(&self) -> Option<LocalFault> {
        if matches!(self, Self::Forbidden { .. }) {
            return Some(LocalFault::Permission);
        }
        let (Self::Io(error) | Self::Unresolved { source: error, .. }) = self else {
            return None;
        };
        // Linux's numbers; std names few of these kinds.
        match error.raw_os_error() {
            // EAGAIN of connect(2): no free local port; ENOMEM, ENFILE, EMFILE, EADDRNOTAVAIL, ENOBUFS.
            Some(11 | 12 | 23 | 24 | 99 | 105) => Some(LocalFault::Resources),
            // ENODEV, ENETDOWN, ENETUNREACH.
            Some(19 | 100 | 101) => Some(LocalFault::Network),
            _ => None,
        }
    }
}

impl SessionError {
    pub(crate) const fn new(phase: Phase, cause: Cause) -> Self {
        Self { phase, cause }
    }

    /// Says whether the same try may succeed later (`Transient`) or needs somebody to change something (`Permanent`).
    ///
    /// Whatever is not a plain refusal counts as transient.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match &self.cause {
            Cause::Refused(reply) if reply.severity() == Severity::Permanent => Severity::Permanent,
            Cause::Missing(_) | Cause::Tls(_) | Cause::Forbidden { .. } => Severity::Permanent,
            Cause::Refused(_)
            | Cause::Unresolved { .. }
            | Cause::Io(_)
            | Cause::Timeout(_)
            | Cause::Closed
            | Cause::Unexpected(_)
            | Cause::Garbage(_)
            | Cause::Token(_)
            | Cause::PlainTextBehindStartTls => Severity::Transient,
        }
    }

    /// Says whether this machine could not connect, or may not, whatever the relay would have said.
    #[must_use]
    pub fn local_fault(&self) -> Option<LocalFault> {
        let fault = self.cause.local_fault()?;
        // The token endpoint's address is looked at when the relay has been greeted already.
        (self.phase == Phase::Connect || fault == LocalFault::Permission).then_some(fault)
    }

    /// Says whether another address of the relay's name may do better (RFC 5321 §5.1): this one did not greet us, or
    /// went away before it had introduced itself.
    #[must_use]
    pub fn is_of_address(&self) -> bool {
        match self.phase {
            Phase::Connect | Phase::Greeting => true,
            Phase::Ehlo | Phase::StartTls | Phase::Tls => {
                self.is_close() || matches!(self.cause, Cause::Timeout(_))
            }
            Phase::Auth
            | Phase::Mail
            | Phase::Rcpt
            | Phase::Data
            | Phase::Content
            | Phase::FinalDot
            | Phase::Quit => false,
        }
    }

    /// Tells whether the network lost the connection: nothing came back for too long, or a router said so.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(&self.cause, Cause::Io(error) if matches!(
            error.kind(),
            io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable
        ))
    }

    /// Returns the relay's words, where it said any.
    #[must_use]
    pub const fn reply(&self) -> Option<&Reply> {
        match &self.cause {
            Cause::Refused(reply) | Cause::Unexpected(reply) => Some(reply),
            Cause::Unresolved { .. }
            | Cause::Io(_)
            | Cause::Timeout(_)
            | Cause::Closed
            | Cause::Garbage(_)
            | Cause::Tls(_)
            | Cause::Forbidden { .. }
            | Cause::Token(_)
            | Cause::PlainTextBehindStartTls
            | Cause::Missing(_) => None,
        }
    }

    /// Tells whether the relay closed the connection, with a 421 or without a word.
    #[must_use]
    pub fn is_close(&self) -> bool {
        match &self.cause {
            Cause::Closed => true,
            Cause::Refused(reply) => reply.closes(),
            Cause::Io(error) => matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted
            ),
            Cause::Unresolved { .. }
            | Cause::Timeout(_)
            | Cause::Unexpected(_)
            | Cause::Garbage(_)
            | Cause::Tls(_)
            | Cause::Forbidden { .. }
            | Cause::Token(_)
            | Cause::PlainTextBehindStartTls
            | Cause::Missing(_) => false,
        }
    }
}
