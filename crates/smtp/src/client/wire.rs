//! Bytes out, replies in, each with a time limit.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::timeout;

use super::error::Cause;
use crate::reply::{REPLY_BYTES_MAX, Reply, Severity};

/// Room made for each read, in bytes.
const READ_BYTES: usize = 4_096;
/// Replies kept while we are still writing; a relay that sends more is made to wait.
const INPUT_BYTES_MAX: usize = 2 * REPLY_BYTES_MAX;
/// How long to look for the relay's last words after a write failed.
pub(crate) const LAST_WORDS: Duration = Duration::from_millis(500);

/// A write that failed, and how far it had come.
#[derive(Debug)]
pub(crate) struct WriteFailure {
    /// Bytes handed to the operating system (or to TLS) before; they may have arrived.
    pub(crate) written: usize,
    pub(crate) cause: Cause,
}

/// Counts the octets that a connection moved, in and out; shared, so that it can be asked while the session is busy.
#[derive(Debug, Clone, Default)]
pub struct Activity(Arc<AtomicU64>);

impl Activity {
    /// Octets moved so far.
    #[must_use]
    pub fn octets(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn moved(&self, octets: usize) {
        self.0.fetch_add(octets as u64, Ordering::Relaxed);
    }
}

/// A stream with the input that was read ahead.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    stream: S,
    activity: Activity,
    input: Vec<u8>,
    /// Where unread input starts.
    at: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            activity: Activity::default(),
            input: Vec::with_capacity(READ_BYTES),
            at: 0,
        }
    }

    /// Tells whether the relay sent more than was asked for so far.
    pub(crate) fn has_unread_input(&self) -> bool {
        self.at < self.input.len()
    }

    /// What counts the octets that move.
    pub(crate) const fn activity(&self) -> &Activity {
        &self.activity
    }

    pub(crate) fn into_stream(self) -> S {
        self.stream
    }

    /// Reads the next reply; `limit` runs from now to the reply's last byte.
    pub(crate) async fn reply(&mut self, limit: Duration) -> Result<Reply, Cause> {
        if let Some(reply) = self.buffered_reply()? {
            return Ok(reply);
        }
        timeout(limit, self.read_reply())
            .await
            .unwrap_or(Err(Cause::Timeout(limit)))
    }

    async fn read_reply(&mut self) -> Result<Reply, Cause> {
        loop {
            self.input.reserve(READ_BYTES);
            let octets = self.stream.read_buf(&mut self.input).await.map_err(Cause::Io)?;
            if octets == 0 {
                return Err(Cause::Closed);
            }
            self.activity.moved(octets);
            if let Some(reply) = self.buffered_reply()? {
                return Ok(reply);
            }
        }
    }

    fn buffered_reply(&mut self) -> Result<Option<Reply>, Cause> {
        let unread = self.input.get(self.at..).unwrap_or_default();
        let Some((reply, used)) = Reply::parse(unread)? else {
            self.input.drain(..self.at);
            self.at = 0;
            return Ok(None);
        };
        self.at += used;
        if self.at == self.input.len() {
            self.input.clear();
            self.at = 0;
        }
        Ok(Some(reply))
    }

    /// Writes the parts, in one system call where that takes them all; `limit` starts anew with every progress.
    ///
    /// Replies are read meanwhile: a relay may stop reading until we have read its replies (RFC 2920 §3.1), or close
    /// after saying why.
    pub(crate) async fn write(&mut self, parts: [&[u8]; 3], limit: Duration) -> Result<(), WriteFailure> {
        let mut written = 0;
        let total = parts.iter().map(|part| part.len()).sum();
        while written < total {
            let progress = timeout(limit, poll_fn(|cx| self.poll_write(cx, parts, written))).await;
            match progress.unwrap_or(Err(Cause::Timeout(limit))) {
                Ok(n) => {
                    self.activity.moved(n);
                    written += n;
                }
                Err(cause) => return Err(WriteFailure { written, cause }),
            }
        }
        // Only TLS has anything to flush; what it holds back may still arrive.
        match timeout(limit, self.stream.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(WriteFailure {
                written,
                cause: Cause::Io(error),
            }),
            Err(_) => Err(WriteFailure {
                written,
                cause: Cause::Timeout(limit),
            }),
        }
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        parts: [&[u8]; 3],
        written: usize,
    ) -> Poll<Result<usize, Cause>> {
        let mut skip = written;
        let slices = parts.map(|part| {
            let rest = part.get(skip..).unwrap_or_default();
            skip = skip.saturating_sub(part.len());
            IoSlice::new(rest)
        });
        let stream = Pin::new(&mut self.stream);
        match stream.poll_write_vectored(cx, &slices) {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(Cause::Io(io::ErrorKind::WriteZero.into()))),
            Poll::Ready(result) => Poll::Ready(result.map_err(Cause::Io)),
            Poll::Pending => self.poll_read_ahead(cx).map(Err),
        }
    }

    /// Takes what the relay says while it does not read; ready only when it has closed.
    fn poll_read_ahead(&mut self, cx: &mut Context<'_>) -> Poll<Cause> {
        let mut chunk = [0_u8; READ_BYTES];
        while self.input.len() < INPUT_BYTES_MAX {
            let mut buffer = ReadBuf::new(&mut chunk);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Cause::Io(error)),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => return Poll::Ready(Cause::Closed),
                Poll::Ready(Ok(())) => self.input.extend_from_slice(buffer.filled()),
            }
        }
        Poll::Pending
    }

    /// Prefers what the relay said before it broke off to the bare fault.
    pub(crate) async fn last_words(&mut self, fault: Cause) -> Cause {
        if !matches!(fault, Cause::Io(_) | Cause::Closed) {
            return fault;
        }
        match self.reply(LAST_WORDS).await {
            Ok(reply) if matches!(reply.severity(), Severity::Transient | Severity::Permanent) => {
                Cause::Refused(reply)
            }
            Ok(_) | Err(_) => fault,
        }
    }

    /// Ends the connection politely; what goes wrong no longer matters.
    pub(crate) async fn shut_down(&mut self, limit: Duration) {
        let _closed = timeout(limit, self.stream.shutdown()).await;
    }
}
