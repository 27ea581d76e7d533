//! Connections that end, by themselves or by a fault, and the mail that waits for them.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use postroom_domain::health::HealthState;
use postroom_domain::{Kind, MessageState, Trouble};
use postroom_engine::EngineSettings;
use postroom_smtp::client::{Connection, Dial, DialFuture, Dialler, Reach, RelayConfig, Timeouts};
use postroom_smtp::sink::{Act, Nth, Plan, Rule, SinkHandle, Stage};
use postroom_store::{Consumer, Fact, FactKind, Facts, TroubleDetail};
use postroom_testkit::relay;
use tokio::net::TcpStream;

use crate::house::{House, impatient, message};

/// Idle connections say QUIT soon, and wait long for the answer.
fn slow_goodbye(sink: &SinkHandle, connections: u32) -> EngineSettings {
    let mut relay: RelayConfig = impatient(sink);
    relay.timeouts.quit = Duration::from_mins(5);
    let mut settings = House::settings(&relay);
    for relay in &mut settings.relays {
        relay.connections = connections;
        relay.idle_timeout = Duration::from_millis(100);
    }
    settings
}

async fn in_time<T>(what: &str, waiting: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(20), waiting).await {
        Ok(done) => done,
        Err(_) => panic!("{what}"),
    }
}

async fn until_quits(sink: &SinkHandle, times: usize) {
    let all = async {
        while sink.commands().iter().filter(|(_, line)| line == "QUIT").count() < times {
            tokio::task::yield_now().await;
        }
    };
    in_time("idle connections did not end", all).await;
}

#[tokio::test]
async fn mail_that_comes_while_idle_connections_end_is_sent() {
    for connections in [1, 4] {
        let house = House::new();
        let sink = relay::start_doing(Stage::Quit, Act::Silence).await;
        let engine = house.engine(slow_goodbye(&sink, connections)).await;
        let letters = |burst: &'static str| {
            (0..12).map(move |n| message(1, Kind::Direct, &format!("{burst}{n}"), &["a@example.test"]))
        };
        house.submit(letters("first").collect()).await;
        in_time("the first burst", sink.wait_for(12)).await;
        until_quits(&sink, usize::try_from(sink.connections()).expect("few")).await;
        let ids = house.submit(letters("second").collect()).await;
        in_time("jobs wait for connections that have ended", sink.wait_for(24)).await;
        for id in ids {
            house.until_state(id, MessageState::Sent).await;
        }
        engine.stop().await;
    }
}

#[tokio::test]
async fn connection_that_has_carried_its_messages_does_not_keep_mail_waiting_for_the_answer_to_quit() {
    let house = House::new();
    let sink = relay::start_doing(Stage::Quit, Act::Silence).await;
    let mut settings = slow_goodbye(&sink, 1);
    for relay in &mut settings.relays {
        relay.messages_per_connection = 2;
    }
    let engine = house.engine(settings).await;
    let letters = (0..7).map(|n| message(1, Kind::Direct, &format!("m{n}"), &["a@example.test"]));
    house.submit(letters.collect()).await;
    in_time("mail waits for the answer to QUIT", sink.wait_for(7)).await;
    assert_eq!(sink.connections(), 4);
    engine.stop().await;
}

#[tokio::test]
async fn message_whose_envelope_went_ahead_of_a_slow_dot_leaves_by_another_connection() {
    let house = House::new();
    // The first connection's first dot is answered after minutes, and another message's envelope waits behind it.
    let slow = Rule::at(Stage::FinalDot, Act::Stall(Duration::from_mins(5)))
        .on_connection(Nth::Only(1))
        .on_message(Nth::Only(1));
    let sink = relay::start_planned(slow).await;
    let relay = RelayConfig {
        timeouts: Timeouts::default(),
        ..relay::described(&sink)
    };
    let mut settings = House::settings(&relay);
    settings.stop_timeout = Duration::from_secs(2);
    for relay in &mut settings.relays {
        relay.connections = 2;
    }
    let letters = (0..8).map(|n| message(1, Kind::Direct, &format!("m{n}"), &["a@example.test"]));
    let ids = house.submit(letters.collect()).await;
    let engine = house.engine(settings).await;
    in_time("a message waits behind another's dot", sink.wait_for(7)).await;
    engine.stop().await;
    let mut arrived: Vec<_> = sink.received().into_iter().map(|m| m.message_id).collect();
    arrived.sort();
    arrived.dedup();
    assert_eq!((arrived.len(), sink.count()), (7, 7));
    let mut sent = 0;
    for id in ids {
        sent += usize::from(house.detail(id).await.row.state == MessageState::Sent);
    }
    assert_eq!(sent, 7);
}

#[tokio::test]
async fn mail_leaves_by_new_connections_while_all_the_old_ones_are_silent() {
    let house = House::new();
    // The first two connections die without a word with a dot under way; those after them are well.
    let silent = |n| Rule::at(Stage::FinalDot, Act::Silence).on_connection(Nth::Only(n));
    let sink = relay::start_planned(Plan::from(silent(1)).with(silent(2))).await;
    let relay = RelayConfig {
        timeouts: Timeouts::default(),
        ..relay::described(&sink)
    };
    let mut settings = House::settings(&relay);
    settings.stop_timeout = Duration::from_secs(2);
    settings.pace.take_back_after = Duration::from_millis(50);
    settings.pace.silent_after = Duration::from_millis(300);
    for relay in &mut settings.relays {
        relay.connections = 2;
    }
    let letters = (0..12).map(|n| message(1, Kind::Direct, &format!("m{n}"), &["a@example.test"]));
    house.submit(letters.collect()).await;
    let engine = house.engine(settings).await;
    in_time("mail waits behind silent connections", sink.wait_for(10)).await;
    assert_eq!(engine.status().relays[0].state, HealthState::Up);
    engine.stop().await;
}

