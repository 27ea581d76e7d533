//! Starting, steering and stopping a sink.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::config::SinkConfig;
use super::convention::Greylist;
use super::conversation;
use super::ledger::{Ledger, ReceivedMessage};
use super::limits::Used;
use super::plan::Mode;

/// Starts sinks.
#[derive(Debug, Clone, Copy)]
pub struct Sink;

/// A running sink; it stops when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct SinkHandle {
    shared: Arc<Shared>,
    listener: Option<Arc<Listener>>,
}

/// What the connections of a sink have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: SinkConfig,
    pub(super) ledger: Ledger,
    pub(super) greylist: Mutex<Greylist>,
    pub(super) used: Used,
    pub(super) mode: watch::Sender<Mode>,
    connections: AtomicU64,
}

#[derive(Debug)]
struct Listener {
    addr: SocketAddr,
    task: JoinHandle<()>,
    listening: watch::Receiver<bool>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sink {
    /// Listens on `addr` (port 0: any free one) and serves in the background.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the log cannot be opened.
    pub async fn bind(addr: SocketAddr, config: SinkConfig) -> io::Result<SinkHandle> {
        let shared = Shared::new(config)?;
        let socket = TcpListener::bind(addr).await?;
        let addr = socket.local_addr()?;
        let (announce, listening) = watch::channel(true);
        let task = tokio::spawn(accept(Arc::clone(&shared), socket, addr, announce));
        let listener = Some(Arc::new(Listener {
            addr,
            task,
            listening,
        }));
        Ok(SinkHandle { shared, listener })
    }

    /// Makes a sink without a port, for streams given to [`SinkHandle::serve`].
    ///
    /// # Errors
    /// When the log cannot be opened.
    pub fn detached(config: SinkConfig) -> io::Result<SinkHandle> {
        Ok(SinkHandle {
            shared: Shared::new(config)?,
            listener: None,
        })
    }
}

impl Shared {
    fn new(config: SinkConfig) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            ledger: Ledger::open(config.keep, config.log.as_deref())?,
            used: Used::new(&config.limits),
            config,
            greylist: Mutex::default(),
            mode: watch::Sender::new(Mode::Up),
            connections: AtomicU64::new(0),
        }))
    }

    fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl SinkHandle {
    /// Returns the address that the sink listens on; port 0 for a detached one.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.listener
            .as_ref()
            .map_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)), |listener| listener.addr)
    }

    /// Returns the messages accepted so far, in the order of acceptance.
    #[must_use]
    pub fn received(&self) -> Vec<ReceivedMessage> {
        self.shared.ledger.kept()
    }

    /// Counts the messages accepted so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        *self.shared.ledger.watch().borrow()
    }

    /// Counts the connections taken so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Returns every command line with its connection's number, where the sink keeps everything.
    #[must_use]
    pub fn commands(&self) -> Vec<(u64, String)> {
        self.shared.ledger.commands()
    }

    /// Waits until `n` messages have been accepted.
    pub async fn wait_for(&self, n: u64) {
        let mut count = self.shared.ledger.watch();
        // The sender lives in `self`.
        let _reached = count.wait_for(|count| *count >= n).await;
    }

    /// Returns the mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        *self.shared.mode.borrow()
    }

    /// Switches the whole relay to `mode`, and waits until the port is open or shut accordingly.
    pub async fn set_mode(&self, mode: Mode) {
        self.shared.mode.send_replace(mode);
        if let Some(listener) = &self.listener {
            let mut listening = listener.listening.clone();
            let _settled = listening.wait_for(|open| *open == (mode != Mode::Down)).await;
        }
    }

    /// Serves one connection on a given stream until it ends.
    pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) {
        let connection = self.shared.next_connection();
        conversation::serve(Arc::clone(&self.shared), stream, connection, |_| ()).await;
    }

    /// Stops listening and cuts the connections; what was received can still be read.
    pub fn stop(&self) {
        if let Some(listener) = &self.listener {
            listener.task.abort();
        }
    }
}

/// Accepts until the task is aborted, which drops the connections too.
async fn accept(shared: Arc<Shared>, socket: TcpListener, addr: SocketAddr, announce: watch::Sender<bool>) {
    let mut mode = shared.mode.subscribe();
    let mut socket = Some(socket);
    let mut connections = JoinSet::new();
    loop {
        let wants_open = *mode.borrow_and_update() != Mode::Down;
        if !wants_open {
            socket = None;
            connections.shutdown().await;
        } else if socket.is_none() {
            // The port may be taken for a moment by a client's outgoing connection: try until it is free.
            match TcpListener::bind(addr).await {
                Ok(bound) => socket = Some(bound),
                Err(error) => {
                    tracing::warn!(sink.addr = %addr, %error, "the sink cannot listen again yet");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    continue;
                }
            }
        }
        announce.send_if_modified(|open| std::mem::replace(open, wants_open) != wants_open);
        let Some(listener) = &socket else {
            if mode.changed().await.is_err() {
                return;
            }
            continue;
        };
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    let _nodelay = stream.set_nodelay(true);
                    let connection = shared.next_connection();
                    connections.spawn(conversation::serve(Arc::clone(&shared), stream, connection, reset));
                }
            }
            changed = mode.changed() => if changed.is_err() { return },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Makes the close that follows a TCP reset.
fn reset(stream: &TcpStream) {
    let _set = stream.set_zero_linger();
}
