//! One connection of a sink, from greeting to close.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;

use super::config::SinkTls;
use super::handle::Shared;
use super::limits::ConnectionLimit;
use super::mail;
use super::plan::{Act, Mode, Stage};
use super::transaction::Envelope;
use super::wire::Wire;
use crate::reply::Reply;

/// Why a connection is over.
#[derive(Debug)]
pub(super) enum Over {
    /// Close it properly.
    Close,
    /// Drop it as it is.
    Cut,
}

impl From<io::Error> for Over {
    fn from(_: io::Error) -> Self {
        Self::Cut
    }
}

/// Serves a connection to its end; `reset` prepares the transport for a hard close.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    shared: Arc<Shared>,
    stream: S,
    connection: u64,
    reset: fn(&S),
) {
    let mut conversation = Conversation {
        wire: Wire::new(stream),
        shared,
        connection,
        messages: 0,
        authenticated: false,
        envelope: None,
        log_waits: false,
        place: None,
        in_session: 0,
    };
    match conversation.run().await {
        Ok(()) | Err(Over::Close) => {
            let _flushed = conversation.flush().await;
            conversation.wire.close().await;
        }
        Err(Over::Cut) => {
            if let Some(stream) = conversation.wire.stream() {
                reset(stream.transport());
            }
        }
    }
}

#[derive(Debug)]
pub(super) struct Conversation<S> {
    pub(super) wire: Wire<S>,
    pub(super) shared: Arc<Shared>,
    pub(super) connection: u64,
    /// MAIL commands so far.
    pub(super) messages: u64,
    pub(super) authenticated: bool,
    pub(super) envelope: Option<Envelope>,
    /// Its place among the connections that the sink takes at a time.
    pub(super) place: Option<OwnedSemaphorePermit>,
    /// Messages that it has accepted on this connection.
    pub(super) in_session: u64,
    /// The log has lines that are not with the operating system yet.
    pub(super) log_waits: bool,
}

