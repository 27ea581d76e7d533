//! What a session asks of the house it stands in.

use std::future::Future;
use std::net::SocketAddr;

use super::envelope::{Envelope, MailFrom, RcptTo};
use crate::auth::Credentials;
use crate::reply::Reply;

/// Facts about the session that a handler may want for a `Received:` line or a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFacts {
    /// The client's address.
    pub peer: SocketAddr,
    /// What the client called itself in EHLO or HELO; empty before.
    pub helo: String,
    /// Whether the client said EHLO.
    pub greeting: Greeting,
    /// The TLS version and cipher suite, once encrypted.
    pub tls: Option<TlsFacts>,
    /// The name that signed in.
    pub username: Option<String>,
}

/// How the client greeted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Greeting {
    /// Not yet, or not since STARTTLS.
    None,
    /// With HELO.
    Helo,
    /// With EHLO.
    Ehlo,
}

/// How a session is encrypted, in rustls' words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFacts {
    /// Such as `TLSv1_3`.
    pub version: String,
    /// Such as `TLS13_AES_256_GCM_SHA384`.
    pub cipher_suite: String,
}

impl SessionFacts {
    pub(super) const fn new(peer: SocketAddr) -> Self {
        Self {
            peer,
            helo: String::new(),
            greeting: Greeting::None,
            tls: None,
            username: None,
        }
    }

    /// Names the protocol for the `with` clause of a `Received:` line (RFC 3848).
    #[must_use]
    pub const fn with_protocol(&self) -> &'static str {
        match (self.greeting, self.tls.is_some(), self.username.is_some()) {
            (Greeting::Helo | Greeting::None, ..) => "SMTP",
            (Greeting::Ehlo, false, false) => "ESMTP",
            (Greeting::Ehlo, true, false) => "ESMTPS",
            (Greeting::Ehlo, false, true) => "ESMTPA",
            (Greeting::Ehlo, true, true) => "ESMTPSA",
        }
    }
}

/// Decides about sign-ins, envelopes and messages; one value serves one session.
///
/// A refusal is the reply that the client gets; 421 in it closes the session. The methods are called in the order of the
/// protocol: `mail`, `rcpt` once or more, then `message` or `reset`.
pub trait Handler: Send {
    /// Checks a name and a password.
    fn authenticate(
        &mut self,
        session: &SessionFacts,
        credentials: Credentials<'_>,
    ) -> impl Future<Output = Result<(), Reply>> + Send;

    /// Decides about a sender.
    fn mail(
        &mut self,
        session: &SessionFacts,
        mail: &MailFrom,
    ) -> impl Future<Output = Result<(), Reply>> + Send;

    /// Decides about a recipient.
    fn rcpt(
        &mut self,
        session: &SessionFacts,
        rcpt: &RcptTo,
    ) -> impl Future<Output = Result<(), Reply>> + Send;

    /// Makes room for content of up to `bytes` bytes before they are read: with the size that the client declared, or a
    /// usual one; again, with more, where content outgrows it. The room is held until [`Handler::message`] or
    /// [`Handler::reset`]; a refusal ends the message. It may wait, for less time than clients wait for a reply.
    fn make_room(&mut self, _bytes: u64) -> impl Future<Output = Result<(), Reply>> + Send {
        std::future::ready(Ok(()))
    }

    /// Hears how much content of a message has come, as it comes and at least every
    /// [`SessionLimits::content_check`](super::SessionLimits) without any.
    ///
    /// # Errors
    /// The reply, a 421, with which a sender is cut off who holds room that others wait for.
    fn content_progress(&mut self, _received_bytes: u64) -> Result<(), Reply> {
        Ok(())
    }

    /// Takes a whole message. A 250 says that it is kept for good: answer only after the commit.
    fn message(
        &mut self,
        session: &SessionFacts,
        envelope: Envelope,
        content: Vec<u8>,
    ) -> impl Future<Output = Reply> + Send;

    /// Forgets the envelope under way: RSET, EHLO, or a message that could not be taken.
    fn reset(&mut self) {}
}
