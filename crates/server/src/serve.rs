//! A running server, from its start to its stop.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use anyhow::Context as _;
use postroom_engine::EngineHandle;
use postroom_office::upkeep::{self, UpkeepSettings};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::alerts;
use crate::clock::SystemClock;
use crate::config::{Config, Loaded};
use crate::http::{self, App, accept};
use crate::logging;
use crate::node::{Node, admin_socket};
use crate::reload::{Identities, Reloader, Source};
use crate::setup;
use crate::submission::{Door, Listeners};

/// A server whose listeners are open.
pub struct Running {
    node: Node,
    app: App,
    engine: Arc<EngineHandle>,
    listeners: Listeners,
    http: SocketAddr,
    identities: Identities,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

impl Running {
    /// Opens the store and every listener and starts delivery.
    ///
    /// # Errors
    /// Whatever keeps the server from working as configured.
    pub async fn start(config: impl Into<Loaded>) -> anyhow::Result<Self> {
        Self::on(Node::open(config, Arc::new(SystemClock)).await?).await
    }

    /// Opens every listener over a node's store and starts delivery.
    ///
    /// # Errors
    /// Whatever keeps the server from working as configured.
    pub async fn on(node: Node) -> anyhow::Result<Self> {
        let loaded = node.live.now();
        let config = &loaded.config;
        let http = TcpListener::bind(config.http.listen).await.with_context(|| {
            format!(
                "cannot listen for HTTP on {} (http.listen); is another server using it?",
                config.http.listen
            )
        })?;
        let identities = Identities::read(config).await?;
        let door = Arc::new(Door {
            authenticator: Arc::clone(&node.authenticator),
            senders: Arc::clone(&node.senders),
            intake: node.intake.clone(),
            metrics: Arc::clone(&node.metrics),
            trusted: config.submission.trusted.clone(),
        });
        // The store is open and the engine recovers before the first message comes in.
        let engine = node.start_engine().await?;
        let listeners = Listeners::open(
            &config.submission,
            &config.server.hostname,
            identities.submission.as_ref(),
            door,
        )
        .await?;
        let stopping = CancellationToken::new();
        let app = node.app(Some(Arc::clone(&engine)), stopping.clone());
        let running = Self {
            http: http.local_addr().context("the address of the HTTP listener")?,
            node,
            app,
            engine,
            listeners,
            identities,
            stopping,
            tasks: TaskTracker::new(),
        };
        running.serve_http(http)?;
        running.serve_operator(config)?;
        running.serve_background();
        if config.relay.is_empty() {
            tracing::warn!("no [[relay]] is configured: mail is taken in and waits");
        }
        Ok(running)
    }

    /// Starts what runs beside mail and answers, until the server stops.
    fn serve_background(&self) {
        let relays = Arc::clone(&self.node.relays);
        self.tasks.spawn(async move {
            if let Err(error) = relays.finish_moves().await {
                tracing::error!(error = %error, "offices' mail could not be moved to its way out; the next start tries again");
            }
        });
        let (store, clock) = (Arc::clone(&self.node.store), Arc::clone(&self.node.clock));
        self.tasks.spawn(upkeep::run(
            Arc::clone(&store),
            Arc::clone(&clock),
            UpkeepSettings::default(),
            self.stopping.clone(),
        ));
        let measuring = Arc::clone(&self.node.measuring);
        self.tasks
            .spawn(measuring.run(Arc::clone(&self.engine), self.stopping.clone()));
        let (notices, live) = (Arc::clone(&self.node.notices), self.node.live.clone());
        let engine = Arc::clone(&self.engine);
        self.tasks.spawn(
            self.node
                .jobs
                .clone()
                .run(move || engine.wake(), self.stopping.clone()),
        );
        self.tasks
            .spawn(alerts::run(store, clock, notices, live, self.stopping.clone()));
    }

    fn serve_http(&self, listener: TcpListener) -> anyhow::Result<()> {
        let router = http::router(&self.app);
        let identity = self.identities.http.as_ref();
        let tls = identity.map(|identity| identity.acceptor(&[b"h2", b"http/1.1"]));
        let tls = tls.transpose().context("http.tls_certificate")?;
        self.tasks
            .spawn(accept::serve_with(listener, tls, router, self.stopping.clone()));
        Ok(())
    }

