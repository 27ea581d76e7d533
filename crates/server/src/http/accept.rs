//! The accept loop: a place for each connection, deadlines for what it waits for, and a stop that lets requests end.
//!
//! The loop itself never waits for a place: a newcomer takes the place of somebody who is idle, or gets one of the few
//! that are kept for health checks. Where the system has no descriptor for another connection, it waits a moment and tries
//! again.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use postroom_domain::{ConnectionClass, ConnectionLimits, ConnectionShare};
use postroom_smtp::server::{ACCEPT_PAUSE, AcceptFailures};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub use super::connections::Deadlines;
use super::connections::{Connection, Guarded};
use super::peer::Peer;
use super::traffic::{Counted, Written};
use super::visit::{Answers, Visit};
use crate::config::Live;
use crate::connections::{ConnectionLimiter, Place};

/// Largest header of a request, in bytes.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Connections that are kept for health checks where all others are taken by people who have signed in.
const HEALTH_CONNECTIONS_MAX: usize = 64;
/// Nobody has a smaller share of these: whoever asks has no place of their own, and is gone in two seconds.
const HEALTH_LIMITS: ConnectionLimits = {
    let all = ConnectionShare {
        connections_max: HEALTH_CONNECTIONS_MAX,
        strangers_max: HEALTH_CONNECTIONS_MAX,
    };
    ConnectionLimits {
        address: all,
        network: all,
        total: all,
    }
};
/// How long a proxy's idle connection is kept at least: longer than proxies keep it, of which the most patient do so for ten
/// minutes. A proxy that sends a request as we close would have to answer with an error.
const PROXY_IDLE_MIN: Duration = Duration::from_secs(620);
/// Most requests of an HTTP/2 connection at a time.
const HTTP2_STREAMS_MAX: u32 = 64;
/// What an HTTP/2 connection buffers of bodies that nobody reads yet, because they wait for room in memory.
const HTTP2_WINDOW_BYTES: u32 = 256 * 1024;

/// What connections come in by.
pub trait Listener: Send + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next connection.
    ///
    /// # Errors
    /// What the system says.
    fn next(&mut self) -> impl Future<Output = io::Result<(Self::Stream, IpAddr)>> + Send;
}

impl Listener for TcpListener {
    type Stream = tokio::net::TcpStream;

    async fn next(&mut self) -> io::Result<(Self::Stream, IpAddr)> {
        let (stream, peer) = self.accept().await?;
        stream.set_nodelay(true)?;
        Ok((stream, peer.ip()))
    }
}

impl Listener for UnixListener {
    type Stream = tokio::net::UnixStream;

    async fn next(&mut self) -> io::Result<(Self::Stream, IpAddr)> {
        let (stream, _) = self.accept().await?;
        Ok((stream, IpAddr::V4(Ipv4Addr::LOCALHOST)))
    }
}

/// How a listener is served.
#[derive(Clone)]
pub struct Serving {
    /// What answers.
    pub router: Router,
    /// Encrypts, where there is a certificate.
    pub tls: Option<TlsAcceptor>,
    /// Who is let in.
    pub connections: ConnectionLimiter,
    /// How long they may wait.
    pub deadlines: Deadlines,
    /// Who connects.
    pub clients: Clients,
    /// Cancelled to stop.
    pub stopping: CancellationToken,
}

/// Who connects to a listener.
#[derive(Debug, Clone)]
pub enum Clients {
    /// Anybody, and the proxies that the configuration believes: these are not counted by their address.
    Public(Live),
    /// Programs of this machine that may do anything.
    Operator,
}

impl Clients {
    fn origin(&self, peer: IpAddr) -> Origin {
        match self {
            Self::Operator => Origin::Operator,
            Self::Public(live) => {
                let config = live.now();
                let mut proxies = config.http.trusted_proxies.iter();
                if proxies.any(|network| network.contains(peer)) {
                    Origin::Proxy
                } else {
                    Origin::Client(peer)
                }
            }
        }
    }
}

/// Where a connection comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// A program of this machine.
    Operator,
    /// A proxy that the configuration believes.
    Proxy,
    /// Anybody else.
    Client(IpAddr),
}

impl Origin {
    /// The address by which a connection counts, and as what it does.
    const fn counts_as(self) -> (Option<IpAddr>, ConnectionClass) {
        match self {
            Self::Operator | Self::Proxy => (None, ConnectionClass::SignedIn),
            Self::Client(peer) => (Some(peer), ConnectionClass::Stranger),
        }
    }

    /// The deadlines of a connection.
    fn deadlines(self, usual: Deadlines) -> Deadlines {
        match self {
            Self::Proxy => Deadlines {
                idle: usual.idle.max(PROXY_IDLE_MIN),
                ..usual
            },
            Self::Operator | Self::Client(_) => usual,
        }
    }
}

