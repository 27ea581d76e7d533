//! The commands that bring content, DATA and BDAT, and the room that it takes.

use std::time::Duration;

use bytes::Buf;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::end::SessionEnd;
use super::handler::Handler;
use super::replies;
use super::session::Session;
use super::transport::{Filled, Transport, Wait};
use crate::codec::{ChunkChecker, DataDecoder, DataProgress};
use crate::reply::Reply;

/// Room for a message whose size was not declared: most mail fits without growing.
const UNDECLARED_BYTES: u64 = 32 * 1024;
/// What outgrows its room is given this much, and after that as much as a message may have.
const STEP_BYTES: u64 = 256 * 1024;
/// Clients count before dots are doubled and headers added; a little more spares a second step.
const DECLARED_SLACK_BYTES: u64 = 512;
/// Capacity set aside for a message whose size was not declared.
const CAPACITY_USUAL_BYTES: usize = 8 * 1024;

/// Content on its way in: what has come, the room it has, and its clocks.
pub(super) struct Incoming {
    content: Vec<u8>,
    room_bytes: u64,
    /// What was taken off the input.
    taken_bytes: u64,
    deadline: Instant,
    silent_since: Instant,
}

/// Content that comes by BDAT.
pub(super) struct Chunks {
    incoming: Incoming,
    checker: ChunkChecker,
}

impl<H: Handler> Session<H> {
    fn incoming(&self) -> Incoming {
        let now = Instant::now();
        Incoming {
            content: Vec::new(),
            room_bytes: 0,
            taken_bytes: 0,
            deadline: now + self.config.limits.message_duration_max,
            silent_since: now,
        }
    }

    /// Says why a message cannot begin or go on here; `None` where it can.
    fn content_refusal(&self) -> Option<Reply> {
        match &self.transaction {
            None => Some(replies::mail_first()),
            Some(transaction) if transaction.recipients.is_empty() => Some(replies::rcpt_first()),
            Some(_) => None,
        }
    }

    /// The size that MAIL declared, a hint.
    fn declared_bytes(&self) -> Option<u64> {
        let declared = self.transaction.as_ref()?.mail.size_bytes?;
        Some(declared.saturating_add(DECLARED_SLACK_BYTES))
    }

