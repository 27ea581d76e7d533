mod outage;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::id::UserId;

const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn relay() -> RelayHealth {
    RelayHealth::new(HealthPolicy::default())
}

fn down() -> RelayHealth {
    let mut health = relay();
    for n in 1..=3 {
        health.relay_failed(failed(n), &error(), START, Chance::EVEN);
    }
    assert_eq!(health.state(), HealthState::Down);
    health
}

/// A message that met a relay without a word; message and sender have the same number.
fn failed(n: i64) -> FailedMessage {
    failed_at(n, n, FailedAt::Session)
}

fn failed_at(n: i64, sender: i64, at: FailedAt) -> FailedMessage {
    FailedMessage {
        id: id(n),
        sender: UserId(sender),
        at,
    }
}

fn id(n: i64) -> MessageId {
    MessageId::from_ord(n)
}

fn error() -> Reply {
    Reply::none("connection refused")
}

fn after(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

#[test]
fn one_message_failing_again_and_again_takes_no_relay_down() {
    let mut health = relay();
    for n in 0..100 {
        assert_eq!(
            health.relay_failed(failed(n % 2), &error(), START, Chance::EVEN),
            None
        );
    }
    assert_eq!(health.state(), HealthState::Up);
}

#[test]
fn an_answer_begins_the_row_anew() {
    let mut health = relay();
    for n in 0..50 {
        assert_eq!(
            health.relay_failed(failed(n), &error(), START, Chance::EVEN),
            None
        );
        assert_eq!(
            health.relay_failed(failed(n + 1), &error(), START, Chance::EVEN),
            None
        );
        assert_eq!(health.relay_answered(START), None);
    }
}

#[test]
fn probes_come_at_a_growing_interval_and_rotate_messages() {
    let mut health = down();
    let mut now = START;
    let mut waits = Vec::new();
    let mut probes = Vec::new();
    for _ in 0..7 {
        let at = health.next_probe_at().expect("down");
        waits.push(at.since(now).as_secs());
        assert!(!health.probe_is_due(at.minus(Duration::from_micros(1))));
        now = at;
        let probe = health.choose_probe([id(7), id(5), id(9)]).expect("one waits");
        probes.push(probe.ord());
        assert!(health.start_probe(probe, now));
        assert!(!health.start_probe(id(99), now), "one probe at a time");
        assert_eq!(health.connections_allowed(20, 1, now), 1);
        assert_eq!(health.relay_failed(failed(1), &error(), now, Chance::EVEN), None);
        assert_eq!(
            health.state(),
            HealthState::Probing,
            "another message's failure ends no probe"
        );
        assert_eq!(
            health.relay_failed(failed(probe.ord()), &error(), now, Chance::EVEN),
            None
        );
    }
    assert_eq!(waits, [30, 60, 120, 240, 480, 600, 600]);
    assert_eq!(probes, [5, 7, 9, 5, 7, 9, 5]);
    assert_eq!(health.since(), Some(START));
}

#[test]
fn probe_given_back_untried_is_due_again_at_once() {
    let mut health = down();
    assert!(health.start_probe(id(4), after(40)));
    health.probe_given_back(id(3), after(41));
    assert_eq!(health.state(), HealthState::Probing);
    health.probe_given_back(id(4), after(41));
    assert!(health.probe_is_due(after(41)));
}

#[test]
fn success_of_the_probe_brings_it_up_and_the_load_ramps() {
    let mut health = down();
    assert_eq!(health.connections_allowed(20, 1, after(1)), 0);
    assert!(health.start_probe(id(4), after(40)));
    let edge = health.relay_answered(after(41));
    assert_eq!(
        edge,
        Some(HealthEdge::CameUp {
            down_since: START,
            at: after(41)
        })
    );
    let allowed: Vec<_> = [41, 42, 56, 70, 71, 500]
        .map(|s| health.connections_allowed(20, 1, after(s)))
        .to_vec();
    assert_eq!(allowed, [1, 1, 10, 19, 20, 20]);
    assert_eq!(health.connections_allowed(20, 3, after(500)), 6);
}

#[test]
fn relay_that_was_never_down_has_all_its_connections() {
    assert_eq!(relay().connections_allowed(20, 1, START), 20);
}

#[test]
fn mail_waits_no_longer_than_max_wait_for_a_relay_that_is_down() {
    let day = MAX_WAIT_DEFAULT;
    assert!(!waited_too_long(
        START,
        START,
        START.plus(day).minus(Duration::from_micros(1)),
        day
    ));
    assert!(waited_too_long(START, START, START.plus(day), day));
    assert!(
        !waited_too_long(START, after(60), START.plus(day), day),
        "the outage began later"
    );
    assert!(
        !waited_too_long(after(60), START, START.plus(day), day),
        "the mail came later"
    );
}

#[test]
fn one_senders_refusals_take_no_relay_down() {
    let mut health = relay();
    for n in 0..100 {
        let refused = failed_at(n, 1, FailedAt::Sender);
        let at = after(u64::try_from(n).expect("small") * 60);
        assert_eq!(health.relay_failed(refused, &error(), at, Chance::EVEN), None);
    }
    let other = failed_at(200, 2, FailedAt::Sender);
    let edge = health.relay_failed(other, &error(), after(7_000), Chance::EVEN);
    assert!(
        matches!(edge, Some(HealthEdge::WentDown { .. })),
        "another sender is refused too"
    );
}

#[test]
fn content_that_ends_connections_is_the_messages_until_another_senders_fails() {
    let mut health = relay();
    for n in 0..100 {
        let lost = failed_at(n, 1, FailedAt::Content);
        assert_eq!(health.relay_failed(lost, &error(), after(1), Chance::EVEN), None);
    }
    assert_eq!(
        health.relay_failed(
            failed_at(200, 2, FailedAt::Sender),
            &error(),
            after(1),
            Chance::EVEN
        ),
        None,
        "a refused sender is another fault"
    );
    let edge = health.relay_failed(
        failed_at(201, 3, FailedAt::Content),
        &error(),
        after(1),
        Chance::EVEN,
    );
    assert!(matches!(edge, Some(HealthEdge::WentDown { .. })));
}

#[test]
fn one_senders_mail_alone_shows_an_outage_that_lasts() {
    let mut health = relay();
    let mut fail = |n, at| {
        health.relay_failed(
            failed_at(n, 1, FailedAt::Transaction),
            &error(),
            after(at),
            Chance::EVEN,
        )
    };
    assert_eq!(fail(1, 0), None);
    assert_eq!(fail(2, 0), None);
    assert_eq!(
        fail(1, 301),
        None,
        "two messages are too few however long it lasts"
    );
    assert!(matches!(fail(3, 302), Some(HealthEdge::WentDown { .. })));

    let mut health = relay();
    let mut fail = |n, at| {
        health.relay_failed(
            failed_at(n, 1, FailedAt::Transaction),
            &error(),
            after(at),
            Chance::EVEN,
        )
    };
    for n in 1..=3 {
        assert_eq!(fail(n, 0), None);
    }
    assert_eq!(fail(1, 299), None);
    assert!(matches!(fail(1, 300), Some(HealthEdge::WentDown { .. })));
}

#[test]
fn outage_of_one_senders_mail_is_of_several_once_anothers_fails() {
    let mut health = relay();
    let fail = |health: &mut RelayHealth, n, sender, seconds| {
        let failed = failed_at(n, sender, FailedAt::Transaction);
        health.relay_failed(failed, &error(), after(seconds), Chance::EVEN)
    };
    for n in 1..=3 {
        assert_eq!(fail(&mut health, n, 1, 0), None);
    }
    assert!(fail(&mut health, 4, 1, 300).is_some());
    assert!(health.suspects_one());
    fail(&mut health, 5, 1, 301);
    assert!(health.suspects_one());
    fail(&mut health, 6, 2, 302);
    assert!(!health.suspects_one());
}

#[test]
fn content_that_failed_yesterday_makes_no_row_with_what_fails_today() {
    let mut health = relay();
    let day = 24 * 3_600;
    let fail = |health: &mut RelayHealth, n, seconds| {
        let failed = failed_at(n, 1, FailedAt::Content);
        health.relay_failed(failed, &error(), after(seconds), Chance::EVEN)
    };
    for n in 1..=3 {
        assert_eq!(fail(&mut health, n, 0), None);
    }
    assert_eq!(fail(&mut health, 4, day), None);
    assert_eq!(fail(&mut health, 5, day), None);
    assert_eq!(fail(&mut health, 4, day + 3_600), None, "two messages");
    assert!(fail(&mut health, 6, day + 3_601).is_some());
}

#[test]
fn messages_that_failed_before_others_were_taken_take_it_down_only_where_that_lasts() {
    let mut health = relay();
    let fail = |health: &mut RelayHealth, n, seconds| {
        let failed = failed_at(n, n, FailedAt::Content);
        health.relay_failed(failed, &error(), after(seconds), Chance::EVEN)
    };
    for n in 1..=2 {
        assert_eq!(fail(&mut health, n, 0), None);
    }
    assert!(matches!(
        fail(&mut health, 3, 0),
        Some(HealthEdge::WentDown { .. })
    ));
    fail(&mut health, 4, 1);
    health.relay_answered(after(60));
    // All of them are due now, and would take it Down at once, again and again.
    for n in 1..=4 {
        assert_eq!(fail(&mut health, n, 60), None);
    }
    assert_eq!(fail(&mut health, 1, 79), None);
    let mut lasts = health.clone();
    assert!(matches!(
        fail(&mut lasts, 1, 80),
        Some(HealthEdge::WentDown { .. })
    ));
    for n in 5..=6 {
        assert_eq!(fail(&mut health, n, 61), None);
    }
    assert!(matches!(
        fail(&mut health, 7, 61),
        Some(HealthEdge::WentDown { .. })
    ));
}

#[test]
fn content_of_one_sender_is_suspected_for_an_hour() {
    let mut health = relay();
    let mut fail = |n, at| {
        let lost = failed_at(n, 1, FailedAt::Content);
        health.relay_failed(lost, &error(), after(at), Chance::EVEN)
    };
    for n in 1..=3 {
        assert_eq!(fail(n, 0), None);
    }
    assert_eq!(fail(4, 3_599), None);
    assert!(matches!(fail(4, 3_600), Some(HealthEdge::WentDown { .. })));
}

#[test]
fn wait_of_one_kind_of_failure_begins_with_the_first_of_that_kind() {
    let mut health = relay();
    let mut fail = |n, sender, at, seconds| {
        let failed = failed_at(n, sender, at);
        health.relay_failed(failed, &error(), after(seconds), Chance::EVEN)
    };
    // A sender that may not send says nothing of what hangs up on another's content hours later.
    assert_eq!(fail(1, 1, FailedAt::Sender, 0), None);
    for n in 2..=4 {
        assert_eq!(fail(n, 2, FailedAt::Content, 10_800), None);
    }
    assert_eq!(fail(2, 2, FailedAt::Content, 10_800 + 3_599), None);
    let edge = fail(2, 2, FailedAt::Content, 10_800 + 3_600);
    assert!(matches!(edge, Some(HealthEdge::WentDown { .. })));
}

#[test]
fn clock_that_is_moved_makes_no_row_last_longer() {
    let mut health = relay();
    let fail = |health: &mut RelayHealth, n, seconds| {
        let failed = failed_at(n, 1, FailedAt::Content);
        health.relay_failed(failed, &error(), after(seconds), Chance::EVEN)
    };
    for n in 1..=3 {
        assert_eq!(fail(&mut health, n, 0), None);
    }
    health.clock_moved(7_200_000_000);
    assert_eq!(fail(&mut health, 1, 7_210), None);
}

#[test]
fn probe_whose_sender_is_refused_shows_that_the_relay_speaks() {
    let mut health = down();
    assert!(health.start_probe(id(9), after(40)));
    let refused = failed_at(9, 9, FailedAt::Sender);
    let edge = health.relay_failed(refused, &error(), after(40), Chance::EVEN);
    assert!(matches!(edge, Some(HealthEdge::CameUp { .. })));

    let mut health = relay();
    for n in 1..=3 {
        health.relay_failed(failed_at(n, n, FailedAt::Sender), &error(), START, Chance::EVEN);
    }
    assert!(health.start_probe(id(9), after(40)));
    assert_eq!(
        health.relay_failed(refused, &error(), after(40), Chance::EVEN),
        None
    );
    assert_eq!(health.state(), HealthState::Down, "that outage is about senders");
}

#[derive(Debug, Clone)]
enum Step {
    Fails(i64),
    Answers,
    Probe(i64),
    GiveBack(i64),
    Wait(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_i64..5).prop_map(Step::Fails),
        1 => Just(Step::Answers),
        2 => (0_i64..5).prop_map(Step::Probe),
        1 => (0_i64..5).prop_map(Step::GiveBack),
        2 => (0_u16..700).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 0..120)
}

