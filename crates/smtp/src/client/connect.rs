//! From a relay's description to an open session.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::addresses::{Addresses, FailedAddresses};
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
    failed: FailedAddresses,
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
            failed: FailedAddresses::default(),
        })
    }

    /// Returns the relay's description.
    #[must_use]
    pub fn relay(&self) -> &RelayConfig {
        &self.relay
    }

    /// Connects to the relay and opens a session: at the first address of its name that answers and greets us well
    /// (RFC 5321 §5.1). One that did not is tried last for a while.
    ///
    /// Under policy `opportunistic` a failed TLS handshake is followed by one try without TLS.
    ///
    /// # Errors
    /// [`SessionError`], with the phase that failed and the relay's words, of the last address tried.
    pub async fn connect(&self) -> Result<Session<Connection>, SessionError> {
        let limit = self.relay.timeouts.connect;
        let connecting = |cause| SessionError::new(Phase::Connect, cause);
        let found = timeout(limit, resolve(&self.relay.dial, &self.relay.address)).await;
        let found = found.unwrap_or(Err(Cause::Timeout(limit))).map_err(connecting)?;
        let mut addresses = Addresses::remembering(found, self.failed.clone());
        let mut refused = None;
        loop {
            let (dial, reach) = (&self.relay.dial, &self.relay.reach);
            let (connection, address) = match addresses.connect(dial, reach, limit).await {
                Ok(connected) => connected,
                Err(cause) => return Err(refused.unwrap_or_else(|| connecting(cause))),
            };
            match self.open_at(connection, address).await {
                Ok(session) => {
                    self.failed.forget(address);
                    return Ok(session);
                }
                Err(error) if error.is_of_address() => {
                    self.failed.note(address);
                    if addresses.is_empty() {
                        return Err(error);
                    }
                    refused = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn open_at(
        &self,
        connection: Connection,
        address: SocketAddr,
    ) -> Result<Session<Connection>, SessionError> {
        match self.open(connection).await {
            Err(error) if error.phase == Phase::Tls && self.relay.tls == TlsPolicy::Opportunistic => {
                let (dial, reach) = (&self.relay.dial, &self.relay.reach);
                let limit = self.relay.timeouts.connect;
                let (connection, _) = connect_to(dial, &[address], reach, limit)
                    .await
                    .map_err(|cause| SessionError::new(Phase::Connect, cause))?;
                handshake::open(connection, &self.relay, None, &mut |_| {}).await
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
}
