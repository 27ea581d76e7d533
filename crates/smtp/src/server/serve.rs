//! From a connection to the end of its session.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::admission::AdmittedConnection;
use super::config::{SessionConfig, TlsMode};
use super::end::{SessionEnd, SessionSummary};
use super::handler::{Handler, TlsFacts};
use super::replies;
use super::session::{Session, StartTls, Stop};
use super::transport::{Transport, last_words};

/// Serves one connection until its session is over.
///
/// A message that the handler has taken is answered before anything else happens. When `shutdown` is cancelled, the
/// session ends with 421 before its next command.
pub async fn serve_connection<S, H>(
    stream: S,
    peer: SocketAddr,
    config: Arc<SessionConfig>,
    tls: TlsMode,
    handler: H,
    shutdown: CancellationToken,
) -> SessionSummary
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    serve_admitted(stream, peer, config, tls, handler, shutdown, Arc::new(Unlimited)).await
}

/// A connection that counts nowhere.
#[derive(Debug)]
struct Unlimited;

impl AdmittedConnection for Unlimited {
    fn evicted(&self) -> CancellationToken {
        CancellationToken::new()
    }

    fn is_stranger(&self) -> bool {
        true
    }

    fn signed_in(&self) {}

    fn work_begins(&self) {}

    fn work_ends(&self) {}

    fn is_working(&self) -> bool {
        false
    }
}

/// What a session listens to beside its client.
#[derive(Clone)]
struct Signals {
    shutdown: CancellationToken,
    evicted: CancellationToken,
}

/// Serves one connection of a listener.
pub(super) async fn serve_admitted<S, H>(
    stream: S,
    peer: SocketAddr,
    config: Arc<SessionConfig>,
    tls: TlsMode,
    handler: H,
    shutdown: CancellationToken,
    connection: Arc<dyn AdmittedConnection>,
) -> SessionSummary
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    let signals = Signals {
        shutdown,
        evicted: connection.evicted(),
    };
    let starttls = if matches!(tls, TlsMode::StartTls(_)) {
        StartTls::Offered
    } else {
        StartTls::Off
    };
    let mut session = Session::new(handler, config, peer, starttls, connection);
    let end = match tls {
        TlsMode::Off => greet(&mut session, stream, signals).await.0,
        TlsMode::StartTls(acceptor) => {
            let (end, upgrade) = greet(&mut session, stream, signals.clone()).await;
            match upgrade {
                None => end,
                Some(stream) => match handshake(&mut session, acceptor, stream).await {
                    Ok(stream) => talk(&mut session, stream, signals).await.0,
                    Err(end) => end,
                },
            }
        }
        TlsMode::Implicit(acceptor) => match handshake(&mut session, acceptor, stream).await {
            Ok(stream) => greet(&mut session, stream, signals).await.0,
            Err(end) => end,
        },
    };
    SessionSummary {
        end,
        messages: session.messages,
        errors: session.errors,
        auth_failures: session.auth_failures,
    }
}

async fn handshake<S, H>(
    session: &mut Session<H>,
    acceptor: TlsAcceptor,
    stream: S,
) -> Result<TlsStream<S>, SessionEnd>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    let stream = match timeout(session.config.limits.handshake_max, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(_)) | Err(_) => return Err(SessionEnd::TlsHandshake),
    };
    let connection = stream.get_ref().1;
    session.facts.tls = Some(TlsFacts {
        version: connection
            .protocol_version()
            .map_or_else(String::new, |version| format!("{version:?}")),
        cipher_suite: connection
            .negotiated_cipher_suite()
            .map_or_else(String::new, |suite| format!("{:?}", suite.suite())),
    });
    session.starttls = StartTls::Off;
    Ok(stream)
}

/// Greets, then talks.
async fn greet<S, H>(session: &mut Session<H>, stream: S, signals: Signals) -> (SessionEnd, Option<S>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    let mut transport = Transport::new(stream, session.clocks(), signals.shutdown, signals.evicted);
    transport.say(&replies::greeting(&session.config.hostname));
    finish(session, transport).await
}

/// Talks on a stream that was greeted before it was encrypted.
async fn talk<S, H>(session: &mut Session<H>, stream: S, signals: Signals) -> (SessionEnd, Option<S>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    let transport = Transport::new(stream, session.clocks(), signals.shutdown, signals.evicted);
    finish(session, transport).await
}

/// Runs the session; gives the stream back if the client asked for TLS, else closes it.
async fn finish<S, H>(session: &mut Session<H>, mut transport: Transport<S>) -> (SessionEnd, Option<S>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    match session.run(&mut transport).await {
        Stop::Upgrade => (SessionEnd::TlsHandshake, Some(transport.into_stream())),
        Stop::End(end) => {
            session.forget();
            let words = last_words(end, session.config.limits.message_bytes_max);
            transport.close(end, words, session.farewell(end)).await;
            (end, None)
        }
    }
}
