//! One session: the loop over its commands, its counters, and the commands that belong to no message.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::admission::AdmittedConnection;
use super::command::{Command, Malformed};
use super::config::SessionConfig;
use super::end::SessionEnd;
use super::handler::{Greeting, Handler, SessionFacts};
use super::replies;
use super::transaction::Transaction;
use super::transport::{Clocks, Farewell, Line, Transport, Wait};
use crate::extensions::Offer;
use crate::reply::Reply;

/// Whether STARTTLS can be answered with yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartTls {
    Offered,
    Off,
}

/// What a session knows, apart from its stream, which changes with STARTTLS.
///
/// | state | EHLO | AUTH | MAIL | RCPT | DATA, BDAT | RSET |
/// | --- | --- | --- | --- | --- | --- | --- |
/// | connected | greeted | 503 | 503 | 503 | 503 | stays |
/// | greeted | greeted | greeted, signed in | sender given | 503 | 503 | stays |
/// | sender given | greeted | 503 | 503 | recipients given | 554 | greeted |
/// | recipients given | greeted | 503 | 503 | recipients given | message, then greeted | greeted |
/// | between chunks | greeted | 503 | 503 | 503 | BDAT goes on, DATA 503 | greeted |
///
/// STARTTLS leads back to *connected* on an encrypted stream. Where AUTH is required, MAIL before it is 530.
pub(super) struct Session<H> {
    pub(super) handler: H,
    pub(super) config: Arc<SessionConfig>,
    pub(super) facts: SessionFacts,
    pub(super) starttls: StartTls,
    pub(super) transaction: Option<Transaction>,
    pub(super) messages: u32,
    pub(super) errors: u32,
    pub(super) auth_failures: u32,
    pub(super) commands_without_message: u32,
    pub(super) connection: Arc<dyn AdmittedConnection>,
    began: Instant,
    client: Client,
    mail_is_under_way: bool,
}

/// Whether it is known who the client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    Unknown { commands: u32 },
    Known,
}

/// Why the loop stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The client asked for TLS and may have it.
    Upgrade,
    /// The session is over.
    End(SessionEnd),
}

impl From<SessionEnd> for Stop {
    fn from(end: SessionEnd) -> Self {
        Self::End(end)
    }
}

impl<H: Handler> Session<H> {
    pub(super) fn new(
        handler: H,
        config: Arc<SessionConfig>,
        peer: SocketAddr,
        starttls: StartTls,
        connection: Arc<dyn AdmittedConnection>,
    ) -> Self {
        let client = if connection.is_stranger() {
            Client::Unknown { commands: 0 }
        } else {
            Client::Known
        };
        Self {
            handler,
            config,
            facts: SessionFacts::new(peer),
            starttls,
            transaction: None,
            messages: 0,
            errors: 0,
            auth_failures: 0,
            commands_without_message: 0,
            connection,
            began: Instant::now(),
            client,
            mail_is_under_way: false,
        }
    }

    /// How long the session may wait now.
    pub(super) fn clocks(&self) -> Clocks {
        let limits = &self.config.limits;
        let early = &limits.before_sign_in;
        let (idle_max, duration_max) = match self.client {
            Client::Known => (limits.idle_max, limits.session_duration_max),
            Client::Unknown { .. } => (
                early.duration_max,
                early.duration_max.min(limits.session_duration_max),
            ),
        };
        Clocks {
            idle_max,
            line_max: limits.command_duration_max,
            deadline: self.began + duration_max,
        }
    }

    /// The client is known from now on, and has the time of those who are.
    pub(super) fn know_client<S>(&mut self, transport: &mut Transport<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if self.client != Client::Known {
            self.client = Client::Known;
            self.connection.signed_in();
            transport.set_clocks(self.clocks());
        }
    }

    /// How the session closes its connection. A stranger whose place is needed frees it at once.
    pub(super) fn farewell(&self, end: SessionEnd) -> Farewell {
        let is_stranger = self.client != Client::Known;
        if end == SessionEnd::Disconnected || (end == SessionEnd::Evicted && is_stranger) {
            Farewell::AtOnce
        } else {
            Farewell::Lingering
        }
    }

    /// Tells the listener when mail begins and ends.
    fn note_activity(&mut self) {
        let is_under_way = self.transaction.is_some();
        if is_under_way == self.mail_is_under_way {
            return;
        }
        self.mail_is_under_way = is_under_way;
        if is_under_way {
            self.connection.work_begins();
        } else {
            self.connection.work_ends();
        }
    }

    /// Counts a command.
    fn count_command(&mut self) -> Result<(), SessionEnd> {
        self.commands_without_message += 1;
        let mut is_over = self.commands_without_message > self.config.limits.commands_without_message_max;
        if let Client::Unknown { commands } = &mut self.client {
            *commands += 1;
            is_over |= *commands > self.config.limits.before_sign_in.commands_max;
        }
        if is_over {
            Err(SessionEnd::TooManyCommands)
        } else {
            Ok(())
        }
    }

