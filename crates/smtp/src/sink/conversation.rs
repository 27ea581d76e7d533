//! One connection of a sink, from greeting to close.

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use super::config::{Keep, SinkTls};
use super::convention::Fate;
use super::handle::Shared;
use super::ledger::{ReceivedMessage, lock};
use super::mail;
use super::plan::{Act, Mode, Stage};
use super::wire::Wire;
use crate::reply::Reply;

/// Why a connection is over.
#[derive(Debug)]
enum Over {
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

/// A transaction under way.
#[derive(Debug, Default)]
struct Envelope {
    mail_from: String,
    mail_parameters: String,
    recipients: Vec<String>,
    recipient_parameters: Vec<String>,
    cut_in_content: bool,
    /// Content that came by BDAT.
    chunks: Vec<u8>,
}

#[derive(Debug)]
struct Conversation<S> {
    wire: Wire<S>,
    shared: Arc<Shared>,
    connection: u64,
    /// MAIL commands so far.
    messages: u64,
    authenticated: bool,
    envelope: Option<Envelope>,
    /// The log has lines that are not with the operating system yet.
    log_waits: bool,
}

/// What a stage's script left to do.
enum Script {
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

    async fn start_tls(&mut self) -> Result<(), Over> {
        let Script::Proceed = self.script(Stage::StartTls).await? else {
            return Ok(());
        };
        let Some(SinkTls::StartTls(config)) = &self.shared.config.tls else {
            return self.answer("502 5.5.1 STARTTLS is not offered\r\n");
        };
        let config = Arc::clone(config);
        self.say("220 2.0.0 Go ahead\r\n");
        self.flush().await?;
        self.envelope = None;
        Ok(self.wire.accept_tls(config).await?)
    }

    async fn auth(&mut self, rest: &str) -> Result<(), Over> {
        match self.script(Stage::Auth).await? {
            Script::Proceed => {}
            Script::Replied(reply) => {
                self.authenticated = reply.is_success();
                return Ok(());
            }
            Script::Said => return Ok(()),
        }
        let (mechanism, initial) = mail::split_verb(rest);
        let (user, password) = match mechanism.as_str() {
            "PLAIN" => {
                let response = if initial.is_empty() {
                    self.challenge("").await?
                } else {
                    initial.to_owned()
                };
                let decoded = decoded(&response);
                let mut parts = decoded.splitn(3, '\0').skip(1).map(str::to_owned);
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
            }
            "LOGIN" => {
                let user = self.challenge("VXNlcm5hbWU6").await?;
                let password = self.challenge("UGFzc3dvcmQ6").await?;
                (decoded(&user), decoded(&password))
            }
            _ => return self.answer("504 5.5.4 Unknown mechanism\r\n"),
        };
        let known = self.shared.config.auth.as_ref();
        let good = known.is_some_and(|known| known.user == user && known.password == password);
        self.authenticated = good && *self.shared.mode.borrow() != Mode::RejectAuth;
        self.answer(if self.authenticated {
            "235 2.7.0 Authenticated\r\n"
        } else {
            "535 5.7.8 Authentication failed\r\n"
        })
    }

    async fn challenge(&mut self, words: &str) -> Result<String, Over> {
        self.say(&format!("334 {words}\r\n"));
        let mut line = String::new();
        self.next_line(&mut line).await?;
        Ok(line)
    }