/// What a stage's script left to do.
pub(super) enum Script {
    /// Answer properly.
    Proceed,
    /// This reply is in place of the proper one.
    Replied(Reply),
    /// Something was said that is no reply.
    Said,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<S> {
    async fn run(&mut self) -> Result<(), Over> {
        if let Some(SinkTls::Implicit(config)) = &self.shared.config.tls {
            let config = Arc::clone(config);
            self.wire.accept_tls(config).await?;
        }
        self.place = self.shared.used.place();
        if let Some(ConnectionLimit::AtGreeting(_, reply)) = &self.shared.config.limits.connections
            && self.place.is_none()
        {
            reply.write_to(&mut self.wire.out);
            return Ok(());
        }
        if let Script::Proceed = self.script(Stage::Greeting).await? {
            let greeting = format!("220 {} ESMTP sink\r\n", self.shared.config.hostname);
            self.say(&greeting);
        }
        let mut line = String::new();
        loop {
            if *self.shared.mode.borrow() == Mode::Busy {
                self.say("421 4.3.2 Too busy, closing the connection\r\n");
                return Ok(());
            }
            self.next_line(&mut line).await?;
            self.shared.ledger.command(self.connection, &line);
            self.command(&line).await?;
        }
    }

    async fn command(&mut self, line: &str) -> Result<(), Over> {
        let (verb, rest) = mail::split_verb(line);
        match verb.as_str() {
            "MAIL" => self.mail(rest).await,
            "RCPT" => self.rcpt(rest).await,
            "DATA" => self.data().await,
            "BDAT" => self.bdat(rest).await,
            "EHLO" => self.ehlo().await,
            "HELO" => self.helo().await,
            "STARTTLS" => self.start_tls().await,
            "AUTH" => self.auth(rest).await,
            "RSET" => {
                if let Script::Proceed = self.script(Stage::Rset).await? {
                    self.envelope = None;
                    self.say("250 2.0.0 Ok\r\n");
                }
                Ok(())
            }
            "NOOP" => self.answer("250 2.0.0 Ok\r\n"),
            "VRFY" => self.answer("252 2.0.0 Try it and see\r\n"),
            "QUIT" => {
                if let Script::Proceed = self.script(Stage::Quit).await? {
                    self.say("221 2.0.0 Bye\r\n");
                }
                Err(Over::Close)
            }
            _ => self.answer("500 5.5.2 Unknown command\r\n"),
        }
    }

    async fn ehlo(&mut self) -> Result<(), Over> {
        let Script::Proceed = self.script(Stage::Ehlo).await? else {
            return Ok(());
        };
        let offers = &self.shared.config.offers;
        if !offers.ehlo {
            return self.answer("502 5.5.1 EHLO is not known here\r\n");
        }
        let starttls = matches!(self.shared.config.tls, Some(SinkTls::StartTls(_))) && !self.wire.is_tls();
        let size = offers.size_bytes.map(|limit| format!("SIZE {limit}"));
        let auth = self
            .shared
            .config
            .auth
            .is_some()
            .then(|| format!("AUTH {}", offers.auth));
        let words = [
            Some(self.shared.config.hostname.clone()),
            offers.pipelining.then(|| "PIPELINING".to_owned()),
            offers.eight_bit_mime.then(|| "8BITMIME".to_owned()),
            offers.smtputf8.then(|| "SMTPUTF8".to_owned()),
            offers.chunking.then(|| "CHUNKING".to_owned()),
            offers.dsn.then(|| "DSN".to_owned()),
            Some("ENHANCEDSTATUSCODES".to_owned()),
            starttls.then(|| "STARTTLS".to_owned()),
            size,
            auth,
        ];
        let text: Vec<String> = words.into_iter().flatten().collect();
        self.envelope = None;
        Reply::basic(250, text.join("\n")).write_to(&mut self.wire.out);
        Ok(())
    }

    async fn helo(&mut self) -> Result<(), Over> {
        let Script::Proceed = self.script(Stage::Helo).await? else {
            return Ok(());
        };
        self.envelope = None;
        Reply::basic(250, self.shared.config.hostname.clone()).write_to(&mut self.wire.out);
        Ok(())
    }

    /// Does what the plan has for this stage.
    pub(super) async fn script(&mut self, stage: Stage) -> Result<Script, Over> {
        let act = self
            .shared
            .config
            .plan
            .act(stage, self.connection, self.messages)
            .cloned();
        match act {
            None => return Ok(Script::Proceed),
            Some(Act::Reply(reply)) => {
                reply.write_to(&mut self.wire.out);
                return Ok(Script::Replied(reply));
            }
            Some(Act::ReplyThenClose(reply)) => reply.write_to(&mut self.wire.out),
            Some(Act::Say(bytes)) => {
                self.wire.out.extend_from_slice(&bytes);
                return Ok(Script::Said);
            }
            Some(Act::SayThenClose(bytes)) => self.wire.out.extend_from_slice(&bytes),
            Some(Act::Stall(late)) => {
                self.flush().await?;
                sleep(late).await;
                return Ok(Script::Proceed);
            }
            Some(Act::Drip(pause)) => {
                self.flush().await?;
                self.wire.drip = Some(pause);
                return Ok(Script::Proceed);
            }
            Some(Act::ReplyThenSilence(reply)) => {
                reply.write_to(&mut self.wire.out);
                self.fall_silent().await?;
            }
            Some(Act::Silence) => self.fall_silent().await?,
            Some(Act::Close) => {}
            Some(Act::Cut) => {
                self.flush().await?;
                return Err(Over::Cut);
            }
        }
        Err(Over::Close)
    }

    /// Reads on without a word until the client goes away.
    async fn fall_silent(&mut self) -> Result<(), Over> {
        self.flush().await?;
        while self.wire.fill().await? {
            self.wire.drop_input();
        }
        Ok(())
    }

    pub(super) fn answer(&mut self, line: &str) -> Result<(), Over> {
        self.say(line);
        Ok(())
    }

    pub(super) fn say(&mut self, line: &str) {
        self.wire.out.extend_from_slice(line.as_bytes());
    }

    pub(super) async fn next_line(&mut self, line: &mut String) -> Result<(), Over> {
        while !self.wire.take_line(line)? {
            self.fill().await?;
        }
        Ok(())
    }

    /// Gives the replies that wait, then reads more.
    pub(super) async fn fill(&mut self) -> Result<(), Over> {
        self.flush().await?;
        if self.wire.fill().await? {
            Ok(())
        } else {
            Err(Over::Close)
        }
    }

    pub(super) async fn flush(&mut self) -> Result<(), Over> {
        if std::mem::take(&mut self.log_waits) {
            self.shared.ledger.flush()?;
        }
        let mode = *self.shared.mode.borrow();
        if let Mode::Tarpit(late) = mode
            && !self.wire.out.is_empty()
        {
            sleep(late).await;
        }
        Ok(self.wire.flush().await?)
    }
}
