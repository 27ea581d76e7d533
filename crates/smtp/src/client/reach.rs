//! Which addresses may be connected to, and the connecting: what was checked is what is connected to.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::addresses::Addresses;
use super::config::RelayAddress;
use super::dial::{Connection, Dialler};
use super::error::Cause;

/// Says of an address why connections to it are not allowed.
type Guard = dyn Fn(IpAddr) -> Result<(), String> + Send + Sync;

/// Which addresses may be connected to. By default all: whoever takes a host from somebody else sets a guard.
#[derive(Clone, Default)]
pub struct Reach(Option<Arc<Guard>>);

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "guarded" } else { "anywhere" })
    }
}

impl Reach {
    /// Asks `guard` about every address before it is connected to; its words say why not.
    pub fn guarded(guard: impl Fn(IpAddr) -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(guard)))
    }

    /// Answers whether an address may be connected to.
    ///
    /// # Errors
    /// Why it may not.
    pub fn check(&self, address: IpAddr) -> Result<(), String> {
        self.0.as_ref().map_or(Ok(()), |guard| guard(address))
    }
}

/// Finds the addresses of a host.
///
/// # Errors
/// [`Cause::Unresolved`] where there is none.
pub async fn resolve(dial: &Dialler, address: &RelayAddress) -> Result<Vec<SocketAddr>, Cause> {
    let (host, port) = match address {
        RelayAddress::Socket(address) => return Ok(vec![*address]),
        RelayAddress::Host { host, port } => (host.as_str(), *port),
    };
    let unresolved = |source| Cause::Unresolved {
        host: host.to_owned(),
        source,
    };
    let found = dial.resolve(host, port).await.map_err(unresolved)?;
    if found.is_empty() {
        return Err(unresolved(io::ErrorKind::NotFound.into()));
    }
    Ok(found)
}

/// Connects to the first of the addresses that may be connected to and answers within `limit`, and says which it is.
///
/// # Errors
/// Those of [`Addresses::connect`].
pub async fn connect_to(
    dial: &Dialler,
    addresses: &[SocketAddr],
    reach: &Reach,
    limit: Duration,
) -> Result<(Connection, SocketAddr), Cause> {
    Addresses::new(addresses.to_vec())
        .connect(dial, reach, limit)
        .await
}
