//! Relays with limits of their own: they cost no attempt, take nothing Down, and are learnt.

use std::time::{Duration, Instant};

use postroom_domain::health::HealthState;
use postroom_domain::{Kind, LimitValues, MessageId, MessageState, RecipientState, RouteId};
use postroom_engine::{EngineHandle, EngineSettings, RelaySettings};
use postroom_smtp::reply::{EnhancedCode, Reply};
use postroom_smtp::sink::{Act, ConnectionLimit, Rule, SinkConfig, SinkHandle, SinkLimits, Stage};
use postroom_store::{AttemptResult, Consumer, Facts, Throttles};
use postroom_testkit::relay;

use crate::house::{House, impatient, message};

fn reply(code: u16, (class, subject, detail): (u8, u16, u16), text: &'static str) -> Reply {
    Reply::enhanced(code, EnhancedCode::new(class, subject, detail), text)
}

async fn relay_with(limits: SinkLimits) -> SinkHandle {
    relay::start_with(SinkConfig {
        limits,
        // A relay across a network: what is not parallel is slow.
        plan: Rule::at(Stage::FinalDot, Act::Stall(Duration::from_millis(40))).into(),
        ..SinkConfig::default()
    })
    .await
}

/// Default settings, but for timeouts that a test can wait for.
fn default_settings(sink: &SinkHandle) -> EngineSettings {
    let mut settings = House::settings(&impatient(sink));
    settings.relays = vec![RelaySettings::new("main", RouteId::SERVER, impatient(sink))];
    settings
}

async fn submit(house: &House, n: i64) -> Vec<MessageId> {
    let letters = (0..n).map(|n| message(n % 5, Kind::Direct, &format!("m{n}"), &["a@example.test"]));
    house.submit(letters.collect()).await
}

/// Waits until all are sent, each with one attempt that cost nothing before.
async fn all_are_sent_at_the_first_attempt(house: &House, ids: &[MessageId]) {
    for &id in ids {
        let detail = house.until_state(id, MessageState::Sent).await;
        assert_eq!(detail.row.attempts, 1, "{id}");
        assert_eq!(house.attempts(id).await.len(), 1, "{id}");
    }
}

async fn nothing_is_told(house: &House) {
    let facts = house.store.facts(Consumer::Alerts, 256).await.expect("reads");
    assert!(facts.is_empty(), "{facts:?}");
}

fn learnt(engine: &EngineHandle) -> LimitValues {
    engine.status().relays[0].limits
}

/// The time that 200 messages take with `connections` configured.
async fn time_of_200(sink: &SinkHandle, connections: u32) -> Duration {
    let house = House::new();
    let ids = submit(&house, 200).await;
    let mut settings = default_settings(sink);
    settings.relays[0].connections = connections;
    let began = Instant::now();
    let engine = house.engine(settings).await;
    sink.wait_for(200).await;
    let took = began.elapsed();
    all_are_sent_at_the_first_attempt(&house, &ids).await;
    nothing_is_told(&house).await;
    if connections > 3 {
        assert_eq!(learnt(&engine).connections, Some(3));
    }
    assert_eq!(engine.status().relays[0].state, HealthState::Up);
    engine.stop().await;
    took
}

async fn default_settings_are_as_fast_as_the_right_ones(connections: ConnectionLimit) {
    let limits = || SinkLimits {
        connections: Some(connections.clone()),
        ..SinkLimits::default()
    };
    let right = time_of_200(&relay_with(limits()).await, 3).await;
    let default = time_of_200(&relay_with(limits()).await, RelaySettings::CONNECTIONS_DEFAULT).await;
    // Seventeen connections in vain are a fixed cost, and a slow build's machine has other things to do.
    assert!(
        default <= right.mul_f64(1.2) + Duration::from_millis(500),
        "{default:?} with default settings, {right:?} with three connections"
    );
}

#[tokio::test]
async fn relay_that_greets_three_connections_is_used_as_if_three_were_configured() {
    let over = reply(
        421,
        (4, 7, 0),
        "relay.test Error: too many connections from 127.0.0.1",
    );
    default_settings_are_as_fast_as_the_right_ones(ConnectionLimit::AtGreeting(3, over)).await;
}

#[tokio::test]
async fn relay_that_takes_mail_on_three_connections_is_used_as_if_three_were_configured() {
    let over = reply(432, (4, 3, 2), "Concurrent connections limit exceeded");
    default_settings_are_as_fast_as_the_right_ones(ConnectionLimit::AtMail(3, over)).await;
}

#[tokio::test]
async fn relay_that_closes_what_is_too_much_without_a_reason_is_no_outage_either() {
    let over = reply(421, (4, 3, 2), "Service not available");
    default_settings_are_as_fast_as_the_right_ones(ConnectionLimit::AtGreeting(3, over)).await;
}

