//! Opens the configured addresses and serves them.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use postroom_smtp::server::{
    AuthPolicy, BeforeSignIn, ListenerEvent, ListenerSettings, SessionConfig, SessionLimits, TlsMode, listen,
};
use postroom_smtp::tls::{Identity, TlsError};
use tokio::net::TcpListener;

use super::admission::SmtpAdmission;
use super::handler::{Door, Session};
use crate::config::Submission;
use crate::connections::ConnectionLimiter;
use crate::supervision::{Part, Supervisor};

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

/// Listeners that are open.
pub struct Listeners {
    open: Vec<(TcpListener, TlsMode)>,
    addresses: Vec<SocketAddr>,
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

impl Listeners {
    /// Opens every configured address.
    ///
    /// # Errors
    /// [`SubmissionError`] for the first that cannot be opened.
    pub async fn open(config: &Submission, identity: Option<&Identity>) -> Result<Self, SubmissionError> {
        let tls = identity.map(|identity| identity.acceptor(&[])).transpose()?;
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
        let addresses = open.iter().filter_map(|(listener, _)| listener.local_addr().ok());
        Ok(Self {
            addresses: addresses.collect(),
            open,
        })
    }

    /// Serves them until the server stops: then no more connections are accepted, and each session is told 421 before
    /// its next command.
    pub fn serve(
        self,
        config: &Submission,
        hostname: &str,
        door: &Arc<Door>,
        supervisor: &Supervisor,
        connections: ConnectionLimiter,
    ) {
        let limits = SessionLimits {
            recipients_max: usize::from(config.max_recipients),
            message_bytes_max: usize::try_from(config.max_message_size_bytes).unwrap_or(usize::MAX),
            idle_max: config.idle_timeout.0,
            before_sign_in: BeforeSignIn {
                duration_max: config.sign_in_timeout.0,
                ..BeforeSignIn::default()
            },
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
            admission: Arc::new(SmtpAdmission {
                connections,
                trusted: door.trusted.iter().map(|trusted| trusted.network).collect(),
            }),
            shutdown: supervisor.stopping().clone(),
        };
        for (listener, tls) in self.open {
            let settings = ListenerSettings {
                tls,
                ..settings.clone()
            };
            let door = Arc::clone(door);
            let handler_for = move |peer| Session::new(Arc::clone(&door), peer);
            supervisor.essential(Part::SmtpListener, listen(listener, settings, handler_for, note));
        }
    }

    /// The addresses with their real ports, plain ones first.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
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
            tracing::error!(error = %error, "no SMTP connection can be accepted; will retry");
        }
        ListenerEvent::AcceptRecovered(failures) => {
            tracing::info!(failures, "SMTP connections are accepted again");
        }
    }
}
