//! One person's mail that the relay does not like, beside everybody else's.

use std::time::Duration;

use postroom_domain::health::HealthState;
use postroom_domain::{Clock as _, Kind, MessageState, Trouble};
use postroom_smtp::reply::{EnhancedCode, Reply};
use postroom_smtp::sink::{Mode, SinkConfig, SinkLimits};
use postroom_store::{Consumer, FactKind, Facts, TroubleDetail};
use postroom_testkit::relay;

use crate::house::{House, impatient, message, until_relay_is};

/// The person whose mail is not liked; `message` makes the address of the number.
const CLARA: i64 = 7;

async fn facts(house: &House) -> Vec<postroom_store::Fact> {
    house.store.facts(Consumer::Alerts, 256).await.expect("reads")
}

#[tokio::test]
async fn person_whose_address_is_refused_takes_no_relay_down() {
    let refused = Reply::enhanced(550, EnhancedCode::new(5, 7, 1), "Sender address rejected");
    let limits = SinkLimits {
        refused_senders: vec![(format!("s{CLARA}@office.example.com"), refused)],
        ..SinkLimits::default()
    };
    let sink = relay::start_with(SinkConfig {
        limits,
        ..SinkConfig::default()
    })
    .await;
    let house = House::new();
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    let claras = (0..30).map(|n| message(CLARA, Kind::Direct, &format!("c{n}"), &["a@example.test"]));
    let claras = house.submit(claras.collect()).await;
    for &id in &claras {
        house.until_state(id, MessageState::Deferred).await;
    }
    // They are tried again and again, for hours; no one else has mail meanwhile.
    for attempts in 2..6 {
        house.pass(&engine, Duration::from_hours(2));
        for &id in &claras {
            house
                .until(id, |d| {
                    d.row.attempts == attempts && d.row.state == MessageState::Deferred
                })
                .await;
        }
    }
    assert_eq!(engine.status().relays[0].state, HealthState::Up);
    let others = (0..30).map(|n| message(n % 5, Kind::Direct, &format!("o{n}"), &["a@example.test"]));
    for id in house.submit(others.collect()).await {
        let sent = house.until_state(id, MessageState::Sent).await;
        assert_eq!(sent.row.attempts, 1);
    }
    engine.stop().await;
    let facts = facts(&house).await;
    assert!(!facts.is_empty());
    for fact in facts {
        assert_eq!(fact.kind, FactKind::RelayTrouble);
        let detail = fact.detail::<TroubleDetail>().expect("says what is wrong");
        assert_eq!(detail.trouble, Trouble::Sender);
    }
}

#[tokio::test]
async fn content_that_ends_the_connection_is_its_senders_failure_alone() {
    let sink = relay::start_by_address(Duration::ZERO).await;
    let house = House::new();
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    let claras = (0..20).map(|n| message(CLARA, Kind::Direct, &format!("c{n}"), &["drop@example.test"]));
    let claras = house.submit(claras.collect()).await;
    for &id in &claras {
        house.until_state(id, MessageState::Deferred).await;
    }
    for attempts in 2..4 {
        house.pass(&engine, Duration::from_mins(6));
        for &id in &claras {
            house
                .until(id, |d| {
                    d.row.attempts == attempts && d.row.state == MessageState::Deferred
                })
                .await;
        }
    }
    assert_eq!(engine.status().relays[0].state, HealthState::Up);
    let others = (0..20).map(|n| message(n % 5, Kind::Direct, &format!("o{n}"), &["a@example.test"]));
    for id in house.submit(others.collect()).await {
        let sent = house.until_state(id, MessageState::Sent).await;
        assert_eq!(sent.row.attempts, 1);
    }
    engine.stop().await;
    assert!(
        facts(&house)
            .await
            .iter()
            .all(|fact| fact.kind != FactKind::RelayDown)
    );
}

#[tokio::test]
async fn content_that_ends_connections_for_two_senders_is_an_outage() {
    let sink = relay::start_by_address(Duration::ZERO).await;
    let house = House::new();
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    let letters = (0..8).map(|n| message(n % 2, Kind::Direct, &format!("m{n}"), &["drop@example.test"]));
    house.submit(letters.collect()).await;
    let mut status = engine.watch();
    let down = status.wait_for(|status| status.relays[0].state == HealthState::Down);
    tokio::time::timeout(Duration::from_secs(30), down)
        .await
        .expect("in time")
        .expect("runs");
    engine.stop().await;
}

#[tokio::test]
async fn relay_that_hangs_up_on_one_senders_mail_is_probed_by_anothers_though_that_is_not_due() {
    let sink = relay::start_by_address(Duration::ZERO).await;
    let house = House::new();
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    // Another person's letter, whose next attempt is hours away.
    let other = house
        .submit(vec![message(2, Kind::Direct, "other", &["defer@example.test"])])
        .await[0];
    house.until_state(other, MessageState::Deferred).await;
    for attempts in 2..5 {
        house.pass(&engine, Duration::from_hours(2));
        house
            .until(other, |d| {
                d.row.attempts == attempts && d.row.state == MessageState::Deferred
            })
            .await;
    }
    let due = house.detail(other).await.row.next_attempt_at.expect("waits");
    // Clara's finds the relay away, and is what it hangs up on when it is back.
    sink.set_mode(Mode::Down).await;
    let claras = (0..4).map(|n| message(CLARA, Kind::Direct, &format!("c{n}"), &["drop@example.test"]));
    house.submit(claras.collect()).await;
    until_relay_is(&engine, HealthState::Down).await;
    sink.set_mode(Mode::Up).await;
    // Each probe has its answer before the clock goes on.
    let mut status = engine.watch();
    while engine.status().relays[0].state != HealthState::Up {
        let probed = status.wait_for(|status| {
            let relay = &status.relays[0];
            relay.state == HealthState::Up
                || relay.state == HealthState::Down && relay.next_probe_at > Some(house.clock.now())
        });
        tokio::time::timeout(Duration::from_secs(30), probed)
            .await
            .expect("in time")
            .expect("runs");
        if engine.status().relays[0].state == HealthState::Down {
            house.pass(&engine, Duration::from_mins(1));
        }
        assert!(house.clock.now() < due, "nothing of another sender's was tried");
    }
    // It was the probe.
    house
        .until(other, |d| {
            d.row.attempts == 5 && d.row.state == MessageState::Deferred
        })
        .await;
    engine.stop().await;
}