    /// What reads the configuration again from where it came.
    pub fn reloader(&self, source: Source) -> Reloader {
        Reloader {
            source,
            clock: Arc::clone(&self.node.clock),
            live: self.node.live.clone(),
            intake: self.node.intake.clone(),
            store: Arc::clone(&self.node.store),
            engine: Arc::clone(&self.engine),
            identities: self.identities.clone(),
        }
    }

    /// Listens in the data folder for the operator's commands; the folder's lock says that no other process does.
    fn serve_operator(&self, config: &Config) -> anyhow::Result<()> {
        let path = admin_socket(config);
        let open = || {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
            let listener = UnixListener::bind(&path)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
            Ok(listener)
        };
        let listener = open().with_context(|| format!("cannot listen on {}", path.display()))?;
        let router = http::admin_router(&self.app);
        self.tasks
            .spawn(accept::serve(listener, router, self.stopping.clone()));
        Ok(())
    }

    /// Where HTTP is served.
    pub const fn http(&self) -> SocketAddr {
        self.http
    }

    /// Where mail is taken in by SMTP, plain listeners first.
    pub fn smtp(&self) -> &[SocketAddr] {
        self.listeners.addresses()
    }

    /// The parts, for what runs beside (the demo).
    pub const fn node(&self) -> &Node {
        &self.node
    }

    /// What delivers, for moving its clock on and for pausing it.
    pub fn engine(&self) -> &EngineHandle {
        &self.engine
    }

    /// Where the web page is, without a slash at its end: the public address, else where HTTP is served; `None` where it
    /// was built without one.
    pub fn page(&self, config: &Config) -> Option<String> {
        if !cfg!(feature = "ui") {
            return None;
        }
        let public = config.http.public_url.trim_end_matches('/');
        if !public.is_empty() {
            return Some(public.to_owned());
        }
        let scheme = if self.identities.http.is_some() {
            "https"
        } else {
            "http"
        };
        Some(if self.http.ip().is_unspecified() {
            format!("{scheme}://{}:{}", config.server.hostname, self.http.port())
        } else {
            format!("{scheme}://{}", self.http)
        })
    }

    /// The line that says where it listens.
    pub fn announcement(&self) -> String {
        let scheme = if self.identities.http.is_some() {
            "https"
        } else {
            "http"
        };
        let mut line = format!("listening {scheme}={}", self.http);
        for address in self.smtp() {
            line.push_str(&format!(" smtp={address}"));
        }
        line
    }

    /// Takes nothing new in, finishes what is under way, closes the store.
    pub async fn stop(self) {
        self.stopping.cancel();
        self.tasks.close();
        tokio::join!(self.listeners.stop(), self.tasks.wait(), self.engine.stop());
        self.node.store.close().await;
    }
}

/// Serves until a signal says stop; SIGHUP reads the configuration again.
///
/// # Errors
/// Whatever keeps the server from starting.
pub async fn run(config: &Loaded, source: Source) -> anyhow::Result<()> {
    let mut stop = StopSignals::listen()?;
    let mut hang_up = signal(SignalKind::hangup()).context("SIGHUP")?;
    let running = Running::start(config).await?;
    let reloader = running.reloader(source);
    // Whoever waits for the announcement finds the secret in its file.
    let page = running.page(config);
    if let Some(words) =
        setup::prepare(&running.node().accounts, &config.server.data_dir, page.as_deref()).await?
    {
        logging::print(&format!("\n{words}\n\n"));
    }
    announce(&running)?;
    let failed = loop {
        tokio::select! {
            () = stop.wait() => break None,
            reason = running.node.store.ended() => break Some(reason),
            Some(()) = hang_up.recv() => reloader.reload_and_log().await,
        }
    };
    tracing::info!("stopping: taking nothing new in, finishing what is under way");
    drop(sd_notify::notify(&[sd_notify::NotifyState::Stopping]));
    running.stop().await;
    tracing::info!("stopped");
    match failed {
        None => Ok(()),
        Some(reason) => Err(anyhow::anyhow!("the store ended: {reason}")),
    }
}

/// Says on standard output, and to systemd, that the server is ready.
///
/// # Errors
/// Where standard output is closed.
pub fn announce(running: &Running) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", running.announcement())
        .and_then(|()| out.flush())
        .context("standard output")?;
    drop(sd_notify::notify(&[sd_notify::NotifyState::Ready]));
    Ok(())
}

/// SIGTERM and SIGINT.
#[derive(Debug)]
pub struct StopSignals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl StopSignals {
    /// Listens from now on: a signal before [`StopSignals::wait`] is not lost.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("SIGINT")?,
        })
    }

    /// Waits for the first of them.
    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