    /// Sees to it that there is room for content of `needed_bytes`; answers the handler's refusal.
    async fn ensure_room<S>(
        &mut self,
        transport: &mut Transport<S>,
        incoming: &mut Incoming,
        needed_bytes: u64,
    ) -> Result<Result<(), Reply>, SessionEnd>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let bytes_max = self.config.limits.message_bytes_max as u64;
        // What is over the limit is not kept and takes no room.
        let needed = needed_bytes.min(bytes_max);
        if needed <= incoming.room_bytes {
            return Ok(Ok(()));
        }
        let wanted = match self.declared_bytes() {
            Some(declared) if incoming.room_bytes == 0 => declared,
            None if incoming.room_bytes == 0 => UNDECLARED_BYTES,
            Some(_) | None if needed <= STEP_BYTES => STEP_BYTES,
            Some(_) | None => bytes_max,
        };
        let wanted = wanted.max(needed).min(bytes_max);
        if wanted > STEP_BYTES {
            // It may take a while: whoever sent the envelope shall not wait for its replies.
            transport.flush().await?;
        }
        let granted = tokio::select! {
            biased;
            granted = self.handler.make_room(wanted) => granted,
            () = transport.stopped() => return Err(SessionEnd::Shutdown),
        };
        if granted.is_ok() {
            let grown = incoming.room_bytes > 0;
            incoming.room_bytes = wanted;
            let capacity = match usize::try_from(wanted) {
                // Room that was asked for without knowing the size is rarely filled.
                Ok(bytes) if grown || self.declared_bytes().is_some() => bytes,
                Ok(_) | Err(_) => CAPACITY_USUAL_BYTES,
            };
            incoming
                .content
                .reserve_exact(capacity.saturating_sub(incoming.content.len()));
        }
        Ok(granted)
    }

    /// Reads more of a message.
    async fn more_content<S>(
        &mut self,
        transport: &mut Transport<S>,
        incoming: &mut Incoming,
    ) -> Result<(), SessionEnd>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            let filled = transport
                .fill(Wait::Content {
                    deadline: incoming.deadline,
                    silent_since: incoming.silent_since,
                    most: self.config.limits.content_check,
                })
                .await?;
            let received_bytes = incoming.taken_bytes + transport.input.len() as u64;
            if let Err(reply) = self.handler.content_progress(received_bytes) {
                transport.say(&reply);
                return Err(SessionEnd::Handler);
            }
            if filled == Filled::Input {
                incoming.silent_since = Instant::now();
                return Ok(());
            }
        }
    }

    /// Checks between the chunks of a message that its sender goes on and its time is not over; says how long until it
    /// is to be checked again, where there is such a message.
    pub(super) fn check_chunks<S>(
        &mut self,
        transport: &mut Transport<S>,
    ) -> Result<Option<Duration>, SessionEnd>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let begun = self
            .transaction
            .as_ref()
            .and_then(|transaction| transaction.chunks.as_ref());
        let Some(Chunks { incoming, .. }) = begun else {
            return Ok(None);
        };
        if incoming.deadline <= Instant::now() {
            return Err(SessionEnd::TooSlow);
        }
        if let Err(reply) = self.handler.content_progress(incoming.taken_bytes) {
            transport.say(&reply);
            return Err(SessionEnd::Handler);
        }
        Ok(Some(self.config.limits.content_check))
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
        let mut incoming = self.incoming();
        if let Err(reply) = self.ensure_room(transport, &mut incoming, 1).await? {
            return self.drop_message(transport, &reply);
        }
        let mut decoder = DataDecoder::new(bytes_max);
        let mut refused = None;
        transport.say(&replies::go_ahead());
        loop {
            let needed = (incoming.content.len() + transport.input.len()) as u64;
            if refused.is_none()
                && let Err(reply) = self.ensure_room(transport, &mut incoming, needed).await?
            {
                // The client hears no before its dot (RFC 5321 §4.1.1.4): what comes until then is thrown away.
                refused = Some(reply);
                decoder.discard_rest();
                incoming.content = Vec::new();
            }
            match decoder
                .decode(&transport.input, &mut incoming.content)
                .map_err(SessionEnd::BareLineEnd)?
            {
                DataProgress::Complete { used } => {
                    transport.input.advance(used);
                    break;
                }
                DataProgress::More => {
                    incoming.taken_bytes += transport.input.len() as u64;
                    transport.input.clear();
                }
            }
            if decoder.decoded_bytes() > 2 * bytes_max as u64 {
                return Err(SessionEnd::TooMuchData);
            }
            self.more_content(transport, &mut incoming).await?;
        }
        if let Some(reply) = refused {
            return self.drop_message(transport, &reply);
        }
        if decoder.is_oversize() {
            return self.drop_message(transport, &replies::too_big(bytes_max));
        }
        self.deliver(transport, incoming.content).await
    }

    /// Refuses the message under way, which is no mistake of the client's.
    fn drop_message<S>(&mut self, transport: &mut Transport<S>, reply: &Reply) -> Result<(), SessionEnd>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        transport.say(reply);
        self.forget();
        if reply.closes() {
            Err(SessionEnd::Handler)
        } else {
            Ok(())
        }
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
        let begun = self
            .transaction
            .as_mut()
            .and_then(|transaction| transaction.chunks.take());
        let mut chunks = begun.unwrap_or_else(|| Chunks {
            incoming: self.incoming(),
            checker: ChunkChecker::default(),
        });
        // Silence before the command was the command's.
        chunks.incoming.silent_since = Instant::now();
        let total = (chunks.incoming.content.len() as u64).saturating_add(size_bytes);
        if refusal.is_some() || total > bytes_max as u64 {
            // The chunk comes whatever we think of it (RFC 3030 §2).
            if size_bytes > 2 * bytes_max as u64 {
                return Err(SessionEnd::TooMuchData);
            }
            self.skip(transport, &mut chunks.incoming, size_bytes).await?;
            if let Some(reply) = refusal {
                return self.refuse(transport, &reply);
            }
            return self.drop_message(transport, &replies::too_big(bytes_max));
        }
        if let Err(reply) = self.ensure_room(transport, &mut chunks.incoming, total).await? {
            self.skip(transport, &mut chunks.incoming, size_bytes).await?;
            return self.drop_message(transport, &reply);
        }
        self.take_chunk(transport, &mut chunks, size_bytes).await?;
        if is_last {
            chunks.checker.finish().map_err(SessionEnd::BareLineEnd)?;
            return self.deliver(transport, chunks.incoming.content).await;
        }
        if let Some(transaction) = &mut self.transaction {
            transaction.chunks = Some(chunks);
        }
        self.commands_without_message = self.commands_without_message.saturating_sub(1);
        transport.say(&replies::chunk_ok(size_bytes));
        Ok(())
    }

    async fn take_chunk<S>(
        &mut self,
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
                self.more_content(transport, &mut chunks.incoming).await?;
            }
            let here = part_length(left, transport.input.len());
            let part = transport.input.get(..here).unwrap_or_default();
            chunks.checker.check(part).map_err(SessionEnd::BareLineEnd)?;
            chunks.incoming.content.extend_from_slice(part);
            transport.input.advance(here);
            chunks.incoming.taken_bytes += here as u64;
            left -= here as u64;
        }
        Ok(())
    }

    async fn skip<S>(
        &mut self,
        transport: &mut Transport<S>,
        incoming: &mut Incoming,
        size_bytes: u64,
    ) -> Result<(), SessionEnd>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        incoming.content = Vec::new();
        let mut left = size_bytes;
        while left > 0 {
            if transport.input.is_empty() {
                self.more_content(transport, incoming).await?;
            }
            let here = part_length(left, transport.input.len());
            transport.input.advance(here);
            incoming.taken_bytes += here as u64;
            left -= here as u64;
        }
        Ok(())
    }
}

/// How much of what is `left` to come is here.
fn part_length(left: u64, here: usize) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(here)
}