#[tokio::test]
async fn relay_that_refuses_every_connection_is_down() {
    let over = reply(421, (4, 7, 0), "too many connections");
    let sink = relay_with(SinkLimits {
        connections: Some(ConnectionLimit::AtGreeting(0, over)),
        ..SinkLimits::default()
    })
    .await;
    let house = House::new();
    submit(&house, 40).await;
    let engine = house.engine(default_settings(&sink)).await;
    let mut status = engine.watch();
    let down = status.wait_for(|status| status.relays[0].state == HealthState::Down);
    tokio::time::timeout(Duration::from_secs(30), down)
        .await
        .expect("in time")
        .expect("runs");
    assert_eq!(learnt(&engine).connections, None, "an outage teaches no limit");
    engine.stop().await;
}

#[tokio::test]
async fn sixty_recipients_leave_in_transactions_of_five_within_one_attempt() {
    for over in [
        reply(452, (4, 5, 3), "Error: too many recipients"),
        reply(552, (5, 5, 3), "too many recipients"),
        Reply::basic(552, "too many recipients"),
    ] {
        let limits = SinkLimits {
            recipients: Some((5, over.clone())),
            ..SinkLimits::default()
        };
        let (house, sink) = (House::new(), relay_with(limits).await);
        let engine = house.engine(House::settings(&impatient(&sink))).await;
        let addresses: Vec<_> = (0..60).map(|n| format!("r{n}@example.test")).collect();
        let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
        let many = message(1, Kind::Direct, "many", &addresses);
        let id = house.submit(vec![many]).await[0];
        let detail = house.until_state(id, MessageState::Sent).await;
        assert!(detail.recipients.iter().all(|r| r.state == RecipientState::Sent));
        assert_eq!(detail.row.attempts, 1);
        let attempts = house.attempts(id).await;
        assert_eq!((attempts.len(), attempts[0].result), (1, AttemptResult::Sent));
        let received = sink.received();
        let sizes: Vec<_> = received.iter().map(|m| m.recipients.len()).collect();
        assert_eq!(sizes, [5; 12], "{over:?}");
        let mut all: Vec<_> = received.into_iter().flat_map(|m| m.recipients).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 60, "each once");
        assert_eq!(learnt(&engine).recipients, Some(5));
        // The next message is split beforehand: nobody is named in vain.
        let before = sink.commands().len();
        let next = message(1, Kind::Direct, "next", &addresses[..10]);
        let id = house.submit(vec![next]).await[0];
        house.until_state(id, MessageState::Sent).await;
        let commands = sink.commands().split_off(before);
        let named = commands
            .iter()
            .filter(|(_, line)| line.starts_with("RCPT"))
            .count();
        assert_eq!(named, 10);
        nothing_is_told(&house).await;
        engine.stop().await;
    }
}

#[tokio::test]
async fn envelope_that_went_ahead_before_a_limit_was_learnt_is_answered_as_it_was_sent() {
    let limits = SinkLimits {
        recipients: Some((5, reply(452, (4, 5, 3), "too many recipients"))),
        ..SinkLimits::default()
    };
    let (house, sink) = (House::new(), relay_with(limits).await);
    let mut settings = default_settings(&sink);
    for relay in &mut settings.relays {
        relay.connections = 1;
    }
    let addresses: Vec<_> = (0..12).map(|n| format!("r{n}@example.test")).collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    let letters = (0..3).map(|n| message(1, Kind::Direct, &format!("m{n}"), &addresses));
    let ids = house.submit(letters.collect()).await;
    let engine = house.engine(settings).await;
    all_are_sent_at_the_first_attempt(&house, &ids).await;
    let sizes: usize = sink.received().iter().map(|m| m.recipients.len()).sum();
    assert_eq!(sizes, 36, "each once");
    assert_eq!(learnt(&engine).recipients, Some(5));
    nothing_is_told(&house).await;
    engine.stop().await;
}

#[tokio::test]
async fn recipients_over_a_limit_share_the_answer_to_content_that_was_refused() {
    let limits = SinkLimits {
        recipients: Some((2, reply(452, (4, 5, 3), "too many recipients"))),
        ..SinkLimits::default()
    };
    let sink = relay::start_with(SinkConfig {
        limits,
        plan: Rule::at(Stage::FinalDot, Act::Reply(reply(451, (4, 7, 1), "try again")))
            .times(1)
            .into(),
        ..SinkConfig::default()
    })
    .await;
    let house = House::new();
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    let to = ["a@x.test", "b@x.test", "c@x.test", "d@x.test"];
    let id = house.submit(vec![message(1, Kind::Direct, "m", &to)]).await[0];
    house.until_state(id, MessageState::Deferred).await;
    let attempts = house.attempts(id).await;
    assert_eq!(attempts[0].reply.code, 451);
    assert_eq!(attempts[0].recipients, [], "nobody was told anything else");
    house.pass(&engine, Duration::from_mins(2));
    let detail = house.until_state(id, MessageState::Sent).await;
    assert_eq!(detail.row.attempts, 2);
    engine.stop().await;
}

