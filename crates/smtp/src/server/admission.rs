//! Which connections a listener takes, decided by whoever runs it.

use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::replies;
use crate::reply::Reply;

/// Decides which connections a listener takes.
pub trait Admission: Debug + Send + Sync {
    /// Lets a connection in, until its [`AdmittedConnection`] is dropped. It never waits; others may have to be closed for
    /// the newcomer.
    ///
    /// # Errors
    /// [`ConnectionRefusal`] names the limit.
    fn admit(&self, peer: IpAddr) -> Result<Arc<dyn AdmittedConnection>, ConnectionRefusal>;
}

/// A connection that was let in; dropping it frees its place.
pub trait AdmittedConnection: Debug + Send + Sync {
    /// Cancelled when the connection has to be closed for another.
    fn evicted(&self) -> CancellationToken;

    /// Whether nobody knows who the client is. A stranger has less time than others, see
    /// [`BeforeSignIn`](super::BeforeSignIn).
    fn is_stranger(&self) -> bool;

    /// The client is known from now on: it has signed in, or the handler has accepted its MAIL.
    fn signed_in(&self);

    /// Work is under way: a sign-in is being checked, or a sender was accepted.
    fn work_begins(&self);

    /// No work is under way any more: the session waits for a command.
    fn work_ends(&self);

    /// Whether work is under way.
    fn is_working(&self) -> bool;
}

/// Which limit a connection would pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionRefusal {
    /// The one for each address.
    Address,
    /// The one for the network around the address.
    Network,
    /// The one for the listener.
    Total,
}

impl ConnectionRefusal {
    /// Says it to the client.
    #[must_use]
    pub fn reply(self) -> Reply {
        match self {
            Self::Address => replies::too_many_connections(),
            Self::Network => replies::too_many_connections_of_network(),
            Self::Total => replies::server_busy(),
        }
    }
}
