//! The stream with its two buffers and its clocks.

use std::pin::Pin;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::end::SessionEnd;
use super::replies;
use crate::codec::{CommandLine, next_line};
use crate::reply::Reply;

/// One read takes up to this much; a usual message arrives whole, with the next envelope behind it.
const READ_BYTES: usize = 32 * 1024;
/// Replies wait for the next read; beyond this they go at once.
const OUTPUT_BYTES_MAX: usize = 32 * 1024;
/// An overlong line is skipped up to this length; a longer one is no mistake.
const SKIP_BYTES_MAX: usize = 64 * 1024;
/// What a client may still send after our last reply before the connection is cut: closing a socket with unread
/// bytes makes the kernel reset it, and the reply is lost with it.
const LINGER_BYTES_MAX: usize = 256 * 1024;
const LINGER_MAX: Duration = Duration::from_secs(2);

/// How a session closes its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Farewell {
    /// Reads for a while, so that the client hears the last reply.
    Lingering,
    /// Waits for nothing: the client is gone, or its place is needed at once.
    AtOnce,
}

/// What a read waits for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wait {
    /// The next command; a shutdown may interrupt it.
    Command,
    /// The next chunk of a message, or another command; a shutdown may interrupt it.
    Chunk {
        /// When something last came.
        silent_since: Instant,
        /// How long to wait before the caller looks after other things.
        most: Duration,
    },
    /// More of a message.
    Content {
        /// The whole message must be here by then.
        deadline: Instant,
        /// When something last came.
        silent_since: Instant,
        /// How long to wait before the caller looks after other things.
        most: Duration,
    },
}

/// What came of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filled {
    /// There is more input.
    Input,
    /// Nothing came so far.
    Nothing,
}

/// What [`Transport::line`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// A line of so many bytes stands at the start of the input.
    Ready(usize),
    /// There was one, too long; it is skipped.
    TooLong,
    /// None came in the time that the caller gave.
    Nothing,
}

/// A stream read in large pieces and written once per batch of replies (RFC 2920 §3.2): whatever was answered goes out
/// in one write, just before the session has to wait for more input.
pub(super) struct Transport<S> {
    stream: S,
    pub(super) input: BytesMut,
    output: Vec<u8>,
    clocks: Clocks,
    /// When the command line began that is not here as a whole.
    line_begun: Option<Instant>,
    shutdown: Cancellation,
    evicted: Cancellation,
}

/// How long a session waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clocks {
    /// Longest silence.
    pub(super) idle_max: Duration,
    /// Longest time of a command line.
    pub(super) line_max: Duration,
    /// When the session is over.
    pub(super) deadline: Instant,
}