#[tokio::test]
async fn bad_recipient_among_several_transactions_is_tried_again_alone() {
    let limits = SinkLimits {
        recipients: Some((2, reply(452, (4, 5, 3), "too many recipients"))),
        ..SinkLimits::default()
    };
    let sink = relay::start_with(SinkConfig {
        limits,
        by_address: postroom_smtp::sink::ByAddress::On {
            stall: Duration::ZERO,
        },
        ..SinkConfig::default()
    })
    .await;
    let house = House::new();
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    let to = ["a@x.test", "fail@x.test", "b@x.test", "c@x.test", "d@x.test"];
    let id = house.submit(vec![message(1, Kind::Direct, "m", &to)]).await[0];
    let detail = house.until_state(id, MessageState::Deferred).await;
    let states: Vec<_> = detail.recipients.iter().map(|r| r.state).collect();
    let (sent, pending) = (RecipientState::Sent, RecipientState::Pending);
    assert_eq!(states, [sent, pending, sent, sent, sent]);
    let attempts = house.attempts(id).await;
    assert_eq!((attempts.len(), attempts[0].result), (1, AttemptResult::Partial));
    assert_eq!(attempts[0].reply.code, 550);
    house.pass(&engine, Duration::from_mins(2));
    house.until(id, |d| d.row.attempts == 2).await;
    let all: Vec<_> = sink.received().into_iter().flat_map(|m| m.recipients).collect();
    assert_eq!(all.len(), 4, "nobody gets it twice");
    engine.stop().await;
}

#[tokio::test]
async fn session_that_has_carried_enough_is_followed_by_another_at_once() {
    for over in [
        reply(450, (4, 7, 1), "too many messages in this session"),
        Reply::basic(421, "too many messages in this connection"),
    ] {
        let limits = SinkLimits {
            messages: Some((10, over.clone())),
            ..SinkLimits::default()
        };
        let (house, sink) = (House::new(), relay_with(limits).await);
        let ids = submit(&house, 100).await;
        let engine = house.engine(House::settings(&impatient(&sink))).await;
        all_are_sent_at_the_first_attempt(&house, &ids).await;
        assert_eq!(learnt(&engine).messages, Some(10), "{over:?}");
        nothing_is_told(&house).await;
        let refused = sink.connections();
        engine.stop().await;
        assert!(refused <= 4 + 100 / 10 + 4, "{refused} connections");
    }
}

#[tokio::test]
async fn mail_that_comes_too_fast_waits_untried_and_the_pace_is_learnt() {
    let over = reply(450, (4, 7, 1), "Error: too much mail from 127.0.0.1");
    let limits = SinkLimits {
        pace: Some((20, Duration::from_secs(1), over)),
        ..SinkLimits::default()
    };
    let (house, sink) = (House::new(), relay_with(limits).await);
    let ids = submit(&house, 40).await;
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    let mut status = engine.watch();
    let paused = status.wait_for(|status| status.relays[0].paused_until.is_some());
    paused.await.expect("runs");
    assert!(learnt(&engine).per_minute.is_some_and(|n| n <= 20));
    for _ in 0..40 {
        if sink.count() == 40 {
            break;
        }
        let before = sink.count();
        house.pass(&engine, Duration::from_mins(1));
        let more = tokio::time::timeout(Duration::from_secs(2), sink.wait_for(before + 1));
        let _some = more.await;
    }
    all_are_sent_at_the_first_attempt(&house, &ids).await;
    nothing_is_told(&house).await;
    engine.stop().await;
}

#[tokio::test]
async fn learnt_limits_hold_after_a_restart() {
    let over = reply(421, (4, 7, 0), "too many connections");
    let sink = relay_with(SinkLimits {
        connections: Some(ConnectionLimit::AtGreeting(2, over)),
        ..SinkLimits::default()
    })
    .await;
    let house = House::new();
    let ids = submit(&house, 40).await;
    let engine = house.engine(default_settings(&sink)).await;
    all_are_sent_at_the_first_attempt(&house, &ids).await;
    engine.stop().await;
    let stored = house.store.relay_limits().await.expect("reads");
    assert_eq!(stored[0].values.connections, Some(2));
    let house = house.after_a_crash().await;
    let before = sink.connections();
    let engine = house.engine(default_settings(&sink)).await;
    assert_eq!(learnt(&engine).connections, Some(2));
    let ids = submit(&house, 40).await;
    all_are_sent_at_the_first_attempt(&house, &ids).await;
    assert!(sink.connections() - before <= 2, "no connection is tried in vain");
    engine.stop().await;
}
