//! How a session ended and what it did, for counters and logs.

use crate::codec::BareLineEnd;

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionEnd {
    /// The client said QUIT.
    Quit,
    /// The client went away, or the connection broke.
    Disconnected,
    /// Nothing came, or nothing could be written, for too long.
    Idle,
    /// A message or the session took too long.
    TooSlow,
    /// The server is stopping.
    Shutdown,
    /// The connection had to be closed for another, because no mail was under way on it.
    Evicted,
    /// Too many malformed or misplaced commands.
    TooManyErrors,
    /// Too many failed sign-ins.
    TooManyAuthFailures,
    /// Too many commands without a message.
    TooManyCommands,
    /// As many messages as one session may carry.
    TooManyMessages,
    /// A CR or LF stood alone: perhaps an attempt to smuggle a message in.
    BareLineEnd(BareLineEnd),
    /// Something was sent in plain text behind STARTTLS: perhaps an attempt to inject commands.
    PlainTextAfterStartTls,
    /// The TLS handshake failed or took too long.
    TlsHandshake,
    /// A command line went on and on.
    LineTooLong,
    /// A message went on and on, far beyond the limit.
    TooMuchData,
    /// A BDAT had no readable length, so where the next command starts is not known.
    ChunkSize,
    /// The handler answered 421.
    Handler,
}

impl SessionEnd {
    /// Names the end for a metric's label.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::Disconnected => "disconnected",
            Self::Idle => "idle",
            Self::TooSlow => "too_slow",
            Self::Shutdown => "shutdown",
            Self::Evicted => "evicted",
            Self::TooManyErrors => "too_many_errors",
            Self::TooManyAuthFailures => "too_many_auth_failures",
            Self::TooManyCommands => "too_many_commands",
            Self::TooManyMessages => "too_many_messages",
            Self::BareLineEnd(_) => "bare_line_end",
            Self::PlainTextAfterStartTls => "plain_text_after_starttls",
            Self::TlsHandshake => "tls_handshake",
            Self::LineTooLong => "line_too_long",
            Self::TooMuchData => "too_much_data",
            Self::ChunkSize => "chunk_size",
            Self::Handler => "handler",
        }
    }
}

/// What a session did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSummary {
    /// Why it is over.
    pub end: SessionEnd,
    /// Messages that the handler accepted.
    pub messages: u32,
    /// Malformed or misplaced commands.
    pub errors: u32,
    /// Sign-ins that failed.
    pub auth_failures: u32,
}
