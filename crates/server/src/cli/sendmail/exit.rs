//! What went wrong, with the exit code that mail programs expect (`sysexits.h`).

use postroom_smtp::client::SessionError;
use postroom_smtp::reply::{Reply, Severity};

/// Why a message was not submitted; nothing was kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
    /// The message is wrong.
    #[error("{0}")]
    Data(String),
    /// Standard input could not be read.
    #[error("the message could not be read: {0}")]
    Read(std::io::Error),
    /// The configuration cannot be used.
    #[error("{0}")]
    Configuration(String),
    /// The server could not be reached or broke off; trying again can help.
    #[error(
        "the server at {server} did not take the message: {source}; is it running? (POSTROOM_SMTP names it)"
    )]
    Session {
        /// Where it was tried.
        server: String,
        /// What happened.
        source: SessionError,
    },
    /// The server refused.
    #[error("refused{who}: {reply}")]
    Refused {
        /// Whose address, where it was one.
        who: String,
        /// Its words.
        reply: Reply,
    },
}

impl Failure {
    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        const USAGE: u8 = 64;
        const DATA: u8 = 65;
        const UNAVAILABLE: u8 = 69;
        const IO: u8 = 74;
        const TRY_AGAIN: u8 = 75;
        const CONFIGURATION: u8 = 78;
        match self {
            Self::Usage(_) => USAGE,
            Self::Data(_) => DATA,
            Self::Read(_) => IO,
            Self::Configuration(_) => CONFIGURATION,
            Self::Session { source, .. } if source.severity() == Severity::Permanent => UNAVAILABLE,
            Self::Refused { reply, .. } if reply.severity() == Severity::Permanent => UNAVAILABLE,
            Self::Session { .. } | Self::Refused { .. } => TRY_AGAIN,
        }
    }
}
