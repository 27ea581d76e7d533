//! Routes with relays of their own, a second relay, rates, and changes while mail is under way.

use std::collections::HashMap;
use std::time::Duration;

use postroom_domain::health::HealthState;
use postroom_domain::{Kind, MessageId, MessageState, Rates, RouteId};
use postroom_engine::{EngineHandle, EngineSettings, Place, RelaySettings};
use postroom_smtp::sink::{Act, Mode, SinkHandle, Stage};
use postroom_store::NewMessage;
use postroom_testkit::relay;

use crate::house::{House, impatient, message};

const OWN: RouteId = RouteId(7);

fn relay_of(route: RouteId, name: &str, sink: &SinkHandle) -> RelaySettings {
    let mut relay = RelaySettings::new(name, route, impatient(sink));
    relay.connections = 4;
    relay
}

fn settings(relays: Vec<RelaySettings>) -> EngineSettings {
    let mut settings = EngineSettings::new(postroom_domain::NodeSlot(0), relays);
    settings.stop_timeout = Duration::from_secs(5);
    settings
}

fn letters(route: RouteId, names: &str, n: i64) -> Vec<NewMessage> {
    let letter = |i| NewMessage {
        route,
        ..message(i % 5, Kind::Direct, &format!("{names}{i}"), &["a@example.test"])
    };
    (0..n).map(letter).collect()
}

/// Message-IDs with how often the sinks have each.
fn seen(sinks: &[&SinkHandle]) -> HashMap<String, u32> {
    let mut seen = HashMap::new();
    for received in sinks.iter().flat_map(|sink| sink.received()) {
        *seen.entry(received.message_id).or_default() += 1;
    }
    seen
}

async fn all_are_sent(house: &House, ids: &[MessageId]) {
    for &id in ids {
        house.until_state(id, MessageState::Sent).await;
    }
}

async fn until(engine: &EngineHandle, place: Place, state: HealthState) {
    let mut status = engine.watch();
    let seen = status.wait_for(|status| {
        let mut relays = status.relays.iter();
        relays.any(|relay| relay.place == place && relay.state == state)
    });
    tokio::time::timeout(Duration::from_secs(30), seen)
        .await
        .expect("in time")
        .expect("runs");
}

#[tokio::test]
async fn office_with_its_own_relay_sends_through_it_and_others_through_the_servers() {
    let (house, servers, own) = (House::new(), relay::start().await, relay::start().await);
    let relays = vec![
        relay_of(RouteId::SERVER, "server", &servers),
        relay_of(OWN, "own", &own),
    ];
    let engine = house.engine(settings(relays)).await;
    let mut ids = house.submit(letters(RouteId::SERVER, "server", 10)).await;
    ids.extend(house.submit(letters(OWN, "own", 10)).await);
    all_are_sent(&house, &ids).await;
    for (sink, name) in [(&servers, "<server"), (&own, "<own")] {
        let received = sink.received();
        assert_eq!(received.len(), 10);
        assert!(received.iter().all(|m| m.message_id.starts_with(name)));
    }
    engine.stop().await;
}

#[tokio::test]
async fn relay_changed_under_load_loses_nothing_and_doubles_nothing() {
    let (house, old, new) = (House::new(), relay::start().await, relay::start().await);
    let engine = house.engine(settings(vec![relay_of(OWN, "old", &old)])).await;
    let mut ids = house.submit(letters(OWN, "a", 300)).await;
    // The first ones are through: the others are leased, loading, fed and on the wire now.
    house.until_state(ids[20], MessageState::Sent).await;
    engine
        .set_route(OWN, vec![relay_of(OWN, "new", &new)])
        .expect("usable");
    ids.extend(house.submit(letters(OWN, "b", 100)).await);
    all_are_sent(&house, &ids).await;
    let seen = seen(&[&old, &new]);
    assert_eq!(seen.len(), 400);
    assert!(seen.values().all(|&times| times == 1), "{seen:?}");
    assert!(
        new.received()
            .iter()
            .filter(|m| m.message_id.starts_with("<b"))
            .count()
            == 100
    );
    for id in ids {
        assert_eq!(house.attempts(id).await.len(), 1, "the change cost an attempt");
    }
    engine.stop().await;
}

#[tokio::test]
async fn route_that_is_taken_away_keeps_its_mail_until_it_has_a_relay_again() {
    let (house, sink) = (House::new(), relay::start().await);
    let engine = house.engine(settings(vec![relay_of(OWN, "own", &sink)])).await;
    engine.set_route(OWN, Vec::new()).expect("nothing to refuse");
    let mut status = engine.watch();
    status
        .wait_for(|status| status.relays.is_empty())
        .await
        .expect("runs");
    let ids = house.submit(letters(OWN, "m", 3)).await;
    house.pass(&engine, Duration::from_hours(1));
    assert_eq!(house.detail(ids[0]).await.row.state, MessageState::Queued);
    engine
        .set_route(OWN, vec![relay_of(OWN, "own", &sink)])
        .expect("usable");
    all_are_sent(&house, &ids).await;
    engine.stop().await;
}

