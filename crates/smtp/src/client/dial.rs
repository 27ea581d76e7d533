//! How connections come about: the one place where a session meets the network.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};

/// What can carry a session.
pub trait Carrier: AsyncRead + AsyncWrite + Unpin + Send + Sync + fmt::Debug {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync + fmt::Debug> Carrier for S {}

/// A connection, whatever carries it.
pub type Connection = Box<dyn Carrier>;

/// A future of a [`Dial`].
pub type DialFuture<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

/// Finds hosts and connects to them. Neither has a time limit of its own: dropping the future ends the try.
pub trait Dial: Send + Sync + fmt::Debug {
    /// Finds the addresses of a host, in the order in which they are to be tried.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> DialFuture<'a, Vec<SocketAddr>>;

    /// Connects to an address.
    fn connect(&self, address: SocketAddr) -> DialFuture<'_, Connection>;
}

/// Who makes the connections: TCP unless somebody else is set.
#[derive(Debug, Clone)]
pub struct Dialler(Arc<dyn Dial>);

impl Dialler {
    /// Has `dial` make the connections.
    pub fn new(dial: Arc<dyn Dial>) -> Self {
        Self(dial)
    }

    pub(super) async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.0.resolve(host, port).await
    }

    pub(super) async fn connect(&self, address: SocketAddr) -> io::Result<Connection> {
        self.0.connect(address).await
    }
}

impl Default for Dialler {
    fn default() -> Self {
        Self(Arc::new(Tcp))
    }
}

/// The network: names by the system's resolver, connections by TCP.
#[derive(Debug, Clone, Copy)]
struct Tcp;

impl Dial for Tcp {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> DialFuture<'a, Vec<SocketAddr>> {
        Box::pin(async move { Ok(lookup_host((host, port)).await?.collect()) })
    }

    fn connect(&self, address: SocketAddr) -> DialFuture<'_, Connection> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            // Nagle's delay against the relay's delayed acknowledgement costs 40 ms for each message.
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Connection)
        })
    }
}
