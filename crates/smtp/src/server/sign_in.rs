//! Signing in: AUTH (RFC 4954) from its command to the handler's decision.

use tokio::io::{AsyncRead, AsyncWrite};

use super::config::{AuthPolicy, PlaintextAuth};
use super::end::SessionEnd;
use super::handler::{Greeting, Handler};
use super::replies;
use super::session::Session;
use super::transport::{Line, Transport, Wait};
use crate::auth::{Exchange, Mechanism, OwnedCredentials, Step};
use crate::reply::Reply;

impl<H: Handler> Session<H> {
    /// Says why AUTH is not possible now; `None` where it is.
    pub(super) fn auth_refusal(&self) -> Option<Reply> {
        if self.config.auth == AuthPolicy::Off {
            return Some(replies::auth_off());
        }
        if self.facts.username.is_some() {
            return Some(replies::auth_done());
        }
        let safe = self.facts.tls.is_some()
            || match self.config.plaintext_auth {
                PlaintextAuth::Refused => false,
                PlaintextAuth::LoopbackOnly => self.facts.peer.ip().to_canonical().is_loopback(),
                PlaintextAuth::Allowed => true,
            };
        if safe {
            None
        } else {
            Some(replies::auth_needs_tls())
        }
    }

    pub(super) async fn auth<S>(
        &mut self,
        transport: &mut Transport<S>,
        mechanism: &str,
        initial: Option<&str>,
    ) -> Result<(), SessionEnd>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        if self.facts.greeting != Greeting::Ehlo {
            return self.refuse(transport, &replies::greet_first());
        }
        if let Some(reply) = self.auth_refusal() {
            return self.refuse(transport, &reply);
        }
        if self.transaction.is_some() {
            return self.refuse(transport, &replies::auth_in_mail());
        }
        let Some(mechanism) = Mechanism::by_name(mechanism) else {
            return self.refuse(transport, &replies::auth_mechanism());
        };
        match self.exchange(transport, mechanism, initial).await? {
            Ok(credentials) => self.sign_in(transport, &credentials).await,
            Err(reply) => self.refuse(transport, &reply),
        }
    }

    /// Runs a mechanism to its end: credentials, or the reply that says why there are none.
    async fn exchange<S>(
        &mut self,
        transport: &mut Transport<S>,
        mechanism: Mechanism,
        initial: Option<&str>,
    ) -> Result<Result<OwnedCredentials, Reply>, SessionEnd>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let (mut exchange, mut step) = match Exchange::start(mechanism, initial) {
            Ok(started) => started,
            Err(why) => return Ok(Err(replies::bad_auth(why))),
        };
        loop {
            let challenge = match step {
                Step::Done(credentials) => return Ok(Ok(credentials)),
                Step::Challenge(text) => text,
            };
            transport.say(&replies::challenge(challenge));
            let bytes_max = self.config.limits.auth_line_bytes_max;
            let Line::Ready(length) = transport.line(bytes_max, bytes_max, Wait::Command).await? else {
                return Ok(Err(replies::auth_line_too_long()));
            };
            let line = transport.input.get(..length).unwrap_or_default();
            // What is not UTF-8 is not base64 either.
            let answer = exchange.respond(std::str::from_utf8(line).unwrap_or("\u{fffd}"));
            transport.consume_line(length);
            step = match answer {
                Ok(step) => step,
                Err(why) => return Ok(Err(replies::bad_auth(why))),
            };
        }
    }

    async fn sign_in<S>(
        &mut self,
        transport: &mut Transport<S>,
        credentials: &OwnedCredentials,
    ) -> Result<(), SessionEnd>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        self.connection.work_begins();
        let outcome = self.handler.authenticate(&self.facts, credentials.lend()).await;
        if outcome.is_ok() {
            // Before the work ends: a stranger without work is the first to make room.
            self.know_client(transport);
        }
        self.connection.work_ends();
        let Err(reply) = outcome else {
            self.facts.username = Some(credentials.lend().username.to_owned());
            transport.say(&replies::signed_in());
            return Ok(());
        };
        transport.say(&reply);
        self.auth_failures += 1;
        if reply.closes() {
            return Err(SessionEnd::Handler);
        }
        if self.auth_failures >= self.config.limits.auth_failures_max {
            return Err(SessionEnd::TooManyAuthFailures);
        }
        Ok(())
    }
}
