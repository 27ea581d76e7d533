//! Runs a case: process after process over one file, with the relays of the case.

mod damage;
mod events;
mod finale;
mod office;
mod people;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use postroom_domain::health::HealthState;
use postroom_domain::{Clock, MessageId, MessageState, NodeSlot, Scope};
use postroom_engine::{EngineHandle, EngineSettings, Pace, RelaySettings, Seeded, Sending};
use postroom_office::alerts::AlertDesk;
use postroom_smtp::client::{Dialler, RelayAddress, RelayConfig, TlsPolicy};
use postroom_store::sqlite::{SqliteOptions, SqliteStore, Threads};
use postroom_store::{
    ActionOutcome, Actor, AuditNote, Authority, Enqueue, Enqueued, Limits as _, Pauses as _, Queue as _,
    Release, SetLimits, Store, StoreError, Upkeep as _,
};

use crate::case::{Case, Event, StoreTurn, Turn};
use crate::clock::{SimClock, Wrong};
use crate::coverage::Coverage;
use crate::faults::Faults;
use crate::judge::{Judge, NOW, Rule, Sight, Violation};
use crate::letters::{Letter, Sender, office, route};
use crate::network::Network;
use crate::relay::Relay;

/// How often everything is looked at when nothing happens.
const LOOK: Duration = Duration::from_mins(15);
/// How long the end may take, from when the last mail is due: the longest schedule of attempts, and the wait for a relay.
const END: Duration = Duration::from_hours(40);
/// How often somebody asks why mail has not gone.
const EXPLAIN: Duration = Duration::from_mins(4);
/// The node.
const SLOT: NodeSlot = NodeSlot(0);

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Report {
    /// Rules that were broken.
    pub violations: Vec<Violation>,
    /// The hash of everything that happened.
    pub trace: u64,
    /// What was reached.
    pub coverage: Coverage,
    /// Messages that were acknowledged.
    pub letters: u32,
    /// The time that passed in the run.
    pub passed: Duration,
}

/// Runs a case.
///
/// # Errors
/// Where the run itself cannot be set up; what it finds is in the report.
pub fn run(case: &Case) -> anyhow::Result<Report> {
    run_until(case, |_| false)
}

/// Runs a case until a broken rule is what is looked for.
///
/// # Errors
/// As [`run`].
pub fn run_until(case: &Case, found: impl Fn(&Violation) -> bool) -> anyhow::Result<Report> {
    let folder = scratch().context("a scratch folder")?;
    let mut world = World::new(case, &found);
    let path = folder.path().join("postroom.db");
    loop {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?;
        let ended = runtime.block_on(world.live(&path))?;
        // A kill: whatever ran is gone between two steps.
        drop(runtime);
        match ended {
            Ended::Off(time) => {
                world.damage(&path)?;
                world.off(time);
            }
            Ended::Over => break,
        }
    }
    let mut coverage = std::mem::take(&mut world.judge.coverage);
    for relay in &world.relays {
        for (&name, &times) in &relay.state().refusals {
            coverage.see_times("refusals of relays", name, times);
        }
    }
    Ok(Report {
        trace: world.judge.trace(),
        violations: world.judge.violations,
        coverage,
        letters: world.letters,
        passed: world.before,
    })
}

/// Memory where there is some: nothing of a run outlives it.
fn scratch() -> std::io::Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    }
}

/// How a process ended.
enum Ended {
    /// It is off for so long.
    Off(Duration),
    /// The run is over.
    Over,
}

/// What outlives a process.
struct World<'c> {
    case: &'c Case,
    found: &'c dyn Fn(&Violation) -> bool,
    next: usize,
    relays: Vec<Relay>,
    connections: Vec<u32>,
    faults: Arc<Faults>,
    wrong: Arc<Wrong>,
    no_descriptors: Arc<AtomicBool>,
    before: Duration,
    letters: u32,
    sending: Sending,
    /// Since when nothing but relays is wrong.
    disturbed: Duration,
    is_disturbed: bool,
    right_since: Option<Duration>,
    finale: Option<Duration>,
    /// The latest time for which mail was scheduled.
    scheduled: Duration,
    promises: Vec<(Duration, u8)>,
    /// Messages to damage before the next start.
    to_damage: Vec<MessageId>,
    /// When somebody last asked why mail has not gone.
    explained: Duration,
    judge: Judge,
}

/// A process.
struct Life {
    clock: Arc<SimClock>,
    store: Arc<SqliteStore>,
    network: Arc<Network>,
    engine: Option<EngineHandle>,
    desk: tokio::sync::Mutex<AlertDesk>,
    began: Duration,
}

