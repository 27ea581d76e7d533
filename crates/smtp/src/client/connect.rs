//! From a relay's description to an open session.

use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::config::{RelayAddress, RelayConfig, TlsPolicy};
use super::error::{Cause, Phase, SessionError};
use super::handshake;
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
}

impl Connector {
    /// Prepares for a relay.
    ///
    /// # Errors
    /// [`TlsSetupError`] where its TLS part cannot be used.
    pub fn new(relay: RelayConfig) -> Result<Self, TlsSetupError> {
        let tls = match client_config(&relay)? {
            None => None,
            Some(config) => {
                let name = relay.certificate_name();
                let name = ServerName::try_from(name.clone()).map_err(|_| TlsSetupError::Name(name))?;
                Some(TlsClient { config, name })
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
    pub async fn connect(&self) -> Result<Session<TcpStream>, SessionError> {
        let first = self.open(self.dial().await?).await;
        match first {
            Err(error) if error.phase == Phase::Tls && self.relay.tls == TlsPolicy::Opportunistic => {
                handshake::open(self.dial().await?, &self.relay, None).await
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
        handshake::open(stream, &self.relay, self.tls.as_ref()).await
    }

    async fn dial(&self) -> Result<TcpStream, SessionError> {
        let limit = self.relay.timeouts.connect;
        let dialled = timeout(limit, dial(&self.relay.address)).await;
        let stream = dialled
            .unwrap_or(Err(Cause::Timeout(limit)))
            .map_err(|cause| SessionError::new(Phase::Connect, cause))?;
        // Nagle's delay against the relay's delayed acknowledgement costs 40 ms for each message.
        stream
            .set_nodelay(true)
            .map_err(|error| SessionError::new(Phase::Connect, Cause::Io(error)))?;
        Ok(stream)
    }
}

/// Tries each of the relay's addresses in turn.
async fn dial(address: &RelayAddress) -> Result<TcpStream, Cause> {
    let (host, port) = match address {
        RelayAddress::Socket(address) => return TcpStream::connect(address).await.map_err(Cause::Io),
        RelayAddress::Host { host, port } => (host.as_str(), *port),
    };
    let unresolved = |source| Cause::Unresolved {
        host: host.to_owned(),
        source,
    };
    let mut fault = unresolved(io::ErrorKind::NotFound.into());
    for address in lookup_host((host, port)).await.map_err(unresolved)? {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => fault = Cause::Io(error),
        }
    }
    Err(fault)
}