    /// Answers commands until the session is over or goes on encrypted.
    pub(super) async fn run<S>(&mut self, transport: &mut Transport<S>) -> Stop
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        loop {
            if let Err(stop) = self.next(transport).await {
                return stop;
            }
        }
    }

    async fn next<S>(&mut self, transport: &mut Transport<S>) -> Result<(), Stop>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        transport.relieve().await?;
        self.note_activity();
        let line = self.line(transport).await?;
        self.count_command()?;
        let Line::Ready(length) = line else {
            return self
                .refuse(transport, &replies::line_too_long())
                .map_err(Stop::from);
        };
        let command = Command::parse(transport.input.get(..length).unwrap_or_default());
        transport.consume_line(length);
        match command {
            Ok(command) => self.obey(transport, command).await,
            Err(Malformed::Refused(reply)) => self.refuse(transport, &reply).map_err(Stop::from),
            Err(Malformed::ChunkSize(reply)) => {
                transport.say(&reply);
                Err(SessionEnd::ChunkSize.into())
            }
        }
    }

    /// Waits for a command. Whoever sends a message in chunks is watched in between as well: it holds room.
    async fn line<S>(&mut self, transport: &mut Transport<S>) -> Result<Line, SessionEnd>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let limits = &self.config.limits;
        let (line_max, auth_line_max) = (limits.command_line_bytes_max, limits.auth_line_bytes_max);
        let silent_since = Instant::now();
        loop {
            let wait = match self.check_chunks(transport)? {
                None => Wait::Command,
                Some(most) => Wait::Chunk { silent_since, most },
            };
            match transport.line(line_max, auth_line_max, wait).await? {
                Line::Nothing => {}
                line @ (Line::Ready(_) | Line::TooLong) => return Ok(line),
            }
        }
    }

    async fn obey<S>(&mut self, transport: &mut Transport<S>, command: Command) -> Result<(), Stop>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        match command {
            Command::Ehlo(host) => self.ehlo(transport, host),
            Command::Helo(host) => self.helo(transport, host),
            Command::Mail(mail) => self.mail(transport, mail).await?,
            Command::Rcpt(rcpt) => self.rcpt(transport, rcpt).await?,
            Command::Data => self.data(transport).await?,
            Command::Bdat { size_bytes, is_last } => self.bdat(transport, size_bytes, is_last).await?,
            Command::Auth { mechanism, initial } => {
                self.auth(transport, &mechanism, initial.as_deref()).await?;
            }
            Command::StartTls => return self.start_tls(transport).await,
            Command::Rset => {
                self.forget();
                transport.say(&replies::ok());
            }
            Command::Noop => transport.say(&replies::ok()),
            Command::Vrfy => transport.say(&replies::vrfy()),
            Command::Help => transport.say(&replies::help()),
            Command::Quit => {
                transport.say(&replies::bye());
                return Err(SessionEnd::Quit.into());
            }
        }
        Ok(())
    }

    /// Answers a malformed or misplaced command and counts it.
    pub(super) fn refuse<S>(&mut self, transport: &mut Transport<S>, reply: &Reply) -> Result<(), SessionEnd>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        transport.say(reply);
        self.errors += 1;
        if self.errors >= self.config.limits.errors_max {
            Err(SessionEnd::TooManyErrors)
        } else {
            Ok(())
        }
    }

    /// Drops the envelope under way, if there is one.
    pub(super) fn forget(&mut self) {
        if self.transaction.take().is_some() {
            self.handler.reset();
        }
    }

    fn ehlo<S: AsyncRead + AsyncWrite + Unpin>(&mut self, transport: &mut Transport<S>, host: String) {
        self.forget();
        self.facts.helo = host;
        self.facts.greeting = Greeting::Ehlo;
        let offer = Offer {
            message_bytes_max: self.config.limits.message_bytes_max,
            starttls: self.starttls == StartTls::Offered,
            auth: self.auth_refusal().is_none(),
        };
        transport.say(&Reply::basic(250, offer.ehlo_text(&self.config.hostname)));
    }

    fn helo<S: AsyncRead + AsyncWrite + Unpin>(&mut self, transport: &mut Transport<S>, host: String) {
        self.forget();
        self.facts.helo = host;
        self.facts.greeting = Greeting::Helo;
        transport.say(&Reply::basic(250, self.config.hostname.clone()));
    }

    async fn start_tls<S>(&mut self, transport: &mut Transport<S>) -> Result<(), Stop>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        if self.facts.tls.is_some() {
            return Ok(self.refuse(transport, &replies::tls_on())?);
        }
        if self.starttls == StartTls::Off {
            return Ok(self.refuse(transport, &replies::tls_off())?);
        }
        // The client must wait for our yes (RFC 3207 §4); what is here already was put there by somebody who could
        // not wait for the encryption.
        if !transport.input.is_empty() {
            return Err(SessionEnd::PlainTextAfterStartTls.into());
        }
        self.forget();
        self.facts.helo.clear();
        self.facts.greeting = Greeting::None;
        transport.say(&replies::ready_for_tls());
        transport.flush().await?;
        Err(Stop::Upgrade)
    }
}
