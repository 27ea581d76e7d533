//! What others hold of a running engine: they start it, tell it what changed, ask how it is, and stop it.

use std::collections::BTreeMap;
use std::sync::Arc;

use postroom_domain::health::attempts_to_probe_early;
use postroom_domain::{Clock, RouteId, Timestamp, Totals};
use postroom_smtp::client::TlsSetupError;
use postroom_store::{NodeLease, RelayKept, Store, StoreError};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::clock::Followed;
use super::expiry::Expiries;
use super::leasing::LeaseTimes;
use super::pools::{Pools, Prepared};
use super::{Command, Engine};
use crate::counters::Counters;
use crate::delivery::Recorder;
use crate::random::Random;
use crate::recovery::recover;
use crate::relay::{Edges, Life, LimitsWriter, PoolParts};
use crate::scheduler::{Patience, Scheduler};
use crate::settings::{EngineSettings, RelaySettings, Sending};
use crate::status::EngineStatus;
use crate::tasks::{TaskEnded, TaskWatch};

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store could not be joined, or its leases not be recovered.
    #[error("the queue could not be taken over from the last start")]
    Store(#[from] StoreError),
    /// A relay cannot be used.
    #[error(transparent)]
    Relay(#[from] RelayError),
}

/// A relay whose settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the TLS settings of relay {relay:?} cannot be used")]
pub struct RelayError {
    /// Its name.
    pub relay: String,
    /// What is wrong with them.
    pub source: TlsSetupError,
}

/// A running engine. Dropping it stops nothing; call [`EngineHandle::stop`].
#[derive(Debug)]
pub struct EngineHandle {
    commands: mpsc::UnboundedSender<Command>,
    status: watch::Receiver<EngineStatus>,
    counters: Arc<Counters>,
    stop: CancellationToken,
    watch: TaskWatch,
    task: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl EngineHandle {
    /// Starts to deliver: takes over what the last start left, then runs until [`EngineHandle::stop`].
    ///
    /// # Errors
    /// [`StartError`] where the store or a relay's settings cannot be used.
    pub async fn start(
        mut settings: EngineSettings,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StartError> {
        let now = clock.now();
        let routes = by_route(std::mem::take(&mut settings.relays))?;
        let node = take_over(&*store, &settings, &*clock, &*random).await?;
        let counters = Arc::<Counters>::default();
        let stop = CancellationToken::new();
        let watch = TaskWatch::new(stop.clone());
        let (own_store, own_clock, own_counters) =
            (Arc::clone(&store), Arc::clone(&clock), Arc::clone(&counters));
        let (recorder, recording) =
            Recorder::start(own_store, own_clock, node, own_counters, settings.pace, &watch);
        let (ended_sender, ended) = mpsc::unbounded_channel();
        let parts = Arc::new(PoolParts {
            clock,
            random,
            schedule: Arc::new(settings.retry.clone()),
            recorder,
            ended: ended_sender,
            counters: Arc::clone(&counters),
            pace: settings.pace,
            life: Life::default(),
            budget: Arc::clone(&settings.budget),
        });
        let stored = store.relay_limits().await?;
        let mut pools = Pools::new(Arc::clone(&parts), &stored);
        let (limits, writing_limits) =
            LimitsWriter::start(Arc::clone(&store), &stored, settings.pace, &watch);
        let kept = store.relay_states().await?;
        let scheduler = scheduler(&settings, routes, &mut pools, &kept, now);
        let (edges, telling) = Edges::start(Arc::clone(&store), &kept, settings.pace, &watch);
        let (commands, received) = mpsc::unbounded_channel();
        let (status_sender, status) = watch::channel(EngineStatus::default());
        let mut engine = Engine {
            changes: store.changes(),
            store,
            node,
            scheduler,
            pools,
            parts,
            ended,
            commands: received,
            status: status_sender,
            recording,
            counters: Arc::clone(&counters),
            edges,
            telling,
            limits,
            writing_limits,
            stop_timeout: settings.stop_timeout,
            pace: settings.pace,
            revivals: Vec::new(),
            expiries: Expiries::default(),
            lease_times: LeaseTimes::default(),
            seen_at: now,
            followed: Followed::default(),
        };
        engine.publish(now);
        let task = watch.spawn("loop", engine.run(stop.clone()));
        Ok(Self {
            commands,
            status,
            counters,
            stop,
            watch,
            task: std::sync::Mutex::new(Some(task)),
        })
    }

    /// Says that mail was put back or made due, or that the clock was moved: look at the queue now.
    pub fn wake(&self) {
        self.command(Command::Wake);
    }

    /// Has every relay that is Down probed now: somebody wants its mail tried.
    pub fn try_now(&self) {
        self.command(Command::TryNow);
    }

    /// Pauses or resumes delivery.
    pub fn set_sending(&self, sending: Sending) {
        self.command(Command::SetSending(sending));
    }

    /// Gives a route other relays, the first one first; none takes the route away. What is on the wire is finished on
    /// the old connections, new connections use the new settings, and a relay that was Down is probed at once.
    ///
    /// # Errors
    /// [`RelayError`] where a relay's TLS settings cannot be used; nothing changes then.
    pub fn set_route(&self, route: RouteId, relays: Vec<RelaySettings>) -> Result<(), RelayError> {
        let relays = relays.into_iter().map(prepare).collect::<Result<Vec<_>, _>>()?;
        self.command(Command::SetRoute(route, relays));
        Ok(())
    }

    fn command(&self, command: Command) {
        if self.commands.send(command).is_err() {
            tracing::debug!("the engine has stopped");
        }
    }

    /// The relays as they are now.
    #[must_use]
    pub fn status(&self) -> EngineStatus {
        self.status.borrow().clone()
    }

    /// How messages ended since the engine started. A message's latency is the time from its acceptance, or from when it
    /// fell due, was released or requeued, to when the relay's last acceptance was written down.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.counters.totals()
    }

    /// Tells of every change of the status.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<EngineStatus> {
        self.status.clone()
    }

    /// Leases that came back because the task that held them died; each is logged too.
    #[must_use]
    pub fn lost_leases(&self) -> u64 {
        self.counters.lost_leases()
    }

    /// Waits for one of the engine's long-lived tasks (its loop, its recorder, its writer of health edges) to end
    /// although nobody stopped the engine; for ever where none does. From then on mail does not move properly: end the
    /// process, so that its supervisor starts it again.
    pub async fn task_ended(&self) -> TaskEnded {
        self.watch.ended().await
    }

    /// Finishes what is in flight, at most for the configured time, writes it down, and ends (SPEC D7).
    pub async fn stop(&self) {
        self.stop.cancel();
        let task = self
            .task
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(error = %error, "the engine ended badly");
        }
    }
}