impl<'c> World<'c> {
    fn new(case: &'c Case, found: &'c dyn Fn(&Violation) -> bool) -> Self {
        Self {
            case,
            found,
            next: 0,
            relays: case.setup.relays.iter().map(|&setup| Relay::new(setup)).collect(),
            connections: case.setup.relays.iter().map(|setup| setup.connections).collect(),
            faults: Arc::new(Faults::new(case.setup.seed)),
            wrong: Arc::default(),
            no_descriptors: Arc::default(),
            before: Duration::ZERO,
            letters: 0,
            sending: Sending::On,
            disturbed: Duration::ZERO,
            is_disturbed: false,
            right_since: Some(Duration::ZERO),
            finale: None,
            scheduled: Duration::ZERO,
            promises: Vec::new(),
            to_damage: Vec::new(),
            explained: Duration::ZERO,
            judge: Judge::default(),
        }
    }

    /// The machine is on and the process off for so long.
    fn off(&mut self, time: Duration) {
        self.before += time;
        self.disturbed = self.before;
        self.judge.forget_promises();
        self.judge.forget_shares();
        for relay in &self.relays {
            relay.state().process_gone();
        }
    }

    /// One process, from its start to its end.
    async fn live(&mut self, path: &Path) -> anyhow::Result<Ended> {
        let clock = Arc::new(SimClock::new(self.before, Arc::clone(&self.wrong)));
        let options = SqliteOptions {
            threads: Threads::Inline,
            step: self.case.setup.step,
            faults: Some(Arc::clone(&self.faults) as _),
            least_free_mib: 0,
            ..SqliteOptions::default()
        };
        let store = SqliteStore::open(path, options).context("the store opens")?;
        let network = Network::new(
            self.relays.clone(),
            Arc::clone(&clock),
            Arc::clone(&self.no_descriptors),
        );
        let store = Arc::new(store);
        let mut life = Life {
            began: clock.elapsed(),
            desk: tokio::sync::Mutex::new(self.alert_desk(&store, &clock)?),
            clock,
            store,
            network: Arc::new(network),
            engine: None,
        };
        if self.before.is_zero() {
            self.people(&life.store, life.clock.now()).await?;
            self.set_limits(&life, self.case.setup.user_limit, self.case.setup.system_limit)
                .await;
        }
        let ended = loop {
            if life.engine.is_none() {
                self.start(&mut life).await;
            }
            let now = life.clock.elapsed();
            self.look(&life).await?;
            if self.judge.violations.iter().any(self.found) {
                break Ended::Over;
            }
            if self.is_over(now) {
                self.last_look(&life).await?;
                break Ended::Over;
            }
            if let Some(event) = self.case.events.get(self.next).filter(|event| event.at() <= now) {
                self.next += 1;
                if let Some(ended) = self.happens(&mut life, &event.event).await {
                    break ended;
                }
                continue;
            }
            if self.next >= self.case.events.len() && self.finale.is_none() {
                self.begin_finale(&life).await;
                continue;
            }
            let wake = self.wakes_at(&life, now);
            tokio::time::sleep(wake.saturating_sub(now)).await;
        };
        self.before = life.clock.elapsed();
        self.judge
            .coverage
            .see_times("refusals of relays", "no descriptor", life.network.refused());
        Ok(ended)
    }

    fn is_over(&self, now: Duration) -> bool {
        self.finale.is_some_and(|began| {
            now >= began.max(self.scheduled) + END || (now > began && self.judge.open.is_empty())
        })
    }

    fn wakes_at(&self, life: &Life, now: Duration) -> Duration {
        let mut wake = now + LOOK;
        if life.engine.is_none() {
            wake = now + Duration::from_secs(1);
        }
        if let Some(event) = self.case.events.get(self.next) {
            wake = wake.min(event.at());
        }
        self.promises
            .iter()
            .fold(wake, |wake, (at, _)| wake.min((*at).max(now)))
    }