proptest! {
    #[test]
    fn down_needs_three_different_messages_and_edges_alternate(steps in steps(), chance in 0.0..=1.0) {
        let mut health = relay();
        let mut now = START;
        let mut row = BTreeSet::new();
        let mut is_down = false;
        for step in steps {
            let edge = match step {
                Step::Fails(n) => {
                    if !is_down { row.insert(n); }
                    health.relay_failed(failed(n), &error(), now, Chance::new(chance))
                }
                Step::Answers => {
                    let edge = health.relay_answered(now);
                    prop_assert_eq!(edge.is_some(), is_down);
                    row.clear();
                    edge
                }
                Step::Probe(n) => {
                    let due = health.probe_is_due(now);
                    prop_assert_eq!(health.start_probe(id(n), now), due);
                    None
                }
                Step::GiveBack(n) => { health.probe_given_back(id(n), now); None }
                Step::Wait(s) => { now = now.plus(Duration::from_secs(s.into())); None }
            };
            match edge {
                Some(HealthEdge::WentDown { since, .. }) => {
                    prop_assert!(!is_down && row.len() == FAILURES_TO_GO_DOWN && since == now);
                    is_down = true;
                }
                Some(HealthEdge::CameUp { .. }) => { prop_assert!(is_down); is_down = false; }
                None => prop_assert!(is_down || row.len() < FAILURES_TO_GO_DOWN),
            }
            prop_assert_eq!(is_down, health.state() != HealthState::Up);
            if let Some(at) = health.next_probe_at() {
                prop_assert!(at.since(now) <= Duration::from_secs(660), "a probe comes within 11 minutes");
            }
        }
    }

    #[test]
    fn ramp_grows_and_stays_within_the_share(most in 0_u32..5000, nodes in 0_u32..10, a in 0_u64..60, b in 0_u64..60) {
        let at = |s| ramp(Some(START), after(s), Duration::from_secs(30), most, nodes);
        let share = (most / nodes.max(1)).max(1);
        prop_assert!(at(a.min(b)) <= at(a.max(b)));
        prop_assert!((1..=share).contains(&at(a)));
        prop_assert_eq!(at(30), share);
    }
}
