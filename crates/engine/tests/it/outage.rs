//! A relay that is stopped for a while and started again.

use std::time::Duration;

use postroom_domain::health::HealthState;
use postroom_domain::{Clock, Kind, MessageId, MessageState, Trouble};
use postroom_smtp::sink::Mode;
use postroom_store::{Consumer, FactKind, Facts, TroubleDetail};
use postroom_testkit::relay;

use crate::house::{House, impatient, message, until_relay_is};
use crate::waiting::until_all_have_failed;

#[tokio::test]
async fn outage_costs_the_waiting_mail_nothing_and_all_of_it_arrives_once() {
    let (house, sink) = (House::new(), relay::start().await);
    sink.set_mode(Mode::Down).await;
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    let letters = (0..40).map(|n| message(n % 4, Kind::Direct, &format!("m{n}"), &["a@example.test"]));
    let ids = house.submit(letters.collect()).await;
    until_relay_is(&engine, HealthState::Down).await;
    // Probes fail for hours; each hour of the outage is nothing to the mail that waits.
    for _ in 0..12 {
        house.pass(&engine, Duration::from_mins(11));
        until_relay_is(&engine, HealthState::Down).await;
    }
    let mut tried = 0;
    for &id in &ids {
        let row = house.detail(id).await.row;
        assert!(matches!(
            row.state,
            MessageState::Queued | MessageState::Deferred | MessageState::Sending
        ));
        tried += usize::from(row.attempts > 0);
    }
    // Those that found it down, and one probe in each of twelve intervals at most.
    assert!(tried <= 8 + 12, "{tried} messages paid for the outage");
    sink.set_mode(Mode::Up).await;
    house.pass(&engine, Duration::from_mins(11));
    until_relay_is(&engine, HealthState::Up).await;
    house.pass(&engine, Duration::from_hours(9));
    for &id in &ids {
        house.until_state(id, MessageState::Sent).await;
    }
    let mut seen: Vec<_> = sink.received().into_iter().map(|m| m.message_id).collect();
    seen.sort();
    seen.dedup();
    assert_eq!((seen.len(), sink.received().len()), (40, 40));
    engine.stop().await;
}

#[tokio::test]
async fn mail_that_finds_no_relay_up_for_max_wait_fails_with_the_relays_last_error() {
    let (house, sink) = (House::new(), relay::start().await);
    sink.set_mode(Mode::Down).await;
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    let letters = (0..10).map(|n| message(n, Kind::Direct, &format!("m{n}"), &["a@example.test"]));
    let ids: Vec<MessageId> = house.submit(letters.collect()).await;
    until_relay_is(&engine, HealthState::Down).await;
    // What was fed to connections when the relay went Down returns to the queue first.
    for &id in &ids {
        house
            .until(id, |detail| detail.row.state != MessageState::Sending)
            .await;
    }
    house.pass(&engine, Duration::from_hours(25));
    // One may be the probe that is due then: it is deferred once more.
    let now = house.clock.now();
    for &id in &ids {
        house
            .until(id, |detail| {
                let row = &detail.row;
                row.state == MessageState::Failed || row.next_attempt_at.is_some_and(|at| at > now)
            })
            .await;
    }
    house.pass(&engine, Duration::from_mins(2));
    until_all_have_failed(&house, &engine, &ids).await;
    for &id in &ids {
        let detail = house.until_state(id, MessageState::Failed).await;
        assert!(detail.row.error.is_some_and(|error| !error.text.is_empty()));
    }
    assert!(house.clock.now() > ids[0].submitted_at());
    engine.stop().await;
}

#[tokio::test]
async fn outage_that_outlives_the_process_begins_once_and_ends_once() {
    let (house, sink) = (House::new(), relay::start().await);
    sink.set_mode(Mode::Down).await;
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    let letters = (0..4).map(|n| message(n, Kind::Direct, &format!("m{n}"), &["a@example.test"]));
    let ids = house.submit(letters.collect()).await;
    until_relay_is(&engine, HealthState::Down).await;
    engine.stop().await;
    let house = house.after_a_crash().await;
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    until_relay_is(&engine, HealthState::Down).await;
    sink.set_mode(Mode::Up).await;
    house.pass(&engine, Duration::from_hours(9));
    until_relay_is(&engine, HealthState::Up).await;
    house.pass(&engine, Duration::from_hours(9));
    for &id in &ids {
        house.until_state(id, MessageState::Sent).await;
    }
    engine.stop().await;
    let facts = house.store.facts(Consumer::Alerts, 256).await.expect("reads");
    let edges: Vec<_> = facts
        .iter()
        .map(|fact| fact.kind)
        .filter(|kind| matches!(kind, FactKind::RelayDown | FactKind::RelayUp))
        .collect();
    assert_eq!(edges, [FactKind::RelayDown, FactKind::RelayUp]);
    let first = &facts[0];
    let trouble = first.detail::<TroubleDetail>().expect("says what is wrong");
    assert_eq!(
        (first.kind, trouble.trouble),
        (FactKind::RelayTrouble, Trouble::Connect)
    );
}