/// Takes the node's place, and records what its last start left behind.
async fn take_over(
    store: &dyn Store,
    settings: &EngineSettings,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<NodeLease, StoreError> {
    let node = store.join(settings.slot, clock.now()).await?;
    let recovered = recover(store, node, clock, random, &settings.retry, settings.pace).await?;
    if recovered > 0 {
        tracing::warn!(
            messages = recovered,
            "attempts cut off by the last stop are recorded as uncertain"
        );
    }
    Ok(node)
}

/// The scheduler with its routes, and with the outages that the last run left.
fn scheduler(
    settings: &EngineSettings,
    routes: BTreeMap<RouteId, Vec<Prepared>>,
    pools: &mut Pools,
    kept: &[RelayKept],
    now: Timestamp,
) -> Scheduler {
    let (health, sending) = (settings.health, settings.sending);
    let patience = Patience {
        max_wait: settings.max_wait,
        early: attempts_to_probe_early(settings.retry.attempts_max()),
    };
    let mut scheduler = Scheduler::new(health, sending, patience, settings.pace, now);
    for (route, relays) in routes {
        scheduler.set_route(route, &pools.set(route, relays), now);
    }
    continue_outages(kept, pools, &mut scheduler, now);
    scheduler
}

/// An outage goes on over a restart: its end is told, and its beginning not once more.
fn continue_outages(kept: &[RelayKept], pools: &Pools, scheduler: &mut Scheduler, now: Timestamp) {
    for relay in kept {
        if let (Some(id), Some(error)) = (pools.at(relay.route, relay.place), &relay.down) {
            scheduler.found_down(id, (relay.since, relay.unserved), error, now);
        }
    }
}

fn prepare(relay: RelaySettings) -> Result<Prepared, RelayError> {
    let name = relay.name.clone();
    Prepared::new(relay).map_err(|source| RelayError { relay: name, source })
}

fn by_route(relays: Vec<RelaySettings>) -> Result<BTreeMap<RouteId, Vec<Prepared>>, RelayError> {
    let mut routes: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for relay in relays {
        let prepared = prepare(relay)?;
        routes.entry(prepared.route()).or_default().push(prepared);
    }
    Ok(routes)
}
