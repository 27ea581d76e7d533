//! The thin loop around the scheduler: does what a step says, tells it what came of that.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use postroom_domain::health::HealthEdge;
use postroom_domain::{Clock, RouteId, Timestamp};
use postroom_smtp::client::TlsSetupError;
use postroom_store::{
    AttemptResult, ChangeKind, ChangeSet, Deliverable, Exhaust, LeaseRequest, Leased, NodeLease, Promote,
    Store, StoreError, WaitingMail,
};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::delivery::{Job, Judge, Recorder, Signal, given_back, prepare};
use crate::random::Random;
use crate::recovery::recover;
use crate::relay::{Edges, Ended, Pool, PoolParts};
use crate::scheduler::{PROMOTE_MOST, Scheduler, Step};
use crate::settings::{EngineSettings, Sending};
use crate::status::{EngineStatus, RelayStatus};

/// Pause after the store could not answer.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store could not be joined, or its leases not be recovered.
    #[error("the queue could not be taken over from the last start")]
    Store(#[from] StoreError),
    /// A relay's TLS settings cannot be used.
    #[error("the TLS settings of relay {relay:?} cannot be used")]
    Tls {
        /// Its name.
        relay: String,
        /// What is wrong with them.
        source: TlsSetupError,
    },
}

/// What the engine is asked while it runs.
#[derive(Debug)]
enum Command {
    Wake,
    SetSending(Sending),
}

