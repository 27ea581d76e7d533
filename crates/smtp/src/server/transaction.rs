//! The commands that make a message: MAIL, RCPT, DATA and BDAT.

use bytes::Buf;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::config::AuthPolicy;
use super::end::SessionEnd;
use super::envelope::{Envelope, MailFrom, RcptTo};
use super::handler::{Greeting, Handler};
use super::replies;
use super::session::Session;
use super::transport::{Transport, Wait};
use crate::codec::{ChunkChecker, DataDecoder, DataProgress};
use crate::reply::Reply;

/// Room made for a message whose size was not declared: most mail fits without growing.
const CONTENT_BYTES_USUAL: usize = 8 * 1024;
/// A declared size is believed up to here; beyond, the buffer grows with what really comes.
const CONTENT_BYTES_BELIEVED: usize = 1024 * 1024;

/// An envelope under way, with the chunks of its message where they have begun.
pub(super) struct Transaction {
    mail: MailFrom,
    recipients: Vec<RcptTo>,
    chunks: Option<Chunks>,
}

struct Chunks {
    content: Vec<u8>,
    checker: ChunkChecker,
    deadline: Instant,
}

impl<H: Handler> Session<H> {
    pub(super) async fn mail<S>(
        &mut self,
        transport: &mut Transport<S>,
        mail: MailFrom,
    ) -> Result<(), SessionEnd>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        if let Some(reply) = self.mail_refusal(&mail) {
            return self.refuse(transport, &reply);
        }
        let limits = &self.config.limits;
        if self.messages >= limits.messages_max {
            return Err(SessionEnd::TooManyMessages);
        }
        if mail
            .size_bytes
            .is_some_and(|bytes| bytes > limits.message_bytes_max as u64)
        {
            transport.say(&replies::too_big(limits.message_bytes_max));
            return Ok(());
        }
        if let Err(reply) = self.handler.mail(&self.facts, &mail).await {
            return say_refusal(transport, &reply);
        }
        self.transaction = Some(Transaction {
            mail,
            recipients: Vec::new(),
            chunks: None,
        });
        transport.say(&replies::sender_ok());
        Ok(())
    }

    fn mail_refusal(&self, mail: &MailFrom) -> Option<Reply> {
        if self.facts.greeting == Greeting::None {
            return Some(replies::greet_first());
        }
        if self.config.auth == AuthPolicy::Required && self.facts.username.is_none() {
            return Some(replies::auth_required());
        }
        if self.transaction.is_some() {
            return Some(replies::mail_given());
        }
        let ascii = mail
            .address
            .as_ref()
            .is_none_or(|address| address.as_str().is_ascii());
        if ascii || mail.smtp_utf8 {
            None
        } else {
            Some(replies::needs_smtp_utf8())
        }
    }

    pub(super) async fn rcpt<S>(
        &mut self,
        transport: &mut Transport<S>,
        rcpt: RcptTo,
    ) -> Result<(), SessionEnd>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let Some(transaction) = &mut self.transaction else {
            return self.refuse(transport, &replies::mail_first());
        };
        if transaction.chunks.is_some() {
            return self.refuse(transport, &replies::not_between_chunks());
        }
        if !rcpt.address.as_str().is_ascii() && !transaction.mail.smtp_utf8 {
            return self.refuse(transport, &replies::needs_smtp_utf8());
        }
        let most = self.config.limits.recipients_max;
        if transaction.recipients.len() >= most {
            transport.say(&replies::too_many_recipients(most));
            return Ok(());
        }
        if let Err(reply) = self.handler.rcpt(&self.facts, &rcpt).await {
            return say_refusal(transport, &reply);
        }
        transaction.recipients.push(rcpt);
        self.commands_without_message = self.commands_without_message.saturating_sub(1);
        transport.say(&replies::recipient_ok());
        Ok(())
    }

    /// Says why a message cannot begin or go on here; `None` where it can.
    fn content_refusal(&self) -> Option<Reply> {
        match &self.transaction {
            None => Some(replies::mail_first()),
            Some(transaction) if transaction.recipients.is_empty() => Some(replies::rcpt_first()),
            Some(_) => None,
        }
    }

    fn content_buffer(&self) -> Vec<u8> {
        let declared = self
            .transaction
            .as_ref()
            .and_then(|transaction| transaction.mail.size_bytes);
        let room = declared.map_or(CONTENT_BYTES_USUAL, |bytes| {
            // Clients count before dots are doubled and headers added; a little more spares a move.
            usize::try_from(bytes)
                .unwrap_or(usize::MAX)
                .saturating_add(512)
                .min(CONTENT_BYTES_BELIEVED)
        });
        Vec::with_capacity(room)
    }

    pub(super) async fn data<S>(&mut self, transport: &mut Transport<S>) -> Result<(), SessionEnd>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        if let Some(reply) = self.content_refusal() {
            return self.refuse(transport, &reply);
        }
        if self
            .transaction
            .as_ref()
            .is_some_and(|transaction| transaction.chunks.is_some())
        {
            return self.refuse(transport, &replies::no_data_after_bdat());
        }
        let bytes_max = self.config.limits.message_bytes_max;
        let deadline = Instant::now() + self.config.limits.message_duration_max;
        let mut content = self.content_buffer();
        let mut decoder = DataDecoder::new(bytes_max);
        transport.say(&replies::go_ahead());
        loop {
            match decoder
                .decode(&transport.input, &mut content)
                .map_err(SessionEnd::BareLineEnd)?
            {
                DataProgress::Complete { used } => {
                    transport.input.advance(used);
                    break;
                }
                DataProgress::More => transport.input.clear(),
            }
            if decoder.decoded_bytes() > 2 * bytes_max as u64 {
                return Err(SessionEnd::TooMuchData);
            }
            transport.fill(Wait::Data(deadline)).await?;
        }
        if decoder.is_oversize() {
            transport.say(&replies::too_big(bytes_max));
            self.forget();
            return Ok(());
        }
        self.deliver(transport, content).await
    }

    pub(super) async fn bdat<S>(
        &mut self,
        transport: &mut Transport<S>,
        size_bytes: u64,
        is_last: bool,
    ) -> Result<(), SessionEnd>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let bytes_max = self.config.limits.message_bytes_max;
        let refusal = self.content_refusal();
        let deadline = Instant::now() + self.config.limits.message_duration_max;
        let mut chunks = match self
            .transaction
            .as_mut()
            .and_then(|transaction| transaction.chunks.take())
        {
            Some(chunks) => chunks,
            None => Chunks {
                content: self.content_buffer(),
                checker: ChunkChecker::default(),
                deadline,
            },
        };
        let too_big = size_bytes > (bytes_max - chunks.content.len().min(bytes_max)) as u64;
        if refusal.is_some() || too_big {
            // The chunk comes whatever we think of it (RFC 3030 §2).
            if size_bytes > 2 * bytes_max as u64 {
                return Err(SessionEnd::TooMuchData);
            }
            skip(transport, size_bytes, deadline).await?;
            if let Some(reply) = refusal {
                return self.refuse(transport, &reply);
            }
            transport.say(&replies::too_big(bytes_max));
            self.forget();
            return Ok(());
        }
        take_chunk(transport, &mut chunks, size_bytes).await?;
        if is_last {
            chunks.checker.finish().map_err(SessionEnd::BareLineEnd)?;
            return self.deliver(transport, chunks.content).await;
        }
        if let Some(transaction) = &mut self.transaction {
            transaction.chunks = Some(chunks);
        }
        self.commands_without_message = self.commands_without_message.saturating_sub(1);
        transport.say(&replies::chunk_ok(size_bytes));
        Ok(())
    }

    async fn deliver<S>(&mut self, transport: &mut Transport<S>, content: Vec<u8>) -> Result<(), SessionEnd>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let Some(Transaction { mail, recipients, .. }) = self.transaction.take() else {
            return self.refuse(transport, &replies::mail_first());
        };
        let reply = self
            .handler
            .message(&self.facts, Envelope { mail, recipients }, content)
            .await;
        if reply.is_success() {
            self.messages += 1;
            self.commands_without_message = 0;
        }
        say_refusal(transport, &reply)
    }
}