    async fn start(&mut self, life: &mut Life) {
        let setup = &self.case.setup;
        let relays = (0..self.relays.len()).filter_map(|n| self.settings(life, n));
        let mut settings = EngineSettings::new(SLOT, relays.collect());
        settings.max_wait = Duration::from_mins(setup.max_wait_min);
        settings.sending = self.sending;
        settings.pace = Pace {
            look_every: match setup.look_every_s {
                0 => Duration::from_hours(24 * 365),
                seconds => Duration::from_secs(seconds),
            },
            step: setup.step,
            ..Pace::default()
        };
        let store = Arc::clone(&life.store) as Arc<dyn Store>;
        let clock = Arc::clone(&life.clock) as Arc<dyn Clock>;
        let random = Arc::new(Seeded::new(setup.seed));
        let started = EngineHandle::start(settings, store, clock, random).await;
        let now = life.clock.elapsed();
        self.judge.note(now, format_args!("start {}", started.is_ok()));
        life.engine = started.ok();
        self.disturbed = now;
    }

    /// How the engine is to use a relay.
    fn settings(&self, life: &Life, n: usize) -> Option<RelaySettings> {
        let setup = self.relays.get(n)?.state().setup;
        let address = RelayAddress::Host {
            host: Network::host(n),
            port: 25,
        };
        let session = RelayConfig {
            tls: TlsPolicy::None,
            dial: Dialler::new(Arc::clone(&life.network) as _),
            ..RelayConfig::new(address)
        };
        let place = u8::try_from(n / 2).unwrap_or(0);
        let mut settings = RelaySettings::new(format!("relay {n}"), route(place), session);
        settings.connections = self.connections.get(n).copied().unwrap_or(1);
        settings.messages_per_connection = setup.messages_per_connection;
        settings.idle_timeout = Duration::from_secs(setup.idle_s);
        settings.rates.per_minute = (setup.per_minute > 0).then_some(setup.per_minute);
        Some(settings)
    }

    fn sight<'a>(&'a self, life: &'a Life) -> Sight<'a> {
        Sight {
            store: &life.store,
            engine: life.engine.as_ref(),
            clock: &life.clock,
            relays: &self.relays,
            max_wait: Duration::from_mins(self.case.setup.max_wait_min),
            calm_since: (!self.is_disturbed && life.engine.is_some()).then_some(self.disturbed),
            right_since: self.right_since,
            began: life.began,
            faults: [
                (self.right_since.is_none(), "clock wrong"),
                (self.no_descriptors.load(Ordering::Relaxed), "no descriptors"),
            ]
            .into_iter()
            .filter_map(|(is_so, name)| is_so.then_some(name))
            .collect(),
        }
    }

    async fn look(&mut self, life: &Life) -> anyhow::Result<()> {
        if self.faults.now() != StoreTurn::Well {
            // What fails is done at a later look.
            let _told = self.tell(life).await;
            return Ok(());
        }
        let told = self.tell(life).await;
        let now = life.clock.elapsed();
        let explainer = (now >= self.explained + EXPLAIN).then(|| self.explainer(life));
        let mut judge = std::mem::take(&mut self.judge);
        let mut looked = judge.look(&self.sight(life)).await;
        if let (true, Some(explainer)) = (looked.is_ok(), explainer) {
            self.explained = now;
            looked = judge.explanations(&self.sight(life), &explainer).await;
        }
        if looked.is_ok() && told.is_ok() {
            looked = judge.alerts(&self.sight(life)).await;
        }
        self.judge = judge;
        let looked = told.and(looked);
        if let Err(error) = looked {
            self.judge.broken(Rule::StoreAnswers, now, error.to_string());
        }
        self.keep_promises(life, now);
        Ok(())
    }

    /// What a person asked to be tried now was tried, unless something came between.
    fn keep_promises(&mut self, life: &Life, now: Duration) {
        let due: Vec<_> = self.promises.extract_if(.., |(at, _)| *at <= now).collect();
        for (_, place) in due {
            let down = life.engine.as_ref().is_some_and(|engine| {
                let status = engine.status();
                let mut all = status.relays.iter().filter(|relay| relay.route == route(place));
                all.all(|relay| relay.state != HealthState::Up)
            });
            if down {
                let what = format!(
                    "route {} is Down {} s after a try was asked for",
                    route(place),
                    NOW.as_secs()
                );
                self.judge.broken(Rule::TryNow, now, what);
            }
        }
    }

    fn disturb(&mut self, now: Duration) {
        let wrong = self.sending == Sending::Paused
            || self.faults.now() != StoreTurn::Well
            || self.no_descriptors.load(Ordering::Relaxed);
        self.is_disturbed = wrong;
        self.disturbed = now;
        self.promises.clear();
    }

    /// The store answers where nothing is wrong with it.
    fn unexpected(&mut self, error: &StoreError, now: Duration) {
        if self.faults.now() == StoreTurn::Well {
            self.judge.broken(Rule::StoreAnswers, now, error.to_string());
        }
    }
}
