//! One node's parts, put together from its configuration.

mod lock;
mod private;
mod relays;

pub use lock::{Lock, LockError};
use private::make_private;
use relays::offices_relays;
pub use relays::{engine_settings, sending};

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use postroom_domain::{Clock, NodeSlot};
use postroom_engine::budget::{ContentBudget, SharedBudget};
use postroom_engine::intake::{Intake, IntakeLimits, IntakeParts, IntakeSettings, QueueSwitch};
use postroom_engine::{EngineHandle, SystemRandom};
use postroom_office::relays::Relays;
use postroom_office::{
    Accounts, Authenticator, JobParts, Jobs, Measuring, MeasuringParts, Notices, Senders, TokenThrottle,
};
use postroom_store::{ConfiguredLimits, SqliteOptions, SqliteStore, Store, USER_DAILY_LIMIT_DEFAULT};
use tokio::sync::Semaphore;

use crate::alerts;
use crate::config::{self, Config, Live, Loaded};
use crate::connections::ConnectionLimiters;
use crate::descriptors::{Capacity, WantedConnections};
use crate::http::{App, AppParts, Metrics, Views};
use crate::supervision::Supervisor;

/// How long the start may read ahead: the first person after it should not wait for a cold disk.
const WARM_UP: std::time::Duration = std::time::Duration::from_millis(1_000);

/// The socket that the operator's commands use while a server runs.
pub fn admin_socket(config: &Config) -> PathBuf {
    config.server.data_dir.join("admin.sock")
}

/// A store, locked for this process, and what works on it.
pub struct Node {
    /// Where mail is kept.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Proves who asks.
    pub authenticator: Arc<Authenticator>,
    /// Hands out tokens that work once.
    pub accounts: Arc<Accounts>,
    /// As whom they may send.
    pub senders: Arc<Senders>,
    /// Takes mail in.
    pub intake: Intake,
    /// Does actions on all that match a filter.
    pub jobs: Jobs,
    /// Writes the mail that Postroom itself sends.
    pub notices: Arc<Notices>,
    /// Offices' relays and settings.
    pub relays: Arc<Relays>,
    /// Numbers for Prometheus, from HTTP and SMTP alike.
    pub metrics: Arc<Metrics>,
    /// What the server measures of itself.
    pub measuring: Arc<Measuring>,
    /// The configuration that holds now.
    pub live: Live,
    _lock: Lock,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").finish_non_exhaustive()
    }
}

impl Node {
    /// Locks the data folder, opens the store in it (made where it is missing) and puts the parts together.
    ///
    /// # Errors
    /// Where the folder is another process's, or the store cannot be opened.
    pub async fn open(config: impl Into<Loaded>, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let options = SqliteOptions {
            warm_up: WARM_UP,
            ..SqliteOptions::default()
        };
        Self::open_with(config, clock, options).await
    }

