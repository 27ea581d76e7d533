//! An open session: what the relay offers, and what is on the wire.

use tokio::io::{AsyncRead, AsyncWrite};

use super::capabilities::Capabilities;
use super::config::{ChunkingUse, PipeliningUse, Timeouts};
use super::error::{Phase, SessionError};
use super::tls::TlsInfo;
use super::transaction::Transaction;
use super::wire::{Activity, Wire};
use crate::reply::{Reply, Severity};
use crate::stream::MaybeTls;

/// An open session with a relay, ready for messages.
///
/// | state | `is_open` | ahead |
/// | --- | --- | --- |
/// | idle | yes | – |
/// | next envelope on the wire | yes | that transaction's id |
/// | ended by the relay, by a fault, or by a dropped `deliver` | no | – |
#[derive(Debug)]
pub struct Session<S> {
    pub(super) wire: Wire<MaybeTls<S>>,
    pub(super) capabilities: Capabilities,
    pub(super) tls: Option<TlsInfo>,
    pub(super) timeouts: Timeouts,
    pub(super) pipelining: PipeliningUse,
    pub(super) chunking: ChunkingUse,
    pub(super) open: bool,
    /// Transactions that the relay has answered for.
    pub(super) answered: u64,
    /// The transaction that the last one left unfinished must be cleared before the next MAIL.
    pub(super) needs_reset: bool,
    pub(super) ahead: Option<Ahead>,
    /// The reply with which the relay ended the session.
    pub(super) last_words: Option<Reply>,
    /// Commands under construction; kept for its capacity.
    pub(super) commands: Vec<u8>,
}

/// An envelope on the wire whose replies have not been read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ahead {
    pub(super) id: u64,
    /// How many recipients it names: so many replies belong to it.
    pub(super) recipients: usize,
    /// A RSET went first.
    pub(super) reset: bool,
    /// DATA went last.
    pub(super) data: bool,
    /// It went together with the dot of the transaction before.
    pub(super) behind_dot: bool,
}

impl Ahead {
    /// Whether it is the envelope of this transaction as it stands: with other recipients its replies would be taken for
    /// each other's.
    pub(super) const fn is_of(&self, transaction: &Transaction) -> bool {
        self.id == transaction.id && self.recipients == transaction.recipients.len()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Tells whether the session can take another message.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open
    }

    /// Returns what the relay offers.
    #[must_use]
    pub const fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Returns the TLS that protects the session, if any.
    #[must_use]
    pub const fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_ref()
    }

    /// Counts the messages that the relay has answered for on this connection.
    #[must_use]
    pub const fn answered(&self) -> u64 {
        self.answered
    }

    /// Returns what counts the octets that move on the connection.
    #[must_use]
    pub const fn activity(&self) -> &Activity {
        self.wire.activity()
    }

    /// Tells whether the envelope of a transaction is on the wire already: the transaction must stay as it is then.
    #[must_use]
    pub fn has_sent(&self, id: u64) -> bool {
        self.ahead.is_some_and(|ahead| ahead.id == id)
    }

    /// Returns how the session pipelines from here on: less than configured once the relay has shown that it cannot.
    ///
    /// Keep the answer with the relay and configure later sessions by it.
    #[must_use]
    pub const fn pipelining(&self) -> PipeliningUse {
        self.pipelining
    }

    /// Returns the reply with which the relay ended the session instead of answering MAIL, if it gave one.
    #[must_use]
    pub const fn last_words(&self) -> Option<&Reply> {
        self.last_words.as_ref()
    }

    /// Asks whether the relay takes mail from a sender: MAIL FROM, and RSET behind it. Nothing is sent.
    ///
    /// # Errors
    /// [`SessionError`] where the relay does not answer; a refusal is a reply.
    pub async fn ask_sender(&mut self, mail_from: &str) -> Result<Reply, SessionError> {
        let limit = self.timeouts.mail;
        let line = format!("MAIL FROM:<{mail_from}>\r\n");
        let failed = |failure: super::wire::WriteFailure| SessionError::new(Phase::Mail, failure.cause);
        self.wire
            .write([line.as_bytes(), b"", b""], limit)
            .await
            .map_err(failed)?;
        let answer = self.answer(Phase::Mail, limit).await?;
        self.wire
            .write([b"RSET\r\n", b"", b""], limit)
            .await
            .map_err(failed)?;
        self.answer(Phase::Mail, limit).await?;
        Ok(answer)
    }

    /// Says QUIT, waits a moment for the answer, and closes; answers what the relay said, if it did.
    pub async fn quit(mut self) -> Option<Reply> {
        let limit = self.timeouts.quit;
        let mut said = None;
        // Behind a DATA that was sent ahead, QUIT would be content.
        let polite = self.open && self.ahead.is_none();
        if polite && self.wire.write([b"QUIT\r\n", b"", b""], limit).await.is_ok() {
            said = self.wire.reply(limit).await.ok();
        }
        self.wire.shut_down(limit).await;
        said
    }

    /// Reads the reply to a command; one that closes the session or that cannot answer a command is an error.
    pub(super) async fn answer(
        &mut self,
        phase: Phase,
        limit: std::time::Duration,
    ) -> Result<Reply, SessionError> {
        let reply = self
            .wire
            .reply(limit)
            .await
            .map_err(|cause| SessionError::new(phase, cause))?;
        check(phase, reply)
    }
}

fn check(phase: Phase, reply: Reply) -> Result<Reply, SessionError> {
    use super::error::Cause;
    let waits = reply.severity() == Severity::Intermediate;
    let fits = if phase == Phase::Data {
        reply.code == 354 || !(waits || reply.is_success())
    } else {
        !waits
    };
    if reply.closes() {
        Err(SessionError::new(phase, Cause::Refused(reply)))
    } else if fits {
        Ok(reply)
    } else {
        Err(SessionError::new(phase, Cause::Unexpected(reply)))
    }
}
