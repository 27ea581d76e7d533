//! One transaction over an open session, the next envelope going with its dot.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::command;
use super::config::{ChunkingUse, PipeliningUse};
use super::error::{Cause, Phase, SessionError};
use super::outcome::{Answers, AtDot, Delivery, Outcome, Untried};
use super::session::{Ahead, Session};
use super::transaction::Transaction;
use super::wire::{LAST_WORDS, WriteFailure};
use crate::reply::{Reply, Severity};

/// The last part of the content, written together with the dot; the part before is written first.
const LAST_BLOCK_BYTES: usize = 65_536;

/// The replies to an envelope.
struct Envelope {
    mail: Reply,
    recipients: Vec<Reply>,
    /// The reply to DATA, where DATA was sent.
    data: Option<Reply>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Delivers one message and says what became of it; the session is open afterwards unless the outcome ended it.
    ///
    /// `at_dot` is called at most once, in the moment before the dot (or BDAT's last block) would be written. The
    /// message it gives comes back in [`Delivery::next`] and must be the next one delivered on this session.
    ///
    /// Dropping the future closes the session; what became of the message is then unknown.
    pub async fn deliver(&mut self, transaction: &Transaction, at_dot: impl FnOnce() -> AtDot) -> Delivery {
        let started = Instant::now();
        let mut next = None;
        let outcome = self.transact(transaction, at_dot, &mut next).await;
        Delivery {
            id: transaction.id,
            outcome,
            elapsed: started.elapsed(),
            next,
        }
    }

    async fn transact(
        &mut self,
        transaction: &Transaction,
        at_dot: impl FnOnce() -> AtDot,
        next: &mut Option<Transaction>,
    ) -> Outcome {
        // Closed until the end proves otherwise: a dropped future must not leave half a transaction behind.
        if !std::mem::take(&mut self.open) {
            return Outcome::Untried(Untried::SessionClosed);
        }
        let ahead = self.ahead.take();
        match ahead {
            Some(ahead) if !ahead.is_of(transaction) => return Outcome::Untried(Untried::OutOfOrder),
            None => {
                if let Err(reason) = transaction.check(&self.capabilities) {
                    self.open = true;
                    return Outcome::Unsendable(reason);
                }
            }
            Some(_) => {}
        }
        let envelope = match self.envelope(transaction, ahead).await {
            Ok(envelope) => envelope,
            Err(outcome) => return outcome,
        };
        self.answered += 1;
        self.content(transaction, envelope, at_dot, next).await
    }

    /// Sends the envelope, unless it is on the wire already, and reads its replies.
    async fn envelope(
        &mut self,
        transaction: &Transaction,
        ahead: Option<Ahead>,
    ) -> Result<Envelope, Outcome> {
        if ahead.is_none() && !self.pipelines() {
            return self.envelope_by_steps(transaction).await;
        }
        let sent = match ahead {
            Some(ahead) => ahead,
            None => {
                self.commands.clear();
                let sent = self.write_envelope(transaction);
                self.send_commands(Phase::Mail)
                    .await
                    .map_err(|error| self.early_end(error))?;
                sent
            }
        };
        let mail_limit = if sent.behind_dot {
            self.timeouts.pipelined_mail
        } else {
            self.timeouts.mail
        };
        if sent.reset {
            self.answer(Phase::Mail, mail_limit)
                .await
                .map_err(|error| self.early_end(error))?;
        }
        let mail = match self.answer(Phase::Mail, mail_limit).await {
            Ok(mail) if sent.behind_dot && mail.code == 503 => return Err(self.pipelining_broken()),
            Ok(mail) => mail,
            Err(error) if sent.behind_dot && matches!(error.cause, Cause::Timeout(_)) => {
                return Err(self.pipelining_broken());
            }
            Err(error) => return Err(self.early_end(error)),
        };
        let mut recipients = Vec::with_capacity(transaction.recipients.len());
        for _ in &transaction.recipients {
            recipients.push(
                self.answer(Phase::Rcpt, self.timeouts.rcpt)
                    .await
                    .map_err(Outcome::Failed)?,
            );
        }
        let data = match sent.data {
            true => Some(
                self.answer(Phase::Data, self.timeouts.data)
                    .await
                    .map_err(Outcome::Failed)?,
            ),
            false => None,
        };
        Ok(Envelope {
            mail,
            recipients,
            data,
        })
    }

