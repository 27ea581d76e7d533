//! A running server, from its start to its stop.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use postroom_engine::EngineHandle;
use postroom_office::upkeep::{self, UpkeepSettings};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};

use postroom_domain::{ConnectionLimits, SteadyClock, legible};

use crate::alerts;
use crate::clock::SystemClock;
use crate::config::{Config, Loaded};
use crate::connections::ConnectionLimiter;
use crate::descriptors::{self, WantedConnections};
use crate::http::accept::{self, Clients, Deadlines};
use crate::http::{self, App};
use crate::logging;
use crate::memory;
use crate::node::{Node, admin_socket};
use crate::reload::{Identities, Reloader, Source};
use crate::setup;
use crate::submission::{Door, Listeners};
use crate::supervision::{EXIT_PART_ENDED, Part, Supervisor};

/// Most operator's commands at a time.
const COMMANDS_MAX: usize = 128;
/// How long a stop waits beyond `server.stop_timeout`, which is each part's own bound.
const GRACE: Duration = Duration::from_millis(250);
/// How long a stop waits for the store to close.
const CLOSING: Duration = Duration::from_millis(500);

/// A server whose listeners are open.
pub struct Running {
    node: Node,
    app: App,
    engine: Arc<EngineHandle>,
    http: SocketAddr,
    smtp: Vec<SocketAddr>,
    identities: Identities,
    supervisor: Supervisor,
    stop_timeout: Duration,
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
        Self::on(Node::open(config, Arc::new(SteadyClock::new(Arc::new(SystemClock)))).await?).await
    }

    /// Opens every listener over a node's store and starts delivery.
    ///
    /// # Errors
    /// Whatever keeps the server from working as configured.
    pub async fn on(node: Node) -> anyhow::Result<Self> {
        let loaded = node.live.now();
        let config = &loaded.config;
        descriptors::raise_limit(WantedConnections::of(config));
        let http = TcpListener::bind(config.http.listen).await.with_context(|| {
            format!(
                "cannot listen for HTTP on {} (http.listen); is another server using it?",
                config.http.listen
            )
        })?;
        let identities = Identities::read(config).await?;
        let smtp = Listeners::open(&config.submission, identities.submission.as_ref()).await?;
        let door = Arc::new(Door {
            authenticator: Arc::clone(&node.authenticator),
            senders: Arc::clone(&node.senders),
            intake: node.intake.clone(),
            metrics: Arc::clone(&node.metrics),
            trusted: config.submission.trusted.clone(),
        });
        // Nothing leaves by a way that is no longer its own.
        node.relays.finish_moves().await;
        // The store is open and the engine recovers before the first message comes in.
        let engine = node.start_engine().await?;
        let supervisor = Supervisor::new(Arc::clone(&node.metrics));
        let running = Self {
            http: http.local_addr().context("the address of the HTTP listener")?,
            smtp: smtp.addresses().to_vec(),
            app: node.app(Some(Arc::clone(&engine)), supervisor.clone()),
            node,
            engine,
            identities,
            supervisor,
            stop_timeout: config.server.stop_timeout.0,
        };
        smtp.serve(
            &config.submission,
            &config.server.hostname,
            &door,
            &running.supervisor,
            running.app.connections.smtp.clone(),
        );
        running.serve_http(http, config)?;
        running.serve_operator(config)?;
        running.watch_store_and_delivery();
        running.serve_background();
        if let Err(error) =
            alerts::report_sign_in_clashes(&*running.node.store, running.node.clock.now()).await
        {
            tracing::warn!(%error, "could not look for sign-in names that two people have");
        }
        let reserved = running.node.senders.reserved();
        let now = running.node.clock.now();
        if let Err(error) = alerts::report_barred_people(&*running.node.store, &reserved, now).await {
            tracing::warn!(%error, "could not look for people who cannot send from their address");
        }
        warn_of(config);
        Ok(running)
    }

    /// Watches the parts that have tasks and threads of their own.
    fn watch_store_and_delivery(&self) {
        let store = Arc::clone(&self.node.store);
        self.supervisor
            .watch(Part::Store, async move { store.ended().await });
        let engine = Arc::clone(&self.engine);
        self.supervisor.watch(
            Part::Delivery,
            async move { engine.task_ended().await.to_string() },
        );
    }

    /// Starts what runs beside mail and answers, until the server stops.
    fn serve_background(&self) {
        let (supervisor, node) = (&self.supervisor, &self.node);
        let stopping = supervisor.stopping();
        let stop = stopping.clone();
        supervisor.restarting(Part::Memory, move || memory::give_back(stop.clone()));
        let (store, clock, stop) = (Arc::clone(&node.store), Arc::clone(&node.clock), stopping.clone());
        supervisor.restarting(Part::Maintenance, move || {
            upkeep::run(
                Arc::clone(&store),
                Arc::clone(&clock),
                UpkeepSettings::default(),
                stop.clone(),
            )
        });
        let (measuring, engine, stop) = (
            Arc::clone(&node.measuring),
            Arc::clone(&self.engine),
            stopping.clone(),
        );
        supervisor.restarting(Part::History, move || {
            Arc::clone(&measuring).run(Arc::clone(&engine), stop.clone())
        });
        let (jobs, engine, stop) = (node.jobs.clone(), Arc::clone(&self.engine), stopping.clone());
        supervisor.restarting(Part::Jobs, move || {
            let engine = Arc::clone(&engine);
            jobs.clone().run(move || engine.wake(), stop.clone())
        });
        let (store, clock, stop) = (Arc::clone(&node.store), Arc::clone(&node.clock), stopping.clone());
        let (notices, relays, live) = (
            Arc::clone(&node.notices),
            Arc::clone(&node.relays),
            node.live.clone(),
        );
        supervisor.restarting(Part::Alerts, move || {
            alerts::run(
                Arc::clone(&store),
                Arc::clone(&clock),
                Arc::clone(&notices),
                Arc::clone(&relays),
                live.clone(),
                stop.clone(),
            )
        });
    }

    fn serve_http(&self, listener: TcpListener, config: &Config) -> anyhow::Result<()> {
        let router = http::router(&self.app);
        let identity = self.identities.http.as_ref();
        let tls = identity.map(|identity| identity.acceptor(&[b"h2", b"http/1.1"]));
        let tls = tls.transpose().context("http.tls_certificate")?;
        let serving = accept::Serving {
            router,
            tls,
            connections: self.app.connections.http.clone(),
            deadlines: Deadlines::with_idle(config.http.idle_timeout.0),
            clients: Clients::Public(self.node.live.clone()),
            stopping: self.supervisor.stopping().clone(),
        };
        self.supervisor
            .essential(Part::HttpListener, accept::serve(listener, serving));
        Ok(())
    }

    /// What reads the configuration again from where it came.
    pub fn reloader(&self, source: Source) -> Reloader {
        Reloader {
            source,
            clock: Arc::clone(&self.node.clock),
            live: self.node.live.clone(),
            intake: self.node.intake.clone(),
            senders: Arc::clone(&self.node.senders),
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
        let serving = accept::Serving {
            router,
            tls: None,
            connections: ConnectionLimiter::new(ConnectionLimits::of(COMMANDS_MAX)),
            deadlines: Deadlines::with_idle(config.http.idle_timeout.0),
            clients: Clients::Operator,
            stopping: self.supervisor.stopping().clone(),
        };
        self.supervisor
            .essential(Part::CommandListener, accept::serve(listener, serving));
        Ok(())
    }

    /// Where HTTP is served.
    pub const fn http(&self) -> SocketAddr {
        self.http
    }

    /// Where mail is taken in by SMTP, plain listeners first.
    pub fn smtp(&self) -> &[SocketAddr] {
        &self.smtp
    }

    /// What watches its parts.
    pub const fn supervisor(&self) -> &Supervisor {
        &self.supervisor
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

    /// Takes nothing new in, finishes what is under way, closes the store. All parts stop side by side until one deadline;
    /// what still runs then is cut off, as a crash would, and the next start recovers it.
    pub async fn stop(self) {
        let timeout = self.stop_timeout;
        self.stop_within(timeout).await;
    }

    async fn stop_within(self, timeout: Duration) {
        self.supervisor.stopping().cancel();
        let parts = async { tokio::join!(self.supervisor.finished(), self.engine.stop()) };
        if tokio::time::timeout(timeout + GRACE, parts).await.is_err() {
            tracing::warn!(
                parts = self.supervisor.running().join(", "),
                "not everything under way ended in time; it is cut off"
            );
        }
        if tokio::time::timeout(CLOSING, self.node.store.close())
            .await
            .is_err()
        {
            tracing::warn!("the store did not close in time; the next start recovers it");
        }
    }
}

/// Warns of what is configured and works otherwise than somebody may think.
fn warn_of(config: &Config) {
    if config.relay.is_empty() {
        tracing::warn!("no [[relay]] is configured: mail is taken in and waits");
    }
    if let Err(hidden) = legible::check(&config.brand) {
        tracing::warn!(character = %hidden, "brand has an invisible character, which is left out");
    }
}

/// Serves until a signal says stop, or a part that the server cannot work without has ended; SIGHUP reads the
/// configuration again. Returns the exit status.
///
/// # Errors
/// Whatever keeps the server from starting.
pub async fn run(config: &Loaded, source: Source) -> anyhow::Result<ExitCode> {
    let mut stop = StopSignals::listen()?;
    let mut hang_up = signal(SignalKind::hangup()).context("SIGHUP")?;
    let running = tokio::select! {
        started = start(config) => started?,
        // A start may take long: a large file that is recovered, a database from before.
        () = stop.wait() => return Ok(ExitCode::SUCCESS),
    };
    #[cfg(debug_assertions)]
    running.supervisor.panic_where_a_test_asks();
    let reloader = running.reloader(source);
    let serving = async {
        loop {
            tokio::select! {
                Some(()) = hang_up.recv() => reloader.reload_and_log().await,
                failure = running.supervisor.failed() => return failure,
            }
        }
    };
    let failure = tokio::select! {
        () = stop.wait() => None,
        failure = serving => Some(failure),
    };
    tracing::info!("stopping: taking nothing new in, finishing what is under way");
    drop(sd_notify::notify(&[sd_notify::NotifyState::Stopping]));
    let Some(failure) = failure else {
        running.stop().await;
        tracing::info!("stopped");
        return Ok(ExitCode::SUCCESS);
    };
    if failure.part == Part::Store {
        // Nothing that is under way can be recorded any more.
        running.stop_within(Duration::ZERO).await;
    } else {
        running.stop().await;
    }
    tracing::error!(exit.status = EXIT_PART_ENDED, "stopped: {failure}");
    Ok(ExitCode::from(EXIT_PART_ENDED))
}

/// Starts a server and says so.
async fn start(config: &Loaded) -> anyhow::Result<Running> {
    let running = Running::start(config).await?;
    // Whoever waits for the announcement finds the secret in its file.
    let page = running.page(config);
    let accounts = &running.node().accounts;
    if let Some(words) = setup::prepare(accounts, &config.server.data_dir, page.as_deref()).await? {
        logging::print(&format!("\n{words}\n\n"));
    }
    announce(&running);
    Ok(running)
}

/// Says on standard output, and to systemd, that the server is ready.
pub fn announce(running: &Running) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    if let Err(error) = writeln!(out, "{}", running.announcement()).and_then(|()| out.flush()) {
        tracing::warn!(%error, "the line that names the listeners could not be written to standard output");
    }
    drop(sd_notify::notify(&[sd_notify::NotifyState::Ready]));
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
