//! A store in a scratch folder, a clock that is moved, a relay, and the engine between them.

use std::sync::Arc;
use std::time::Duration;

use postroom_domain::health::HealthState;
use postroom_domain::{
    Clock, Kind, ManualClock, MessageId, MessageState, NodeSlot, OfficeId, RouteId, Scope, Timestamp, UserId,
};
use postroom_engine::packing::pack;
use postroom_engine::{EngineHandle, EngineSettings, Even, RelaySettings};
use postroom_smtp::client::{RelayConfig, Timeouts};
use postroom_smtp::sink::SinkHandle;
use postroom_store::sqlite::{SqliteOptions, SqliteStore};
use postroom_store::{
    Actor, Administration, Attempt, By, Changes, Content, Detail, Enqueue, Enqueued, List, NewMessage,
    NewOffice, NewRecipient, Queue, RecipientRole, Shown, SmtpParameters, Store, Submitter, Upkeep,
};
use postroom_testkit::relay::described;
use tempfile::TempDir;

pub(crate) const START: Timestamp = Timestamp::from_micros(1_750_000_000_000_000);
/// A test that waits longer than this for an event has failed.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct House {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) clock: Arc<ManualClock>,
    folder: TempDir,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with_store(SqliteOptions::default())
    }

    pub(crate) fn with_store(options: SqliteOptions) -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let store = SqliteStore::open(folder.path().join("postroom.db"), options).expect("opens");
        Self {
            store: Arc::new(store),
            clock: Arc::new(ManualClock::new(START)),
            folder,
        }
    }

    /// The same folder after the process went away without a word.
    pub(crate) async fn after_a_crash(self) -> Self {
        self.store.close().await;
        let path = self.folder.path().join("postroom.db");
        let store = SqliteStore::open(path, SqliteOptions::default()).expect("opens again");
        Self {
            store: Arc::new(store),
            ..self
        }
    }

    pub(crate) fn settings(relay: &RelayConfig) -> EngineSettings {
        let mut settings = RelaySettings::new("main", RouteId::SERVER, relay.clone());
        settings.connections = 4;
        let mut settings = EngineSettings::new(NodeSlot(0), vec![settings]);
        settings.stop_timeout = Duration::from_secs(5);
        settings
    }

    pub(crate) async fn engine(&self, settings: EngineSettings) -> EngineHandle {
        let store = Arc::clone(&self.store) as Arc<dyn Store>;
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        EngineHandle::start(settings, store, clock, Arc::new(Even))
            .await
            .expect("starts")
    }

    /// Adds the office whose administrators look after the server.
    pub(crate) async fn add_system_office(&self) {
        let office = NewOffice {
            parent: None,
            name: "System".to_owned(),
            route: RouteId::SERVER,
        };
        let by = By::of(Actor::Operator, START);
        self.store.add_office(office, &by).await.expect("is added");
    }

    pub(crate) async fn submit(&self, messages: Vec<NewMessage>) -> Vec<MessageId> {
        let op = Enqueue {
            messages,
            idempotency: None,
            slot: NodeSlot(0),
            now: self.clock.now(),
            audit: None,
        };
        match self.store.enqueue(op).await.expect("taken in") {
            Enqueued::Accepted(admitted) => admitted.into_iter().map(|a| a.id).collect(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn detail(&self, id: MessageId) -> Detail {
        self.store
            .detail(&Scope::everything(), id)
            .await
            .expect("reads")
            .expect("is there")
    }

    pub(crate) async fn attempts(&self, id: MessageId) -> Vec<Attempt> {
        self.store
            .attempts(&Scope::everything(), id)
            .await
            .expect("reads")
            .expect("is there")
    }

    /// Waits until the message's row fulfils a condition, looking anew after each commit.
    pub(crate) async fn until(&self, id: MessageId, holds: impl Fn(&Detail) -> bool) -> Detail {
        let mut changes = self.store.changes();
        let look = async {
            loop {
                let detail = self.detail(id).await;
                if holds(&detail) {
                    return detail;
                }
                let _again = changes.recv().await;
            }
        };
        match tokio::time::timeout(PATIENCE, look).await {
            Ok(detail) => detail,
            Err(_) => panic!("{id} stays as it is: {:?}", self.detail(id).await.row),
        }
    }

    pub(crate) async fn until_state(&self, id: MessageId, state: MessageState) -> Detail {
        self.until(id, |detail| detail.row.state == state).await
    }

    /// Moves the clock and lets the engine look.
    pub(crate) fn pass(&self, engine: &EngineHandle, time: Duration) {
        self.clock.advance(time);
        engine.wake();
    }
}

/// A relay's description with timeouts that a test can wait for.
pub(crate) fn impatient(sink: &SinkHandle) -> RelayConfig {
    let short = Duration::from_millis(400);
    let timeouts = Timeouts {
        connect: short,
        greeting: short,
        ehlo: short,
        tls: short,
        auth: short,
        mail: short,
        rcpt: short,
        data: short,
        content: short,
        final_dot: short,
        pipelined_mail: short,
        quit: Duration::from_millis(50),
    };
    RelayConfig {
        timeouts,
        ..described(sink)
    }
}

/// A message of a sender's to these recipients.
pub(crate) fn message(sender: i64, kind: Kind, name: &str, recipients: &[&str]) -> NewMessage {
    let header = format!("Message-ID: <{name}@test.example>\r\nSubject: {name}\r\n\r\n");
    let body = "Good day.\r\n".repeat(20);
    NewMessage {
        sender: UserId(sender),
        office: OfficeId(1),
        submitted_by: Submitter::User(UserId(sender)),
        kind,
        route: RouteId::SERVER,
        mail_from: format!("s{sender}@office.example.com"),
        recipients: recipients.iter().map(|address| recipient(address)).collect(),
        parameters: SmtpParameters::default(),
        shown: Shown {
            subject: name.to_owned(),
            message_id: format!("<{name}@test.example>"),
            ..Shown::default()
        },
        send_at: None,
        tags: Vec::new(),
        external_id: None,
        metadata: None,
        resent_from: None,
        content: Content {
            header: pack(header.as_bytes()),
            body: pack(body.as_bytes()),
        },
    }
}

fn recipient(address: &str) -> NewRecipient {
    NewRecipient {
        address: address.to_owned(),
        role: RecipientRole::To,
        notify: None,
        orcpt: None,
    }
}

/// Waits until the first relay is in that state.
pub(crate) async fn until_relay_is(engine: &EngineHandle, state: HealthState) {
    let mut status = engine.watch();
    let seen = status.wait_for(|status| status.relays[0].state == state);
    tokio::time::timeout(Duration::from_secs(30), seen)
        .await
        .expect("in time")
        .expect("runs");
}
