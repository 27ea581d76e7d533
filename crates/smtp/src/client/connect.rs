//! From a relay's description to an open session.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::config::{RelayConfig, TlsPolicy};
use super::dial::Connection;
use super::error::{Cause, Phase, SessionError};
use super::handshake::{self, Milestone};
use super::reach::{connect_to, resolve};
use super::session::Session;
use super::tls::{TlsSetupError, client_config};

/// Opens sessions with one relay; made once, for reading the authorities takes milliseconds.
#[derive(Debug, Clone)]
pub struct Connector {
    relay: Arc<RelayConfig>,
    tls: Option<TlsClient>,
}

#[derive(Debug, Clone)]
pub(super) struct TlsClient {
    pub(super) config: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
    seen: Seen,
}

/// The certificate that the relay showed last, in DER.
pub(super) type Seen = Arc<Mutex<Option<Vec<u8>>>>;

impl TlsClient {
    /// The certificate that the relay showed last, in DER.
    pub(super) fn offered(&self) -> Option<Vec<u8>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Connector {
    /// Prepares for a relay.
    ///
    /// # Errors
    /// [`TlsSetupError`] where its TLS part cannot be used.
    pub fn new(relay: RelayConfig) -> Result<Self, TlsSetupError> {
        let tls = match client_config(&relay)? {
            None => None,
            Some((config, seen)) => {
                let name = relay.certificate_name();
                let name = ServerName::try_from(name.clone()).map_err(|_| TlsSetupError::Name(name))?;
                Some(TlsClient { config, name, seen })
            }
        };
        Ok(Self {
            relay: Arc::new(relay),
            tls,
        })
    }

    /// Returns the relay's description.
    #[must_use]
    pub fn relay(&self) -> &RelayConfig {
        &self.relay
    }

    /// Connects to the relay and opens a session.
    ///
    /// Under policy `opportunistic` a failed TLS handshake is followed by one try without TLS.
    ///
    /// # Errors
    /// [`SessionError`], with the phase that failed and the relay's words.
    pub async fn connect(&self) -> Result<Session<Connection>, SessionError> {
        let first = self.open(self.dial().await?).await;
        match first {
            Err(error) if error.phase == Phase::Tls && self.relay.tls == TlsPolicy::Opportunistic => {
                handshake::open(self.dial().await?, &self.relay, None, &mut |_| {}).await
            }
            done => done,
        }
    }

    /// Opens a session over a connection that stands already.
    ///
    /// # Errors
    /// As [`Connector::connect`].
    pub async fn open<S>(&self, stream: S) -> Result<Session<S>, SessionError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        handshake::open(stream, &self.relay, self.tls.as_ref(), &mut |_| {}).await
    }

    /// Opens a session as [`Connector::open`] does and tells of each part that is done.
    ///
    /// # Errors
    /// As [`Connector::connect`].
    pub async fn open_watched<S>(
        &self,
        stream: S,
        watch: &mut (dyn FnMut(Milestone) + Send),
    ) -> Result<Session<S>, SessionError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        handshake::open(stream, &self.relay, self.tls.as_ref(), watch).await
    }

    async fn dial(&self) -> Result<Connection, SessionError> {
        let limit = self.relay.timeouts.connect;
        let dialling = async {
            let addresses = resolve(&self.relay.dial, &self.relay.address).await?;
            connect_to(&self.relay.dial, &addresses, &self.relay.reach).await
        };
        let dialled = timeout(limit, dialling).await;
        let (connection, _) = dialled
            .unwrap_or(Err(Cause::Timeout(limit)))
            .map_err(|cause| SessionError::new(Phase::Connect, cause))?;
        Ok(connection)
    }
}
