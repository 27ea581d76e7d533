//! The accept loop: a limit on connections, a limit on the time a header may take, and a stop that lets requests end.
//!
//! Where the system has no room for another connection, the loop waits a moment and tries again.

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
use postroom_smtp::server::{ACCEPT_PAUSE, AcceptFailures};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::connections::{Connections, Guarded, Place};
use super::peer::Peer;

/// Longest time from a connection's start, or the last answer, to the end of a request's header.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest header of a request, in bytes.
const MAX_HEADER_BYTES: usize = 64 * 1024;
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
    /// Most connections at a time; beyond it a newcomer takes the place of the one that was idle longest.
    pub connections_max: usize,
    /// Cancelled to stop.
    pub stopping: CancellationToken,
}

/// Serves until the stop, then waits for requests under way.
pub async fn serve<L: Listener>(mut listener: L, serving: Serving) {
    let Serving {
        router,
        tls,
        connections_max,
        stopping,
    } = serving;
    let server = Arc::new(server());
    let graceful = GracefulShutdown::new();
    let connections = Connections::new(connections_max);
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
        let place = tokio::select! {
            () = stopping.cancelled() => break,
            place = connections.place() => place,
        };
        let watcher = graceful.watcher();
        let (server, router, tls) = (Arc::clone(&server), router.clone(), tls.clone());
        let stopping = stopping.clone();
        tokio::spawn(async move {
            let place = Arc::new(place);
            let served = async {
                match tls {
                    None => converse(&server, stream, peer, router, watcher, &place).await,
                    // The handshake happens here, so that a slow client keeps nobody else waiting.
                    Some(tls) => {
                        let shaken = tokio::select! {
                            shaken = tokio::time::timeout(HEADER_TIMEOUT, tls.accept(stream)) => shaken,
                            () = stopping.cancelled() => return,
                        };
                        match shaken {
                            Ok(Ok(stream)) => converse(&server, stream, peer, router, watcher, &place).await,
                            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                            Err(_) => tracing::debug!("a TLS handshake took too long"),
                        }
                    }
                }
            };
            tokio::select! {
                () = served => {}
                () = place.taken() => tracing::debug!("an idle connection was closed to make room for another"),
            }
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

/// What speaks HTTP on a connection.
fn server() -> Builder<TokioExecutor> {
    let mut server = Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADER_BYTES);
    server
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(HTTP2_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_WINDOW_BYTES)
        .max_concurrent_streams(128);
    server
}

/// Serves one connection.
async fn converse<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    server: &Builder<TokioExecutor>,
    stream: S,
    peer: IpAddr,
    router: Router,
    watcher: Watcher,
    place: &Arc<Place>,
) {
    let place = Arc::clone(place);
    let service = service_fn(move |request: Request<Incoming>| {
        let guard = place.begin();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        let answer = router.clone().oneshot(request);
        async move {
            let answer = answer.await?;
            Ok::<_, Infallible>(answer.map(|body| Body::new(Guarded::new(body, guard))))
        }
    });
    let connection = server.serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        tracing::debug!(%error, "a connection ended badly");
    }
}
