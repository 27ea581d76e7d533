//! How connections come about: the one place where a session meets the network.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
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
            notice_dead_host(&stream);
            Ok(Box::new(stream) as Connection)
        })
    }
}

/// Has the kernel end a connection whose host is gone: one that lost its power says nothing, and the reply to a dot may
/// rightly take ten minutes (RFC 5321 §4.5.3.2.6). An idle connection is asked after 10 s and then each 5 s; 30 s without
/// any acknowledgement, of these or of what was sent, end it. A host that is silent for half of that keeps its
/// connections, and one that came back without them resets them at the first question.
fn notice_dead_host(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(10))
        .with_interval(Duration::from_secs(5))
        .with_retries(4);
    let set = socket
        .set_tcp_keepalive(&keepalive)
        .and_then(|()| socket.set_tcp_user_timeout(Some(Duration::from_secs(30))));
    if let Err(error) = set {
        tracing::debug!(%error, "the kernel does not watch over a connection");
    }
}
