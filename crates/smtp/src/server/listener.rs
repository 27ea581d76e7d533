//! The accept loop of a listener.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::accepting::{ACCEPT_PAUSE, AcceptFailures};
use super::admission::{Admission, AdmittedConnection, ConnectionRefusal};
use super::config::{SessionConfig, TlsMode};
use super::end::{SessionEnd, SessionSummary};
use super::handler::Handler;
use super::serve::serve_admitted;

/// How long a refused client may take to read why.
const REFUSAL_MAX: Duration = Duration::from_secs(2);
/// Refused clients of a listener that are told why at a time.
const REFUSALS_MAX: usize = 32;
/// How long a stranger, whose connection is closed for another, may take to hear so.
const EVICTION_MAX: Duration = Duration::from_millis(100);
/// How long it may take beyond that where its sign-in is being checked, so that it hears the answer.
const EVICTION_WORK_MAX: Duration = Duration::from_secs(5);

/// What all sessions of a listener share.
#[derive(Clone)]
pub struct ListenerSettings {
    /// What each session is told.
    pub config: Arc<SessionConfig>,
    /// How the listener encrypts.
    pub tls: TlsMode,
    /// Decides which connections it takes.
    pub admission: Arc<dyn Admission>,
    /// Cancelled to stop: no more connections, and 421 before the next command of each session.
    pub shutdown: CancellationToken,
}

/// Something that a listener's owner may count or log.
#[derive(Debug)]
pub enum ListenerEvent {
    /// A session is over.
    Ended(SocketAddr, SessionSummary),
    /// A connection was turned away.
    Refused(SocketAddr, ConnectionRefusal),
    /// No connection can be accepted; it is tried again until [`ListenerEvent::AcceptRecovered`].
    AcceptFailed(io::Error),
    /// Accepting has not failed for a while, after so many failures.
    AcceptRecovered(u64),
}

/// Accepts connections until the shutdown, then waits for the last session to end.
///
/// `handler_for` makes the handler of each session; `on_event` hears of what happens.
pub async fn listen<H, M, E>(
    listener: TcpListener,
    settings: ListenerSettings,
    mut handler_for: M,
    on_event: E,
) where
    H: Handler + 'static,
    M: FnMut(SocketAddr) -> H + Send,
    E: Fn(ListenerEvent) + Clone + Send + 'static,
{
    let sessions = TaskTracker::new();
    let turned_away = Arc::new(Semaphore::new(REFUSALS_MAX));
    let mut failures = AcceptFailures::default();
    loop {
        let accepted = tokio::select! {
            biased;
            () = settings.shutdown.cancelled() => break,
            count = failures.over() => {
                on_event(ListenerEvent::AcceptRecovered(count));
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if failures.note() == 1 {
                    on_event(ListenerEvent::AcceptFailed(error));
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let connection = match settings.admission.admit(peer.ip()) {
            Ok(connection) => connection,
            Err(refusal) => {
                on_event(ListenerEvent::Refused(peer, refusal));
                // Under implicit TLS the words would be garbage to the client. Where many are turned away, some are not
                // told why: each who is told takes a descriptor for a while.
                if !matches!(settings.tls, TlsMode::Implicit(_))
                    && let Ok(place) = Arc::clone(&turned_away).try_acquire_owned()
                {
                    sessions.spawn(async move {
                        turn_away(stream, refusal).await;
                        drop(place);
                    });
                }
                continue;
            }
        };
        // Replies are small and awaited: holding them back for more (RFC 896) would cost 40 ms each.
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let (handler, on_event, settings) = (handler_for(peer), on_event.clone(), settings.clone());
        sessions.spawn(async move {
            let summary = session(stream, peer, settings, handler, connection).await;
            on_event(ListenerEvent::Ended(peer, summary));
        });
    }
    drop(listener);
    sessions.close();
    sessions.wait().await;
}

/// Serves a connection until it ends, or has to go for another.
async fn session<H: Handler + 'static>(
    stream: TcpStream,
    peer: SocketAddr,
    settings: ListenerSettings,
    handler: H,
    connection: Arc<dyn AdmittedConnection>,
) -> SessionSummary {
    let ListenerSettings {
        config,
        tls,
        shutdown,
        ..
    } = settings;
    let served = serve_admitted(
        stream,
        peer,
        config,
        tls,
        handler,
        shutdown,
        Arc::clone(&connection),
    );
    tokio::select! {
        biased;
        summary = served => summary,
        () = must_go(&*connection) => SessionSummary {
            end: SessionEnd::Evicted,
            messages: 0,
            errors: 0,
            auth_failures: 0,
        },
    }
}

/// Waits until a connection is closed for another and has had its time to end by itself. A client that has signed in
/// meanwhile ends by itself: its message may be under way.
async fn must_go(connection: &dyn AdmittedConnection) {
    connection.evicted().cancelled().await;
    tokio::time::sleep(EVICTION_MAX).await;
    if connection.is_working() {
        tokio::time::sleep(EVICTION_WORK_MAX).await;
    }
    if !connection.is_stranger() {
        std::future::pending::<()>().await;
    }
}

async fn turn_away(mut stream: TcpStream, refusal: ConnectionRefusal) {
    let mut words = Vec::new();
    refusal.reply().write_to(&mut words);
    let goodbye = async {
        stream.write_all(&words).await?;
        stream.shutdown().await
    };
    // The client is not let in; whether it has read why changes nothing.
    drop(tokio::time::timeout(REFUSAL_MAX, goodbye).await);
}