/// A running engine. Dropping it stops nothing; call [`EngineHandle::stop`].
#[derive(Debug)]
pub struct EngineHandle {
    commands: mpsc::UnboundedSender<Command>,
    status: watch::Receiver<EngineStatus>,
    stop: CancellationToken,
    task: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl EngineHandle {
    /// Starts to deliver: takes over what the last start left, then runs until [`EngineHandle::stop`].
    ///
    /// # Errors
    /// [`StartError`] where the store or a relay's settings cannot be used.
    pub async fn start(
        settings: EngineSettings,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StartError> {
        let now = clock.now();
        let node = store.join(settings.slot, now).await?;
        let recovered = recover(&*store, node, &*clock, &*random, &settings.retry).await?;
        if recovered > 0 {
            tracing::warn!(
                messages = recovered,
                "attempts cut off by the last stop are recorded as uncertain"
            );
        }
        let (recorder, recording) = Recorder::start(Arc::clone(&store), Arc::clone(&clock), node);
        let (ended_sender, ended) = mpsc::unbounded_channel();
        let schedule = Arc::new(settings.retry.clone());
        let parts = PoolParts {
            clock: Arc::clone(&clock),
            random,
            schedule,
            recorder,
            ended: ended_sender,
            tasks: TaskTracker::new(),
        };
        let limits: Vec<_> = settings
            .relays
            .iter()
            .map(|relay| (relay.route, relay.connections))
            .collect();
        let mut scheduler = Scheduler::new(limits, settings.health, settings.sending, settings.max_wait, now);
        // An outage goes on over a restart: its end is told, and its beginning not once more.
        let kept = store.relay_states().await?;
        for relay in kept.iter().filter(|relay| relay.place == 0) {
            if let Some(error) = &relay.down {
                scheduler.found_down(relay.route, settings.health, relay.since, error, now);
            }
        }
        let (edges, telling) = Edges::start(Arc::clone(&store), &kept);
        let mut pools = BTreeMap::new();
        for relay in settings.relays {
            let (route, name) = (relay.route, relay.name.clone());
            let pool =
                Pool::new(relay, parts.clone()).map_err(|source| StartError::Tls { relay: name, source })?;
            pools.insert(route, Arc::new(pool));
        }
        let (commands, command_receiver) = mpsc::unbounded_channel();
        let (status_sender, status) = watch::channel(EngineStatus::default());
        let stop = CancellationToken::new();
        let changes = store.changes();
        let engine = Engine {
            store,
            node,
            scheduler,
            pools,
            parts,
            changes,
            ended,
            commands: command_receiver,
            status: status_sender,
            recording,
            edges,
            telling,
            stop_timeout: settings.stop_timeout,
            revivals: Vec::new(),
        };
        engine.publish();
        let task = tokio::spawn(engine.run(stop.clone()));
        Ok(Self {
            commands,
            status,
            stop,
            task: std::sync::Mutex::new(Some(task)),
        })
    }

    /// Says that mail was put back or made due, or that the clock was moved: look at the queue now.
    pub fn wake(&self) {
        self.command(Command::Wake);
    }

    /// Pauses or resumes delivery.
    pub fn set_sending(&self, sending: Sending) {
        self.command(Command::SetSending(sending));
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

    /// Tells of every change of the status.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<EngineStatus> {
        self.status.clone()
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

struct Engine {
    store: Arc<dyn Store>,
    node: NodeLease,
    scheduler: Scheduler,
    pools: BTreeMap<RouteId, Arc<Pool>>,
    parts: PoolParts,
    changes: broadcast::Receiver<Arc<ChangeSet>>,
    ended: mpsc::UnboundedReceiver<Ended>,
    commands: mpsc::UnboundedReceiver<Command>,
    status: watch::Sender<EngineStatus>,
    recording: JoinHandle<()>,
    edges: Edges,
    telling: JoinHandle<()>,
    stop_timeout: Duration,
    /// Routes whose relay came Up, whose deferred mail is being made due: behind which message to go on.
    revivals: Vec<(RouteId, Option<postroom_domain::MessageId>)>,
}

impl Engine {
    async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.take_in();
            let now = self.now();
            let step = self.scheduler.step(now);
            let wake_at = step.wake_at;
            let more = match self.perform(step, now).await {
                Ok(more) => more,
                Err(error) => {
                    tracing::warn!(error = %error, "the queue cannot be read; trying again");
                    pause(&stop, STORE_RETRY).await;
                    false
                }
            };
            self.publish();
            if !more {
                self.wait(wake_at, &stop).await;
            }
        }
        self.wind_up().await;
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Waits for something to happen, at most until `wake_at`.
    async fn wait(&mut self, wake_at: Option<Timestamp>, stop: &CancellationToken) {
        let longest = wake_at.map_or(STORE_RETRY, |at| at.since(self.now()).min(STORE_RETRY));
        tokio::select! {
            () = stop.cancelled() => {}
            Some(ended) = self.ended.recv() => self.lease_ended(&ended),
            change = self.changes.recv() => self.changed(change),
            Some(command) = self.commands.recv() => self.obey(&command),
            () = tokio::time::sleep(longest) => {}
        }
    }

    /// Takes in everything that has happened, without waiting.
    fn take_in(&mut self) {
        while let Ok(ended) = self.ended.try_recv() {
            self.lease_ended(&ended);
        }
        while let Ok(command) = self.commands.try_recv() {
            self.obey(&command);
        }
        loop {
            match self.changes.try_recv() {
                Ok(change) => self.changed(Ok(change)),
                Err(broadcast::error::TryRecvError::Lagged(_)) => self.scheduler.mail_arrived(),
                Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => return,
            }
        }
    }

    fn changed(&mut self, change: Result<Arc<ChangeSet>, broadcast::error::RecvError>) {
        let came = match change {
            Ok(set) => set.changes.iter().any(|change| change.kind == ChangeKind::Added),
            Err(_) => true,
        };
        if came {
            self.scheduler.mail_arrived();
        }
    }

    fn obey(&mut self, command: &Command) {
        let now = self.now();
        match command {
            Command::Wake => self.scheduler.look_anew(now),
            Command::SetSending(sending) => self.scheduler.set_sending(*sending, now),
        }
    }

    /// Does what a step says; answers whether to step again at once.
    async fn perform(&mut self, step: Step, now: Timestamp) -> Result<bool, StoreError> {
        let mut more = self.revive(now).await?;
        if let Some(blocked) = step.promote {
            let promoted = self
                .store
                .promote(Promote {
                    now,
                    blocked,
                    limit: PROMOTE_MOST,
                })
                .await?;
            self.scheduler.promoted(promoted, now);
            more |= promoted.moved > 0;
        }
        for (route, since_before, reply) in step.exhaust {
            let failed = self
                .store
                .exhaust(Exhaust {
                    route,
                    since_before,
                    reply,
                    now,
                })
                .await?;
            if failed > 0 {
                tracing::warn!(messages = failed, route = %route, "mail that found no relay in time has failed");
            }
        }
        if !step.wants.is_empty() {
            let request = LeaseRequest {
                node: self.node,
                wants: step.wants.clone(),
                now,
            };
            let leases = self.store.lease(request).await?;
            for want in step.wants {
                let of_route = leases.iter().filter(|lease| lease.route == want.route).copied();
                let of_route: Vec<Leased> = of_route.collect();
                let ids: Vec<_> = of_route.iter().map(|lease| lease.id).collect();
                self.scheduler.leased(want, &ids, now);
                self.dispatch(want.route, of_route, now);
            }
        }
        Ok(more)
    }

    /// Makes some of the mail due that waits for a relay which is Up again (D4); answers whether there was any to do.
    async fn revive(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let Some(&(route, after)) = self.revivals.last() else {
            return Ok(false);
        };
        let last = self.store.revive(route, after, now).await?;
        self.revivals.pop();
        if last.is_some() {
            self.revivals.push((route, last));
        }
        self.scheduler.look_anew(now);
        Ok(true)
    }

    /// Loads leased messages beside the loop and feeds them to their relay's connections.
    fn dispatch(&self, route: RouteId, leases: Vec<Leased>, now: Timestamp) {
        let Some(pool) = self
            .pools
            .get(&route)
            .filter(|_| !leases.is_empty())
            .map(Arc::clone)
        else {
            return;
        };
        let allowed = self.scheduler.connections_allowed(route, now);
        let loading = Loading {
            store: Arc::clone(&self.store),
            pool,
            parts: self.parts.clone(),
            allowed,
        };
        self.parts.tasks.spawn(loading.run(leases));
    }

    fn lease_ended(&mut self, ended: &Ended) {
        let now = self.now();
        let chance = self.parts.random.chance();
        let edge = self
            .scheduler
            .ended(ended.route, ended.id, &ended.signal, now, chance);
        if let (Some(edge), Some(pool)) = (&edge, self.pools.get(&ended.route)) {
            let name = &pool.relay().name;
            self.edges.tell((ended.route, 0), name, edge, WaitingMail::Waits);
        }
        match edge {
            Some(HealthEdge::WentDown { error, .. }) => {
                tracing::warn!(route = %ended.route, reply.code = error.code, "the relay is Down");
                self.give_back_waiting(ended.route);
            }
            Some(HealthEdge::CameUp { down_since, at }) => {
                let outage_s = at.since(down_since).as_secs();
                tracing::info!(route = %ended.route, outage_s, "the relay is Up again");
                self.revivals.push((ended.route, None));
            }
            None => {}
        }
    }

    /// Gives back what no connection has taken: a relay that is Down costs it nothing.
    fn give_back_waiting(&mut self, route: RouteId) {
        let jobs = self
            .pools
            .get(&route)
            .map(|pool| pool.drain())
            .unwrap_or_default();
        let (recorder, ended) = (self.parts.recorder.clone(), self.parts.ended.clone());
        self.parts.tasks.spawn(give_back(jobs, recorder, ended));
    }

    fn publish(&self) {
        let relays = self.scheduler.health().filter_map(|(route, health)| {
            let pool = self.pools.get(&route)?;
            Some(RelayStatus {
                route,
                name: pool.relay().name.clone(),
                address: pool.relay().session.address.to_string(),
                state: health.state(),
                since: health.since(),
                last_error: health.last_error().cloned(),
                connections: pool.open(),
            })
        });
        let status = EngineStatus {
            relays: relays.collect(),
        };
        self.status.send_if_modified(|kept| {
            let differs = *kept != status;
            if differs {
                *kept = status;
            }
            differs
        });
    }

    /// Lets what is on the wire end, gives back the rest, and writes all of it down.
    async fn wind_up(self) {
        let Self {
            pools,
            parts,
            recording,
            edges,
            telling,
            stop_timeout,
            ..
        } = self;
        for pool in pools.values() {
            pool.close();
            give_back(pool.drain(), parts.recorder.clone(), parts.ended.clone()).await;
        }
        parts.tasks.close();
        if tokio::time::timeout(stop_timeout, parts.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                "some relays did not answer in time; these attempts are uncertain at the next start"
            );
        }
        // Messages that were being loaded when the feeds were drained.
        for pool in pools.values() {
            give_back(pool.drain(), parts.recorder.clone(), parts.ended.clone()).await;
        }
        drop((pools, parts, edges));
        let written = async { (recording.await, telling.await) };
        if tokio::time::timeout(stop_timeout, written).await.is_err() {
            tracing::warn!(
                "the last outcomes could not be written; these attempts are uncertain at the next start"
            );
        }
    }
}

async fn pause(stop: &CancellationToken, duration: Duration) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(duration) => {}
    }
}

