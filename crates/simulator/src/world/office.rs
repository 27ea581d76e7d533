//! The offices' side of a process: who is there, what raises their alerts, and what explains where mail is.

use arc_swap::ArcSwap;
use postroom_engine::intake::{Intake, IntakeLimits, IntakeParts, IntakeSettings, NobodyKnown, QueueSwitch};
use postroom_office::alerts::{AlertDesk, AlertSettings, ServerRelay, Stepped};
use postroom_office::explain::{ExplainParts, Explainer, Service};
use postroom_office::relays::ServersRelay;
use postroom_office::{NoticeSettings, Notices};
use postroom_store::{Administration as _, Branches, By, NewOffice, NewUser, Rights};

use super::*;
use crate::letters::ADMINISTRATOR;

/// Steps of the alerts that a look may take; far more than there is ever to do.
const STEPS: usize = 10_000;

impl World<'_> {
    /// Makes the offices with their people; the first office is the root.
    pub(super) async fn people(
        &self,
        store: &SqliteStore,
        now: postroom_domain::Timestamp,
    ) -> anyhow::Result<()> {
        let by = By::of(Actor::Operator, now);
        for place in 0..u8::try_from(self.case.setup.offices.len()).unwrap_or(0) {
            let new = NewOffice {
                parent: (place > 0).then(|| office(0)),
                name: format!("office {place}"),
                route: route(place),
            };
            let made = store.add_office(new, &by).await?;
            anyhow::ensure!(made.id == office(place), "offices are numbered in their order");
            for sender in 0..=ADMINISTRATOR {
                let name = format!("s{place}-{sender}");
                let new = NewUser {
                    office: office(place),
                    login: name.clone(),
                    email: format!("{name}@office.example"),
                    name,
                    password_hash: String::new(),
                    rights: Rights {
                        administrator: sender == ADMINISTRATOR,
                        ..Rights::default()
                    },
                };
                let made = store.add_user(new, Branches::All, &by).await?;
                anyhow::ensure!(
                    made.id == Sender::of(place, sender).user(),
                    "people are numbered in their order"
                );
            }
        }
        Ok(())
    }

    /// What raises alerts in a process.
    pub(super) fn alert_desk(
        &self,
        store: &Arc<SqliteStore>,
        clock: &Arc<SimClock>,
    ) -> anyhow::Result<AlertDesk> {
        let store = Arc::clone(store) as Arc<dyn Store>;
        let clock = Arc::clone(clock) as Arc<dyn Clock>;
        let parts = IntakeParts {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            random: Arc::new(Seeded::new(self.case.setup.seed)),
            directory: Arc::new(NobodyKnown),
            slot: SLOT,
        };
        let settings = IntakeSettings {
            host: "sim.example".to_owned(),
            limits: IntakeLimits::default(),
            queue: QueueSwitch::On,
        };
        let notices = NoticeSettings {
            brand: "Postroom".to_owned(),
            from: "postroom@sim.example".parse().context("an address")?,
            base_url: "http://sim.example".to_owned(),
        };
        let notices = Notices::new(Intake::new(parts, settings), notices)?;
        let settings = AlertSettings {
            server_relay: ServerRelay::InFile,
        };
        Ok(AlertDesk::new(
            store,
            clock,
            Arc::new(notices),
            Arc::new(ArcSwap::from_pointee(settings)),
        ))
    }

    /// Has everything told that there is to tell.
    pub(super) async fn tell(&mut self, life: &Life) -> Result<(), StoreError> {
        let mut desk = life.desk.lock().await;
        for _ in 0..STEPS {
            let clock = &life.clock;
            self.judge
                .facts(&life.store, clock, &self.relays, self.right_since)
                .await?;
            if desk.step().await? == Stepped::Idle {
                break;
            }
        }
        Ok(())
    }

    /// The process ends while what raises alerts is at work.
    pub(super) async fn cut_alerts_off(&mut self, life: &Life, after: u64) {
        let clock = &life.clock;
        if self
            .judge
            .facts(&life.store, clock, &self.relays, self.right_since)
            .await
            .is_err()
        {
            return;
        }
        let mut desk = life.desk.lock().await;
        let polls = async {
            for _ in 0..after {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = polls => {}
            _ = desk.step() => {}
        }
    }

    /// What tells people where their mail is.
    pub(super) fn explainer(&self, life: &Life) -> Explainer {
        Explainer::new(ExplainParts {
            store: Arc::clone(&life.store) as Arc<dyn Store>,
            clock: Arc::clone(&life.clock) as Arc<dyn Clock>,
            service: match self.sending {
                Sending::On => Service::On,
                Sending::Paused => Service::Paused,
            },
            servers: ServersRelay::InFile,
            attempts_max: 10,
            max_wait: Duration::from_mins(self.case.setup.max_wait_min),
        })
    }
}