    async fn mail(&mut self, rest: &str) -> Result<(), Over> {
        self.messages += 1;
        let Some((path, parameters)) = mail::split_path(rest, "FROM:") else {
            return self.answer("501 5.5.4 Syntax: MAIL FROM:<address>\r\n");
        };
        let envelope = Envelope {
            mail_from: path.to_owned(),
            mail_parameters: parameters.to_owned(),
            ..Envelope::default()
        };
        match self.script(Stage::Mail).await? {
            Script::Proceed => {}
            Script::Replied(reply) => {
                self.envelope = reply.is_success().then_some(envelope);
                return Ok(());
            }
            Script::Said => return Ok(()),
        }
        let limit = self.shared.config.offers.size_bytes.filter(|limit| *limit > 0);
        let size = mail::size_parameter(parameters);
        if self.shared.config.auth.is_some() && !self.authenticated {
            self.answer("530 5.7.0 Authentication required\r\n")
        } else if self.envelope.is_some() {
            self.answer("503 5.5.1 MAIL was given already\r\n")
        } else if limit.is_some_and(|limit| size.unwrap_or(0) > limit) {
            self.answer("552 5.3.4 The message is too large\r\n")
        } else {
            self.envelope = Some(envelope);
            self.answer("250 2.1.0 Ok\r\n")
        }
    }

    async fn rcpt(&mut self, rest: &str) -> Result<(), Over> {
        let Some((path, parameters)) = mail::split_path(rest, "TO:") else {
            return self.answer("501 5.5.4 Syntax: RCPT TO:<address>\r\n");
        };
        let accepted = match self.script(Stage::Rcpt).await? {
            Script::Proceed if self.envelope.is_none() => {
                return self.answer("503 5.5.1 MAIL comes first\r\n");
            }
            Script::Proceed => self.decide(path).await?,
            Script::Replied(reply) => reply.is_success(),
            Script::Said => false,
        };
        if let Some(envelope) = self.envelope.as_mut().filter(|_| accepted) {
            envelope.recipients.push(path.to_owned());
            envelope.recipient_parameters.push(parameters.to_owned());
        }
        Ok(())
    }

    /// Answers a recipient by its address, and says whether it is accepted.
    async fn decide(&mut self, address: &str) -> Result<bool, Over> {
        let fate = lock(&self.shared.greylist).fate(self.shared.config.by_address, address);
        match fate {
            Fate::Accept => {}
            Fate::Refuse(reply) => {
                reply.write_to(&mut self.wire.out);
                return Ok(false);
            }
            Fate::RefuseThenClose(reply) => {
                reply.write_to(&mut self.wire.out);
                return Err(Over::Close);
            }
            Fate::AcceptAfter(late) => {
                self.flush().await?;
                sleep(late).await;
            }
            Fate::CutInContent => {
                if let Some(envelope) = &mut self.envelope {
                    envelope.cut_in_content = true;
                }
            }
        }
        self.say("250 2.1.5 Ok\r\n");
        Ok(true)
    }

    async fn data(&mut self) -> Result<(), Over> {
        match self.script(Stage::Data).await? {
            Script::Proceed if self.envelope.is_none() => {
                return self.answer("503 5.5.1 MAIL comes first\r\n");
            }
            Script::Proceed
                if self
                    .envelope
                    .as_ref()
                    .is_some_and(|known| known.recipients.is_empty()) =>
            {
                return self.answer("554 5.5.1 No valid recipients\r\n");
            }
            Script::Proceed => self.say("354 End data with <CR><LF>.<CR><LF>\r\n"),
            Script::Replied(reply) if reply.code == 354 => {}
            Script::Replied(_) | Script::Said => return Ok(()),
        }
        let keep = self.shared.ledger.keep();
        let ids = self.shared.ledger.needs_message_ids();
        if !self.wire.has_input() {
            self.fill().await?;
        }
        self.in_content().await?;
        let (message_id, content) = loop {
            let taken = self.wire.take_content(|content| {
                let message_id = if ids {
                    mail::message_id(content)
                } else {
                    String::new()
                };
                let content = if keep == Keep::Everything {
                    mail::undotted(content)
                } else {
                    Vec::new()
                };
                (message_id, content)
            });
            match taken {
                Some(taken) => break taken,
                None => self.fill().await?,
            }
        };
        if self.shared.config.offers.drops_input_behind_dot {
            self.wire.drop_input();
        }
        self.end_of_content(message_id, content).await
    }