/// Serves until the stop, then waits for requests under way.
pub async fn serve<L: Listener>(mut listener: L, serving: Serving) {
    let graceful = GracefulShutdown::new();
    let stopping = serving.stopping.clone();
    let server = Arc::new(Server {
        http: http(),
        health: ConnectionLimiter::new(HEALTH_LIMITS),
        serving,
    });
    let mut failures = AcceptFailures::default();
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => break,
            failures = failures.over() => {
                tracing::info!(failures, "HTTP connections are accepted again");
                continue;
            }
            accepted = listener.next() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(connection) => connection,
            Err(error) => {
                if failures.note() == 1 {
                    tracing::error!(%error, "no HTTP connection can be accepted; will retry");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if let Some(admitted) = server.admit(peer) {
            tokio::spawn(Arc::clone(&server).attend(stream, peer, admitted, graceful.watcher()));
        }
        // Whoever has to make room goes before the next comes.
        tokio::task::yield_now().await;
    }
    drop(listener);
    graceful.shutdown().await;
}

/// What the connections of a listener share.
struct Server {
    http: Builder<TokioExecutor>,
    health: ConnectionLimiter,
    serving: Serving,
}

/// A connection that was let in.
struct Admitted {
    place: Place,
    answers: Answers,
    deadlines: Deadlines,
}

/// Who is at the other end of a connection.
struct Visitor {
    peer: IpAddr,
    answers: Answers,
    connection: Arc<Connection>,
}

impl Server {
    /// Finds a place for a newcomer; `None` where there is none, not even for a health check.
    fn admit(&self, peer: IpAddr) -> Option<Admitted> {
        let origin = self.serving.clients.origin(peer);
        let (from, class) = origin.counts_as();
        if let Ok(place) = self.serving.connections.admit(from, class) {
            return Some(Admitted {
                place,
                answers: Answers::All,
                deadlines: origin.deadlines(self.serving.deadlines),
            });
        }
        let place = self.health.admit(None, ConnectionClass::Stranger).ok()?;
        Some(Admitted {
            place,
            answers: Answers::HealthAlone,
            deadlines: Deadlines::SHORT,
        })
    }

    /// Serves a connection until it ends, has to make room, or waited too long.
    async fn attend<S>(self: Arc<Self>, stream: S, peer: IpAddr, admitted: Admitted, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Admitted {
            place,
            answers,
            deadlines,
        } = admitted;
        let written = Written::default();
        let stream = Counted::new(stream, written.clone());
        let connection = Connection::new(place, written);
        let visitor = Visitor {
            peer,
            answers,
            connection: Arc::clone(&connection),
        };
        tokio::select! {
            () = self.open(stream, visitor, watcher) => {}
            () = connection.must_go() => tracing::debug!("a connection was closed to make room for another"),
            () = self.overdue(&connection, deadlines) => {}
        }
    }

    /// Waits until a connection has waited too long, and counts it.
    async fn overdue(&self, connection: &Connection, deadlines: Deadlines) {
        let reason = connection.overdue(deadlines).await.label();
        self.serving.connections.note_closed(reason);
        tracing::debug!(reason, "a connection is closed because nothing moved");
    }

    /// Encrypts a connection where that is configured, and serves it.
    async fn open<S>(&self, stream: S, visitor: Visitor, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Some(tls) = self.serving.tls.clone() else {
            return self.converse(stream, visitor, watcher).await;
        };
        // The handshake happens here, so that a slow client keeps nobody else waiting.
        let shaken = tokio::select! {
            shaken = tls.accept(stream) => shaken,
            () = self.serving.stopping.cancelled() => return,
        };
        match shaken {
            Ok(stream) => self.converse(stream, visitor, watcher).await,
            Err(error) => tracing::debug!(%error, "a TLS handshake failed"),
        }
    }

    /// Speaks HTTP on a connection.
    async fn converse<S>(&self, stream: S, visitor: Visitor, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let router = self.serving.router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let guard = visitor.connection.begin();
            let mut request = request.map(Body::new);
            let extensions = request.extensions_mut();
            extensions.insert(Peer(visitor.peer));
            extensions.insert(visitor.answers);
            extensions.insert(Visit::new(visitor.connection.place()));
            let answer = router.clone().oneshot(request);
            async move {
                guard.moves();
                let answer = answer.await?;
                Ok::<_, Infallible>(answer.map(|body| Body::new(Guarded::new(body, guard))))
            }
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(connection.into_owned()).await {
            tracing::debug!(%error, "a connection ended badly");
        }
    }
}

/// What speaks HTTP on a connection. A header has no deadline of its own here: [`Deadlines`] cover it, and what comes
/// before it. They end dead HTTP/2 connections, too: a ping would wait behind the answers that a slow reader has not taken,
/// and end those.
fn http() -> Builder<TokioExecutor> {
    let mut server = Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None::<Duration>)
        .max_buf_size(MAX_HEADER_BYTES);
    server
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(HTTP2_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_WINDOW_BYTES)
        .max_concurrent_streams(HTTP2_STREAMS_MAX);
    server
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_connection_of_a_proxy_is_kept_longer_than_proxies_keep_it() {
        let usual = Deadlines::with_idle(Duration::from_secs(75));
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        for (origin, seconds) in [
            (Origin::Client(peer), 75),
            (Origin::Operator, 75),
            (Origin::Proxy, 620),
        ] {
            let deadlines = origin.deadlines(usual);
            assert_eq!(deadlines.idle.as_secs(), seconds, "{origin:?}");
            assert_eq!(deadlines.first_request, usual.first_request);
        }
        let patient = Deadlines::with_idle(Duration::from_secs(3_600));
        assert_eq!(Origin::Proxy.deadlines(patient).idle.as_secs(), 3_600);
    }
}