    /// The same with a store that is told more, such as how large it may grow.
    ///
    /// # Errors
    /// As for [`Node::open`].
    pub async fn open_with(
        config: impl Into<Loaded>,
        clock: Arc<dyn Clock>,
        options: SqliteOptions,
    ) -> anyhow::Result<Self> {
        let config = config.into();
        let (lock, store) = open_store(&config.server.data_dir, options).await?;
        store
            .configure_limits(configured_limits(&config))
            .await
            .context("limits")?;
        let authenticator = Authenticator::new(Arc::clone(&store), Arc::clone(&clock))?;
        let senders = Arc::new(Senders::new(Arc::clone(&store), Arc::clone(&clock)));
        senders.reserve(alerts::reserved_addresses(&config)?);
        senders.refresh().await?;
        let parts = IntakeParts {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            random: Arc::new(SystemRandom),
            directory: Arc::clone(&senders) as Arc<_>,
            slot: NodeSlot(config.server.node),
        };
        let authenticator = Arc::new(authenticator);
        let intake = Intake::new(parts, intake_settings(&config)).with_budget(content_budget(&config));
        let jobs = Jobs::new(JobParts {
            store: Arc::clone(&store),
            authenticator: Arc::clone(&authenticator),
            senders: Arc::clone(&senders),
            intake: intake.clone(),
            clock: Arc::clone(&clock),
        });
        let notices = alerts::notices(&intake, &config)?;
        authenticator.notify_through(Arc::clone(&notices) as Arc<_>);
        let accounts = Accounts::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            Arc::clone(&notices) as Arc<_>,
        );
        let relays = Arc::new(offices_relays(&config, &store, &clock)?);
        let metrics = Arc::new(Metrics::new(clock.now()));
        let measuring = Measuring::open(MeasuringParts {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            accepted: Arc::clone(&metrics) as Arc<_>,
            authenticator: Arc::clone(&authenticator),
            node: NodeSlot(config.server.node),
            started_at: metrics.started_at(),
        });
        Ok(Self {
            relays,
            measuring: Arc::new(measuring.await?),
            metrics,
            store,
            clock,
            authenticator,
            accounts: Arc::new(accounts),
            senders,
            notices,
            intake,
            jobs,
            live: Live::new(config),
            _lock: lock,
        })
    }

    /// Starts delivery.
    ///
    /// # Errors
    /// Where a relay's settings cannot be used.
    pub async fn start_engine(&self) -> anyhow::Result<Arc<EngineHandle>> {
        let mut settings = engine_settings(&self.live.now())?;
        settings.relays.extend(self.relays.at_start().await?);
        settings.budget = Arc::clone(self.intake.budget());
        let random = Arc::new(SystemRandom);
        let engine =
            EngineHandle::start(settings, Arc::clone(&self.store), Arc::clone(&self.clock), random).await?;
        let engine = Arc::new(engine);
        self.relays.attach(Arc::clone(&engine));
        Ok(engine)
    }

    /// What HTTP works with.
    pub fn app(&self, engine: Option<Arc<EngineHandle>>, supervisor: Supervisor) -> App {
        let capacity = Capacity::of_process(WantedConnections::of(&self.live.now()));
        App::new(AppParts {
            connections: Arc::new(ConnectionLimiters::new(capacity)),
            streams: Arc::new(Semaphore::new(capacity.streams)),
            views: Views::default(),
            store: Arc::clone(&self.store),
            authenticator: Arc::clone(&self.authenticator),
            clock: Arc::clone(&self.clock),
            intake: self.intake.clone(),
            accounts: Arc::clone(&self.accounts),
            tries: TokenThrottle::default(),
            senders: Arc::clone(&self.senders),
            engine,
            jobs: self.jobs.clone(),
            relays: Arc::clone(&self.relays),
            metrics: Arc::clone(&self.metrics),
            measuring: Arc::clone(&self.measuring),
            live: self.live.clone(),
            supervisor,
        })
    }
}

/// The budget of content in memory as configured.
fn content_budget(config: &Config) -> SharedBudget {
    let bytes = u64::from(config.server.content_memory_mib) << 20;
    Arc::new(ContentBudget::new(bytes))
}

/// The intake's settings as configured.
pub fn intake_settings(config: &Config) -> IntakeSettings {
    IntakeSettings {
        host: config.server.hostname.clone(),
        limits: IntakeLimits {
            message_bytes: usize::try_from(config.submission.max_message_size_bytes).unwrap_or(usize::MAX),
            recipients: usize::from(config.submission.max_recipients),
            ..IntakeLimits::default()
        },
        queue: if config.queue.enabled {
            QueueSwitch::On
        } else {
            QueueSwitch::Off
        },
    }
}

/// The limits that the configuration fixes, and what holds where nobody chose.
pub fn configured_limits(config: &Loaded) -> ConfiguredLimits {
    let (limits, default) = (&config.limits, config::Limits::default());
    let zone = (!limits.time_zone.is_empty()).then(|| limits.time_zone.clone());
    let pinned = |key: &str, differs: bool| config.pinned(key).is_some() || differs;
    let system = pinned(
        "limits.system_daily_limit",
        limits.system_daily_limit != default.system_daily_limit,
    );
    let user = pinned(
        "limits.user_daily_limit",
        limits.user_daily_limit != default.user_daily_limit,
    );
    ConfiguredLimits {
        system: system.then_some(limits.system_daily_limit),
        user: user.then_some(limits.user_daily_limit),
        time_zone: zone,
        user_default: USER_DAILY_LIMIT_DEFAULT,
        server_zone: server_zone(),
    }
}

/// The name of the server's own time zone; UTC where it has none.
fn server_zone() -> String {
    let zone = jiff::tz::TimeZone::system();
    zone.iana_name().unwrap_or("UTC").to_owned()
}

/// Takes the data folder, and opens the store in it.
async fn open_store(folder: &Path, options: SqliteOptions) -> anyhow::Result<(Lock, Arc<dyn Store>)> {
    make_folder(folder)?;
    let lock = Lock::take(folder)?;
    let file = folder.join("postroom.db");
    // Before, for what is there from before; behind, for what the opening made.
    make_private(&file);
    let opened = tokio::task::spawn_blocking({
        let file = file.clone();
        move || SqliteStore::open(file, options)
    });
    let store = opened
        .await
        .context("opening the store")?
        .with_context(|| format!("cannot open {}", file.display()))?;
    make_private(&file);
    Ok((lock, Arc::new(store)))
}

/// Makes the data folder for its owner alone: there is mail in it.
fn make_folder(folder: &Path) -> anyhow::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| {
            format!(
                "cannot make the data folder {} (server.data_dir)",
                folder.display()
            )
        })
}
