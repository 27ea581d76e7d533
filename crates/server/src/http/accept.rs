//! The accept loop: a limit on connections, a limit on the time a header may take, and a stop that lets requests end.

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
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::peer::Peer;

/// Longest time from a connection's start, or the last answer, to the end of a request's header.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Most connections at a time.
const MOST_CONNECTIONS: usize = 4_096;
/// Largest header of a request, in bytes.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// How long a stop waits for requests to end.
const DRAIN: Duration = Duration::from_secs(10);
/// How long to wait after the system had no room for another connection.
const PAUSE: Duration = Duration::from_millis(100);

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

/// Serves `router` until `stopping`, then waits for requests under way.
pub async fn serve<L: Listener>(listener: L, router: Router, stopping: CancellationToken) {
    serve_with(listener, None, router, stopping).await;
}

/// The same under TLS where there is an acceptor.
pub async fn serve_with<L: Listener>(
    mut listener: L,
    tls: Option<TlsAcceptor>,
    router: Router,
    stopping: CancellationToken,
) {
    let mut server = Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADER_BYTES);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(128);
    let server = Arc::new(server);
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => break,
            accepted = async {
                // The semaphore is never closed, so a place always comes.
                let place = Arc::clone(&room).acquire_owned().await.ok();
                (place, listener.next().await)
            } => accepted,
        };
        let (place, (stream, peer)) = match accepted {
            (place, Ok(connection)) => (place, connection),
            (_, Err(error)) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let watcher = graceful.watcher();
        let (server, router, tls) = (Arc::clone(&server), router.clone(), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => converse(&server, stream, peer, router, watcher).await,
                // The handshake happens here, so that a slow client keeps nobody else waiting.
                Some(tls) => match tokio::time::timeout(HEADER_TIMEOUT, tls.accept(stream)).await {
                    Ok(Ok(stream)) => converse(&server, stream, peer, router, watcher).await,
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(_) => tracing::debug!("a TLS handshake took too long"),
                },
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests that did not end in time were cut off");
    }
}

/// Serves one connection.
async fn converse<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    server: &Builder<TokioExecutor>,
    stream: S,
    peer: IpAddr,
    router: Router,
    watcher: Watcher,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        router.clone().oneshot(request)
    });
    let connection = server.serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        tracing::debug!(%error, "a connection ended badly");
    }
}