    /// The envelope for a relay without PIPELINING: one command, one reply, and none that has become pointless.
    async fn envelope_by_steps(&mut self, transaction: &Transaction) -> Result<Envelope, Outcome> {
        if std::mem::take(&mut self.needs_reset) {
            self.commands.clear();
            self.commands.extend_from_slice(b"RSET\r\n");
            let done = self.step(Phase::Mail).await;
            done.map_err(|error| self.early_end(error))?;
        }
        self.commands.clear();
        command::mail(&mut self.commands, transaction, &self.capabilities);
        let mail = self
            .step(Phase::Mail)
            .await
            .map_err(|error| self.early_end(error))?;
        let mut envelope = Envelope {
            mail,
            recipients: Vec::new(),
            data: None,
        };
        if !envelope.mail.is_success() {
            return Ok(envelope);
        }
        for recipient in &transaction.recipients {
            self.commands.clear();
            command::rcpt(&mut self.commands, recipient, &self.capabilities);
            envelope
                .recipients
                .push(self.step(Phase::Rcpt).await.map_err(Outcome::Failed)?);
        }
        Ok(envelope)
    }

    /// Sends the content where anybody is to have it, and puts the answers together.
    async fn content(
        &mut self,
        transaction: &Transaction,
        envelope: Envelope,
        at_dot: impl FnOnce() -> AtDot,
        next: &mut Option<Transaction>,
    ) -> Outcome {
        let Envelope {
            mail,
            mut recipients,
            mut data,
        } = envelope;
        let mail_taken = mail.is_success();
        let anybody = mail_taken && recipients.iter().any(Reply::is_success);
        if anybody && data.is_none() && !self.chunks() {
            self.commands.clear();
            self.commands.extend_from_slice(b"DATA\r\n");
            match self.step(Phase::Data).await {
                Ok(reply) => data = Some(reply),
                Err(error) => return Outcome::Failed(error),
            }
        }
        if !mail_taken {
            recipients.clear();
        }
        let mut answers = Answers {
            mail,
            recipients,
            data: None,
        };
        let waits_for_content = data.as_ref().is_some_and(|reply| reply.code == 354);
        match data.filter(|_| !waits_for_content) {
            None if anybody => match self.send_content(transaction, at_dot, next).await {
                Ok(reply) => answers.data = Some((Phase::FinalDot, reply)),
                Err(outcome) => return outcome,
            },
            None if waits_for_content => self.lone_dot().await,
            None => self.clear(mail_taken),
            Some(refusal) => {
                answers.data = anybody.then_some((Phase::Data, refusal));
                self.clear(mail_taken);
            }
        }
        Outcome::Finished(answers)
    }

    /// Ends a DATA that the relay accepted though nobody is to have the message (RFC 2920 §3.1).
    async fn lone_dot(&mut self) {
        let limit = self.timeouts.final_dot;
        let written = self.wire.write([b".\r\n", b"", b""], limit).await.is_ok();
        self.open = written && self.answer(Phase::FinalDot, limit).await.is_ok();
    }

    /// Leaves the session open, with a RSET to come where MAIL was accepted.
    const fn clear(&mut self, mail_taken: bool) {
        self.needs_reset = mail_taken;
        self.open = true;
    }

    /// Sends content and dot, the next envelope with them, and reads the answer.
    async fn send_content(
        &mut self,
        transaction: &Transaction,
        at_dot: impl FnOnce() -> AtDot,
        next: &mut Option<Transaction>,
    ) -> Result<Reply, Outcome> {
        let content = &transaction.content;
        let lead = format!("BDAT {} LAST\r\n", content.size_bytes());
        let (lead, body, trail): (&str, &[u8], &[u8]) = if self.chunks() {
            (&lead, content.lines(), b"")
        } else {
            ("", content.dotted(), b".\r\n")
        };
        let early_bytes = body.len().saturating_sub(LAST_BLOCK_BYTES);
        let (early, last) = body.split_at_checked(early_bytes).unwrap_or((b"", body));
        let limit = self.timeouts.content;
        let mut lead = lead.as_bytes();
        if !early.is_empty() {
            transaction.progress.begin_content();
            if let Err(failure) = self.wire.write([lead, early, b""], limit).await {
                return Err(self.content_lost(failure.cause).await);
            }
            lead = b"";
        }
        self.nothing_unasked(Phase::Content)
            .await
            .map_err(Outcome::Failed)?;
        match at_dot() {
            AtDot::Write { next: given } => *next = given,
            AtDot::Withdraw => return Err(Outcome::Untried(Untried::Withdrawn)),
        }
        transaction.progress.begin_content();
        self.commands.clear();
        self.commands.extend_from_slice(trail);
        let ahead = next.as_ref().filter(|next| self.may_go_ahead(next)).map(|next| {
            let behind_dot = true;
            Ahead {
                behind_dot,
                ..self.write_envelope(next)
            }
        });
        // With BDAT the message is complete with its last byte, with DATA not before the dot.
        let complete_at = lead.len() + last.len() + usize::from(!trail.is_empty());
        let mut lost = None;
        if let Err(WriteFailure { written, cause }) =
            self.wire.write([lead, last, &self.commands], limit).await
        {
            if written < complete_at {
                return Err(self.content_lost(cause).await);
            }
            lost = Some(cause);
        }
        let reply = self.final_reply(lost).await?;
        self.ahead = ahead;
        Ok(reply)
    }

