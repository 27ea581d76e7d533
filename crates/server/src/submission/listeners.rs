//! Opens the configured addresses and serves them.

use std::net::SocketAddr;
use std::sync::Arc;

use postroom_smtp::server::{
    AuthPolicy, ConnectionLimiter, ListenerEvent, ListenerSettings, SessionConfig, SessionLimits, TlsMode,
    listen,
};
use postroom_smtp::tls::{Identity, TlsError};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::handler::{Door, Session};
use crate::config::Submission;

/// Most connections at a time, over all listeners.
const CONNECTIONS_MOST: usize = 2_000;
/// Most connections at a time of one client address.
const CONNECTIONS_PER_ADDRESS_MOST: usize = 500;

/// Why a listener did not open.
#[derive(Debug, thiserror::Error)]
pub enum SubmissionError {
    /// The address cannot be listened on.
    #[error(
        "cannot listen for SMTP on {address}: {source}; is another server using it, or is it not this machine's?"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// `listen_tls` without a certificate.
    #[error("submission.listen_tls needs submission.tls_certificate and submission.tls_key")]
    NoCertificate,
}

/// Listeners that are open and being served.
#[derive(Debug)]
pub struct Listeners {
    addresses: Vec<SocketAddr>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl Listeners {
    /// Opens every configured address.
    ///
    /// # Errors
    /// [`SubmissionError`] for the first that cannot be opened; then none is served.
    pub async fn open(
        config: &Submission,
        hostname: &str,
        identity: Option<&Identity>,
        door: Arc<Door>,
    ) -> Result<Self, SubmissionError> {
        let tls = identity.map(|identity| identity.acceptor(&[])).transpose()?;
        let limits = SessionLimits {
            recipients_max: usize::from(config.max_recipients),
            message_bytes_max: usize::try_from(config.max_message_size_bytes).unwrap_or(usize::MAX),
            ..SessionLimits::default()
        };
        // The handler decides about those who did not sign in: a trusted network needs no AUTH.
        let session = SessionConfig {
            auth: AuthPolicy::Optional,
            limits,
            ..SessionConfig::submission(hostname)
        };
        let settings = ListenerSettings {
            config: Arc::new(session),
            tls: TlsMode::Off,
            limiter: ConnectionLimiter::new(CONNECTIONS_MOST, CONNECTIONS_PER_ADDRESS_MOST),
            shutdown: CancellationToken::new(),
        };
        let plain = tls.clone().map_or(TlsMode::Off, TlsMode::StartTls);
        let mut open = Vec::new();
        for &address in &config.listen {
            open.push((bind(address).await?, plain.clone()));
        }
        for &address in &config.listen_tls {
            let implicit = tls
                .clone()
                .map(TlsMode::Implicit)
                .ok_or(SubmissionError::NoCertificate)?;
            open.push((bind(address).await?, implicit));
        }
        let tasks = TaskTracker::new();
        let mut addresses = Vec::with_capacity(open.len());
        for (listener, tls) in open {
            addresses.extend(listener.local_addr());
            let (door, settings) = (
                Arc::clone(&door),
                ListenerSettings {
                    tls,
                    ..settings.clone()
                },
            );
            let handler_for = move |peer| Session::new(Arc::clone(&door), peer);
            tasks.spawn(listen(listener, settings, handler_for, note));
        }
        tasks.close();
        Ok(Self {
            addresses,
            shutdown: settings.shutdown,
            tasks,
        })
    }

    /// The addresses with their real ports, plain ones first.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Takes no more connections, tells each session 421 before its next command, and waits for the last.
    pub async fn stop(&self) {
        self.shutdown.cancel();
        self.tasks.wait().await;
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, SubmissionError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| SubmissionError::Listen { address, source })
}

fn note(event: ListenerEvent) {
    match event {
        ListenerEvent::Ended(_, summary) => {
            tracing::debug!(
                session.end = summary.end.label(),
                session.messages = summary.messages,
                session.errors = summary.errors,
                "an SMTP session ended"
            );
        }
        ListenerEvent::Refused(_, refusal) => tracing::warn!(reason = ?refusal, "a client was turned away"),
        ListenerEvent::AcceptFailed(error) => {
            tracing::error!(error = %error, "no connection can be accepted")
        }
    }
}
