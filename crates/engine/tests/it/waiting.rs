//! Mail that waits for a relay which is Down: until when, and what a person can do about it.

use std::time::Duration;

use postroom_domain::health::HealthState;
use postroom_domain::{Clock as _, Kind, MessageId, MessageState, Scope};
use postroom_engine::EngineHandle;
use postroom_smtp::sink::{Mode, SinkHandle};
use postroom_store::{Actor, AuditNote, Authority, Changes as _, Queue as _};
use postroom_testkit::relay;

use crate::house::{House, impatient, message, until_relay_is};

const HOUR: Duration = Duration::from_hours(1);

/// Mail of `n` senders that waits for a relay which is Down.
async fn outage(house: &House, sink: &SinkHandle, n: i64) -> (EngineHandle, Vec<MessageId>) {
    sink.set_mode(Mode::Down).await;
    let engine = house.engine(House::settings(&impatient(sink))).await;
    let letters = (0..n).map(|n| message(n, Kind::Direct, &format!("m{n}"), &["a@example.test"]));
    let ids = house.submit(letters.collect()).await;
    until_relay_is(&engine, HealthState::Down).await;
    // What was fed to connections when the relay went Down returns to the queue first.
    for &id in ids.iter().take(12) {
        house
            .until(id, |detail| detail.row.state != MessageState::Sending)
            .await;
    }
    (engine, ids)
}

async fn until_probe_failed(house: &House, engine: &EngineHandle) {
    let mut status = engine.watch();
    let now = house.clock.now();
    let seen = status.wait_for(|status| status.relays[0].next_probe_at > Some(now));
    tokio::time::timeout(Duration::from_secs(60), seen)
        .await
        .expect("in time")
        .expect("runs");
}

#[tokio::test]
async fn all_mail_that_waited_too_long_fails_at_once_and_not_a_step_a_minute() {
    let (house, sink) = (House::new(), relay::start().await);
    let (engine, ids) = outage(&house, &sink, 700).await;
    house.pass(&engine, HOUR * 25);
    until_all_have_failed(&house, &engine, &ids).await;
    engine.stop().await;
}

/// Waits until expiry has failed all. A message that probes the relay just then is left to the next pass, a minute later.
pub(crate) async fn until_all_have_failed(house: &House, engine: &EngineHandle, ids: &[MessageId]) {
    let mut changes = house.store.changes();
    loop {
        match ids.len() - failed(house, ids).await {
            0 => return,
            1 => house.pass(engine, Duration::from_secs(61)),
            _ => {}
        }
        let again = tokio::time::timeout(Duration::from_secs(60), changes.recv());
        let _again = again.await.expect("something changes");
    }
}

async fn failed(house: &House, ids: &[MessageId]) -> usize {
    let mut failed = 0;
    for id in ids {
        failed += usize::from(house.detail(*id).await.row.state == MessageState::Failed);
    }
    failed
}

#[tokio::test]
async fn mail_whose_relay_is_good_again_after_a_long_stop_is_sent() {
    let (house, sink) = (House::new(), relay::start().await);
    let (engine, ids) = outage(&house, &sink, 12).await;
    engine.stop().await;
    let house = house.after_a_crash().await;
    house.clock.advance(HOUR * 48);
    sink.set_mode(Mode::Up).await;
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    until_relay_is(&engine, HealthState::Up).await;
    house.pass(&engine, HOUR);
    for id in ids {
        house.until_state(id, MessageState::Sent).await;
    }
    engine.stop().await;
}

#[tokio::test]
async fn time_in_which_no_server_ran_counts_towards_no_expiry() {
    let (house, sink) = (House::new(), relay::start().await);
    let (engine, ids) = outage(&house, &sink, 6).await;
    house.clock.advance(HOUR * 10);
    engine.stop().await;
    let mut house = house.after_a_crash().await;
    house.clock.advance(HOUR * 48);
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    // 13 of 24 hours, in two runs.
    house.pass(&engine, HOUR * 3);
    until_probe_failed(&house, &engine).await;
    engine.stop().await;
    house = house.after_a_crash().await;
    house.clock.advance(HOUR * 48);
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    // 23 of them, in three.
    house.pass(&engine, HOUR * 10);
    until_probe_failed(&house, &engine).await;
    for &id in &ids {
        let row = house.detail(id).await.row;
        assert_ne!(row.state, MessageState::Failed, "{:?}", row.error);
    }
    house.pass(&engine, HOUR * 2);
    until_all_have_failed(&house, &engine, &ids).await;
    engine.stop().await;
}

#[tokio::test]
async fn requeue_at_a_relay_that_is_down_tries_it_at_once() {
    let (house, sink) = (House::new(), relay::start().await);
    let (engine, ids) = outage(&house, &sink, 12).await;
    sink.set_mode(Mode::Up).await;
    let everything = Scope::everything();
    let anyone = Authority {
        see: everything.clone(),
        act: everything.clone(),
        hold: everything,
    };
    let note = AuditNote::by(Actor::Operator);
    house
        .store
        .requeue(&anyone, &ids[..1], &note, house.clock.now())
        .await
        .expect("requeued");
    // No time passes.
    until_relay_is(&engine, HealthState::Up).await;
    house.until_state(ids[0], MessageState::Sent).await;
    engine.stop().await;
}

#[tokio::test]
async fn flush_tries_a_relay_that_is_down_at_once_even_where_nothing_was_deferred() {
    let (house, sink) = (House::new(), relay::start().await);
    let (engine, _) = outage(&house, &sink, 12).await;
    sink.set_mode(Mode::Up).await;
    engine.try_now();
    until_relay_is(&engine, HealthState::Up).await;
    engine.stop().await;
}
