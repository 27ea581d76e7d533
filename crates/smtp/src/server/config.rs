//! What a server session is told: its name, its policies and its limits.

use std::time::Duration;

use tokio_rustls::TlsAcceptor;

/// Whether a client must sign in before it may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthPolicy {
    /// MAIL is refused with 530 until AUTH succeeded: submission (RFC 6409 §4.3).
    Required,
    /// AUTH is offered; the handler decides about mail of those who did not sign in.
    Optional,
    /// AUTH is neither offered nor understood.
    Off,
}

/// Where a password may travel without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaintextAuth {
    /// Nowhere.
    Refused,
    /// Between processes of this machine.
    LoopbackOnly,
    /// Everywhere; for closed test networks alone.
    Allowed,
}

/// How a listener encrypts.
#[derive(Clone)]
pub enum TlsMode {
    /// Not at all.
    Off,
    /// When the client asks with STARTTLS (RFC 3207).
    StartTls(TlsAcceptor),
    /// From the first byte (RFC 8314 §3.3).
    Implicit(TlsAcceptor),
}

/// The limits of a session until it is known who the client is: until AUTH succeeds or the handler accepts MAIL.
///
/// Some mail programs ask for the password while they are connected, so there is as much time as RFC 5321 §4.5.3.2.7 wants
/// for a command; whoever has no intention to sign in makes room for others long before.
#[derive(Debug, Clone)]
pub struct BeforeSignIn {
    /// Longest time in all, silent or not, from the start of the session.
    pub duration_max: Duration,
    /// Most commands.
    pub commands_max: u32,
}

impl Default for BeforeSignIn {
    fn default() -> Self {
        Self {
            duration_max: Duration::from_secs(300),
            commands_max: 30,
        }
    }
}

/// The limits of one session.
#[derive(Debug, Clone)]
pub struct SessionLimits {
    /// Longest command line in bytes, CRLF included; RFC 5321 §4.5.3.1.4 with room for what extensions add.
    pub command_line_bytes_max: usize,
    /// Longest AUTH line in bytes, CRLF included (RFC 4954 §4).
    pub auth_line_bytes_max: usize,
    /// Most recipients of one message; RFC 5321 §4.5.3.1.8 wants at least 100.
    pub recipients_max: usize,
    /// Most bytes of one message.
    pub message_bytes_max: usize,
    /// Most malformed or misplaced commands.
    pub errors_max: u32,
    /// Most failed sign-ins.
    pub auth_failures_max: u32,
    /// Most commands between two accepted messages, accepted recipients not counted.
    pub commands_without_message_max: u32,
    /// Most messages.
    pub messages_max: u32,
    /// Longest silence (RFC 5321 §4.5.3.2.7 wants five minutes).
    pub idle_max: Duration,
    /// Longest time from the first byte of a command line to its end.
    pub command_duration_max: Duration,
    /// What holds until it is known who the client is.
    pub before_sign_in: BeforeSignIn,
    /// Longest time for one message's data to arrive.
    pub message_duration_max: Duration,
    /// How often at least the handler hears of the progress of content.
    pub content_check: Duration,
    /// Longest session.
    pub session_duration_max: Duration,
    /// Longest TLS handshake.
    pub handshake_max: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            command_line_bytes_max: 2_048,
            auth_line_bytes_max: 12_288,
            recipients_max: 1_000,
            message_bytes_max: 25 * 1024 * 1024,
            errors_max: 20,
            auth_failures_max: 3,
            commands_without_message_max: 1_000,
            messages_max: 100_000,
            idle_max: Duration::from_secs(300),
            command_duration_max: Duration::from_secs(60),
            before_sign_in: BeforeSignIn::default(),
            message_duration_max: Duration::from_secs(1_800),
            content_check: Duration::from_secs(10),
            session_duration_max: Duration::from_secs(86_400),
            handshake_max: Duration::from_secs(30),
        }
    }
}

/// What every session of a listener shares.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// The name in the greeting and in the EHLO reply.
    pub hostname: String,
    /// Whether signing in is required.
    pub auth: AuthPolicy,
    /// Where passwords may travel without TLS.
    pub plaintext_auth: PlaintextAuth,
    /// The limits.
    pub limits: SessionLimits,
}

impl SessionConfig {
    /// Makes the configuration of a submission service with the usual limits.
    #[must_use]
    pub fn submission(hostname: impl Into<String>) -> Self {
        Self {
            hostname: hostname.into(),
            auth: AuthPolicy::Required,
            plaintext_auth: PlaintextAuth::LoopbackOnly,
            limits: SessionLimits::default(),
        }
    }
}
