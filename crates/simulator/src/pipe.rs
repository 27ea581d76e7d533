//! A connection without a network: octets arrive after a delay, a full buffer makes the writer wait, and it can be reset
//! or fall silent without a FIN.

use std::collections::VecDeque;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long the client's kernel asks a silent host before it gives the connection up (keepalive).
const SILENT_HOST: Duration = Duration::from_secs(30);
/// Octets under way in one direction before the writer waits.
const ROOM: usize = 65_536;

/// One of the two ends.
#[derive(Debug)]
pub(crate) struct End {
    link: Link,
    side: Side,
    wait: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Relay,
}

/// What the world does to a connection.
#[derive(Debug, Clone)]
pub(crate) struct Link(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    latency: Duration,
    fate: Fate,
    to_relay: Way,
    to_client: Way,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Alive,
    /// Nothing arrives any more, no end either.
    Dark(Instant),
    /// The relay's host is back and does not know it: what is sent is answered by a reset.
    Forgotten(Instant),
    Reset,
}

/// One direction.
#[derive(Debug, Default)]
struct Way {
    under_way: VecDeque<(Instant, Vec<u8>)>,
    octets: usize,
    ends: Option<Instant>,
    reader_gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Way {
    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }
}

/// Makes a connection; what is written on one end arrives on the other `latency` later.
pub(crate) fn pipe(latency: Duration) -> (End, End, Link) {
    let link = Link(Arc::new(Mutex::new(State {
        latency,
        fate: Fate::Alive,
        to_relay: Way::default(),
        to_client: Way::default(),
    })));
    let end = |side| End {
        link: link.clone(),
        side,
        wait: None,
    };
    (end(Side::Client), end(Side::Relay), link)
}

impl Link {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn suffer(&self, fate: Fate) {
        let mut state = self.state();
        state.fate = fate;
        state.to_relay.wake();
        state.to_client.wake();
    }

    /// Both ends hear of a reset.
    pub(crate) fn reset(&self) {
        self.suffer(Fate::Reset);
    }

    /// Nobody hears anything any more.
    pub(crate) fn go_dark(&self) {
        if self.state().fate == Fate::Alive {
            self.suffer(Fate::Dark(Instant::now()));
        }
    }

    /// The relay's host is back, without its connections.
    pub(crate) fn forget(&self) {
        let was = self.state().fate;
        if let Fate::Dark(since) = was {
            self.suffer(Fate::Forgotten(since));
        }
    }
}

impl State {
    fn ways(&mut self, side: Side) -> (&mut Way, &mut Way) {
        match side {
            Side::Client => (&mut self.to_client, &mut self.to_relay),
            Side::Relay => (&mut self.to_relay, &mut self.to_client),
        }
    }

    /// Reads what has arrived; else when the next octets do.
    fn read(
        &mut self,
        side: Side,
        cx: &Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Result<io::Result<()>, Option<Instant>> {
        let fate = self.fate;
        let (way, _) = self.ways(side);
        match fate {
            Fate::Reset => return Ok(Err(io::ErrorKind::ConnectionReset.into())),
            Fate::Dark(since) | Fate::Forgotten(since) if side == Side::Client => {
                let gone = since + SILENT_HOST;
                if gone <= Instant::now() {
                    return Ok(Err(io::ErrorKind::TimedOut.into()));
                }
                way.reader = Some(cx.waker().clone());
                return Err(Some(gone));
            }
            Fate::Dark(_) | Fate::Forgotten(_) => {
                way.reader = Some(cx.waker().clone());
                return Err(None);
            }
            Fate::Alive => {}
        }
        let now = Instant::now();
        match way.under_way.front_mut() {
            Some((at, octets)) if *at <= now => {
                let n = octets.len().min(buf.remaining());
                buf.put_slice(octets.get(..n).unwrap_or_default());
                octets.drain(..n);
                way.octets -= n;
                if octets.is_empty() {
                    way.under_way.pop_front();
                }
                if let Some(writer) = way.writer.take() {
                    writer.wake();
                }
                Ok(Ok(()))
            }
            Some((at, _)) => {
                way.reader = Some(cx.waker().clone());
                Err(Some(*at))
            }
            None => match way.ends {
                Some(at) if at <= now => Ok(Ok(())),
                ends => {
                    way.reader = Some(cx.waker().clone());
                    Err(ends)
                }
            },
        }
    }

    fn write(&mut self, side: Side, cx: &Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let (fate, latency) = (self.fate, self.latency);
        if fate == Fate::Reset || (matches!(fate, Fate::Forgotten(_)) && side == Side::Client) {
            self.fate = Fate::Reset;
            self.to_client.wake();
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let (_, way) = self.ways(side);
        if way.reader_gone {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let n = octets.len().min(ROOM.saturating_sub(way.octets));
        if n == 0 && !octets.is_empty() {
            way.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        way.octets += n;
        let at = Instant::now() + latency;
        way.under_way
            .push_back((at, octets.get(..n).unwrap_or_default().to_vec()));
        if let Some(reader) = way.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(n))
    }

    fn end(&mut self, side: Side) {
        let at = Instant::now() + self.latency;
        let (_, way) = self.ways(side);
        way.ends.get_or_insert(at);
        if let Some(reader) = way.reader.take() {
            reader.wake();
        }
    }
}

impl AsyncRead for End {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let at = match this.link.state().read(this.side, cx, buf) {
                Ok(read) => return Poll::Ready(read),
                Err(None) => return Poll::Pending,
                Err(Some(at)) => at,
            };
            let wait = this.wait.insert(Box::pin(sleep_until(at)));
            if wait.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        self.link.state().write(self.side, cx, octets)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.link.state().end(self.side);
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let mut state = self.link.state();
        state.end(self.side);
        let (way, _) = state.ways(self.side);
        way.reader_gone = true;
        way.wake();
    }
}
