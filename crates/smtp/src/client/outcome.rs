//! What became of a transaction.

use std::time::Duration;

use thiserror::Error;

use super::error::{Phase, SessionError};
use super::transaction::Transaction;
use crate::reply::Reply;

/// The decision taken in the moment before the dot is written.
#[derive(Debug)]
pub enum AtDot {
    /// Write it, and with it the envelope of the message that follows, if one waits.
    Write {
        /// The message that follows on this connection.
        next: Option<Transaction>,
    },
    /// Do not write it (the lease is stale): the connection is closed and the relay forgets the message.
    Withdraw,
}

/// What [`Session::deliver`](super::Session::deliver) hands back.
#[derive(Debug)]
pub struct Delivery {
    /// The transaction's id, as given.
    pub id: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// From the start of the call to its end.
    pub elapsed: Duration,
    /// The message that [`AtDot::Write`] gave. Its envelope may be on the wire: deliver it next on this session while
    /// that is open; otherwise it is untried and costs nothing.
    pub next: Option<Transaction>,
}

/// What became of a transaction.
#[derive(Debug)]
pub enum Outcome {
    /// The relay answered all it was asked, be it yes or no.
    Finished(Answers),
    /// The line was lost after the dot's first byte: the relay may have the message.
    Uncertain(SessionError),
    /// The line was lost, or the relay refused to go on, before the dot: the relay does not have the message.
    Failed(SessionError),
    /// The relay never answered for this message though the session had worked before; another session can try it.
    Untried(Untried),
    /// This relay cannot be given this message. Nothing was sent and the session stays open.
    Unsendable(Unsendable),
}

/// What the relay answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// To MAIL FROM.
    pub mail: Reply,
    /// To each RCPT TO, in the transaction's order; empty where MAIL was refused.
    pub recipients: Vec<Reply>,
    /// To DATA where it was refused, or else to the final dot (or BDAT); `None` where no recipient was accepted.
    pub data: Option<(Phase, Reply)>,
}

/// What the answers mean for one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// The relay has taken the message for this recipient; the reply is that to the dot.
    Accepted(&'a Reply),
    /// It has not; the phase says whether it refused the sender, the recipient or the message.
    Refused(Phase, &'a Reply),
}

impl Answers {
    /// Gives the verdict for the recipient at `index` of the transaction.
    #[must_use]
    pub fn verdict(&self, index: usize) -> Verdict<'_> {
        if !self.mail.is_success() {
            return Verdict::Refused(Phase::Mail, &self.mail);
        }
        match (self.recipients.get(index), &self.data) {
            (Some(reply), _) if !reply.is_success() => Verdict::Refused(Phase::Rcpt, reply),
            (Some(_), Some((_, reply))) if reply.is_success() => Verdict::Accepted(reply),
            (Some(_), Some((phase, reply))) => Verdict::Refused(*phase, reply),
            // Neither case is built: every recipient has a reply, and an accepted one leads to DATA.
            (Some(_) | None, None) | (None, Some(_)) => Verdict::Refused(Phase::Mail, &self.mail),
        }
    }
}

/// Why a transaction came back without costing anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Untried {
    /// The session was closed before the call.
    #[error("the connection was closed already")]
    SessionClosed,
    /// The relay ended a session that had delivered before (421 or a close) instead of answering MAIL.
    #[error("the relay ended the connection before it looked at the message")]
    SessionEnded,
    /// The relay did not answer a MAIL that went with the last dot: do not send it one again
    /// ([`PipeliningUse::WithinEnvelope`](super::PipeliningUse::WithinEnvelope)).
    #[error("the relay does not answer an envelope sent along with the last message's end")]
    PipeliningBroken,
    /// [`AtDot::Withdraw`]: the connection was closed instead of writing the dot.
    #[error("the message was withdrawn before its end was sent")]
    Withdrawn,
    /// Another transaction's envelope is on the wire, or this one's with other recipients.
    #[error("another message's envelope is under way on this connection")]
    OutOfOrder,
}

/// Why a message cannot be given to this relay.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Error)]
pub enum Unsendable {
    /// An address or the header needs SMTPUTF8, which the relay does not offer (RFC 6531 §3.2).
    #[error("the message has addresses or header fields beyond ASCII, and the relay does not offer SMTPUTF8")]
    SmtpUtf8NotOffered,
    /// The message is larger than the relay's SIZE (RFC 1870).
    #[error("the message has {size_bytes} bytes and the relay takes {limit_bytes}")]
    TooLarge {
        /// The message's size as transmitted.
        size_bytes: u64,
        /// What EHLO said.
        limit_bytes: u64,
    },
    /// An address has a line break, a control character, a space or an angle bracket: it would break the command.
    #[error("the address {address:?} cannot be written in an SMTP command")]
    BadAddress {
        /// The address.
        address: String,
    },
    /// There is nobody to send to.
    #[error("the message has no recipients")]
    NoRecipients,
}