#[tokio::test]
async fn second_relay_takes_over_while_the_first_is_down_and_the_first_serves_again_when_it_is_up() {
    let (house, first, second) = (House::new(), relay::start().await, relay::start().await);
    first.set_mode(Mode::Down).await;
    let relays = vec![relay_of(OWN, "first", &first), relay_of(OWN, "second", &second)];
    let engine = house.engine(settings(relays)).await;
    let ids = house.submit(letters(OWN, "a", 20)).await;
    until(&engine, Place::First, HealthState::Down).await;
    // Those that found the first down are due again after a minute, and in six whatever a probe may have cost them.
    for wait in [Duration::from_secs(70), Duration::from_mins(6)] {
        for &id in &ids {
            let settled = [MessageState::Sent, MessageState::Deferred];
            house.until(id, |m| settled.contains(&m.row.state)).await;
        }
        house.pass(&engine, wait);
    }
    all_are_sent(&house, &ids).await;
    for &id in &ids {
        assert!(house.attempts(id).await.len() <= 2, "one failure each at most");
    }
    assert_eq!(second.count(), 20);
    first.set_mode(Mode::Up).await;
    house.pass(&engine, Duration::from_mins(11));
    let probe = house.submit(letters(OWN, "probe", 1)).await;
    all_are_sent(&house, &probe).await;
    until(&engine, Place::First, HealthState::Up).await;
    house.pass(&engine, Duration::from_mins(1));
    let ids = house.submit(letters(OWN, "b", 20)).await;
    all_are_sent(&house, &ids).await;
    let back = first.received();
    assert_eq!(back.iter().filter(|m| m.message_id.starts_with("<b")).count(), 20);
    assert!(seen(&[&first, &second]).values().all(|&times| times == 1));
    engine.stop().await;
}

#[tokio::test]
async fn relay_is_given_no_more_than_its_rates_allow() {
    let (house, sink) = (House::new(), relay::start().await);
    let mut own = relay_of(OWN, "own", &sink);
    own.rates = Rates {
        per_minute: Some(5),
        per_hour: Some(12),
    };
    let engine = house.engine(settings(vec![own])).await;
    let ids = house.submit(letters(OWN, "m", 20)).await;
    for (sent, pass) in [(5, 61), (10, 61), (12, 3_700), (17, 61), (20, 0)] {
        let done = async {
            loop {
                let mut states = 0;
                for &id in &ids {
                    states += usize::from(house.detail(id).await.row.state == MessageState::Sent);
                }
                if states >= sent {
                    return states;
                }
                tokio::task::yield_now().await;
            }
        };
        let done = tokio::time::timeout(Duration::from_secs(30), done).await;
        assert_eq!(done.expect("in time"), sent);
        house.pass(&engine, Duration::from_secs(pass));
    }
    engine.stop().await;
}

#[tokio::test]
async fn down_relay_whose_mail_is_all_deferred_is_probed_when_the_probe_is_due() {
    let (house, sink) = (House::new(), relay::start().await);
    sink.set_mode(Mode::Down).await;
    let mut settings = settings(vec![relay_of(OWN, "own", &sink)]);
    let hour = vec![Duration::from_hours(1); 9];
    settings.retry = postroom_domain::RetrySchedule::new(hour, postroom_domain::PermanentFailures::Retry)
        .expect("nine waits");
    let engine = house.engine(settings).await;
    let ids = house.submit(letters(OWN, "m", 3)).await;
    until(&engine, Place::First, HealthState::Down).await;
    for &id in &ids {
        house.until_state(id, MessageState::Deferred).await;
    }
    sink.set_mode(Mode::Up).await;
    // Half a minute later the probe is due, an hour before any of the mail.
    house.pass(&engine, Duration::from_secs(40));
    until(&engine, Place::First, HealthState::Up).await;
    all_are_sent(&house, &ids).await;
    assert_eq!(sink.count(), 3);
    engine.stop().await;
}

#[tokio::test]
async fn changed_settings_probe_a_relay_that_is_down_at_once() {
    let (house, good) = (House::new(), relay::start().await);
    let refusing = relay::start_doing(Stage::Greeting, Act::Close).await;
    let engine = house
        .engine(settings(vec![relay_of(OWN, "wrong", &refusing)]))
        .await;
    let ids = house.submit(letters(OWN, "m", 6)).await;
    until(&engine, Place::First, HealthState::Down).await;
    engine
        .set_route(OWN, vec![relay_of(OWN, "right", &good)])
        .expect("usable");
    // The clock stands still: nothing of this waits for a time.
    all_are_sent(&house, &ids).await;
    assert_eq!(good.count(), 6);
    engine.stop().await;
}
