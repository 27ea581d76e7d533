//! A sink's MAIL, RCPT, DATA and BDAT.

use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use super::config::Keep;
use super::convention::Fate;
use super::conversation::{Conversation, Over, Script};
use super::ledger::{ReceivedMessage, lock};
use super::limits::ConnectionLimit;
use super::mail;
use super::plan::Stage;
use crate::reply::Reply;

/// A transaction under way.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    mail_from: String,
    mail_parameters: String,
    recipients: Vec<String>,
    recipient_parameters: Vec<String>,
    cut_in_content: bool,
    /// Content that came by BDAT.
    chunks: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<S> {
    pub(super) async fn mail(&mut self, rest: &str) -> Result<(), Over> {
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
        if let Some(reply) = self.over_limit(path) {
            reply.write_to(&mut self.wire.out);
            return if reply.closes() { Err(Over::Close) } else { Ok(()) };
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

    /// The reply to a MAIL that passes one of the sink's limits.
    fn over_limit(&mut self, sender: &str) -> Option<Reply> {
        let shared = Arc::clone(&self.shared);
        let limits = &shared.config.limits;
        let refused = limits.refused_senders.iter().find(|(known, _)| known == sender);
        if let Some((_, reply)) = refused {
            return Some(reply.clone());
        }
        if let Some(ConnectionLimit::AtMail(_, reply)) = &limits.connections {
            self.place = self.place.take().or_else(|| shared.used.place());
            if self.place.is_none() {
                return Some(reply.clone());
            }
        }
        if let Some((most, reply)) = &limits.messages
            && self.in_session >= *most
        {
            return Some(reply.clone());
        }
        let (most, length, reply) = limits.pace.as_ref()?;
        (!shared.used.keeps_pace(*most, *length)).then(|| reply.clone())
    }

    pub(super) async fn rcpt(&mut self, rest: &str) -> Result<(), Over> {
        let Some((path, parameters)) = mail::split_path(rest, "TO:") else {
            return self.answer("501 5.5.4 Syntax: RCPT TO:<address>\r\n");
        };
        let accepted = match self.script(Stage::Rcpt).await? {
            Script::Proceed if self.envelope.is_none() => {
                return self.answer("503 5.5.1 MAIL comes first\r\n");
            }
            Script::Proceed => match self.over_recipients() {
                Some(reply) => {
                    reply.write_to(&mut self.wire.out);
                    false
                }
                None => self.decide(path).await?,
            },
            Script::Replied(reply) => reply.is_success(),
            Script::Said => false,
        };
        if let Some(envelope) = self.envelope.as_mut().filter(|_| accepted) {
            envelope.recipients.push(path.to_owned());
            envelope.recipient_parameters.push(parameters.to_owned());
        }
        Ok(())
    }

    /// The reply to a recipient that passes the limit of a transaction.
    fn over_recipients(&self) -> Option<Reply> {
        let (most, reply) = self.shared.config.limits.recipients.as_ref()?;
        let accepted = self.envelope.as_ref().map_or(0, |known| known.recipients.len());
        (accepted >= *most).then(|| reply.clone())
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

    pub(super) async fn data(&mut self) -> Result<(), Over> {
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

    pub(super) async fn bdat(&mut self, rest: &str) -> Result<(), Over> {
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
        self.in_session += 1;
        match self.script(Stage::Kept).await? {
            Script::Proceed if !scripted => self.answer("250 2.0.0 Ok, kept\r\n"),
            Script::Proceed | Script::Replied(_) | Script::Said => Ok(()),
        }
    }
}