    /// Reads the answer to the dot; the session stays open unless the write had failed.
    async fn final_reply(&mut self, lost: Option<Cause>) -> Result<Reply, Outcome> {
        let phase = Phase::FinalDot;
        let limit = if lost.is_some() {
            LAST_WORDS
        } else {
            self.timeouts.final_dot
        };
        match self.wire.reply(limit).await {
            Ok(reply) if reply.closes() => {
                Err(Outcome::Failed(SessionError::new(phase, Cause::Refused(reply))))
            }
            Ok(reply) if reply.severity() == Severity::Intermediate => Err(Outcome::Uncertain(
                SessionError::new(phase, Cause::Unexpected(reply)),
            )),
            Ok(reply) => {
                self.open = lost.is_none();
                Ok(reply)
            }
            Err(cause) => Err(Outcome::Uncertain(SessionError::new(
                phase,
                lost.unwrap_or(cause),
            ))),
        }
    }

    async fn content_lost(&mut self, fault: Cause) -> Outcome {
        Outcome::Failed(SessionError::new(
            Phase::Content,
            self.wire.last_words(fault).await,
        ))
    }

    /// Appends a whole envelope to the commands.
    fn write_envelope(&mut self, transaction: &Transaction) -> Ahead {
        let reset = std::mem::take(&mut self.needs_reset);
        if reset {
            self.commands.extend_from_slice(b"RSET\r\n");
        }
        command::mail(&mut self.commands, transaction, &self.capabilities);
        for recipient in &transaction.recipients {
            command::rcpt(&mut self.commands, recipient, &self.capabilities);
        }
        let data = !self.chunks();
        if data {
            self.commands.extend_from_slice(b"DATA\r\n");
        }
        Ahead {
            id: transaction.id,
            recipients: transaction.recipients.len(),
            reset,
            data,
            behind_dot: false,
        }
    }

    /// Sends the commands and reads the one reply to them.
    async fn step(&mut self, phase: Phase) -> Result<Reply, SessionError> {
        self.send_commands(phase).await?;
        self.answer(phase, self.limit(phase)).await
    }

    /// Refuses a reply that nothing asked for: taken for the answer to what comes next, it could turn a no into a yes.
    async fn nothing_unasked(&mut self, phase: Phase) -> Result<(), SessionError> {
        if !self.wire.has_unread_input() {
            return Ok(());
        }
        let cause = match self.wire.reply(LAST_WORDS).await {
            Ok(reply) if matches!(reply.severity(), Severity::Transient | Severity::Permanent) => {
                Cause::Refused(reply)
            }
            Ok(reply) => Cause::Unexpected(reply),
            Err(cause) => cause,
        };
        Err(SessionError::new(phase, cause))
    }

    async fn send_commands(&mut self, phase: Phase) -> Result<(), SessionError> {
        self.nothing_unasked(phase).await?;
        match self
            .wire
            .write([&self.commands, b"", b""], self.limit(phase))
            .await
        {
            Ok(()) => Ok(()),
            Err(failure) => Err(SessionError::new(
                phase,
                self.wire.last_words(failure.cause).await,
            )),
        }
    }

    const fn limit(&self, phase: Phase) -> Duration {
        if matches!(phase, Phase::Rcpt) {
            self.timeouts.rcpt
        } else if matches!(phase, Phase::Data) {
            self.timeouts.data
        } else {
            self.timeouts.mail
        }
    }

    /// An end before the relay answered MAIL: no fault of this message's if the session had worked before.
    fn early_end(&mut self, error: SessionError) -> Outcome {
        let ended = error.is_close() || error.is_lost() || matches!(error.cause, Cause::Unexpected(_));
        if self.answered > 0 && ended {
            self.last_words = error.reply().cloned();
            Outcome::Untried(Untried::SessionEnded)
        } else {
            Outcome::Failed(error)
        }
    }

    const fn pipelining_broken(&mut self) -> Outcome {
        self.pipelining = PipeliningUse::WithinEnvelope;
        Outcome::Untried(Untried::PipeliningBroken)
    }

    fn pipelines(&self) -> bool {
        self.capabilities.pipelining && self.pipelining != PipeliningUse::Never
    }

    fn may_go_ahead(&self, next: &Transaction) -> bool {
        self.capabilities.pipelining
            && self.pipelining == PipeliningUse::AcrossMessages
            && next.check(&self.capabilities).is_ok()
    }

    fn chunks(&self) -> bool {
        self.capabilities.chunking && self.chunking == ChunkingUse::WhereOffered
    }
}