/// Says what the handler answered, and ends the session if that was 421.
fn say_refusal<S>(transport: &mut Transport<S>, reply: &Reply) -> Result<(), SessionEnd>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    transport.say(reply);
    if reply.closes() {
        Err(SessionEnd::Handler)
    } else {
        Ok(())
    }
}

async fn take_chunk<S>(
    transport: &mut Transport<S>,
    chunks: &mut Chunks,
    size_bytes: u64,
) -> Result<(), SessionEnd>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut left = size_bytes;
    while left > 0 {
        if transport.input.is_empty() {
            transport.fill(Wait::Data(chunks.deadline)).await?;
        }
        let here = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(transport.input.len());
        let part = transport.input.get(..here).unwrap_or_default();
        chunks.checker.check(part).map_err(SessionEnd::BareLineEnd)?;
        chunks.content.extend_from_slice(part);
        transport.input.advance(here);
        left -= here as u64;
    }
    Ok(())
}

async fn skip<S>(transport: &mut Transport<S>, size_bytes: u64, deadline: Instant) -> Result<(), SessionEnd>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut left = size_bytes;
    while left > 0 {
        if transport.input.is_empty() {
            transport.fill(Wait::Data(deadline)).await?;
        }
        let here = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(transport.input.len());
        transport.input.advance(here);
        left -= here as u64;
    }
    Ok(())
}