/// Connects by TCP once its faults are used up; each of those is this machine's.
#[derive(Debug)]
struct Lacking {
    number: i32,
    faults: AtomicU32,
}

impl Dial for Lacking {
    fn resolve<'a>(&'a self, _host: &'a str, _port: u16) -> DialFuture<'a, Vec<SocketAddr>> {
        Box::pin(async { Err(io::ErrorKind::Unsupported.into()) })
    }

    fn connect(&self, address: SocketAddr) -> DialFuture<'_, Connection> {
        let spent = self
            .faults
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        Box::pin(async move {
            match spent {
                Ok(_) => Err(io::Error::from_raw_os_error(self.number)),
                Err(_) => Ok(Box::new(TcpStream::connect(address).await?) as Connection),
            }
        })
    }
}

#[tokio::test]
async fn local_faults_cost_no_attempt_and_take_no_relay_down() {
    // EMFILE, EADDRNOTAVAIL, ENETUNREACH.
    for number in [24, 99, 101] {
        let (house, sink) = (House::new(), relay::start().await);
        let lacking = Arc::new(Lacking {
            number,
            faults: AtomicU32::new(12),
        });
        let dial = Dialler::new(Arc::clone(&lacking) as Arc<dyn Dial>);
        let engine = house
            .engine(House::settings(&RelayConfig {
                dial,
                ..impatient(&sink)
            }))
            .await;
        let mut status = engine.watch();
        let letters = (0..10).map(|n| message(1, Kind::Direct, &format!("m{n}"), &["a@example.test"]));
        let ids = house.submit(letters.collect()).await;
        let shown = status.wait_for(|status| status.relays[0].last_error.is_some());
        in_time("the fault is not shown", shown).await.expect("runs");
        let all = async {
            loop {
                let before = lacking.faults.load(Ordering::SeqCst);
                // The longest pause: each time, something is tried again.
                house.pass(&engine, Duration::from_secs(30));
                if before == 0 {
                    return sink.wait_for(10).await;
                }
                while lacking.faults.load(Ordering::SeqCst) == before {
                    tokio::task::yield_now().await;
                }
            }
        };
        in_time("mail waits though the fault is over", all).await;
        for id in ids {
            house.until_state(id, MessageState::Sent).await;
            assert_eq!(house.attempts(id).await.len(), 1, "{number}");
        }
        let relay = engine.status().relays.remove(0);
        assert_eq!(
            (relay.state, relay.since, relay.last_error),
            (HealthState::Up, None, None)
        );
        engine.stop().await;
    }
}

/// Waits for the first fact.
async fn first_fact(house: &House) -> Fact {
    loop {
        let facts = house.store.facts(Consumer::Alerts, 1).await.expect("reads");
        match facts.into_iter().next() {
            Some(fact) => return fact,
            None => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn relay_that_is_refused_costs_no_attempt_and_is_not_down() {
    let (house, sink) = (House::new(), relay::start().await);
    house.add_system_office().await;
    let refusals = Arc::new(AtomicU32::new(12));
    let reach = Reach::guarded({
        let refusals = Arc::clone(&refusals);
        move |_| {
            let spent = refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            spent.map_or(Ok(()), |_| Err("it is in a private network".to_owned()))
        }
    });
    let engine = house
        .engine(House::settings(&RelayConfig {
            reach,
            ..impatient(&sink)
        }))
        .await;
    let mut status = engine.watch();
    let letters = (0..10).map(|n| message(1, Kind::Direct, &format!("m{n}"), &["a@example.test"]));
    let ids = house.submit(letters.collect()).await;
    let shown = status.wait_for(|status| {
        let said = status.relays[0].last_error.as_ref();
        said.is_some_and(|said| said.text.contains("it is in a private network"))
    });
    in_time("the refusal is not shown", shown).await.expect("runs");
    assert!(engine.status().relays[0].refused_since.is_some());
    let fact = in_time("nobody is told of the refusal", first_fact(&house)).await;
    let detail = fact.detail::<TroubleDetail>().expect("says what is wrong");
    assert_eq!(
        (fact.kind, detail.trouble),
        (FactKind::RelayTrouble, Trouble::Settings)
    );
    assert!(
        detail.error.contains("it is in a private network"),
        "{}",
        detail.error
    );
    let all = async {
        loop {
            let before = refusals.load(Ordering::SeqCst);
            // The longest pause: each time, something is tried again.
            house.pass(&engine, Duration::from_mins(5));
            if before == 0 {
                return sink.wait_for(10).await;
            }
            while refusals.load(Ordering::SeqCst) == before {
                tokio::task::yield_now().await;
            }
        }
    };
    in_time("mail waits though it may be sent", all).await;
    for id in ids {
        house.until_state(id, MessageState::Sent).await;
        assert_eq!(house.attempts(id).await.len(), 1);
    }
    let relay = engine.status().relays.remove(0);
    assert_eq!(
        (relay.state, relay.since, relay.last_error),
        (HealthState::Up, None, None)
    );
    assert_eq!(relay.refused_since, None);
    engine.stop().await;
}