async fn give_back(jobs: Vec<Job>, recorder: Recorder, ended: mpsc::UnboundedSender<Ended>) {
    for job in jobs {
        recorder.record(given_back(&job).outcome).await;
        let over = Ended {
            route: job.lease.route,
            id: job.lease.id,
            signal: Signal::Untried,
        };
        if ended.send(over).is_err() {
            return;
        }
    }
}

/// Reads what an attempt needs and hands it to the connections.
struct Loading {
    store: Arc<dyn Store>,
    pool: Arc<Pool>,
    parts: PoolParts,
    allowed: u32,
}

impl Loading {
    async fn run(self, leases: Vec<Leased>) {
        let ids: Vec<_> = leases.iter().map(|lease| lease.id).collect();
        let loaded = loop {
            match self.store.load(&ids).await {
                Ok(loaded) => break loaded,
                Err(StoreError::Closed) => return,
                Err(error) => {
                    tracing::warn!(error = %error, "leased messages cannot be read; trying again");
                    tokio::time::sleep(STORE_RETRY).await;
                }
            }
        };
        let mut loaded: HashMap<_, Deliverable> = loaded.into_iter().map(|m| (m.id, m)).collect();
        let now = self.parts.clock.now();
        let mut jobs = Vec::with_capacity(leases.len());
        for lease in leases {
            let Some(message) = loaded.remove(&lease.id) else {
                self.over(&lease);
                continue;
            };
            let pending = message.pending.clone();
            match prepare(lease, message, now) {
                Ok(job) => jobs.push(job),
                Err(error) => {
                    tracing::error!(message.id = %lease.id, error = %error, "a message's content is damaged");
                    let judge = Judge {
                        schedule: &self.parts.schedule,
                        relay: &self.pool.relay().name,
                        tls: None,
                        now,
                        chance: self.parts.random.chance(),
                    };
                    let text = error.to_string();
                    let outcome = judge.without_session(&lease, &pending, AttemptResult::Deferred, &text);
                    self.parts.recorder.record(outcome).await;
                    self.over(&lease);
                }
            }
        }
        self.pool.push(jobs, self.allowed);
    }

    fn over(&self, lease: &Leased) {
        let over = Ended {
            route: lease.route,
            id: lease.id,
            signal: Signal::Untried,
        };
        if self.parts.ended.send(over).is_err() {
            tracing::debug!(message.id = %lease.id, "the engine has stopped");
        }
    }
}
