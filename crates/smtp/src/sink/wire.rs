//! A sink's side of the connection: lines and content in, replies out in as few writes as may be.

use std::io;
use std::time::Duration;

use memchr::{memchr, memmem};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::sleep;

use crate::stream::MaybeTls;

const READ_BYTES: usize = 65_536;
/// Longest command line taken.
const LINE_BYTES_MAX: usize = 65_536;
/// Largest message taken.
const CONTENT_BYTES_MAX: usize = 256 * 1_048_576;

#[derive(Debug)]
pub(super) struct Wire<S> {
    /// Gone only while TLS takes it over.
    stream: Option<MaybeTls<S>>,
    input: Vec<u8>,
    at: usize,
    /// Where to go on looking for the content's end.
    searched: usize,
    pub(super) out: Vec<u8>,
    /// The pause between two bytes, while dripping.
    pub(super) drip: Option<Duration>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream: Some(MaybeTls::Plain(stream)),
            input: Vec::with_capacity(READ_BYTES),
            at: 0,
            searched: 0,
            out: Vec::with_capacity(1_024),
            drip: None,
        }
    }

    pub(super) const fn stream(&self) -> Option<&MaybeTls<S>> {
        self.stream.as_ref()
    }

    pub(super) fn is_tls(&self) -> bool {
        matches!(self.stream, Some(MaybeTls::Tls(_)))
    }

    /// Forgets what came in and was not looked at.
    pub(super) fn drop_input(&mut self) {
        self.input.clear();
        self.at = 0;
        self.searched = 0;
    }

    /// Turns to TLS; what came in plain text before it is forgotten.
    pub(super) async fn accept_tls(
        &mut self,
        config: std::sync::Arc<rustls::ServerConfig>,
    ) -> io::Result<()> {
        self.drop_input();
        self.stream = match self.stream.take() {
            Some(MaybeTls::Plain(stream)) => {
                let stream = tokio_rustls::TlsAcceptor::from(config).accept(stream).await?;
                Some(MaybeTls::Tls(Box::new(stream.into())))
            }
            other => other,
        };
        Ok(())
    }

    /// Takes a whole line into `line`, without its end, if one has come in.
    pub(super) fn take_line(&mut self, line: &mut String) -> io::Result<bool> {
        let unread = self.input.get(self.at..).unwrap_or_default();
        let Some(end) = memchr(b'\n', unread) else {
            return if unread.len() > LINE_BYTES_MAX {
                Err(io::Error::new(io::ErrorKind::InvalidData, "endless line"))
            } else {
                Ok(false)
            };
        };
        let text = unread.get(..end).unwrap_or_default();
        line.clear();
        line.push_str(&String::from_utf8_lossy(text.strip_suffix(b"\r").unwrap_or(text)));
        self.at += end + 1;
        self.searched = self.at;
        Ok(true)
    }

    /// Tells whether any of the content has come in.
    pub(super) fn has_input(&self) -> bool {
        self.at < self.input.len()
    }

    /// Hands the content before its final dot to `take`, if that has come in. Only CRLF dot CRLF ends it.
    pub(super) fn take_content<T>(&mut self, take: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let unread = self.input.get(self.at..).unwrap_or_default();
        let length = if unread.starts_with(b".\r\n") {
            0
        } else {
            let from = self.searched.saturating_sub(self.at).saturating_sub(4);
            let Some(found) = memmem::find(unread.get(from..).unwrap_or_default(), b"\r\n.\r\n") else {
                self.searched = self.input.len();
                return None;
            };
            from + found + 2
        };
        let taken = take(unread.get(..length).unwrap_or_default());
        self.advance(length + 3);
        Some(taken)
    }

    /// Hands the next `length` bytes to `take`, if they have come in.
    pub(super) fn take_bytes<T>(&mut self, length: usize, take: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let taken = take(self.input.get(self.at..self.at.checked_add(length)?)?);
        self.advance(length);
        Some(taken)
    }

    fn advance(&mut self, bytes: usize) {
        self.at += bytes;
        self.searched = self.at;
    }

    /// Reads more; `false` at the client's end.
    pub(super) async fn fill(&mut self) -> io::Result<bool> {
        if self.at > 0 {
            self.input.drain(..self.at);
            self.searched = self.searched.saturating_sub(self.at);
            self.at = 0;
        }
        if self.input.len() > CONTENT_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "endless content"));
        }
        self.input.reserve(READ_BYTES);
        let Some(stream) = &mut self.stream else {
            return Ok(false);
        };
        Ok(stream.read_buf(&mut self.input).await? > 0)
    }

    /// Writes the replies that wait.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        if let Some(pause) = self.drip.take() {
            for byte in &self.out {
                sleep(pause).await;
                stream.write_all(std::slice::from_ref(byte)).await?;
                stream.flush().await?;
            }
        } else if !self.out.is_empty() {
            stream.write_all(&self.out).await?;
            stream.flush().await?;
        }
        self.out.clear();
        Ok(())
    }

    /// Closes as TCP (and TLS) want it.
    pub(super) async fn close(&mut self) {
        if let Some(stream) = &mut self.stream {
            let _closed = stream.shutdown().await;
        }
    }
}