    async fn bdat(&mut self, rest: &str) -> Result<(), Over> {
        let mut words = rest.split(' ');
        let length = words.next().and_then(|word| word.parse::<usize>().ok());
        let last = words.next().is_some_and(|word| word.eq_ignore_ascii_case("LAST"));
        let Some(length) = length else {
            return self.answer("501 5.5.4 Syntax: BDAT length [LAST]\r\n");
        };
        self.in_content().await?;
        let chunk = loop {
            match self.wire.take_bytes(length, <[u8]>::to_vec) {
                Some(chunk) => break chunk,
                None => self.fill().await?,
            }
        };
        let Some(envelope) = self
            .envelope
            .as_mut()
            .filter(|envelope| !envelope.recipients.is_empty())
        else {
            return self.answer("503 5.5.1 No valid recipients\r\n");
        };
        envelope.chunks.extend_from_slice(&chunk);
        if !last {
            return self.answer("250 2.0.0 Go on\r\n");
        }
        let content = std::mem::take(&mut envelope.chunks);
        let message_id = mail::message_id(&content);
        let kept = if self.shared.ledger.keep() == Keep::Everything {
            content
        } else {
            Vec::new()
        };
        self.end_of_content(message_id, kept).await
    }

    /// Misbehaves once content has begun to arrive.
    async fn in_content(&mut self) -> Result<(), Over> {
        if self
            .envelope
            .as_ref()
            .is_some_and(|envelope| envelope.cut_in_content)
        {
            return Err(Over::Cut);
        }
        self.script(Stage::Content).await.map(drop)
    }

    async fn end_of_content(&mut self, message_id: String, content: Vec<u8>) -> Result<(), Over> {
        let envelope = self
            .envelope
            .take()
            .filter(|envelope| !envelope.recipients.is_empty());
        let scripted = match self.script(Stage::FinalDot).await? {
            Script::Proceed => false,
            Script::Replied(reply) if reply.is_success() => true,
            Script::Replied(_) | Script::Said => return Ok(()),
        };
        let Some(envelope) = envelope else {
            return self.answer("554 5.5.1 No valid recipients\r\n");
        };
        let limit = self.shared.config.offers.size_bytes.filter(|limit| *limit > 0);
        if limit.is_some_and(|limit| content.len() as u64 > limit) {
            return self.answer("552 5.3.4 The message is too large\r\n");
        }
        self.shared.ledger.add(ReceivedMessage {
            connection: self.connection,
            mail_from: envelope.mail_from,
            mail_parameters: envelope.mail_parameters,
            recipients: envelope.recipients,
            recipient_parameters: envelope.recipient_parameters,
            message_id,
            content: Bytes::from(content),
        })?;
        self.log_waits = true;
        match self.script(Stage::Kept).await? {
            Script::Proceed if !scripted => self.answer("250 2.0.0 Ok, kept\r\n"),
            Script::Proceed | Script::Replied(_) | Script::Said => Ok(()),
        }
    }

    /// Does what the plan has for this stage.
    async fn script(&mut self, stage: Stage) -> Result<Script, Over> {
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

    fn answer(&mut self, line: &str) -> Result<(), Over> {
        self.say(line);
        Ok(())
    }

    fn say(&mut self, line: &str) {
        self.wire.out.extend_from_slice(line.as_bytes());
    }

    async fn next_line(&mut self, line: &mut String) -> Result<(), Over> {
        while !self.wire.take_line(line)? {
            self.fill().await?;
        }
        Ok(())
    }

    /// Gives the replies that wait, then reads more.
    async fn fill(&mut self) -> Result<(), Over> {
        self.flush().await?;
        if self.wire.fill().await? {
            Ok(())
        } else {
            Err(Over::Close)
        }
    }

    async fn flush(&mut self) -> Result<(), Over> {
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

fn decoded(base64: &str) -> String {
    let bytes = BASE64.decode(base64.trim()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