/// A token that ends the session between two commands.
struct Cancellation {
    token: CancellationToken,
    cancelled: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Cancellation {
    fn new(token: CancellationToken) -> Self {
        Self {
            cancelled: Box::pin(token.clone().cancelled_owned()),
            token,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Transport<S> {
    pub(super) fn new(
        stream: S,
        clocks: Clocks,
        shutdown: CancellationToken,
        evicted: CancellationToken,
    ) -> Self {
        Self {
            stream,
            input: BytesMut::with_capacity(READ_BYTES),
            output: Vec::with_capacity(1_024),
            clocks,
            line_begun: None,
            shutdown: Cancellation::new(shutdown),
            evicted: Cancellation::new(evicted),
        }
    }

    pub(super) fn into_stream(self) -> S {
        self.stream
    }

    /// Waits in another way from now on.
    pub(super) const fn set_clocks(&mut self, clocks: Clocks) {
        self.clocks = clocks;
    }

    /// Queues a reply.
    pub(super) fn say(&mut self, reply: &Reply) {
        reply.write_to(&mut self.output);
    }

    /// Waits until a command line is here, or was and was too long.
    pub(super) async fn line(
        &mut self,
        bytes_max: usize,
        auth_bytes_max: usize,
        wait: Wait,
    ) -> Result<Line, SessionEnd> {
        if self.shutdown.token.is_cancelled() {
            return Err(SessionEnd::Shutdown);
        }
        if self.evicted.token.is_cancelled() {
            return Err(SessionEnd::Evicted);
        }
        loop {
            let max = if is_auth(&self.input) {
                auth_bytes_max
            } else {
                bytes_max
            };
            match next_line(&self.input, max) {
                CommandLine::Complete { length } => return Ok(Line::Ready(length)),
                CommandLine::Unfinished => {
                    if self.fill(wait).await? == Filled::Nothing {
                        return Ok(Line::Nothing);
                    }
                }
                CommandLine::TooLong => return self.skip_line().await,
                CommandLine::Bare(what) => return Err(SessionEnd::BareLineEnd(what)),
            }
        }
    }

    /// Takes a line and its CRLF off the input.
    pub(super) fn consume_line(&mut self, length: usize) {
        self.line_begun = None;
        self.input.advance((length + 2).min(self.input.len()));
    }

    async fn skip_line(&mut self) -> Result<Line, SessionEnd> {
        let mut skipped = 0;
        loop {
            if let Some(at) = memchr::memmem::find(&self.input, b"\r\n") {
                self.consume_line(at);
                return Ok(Line::TooLong);
            }
            // The last byte may be the CR of the pair.
            let surplus = self.input.len().saturating_sub(1);
            self.input.advance(surplus);
            skipped += surplus;
            if skipped > SKIP_BYTES_MAX {
                return Err(SessionEnd::LineTooLong);
            }
            self.fill(Wait::Command).await?;
        }
    }

    /// Writes what is queued, then reads some more.
    pub(super) async fn fill(&mut self, wait: Wait) -> Result<Filled, SessionEnd> {
        self.flush().await?;
        self.input.reserve(READ_BYTES / 4);
        let now = Instant::now();
        if matches!(wait, Wait::Command | Wait::Chunk { .. }) && !self.input.is_empty() {
            self.line_begun.get_or_insert(now);
        }
        let (late_at, late) = self.deadline(wait, now);
        let deadline = match wait {
            Wait::Command => late_at,
            Wait::Chunk { most, .. } | Wait::Content { most, .. } => late_at.min(now + most),
        };
        let read = timeout_at(deadline, self.stream.read_buf(&mut self.input));
        let count = match wait {
            Wait::Content { .. } => read.await,
            Wait::Command | Wait::Chunk { .. } => tokio::select! {
                biased;
                count = read => count,
                () = &mut self.shutdown.cancelled => return Err(SessionEnd::Shutdown),
                () = &mut self.evicted.cancelled => return Err(SessionEnd::Evicted),
            },
        };
        match count {
            Err(_) if deadline < late_at => Ok(Filled::Nothing),
            Err(_) => Err(late),
            Ok(Ok(0) | Err(_)) => Err(SessionEnd::Disconnected),
            Ok(Ok(_)) => Ok(Filled::Input),
        }
    }

    /// When a wait is over for good, and how the session ends then.
    fn deadline(&self, wait: Wait, now: Instant) -> (Instant, SessionEnd) {
        let Clocks {
            idle_max,
            line_max,
            deadline: session_deadline,
        } = self.clocks;
        let line = self.line_begun.map(|begun| begun + line_max);
        let (idle, slow) = match wait {
            Wait::Command => (now + idle_max, line),
            Wait::Chunk { silent_since, .. } => (silent_since + idle_max, line),
            Wait::Content {
                deadline,
                silent_since,
                ..
            } => (silent_since + idle_max, Some(deadline)),
        };
        let slow = slow.map_or(session_deadline, |slow| slow.min(session_deadline));
        if slow < idle {
            (slow, SessionEnd::TooSlow)
        } else {
            (idle, SessionEnd::Idle)
        }
    }

    /// Waits for the server's stop.
    pub(super) async fn stopped(&mut self) {
        (&mut self.shutdown.cancelled).await;
    }

    /// Writes what is queued.
    pub(super) async fn flush(&mut self) -> Result<(), SessionEnd> {
        if self.output.is_empty() {
            return Ok(());
        }
        let write = async {
            self.stream.write_all(&self.output).await?;
            self.stream.flush().await
        };
        match timeout(self.clocks.idle_max, write).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(SessionEnd::Disconnected),
            Err(_) => return Err(SessionEnd::Idle),
        }
        self.output.clear();
        Ok(())
    }

    /// Writes what is queued if it has grown large.
    pub(super) async fn relieve(&mut self) -> Result<(), SessionEnd> {
        if self.output.len() < OUTPUT_BYTES_MAX {
            Ok(())
        } else {
            self.flush().await
        }
    }

    /// Says a last word and closes.
    pub(super) async fn close(mut self, end: SessionEnd, last: Option<Reply>, farewell: Farewell) {
        if let Some(reply) = last {
            self.say(&reply);
        }
        if self.flush().await.is_err() || farewell == Farewell::AtOnce {
            return;
        }
        let goodbye = async {
            self.stream.shutdown().await?;
            let mut left = LINGER_BYTES_MAX;
            while end != SessionEnd::Quit && left > 0 {
                self.input.clear();
                match self.stream.read_buf(&mut self.input).await? {
                    0 => break,
                    count => left = left.saturating_sub(count),
                }
            }
            std::io::Result::Ok(())
        };
        // Nothing depends on how the goodbye went.
        drop(timeout(LINGER_MAX, goodbye).await);
    }
}

fn is_auth(input: &[u8]) -> bool {
    input
        .get(..5)
        .is_some_and(|head| head.eq_ignore_ascii_case(b"AUTH "))
}

/// Says what belongs to an end that the server brought about.
pub(super) fn last_words(end: SessionEnd, message_bytes_max: usize) -> Option<Reply> {
    Some(match end {
        SessionEnd::Idle => replies::idle(),
        SessionEnd::TooSlow => replies::too_slow(),
        SessionEnd::Shutdown => replies::shutting_down(),
        SessionEnd::Evicted => replies::evicted(),
        SessionEnd::TooManyErrors => replies::too_many_errors(),
        SessionEnd::TooManyAuthFailures => replies::too_many_auth_failures(),
        SessionEnd::TooManyCommands => replies::too_many_commands(),
        SessionEnd::TooManyMessages => replies::too_many_messages(),
        SessionEnd::BareLineEnd(what) => replies::bare_line_end(what),
        SessionEnd::PlainTextAfterStartTls => replies::plain_text_after_starttls(),
        SessionEnd::LineTooLong => replies::line_too_long(),
        SessionEnd::TooMuchData => replies::too_big(message_bytes_max),
        SessionEnd::Quit
        | SessionEnd::Disconnected
        | SessionEnd::TlsHandshake
        | SessionEnd::ChunkSize
        | SessionEnd::Handler => return None,
    })
}
