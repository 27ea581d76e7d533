//! The commands that make an envelope, MAIL and RCPT, and the end of a message.

use tokio::io::{AsyncRead, AsyncWrite};

use super::config::AuthPolicy;
use super::content::Chunks;
use super::end::SessionEnd;
use super::envelope::{Envelope, MailFrom, RcptTo};
use super::handler::{Greeting, Handler};
use super::replies;
use super::session::Session;
use super::transport::Transport;
use crate::reply::Reply;

/// An envelope under way, with the chunks of its message where they have begun.
pub(super) struct Transaction {
    pub(super) mail: MailFrom,
    pub(super) recipients: Vec<RcptTo>,
    pub(super) chunks: Option<Chunks>,
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
        self.know_client(transport);
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

    /// Hands a whole message to the handler.
    pub(super) async fn deliver<S>(
        &mut self,
        transport: &mut Transport<S>,
        content: Vec<u8>,
    ) -> Result<(), SessionEnd>
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
