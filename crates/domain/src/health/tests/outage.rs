//! What is known of a relay while it is Down, and when it is tried again.

use super::*;

fn content(n: i64, sender: i64) -> FailedMessage {
    failed_at(n, sender, FailedAt::Content)
}

#[test]
fn relay_that_was_found_down_is_probed_at_once() {
    let policy = HealthPolicy::default();
    let health = RelayHealth::found_down(policy, START, error(), after(60));
    assert_eq!(health.state(), HealthState::Down);
    assert_eq!(health.since(), Some(START));
    assert_eq!(health.last_error(), Some(&error()));
    assert!(health.probe_is_due(after(60)));
    assert_eq!(
        (health.suspect(), health.suspects_one()),
        (None, false),
        "whose mail failed is not known"
    );
}

#[test]
fn last_error_is_that_of_the_last_probe_until_the_relay_is_up() {
    let mut health = down();
    let other = Reply::none("no route to host");
    assert_eq!(health.last_error(), Some(&error()));
    assert!(health.start_probe(id(4), after(30)));
    assert_eq!(health.last_error(), Some(&error()));
    health.relay_failed(failed(4), &other, after(31), Chance::EVEN);
    assert_eq!(health.last_error(), Some(&other));
    health.relay_answered(after(32));
    assert_eq!(health.last_error(), None);
}

#[test]
fn probe_that_somebody_wants_comes_now_and_the_later_ones_at_their_interval() {
    let mut health = down();
    health.probe_at_once(after(3));
    assert_eq!(health.next_probe_at(), Some(after(3)));
    health.probe_at_once(after(5));
    assert_eq!(
        health.next_probe_at(),
        Some(after(3)),
        "one that is due comes no later"
    );
    assert!(health.start_probe(id(4), after(5)));
    assert_eq!(health.last_probe(), Some(id(4)));
    health.relay_failed(failed(4), &error(), after(5), Chance::EVEN);
    assert_eq!(health.next_probe_at(), Some(after(65)));
    assert_eq!(health.last_probe(), Some(id(4)));
}

#[test]
fn sender_is_suspected_where_the_last_failure_may_be_the_mails() {
    let mut health = down();
    assert_eq!(health.suspect(), None, "no message had a part in it");
    assert!(health.start_probe(id(4), after(30)));
    health.relay_failed(content(4, 40), &error(), after(30), Chance::EVEN);
    assert_eq!(health.suspect(), Some(UserId(40)));
    health.relay_answered(after(31));
    assert_eq!((health.suspect(), health.suspects_one()), (None, false));
}

#[test]
fn outage_of_one_senders_mail_stays_that_while_its_probes_are_that_senders() {
    let mut health = relay();
    for (n, seconds) in [(1, 0), (2, 0), (3, 3_600)] {
        health.relay_failed(content(n, 1), &error(), after(seconds), Chance::EVEN);
    }
    assert!(health.suspects_one());
    for (probe, sender, suspects_one) in [(4, 1, true), (5, 2, false), (6, 1, false)] {
        let due = health.next_probe_at().expect("down");
        assert!(health.start_probe(id(probe), due));
        health.relay_failed(content(probe, sender), &error(), due, Chance::EVEN);
        assert_eq!(health.suspects_one(), suspects_one, "after the probe {probe}");
    }
}

#[test]
fn full_load_is_reached_when_the_ramp_ends() {
    let mut health = down();
    assert_eq!((relay().full_load_at(), health.full_load_at()), (None, None));
    health.relay_answered(after(40));
    let full = after(70);
    assert_eq!(health.full_load_at(), Some(full));
    assert_eq!(health.connections_allowed(20, 1, full), 20);
    assert_eq!(
        health.connections_allowed(20, 1, full.minus(Duration::from_secs(1))),
        19
    );
}

#[test]
fn half_of_a_messages_attempts_and_one_of_one_may_be_spent_on_probes() {
    let early = [0, 1, 2, 9, 10].map(attempts_to_probe_early);
    assert_eq!(early, [0, 1, 1, 5, 5]);
}

#[test]
fn clock_that_is_moved_moves_what_an_outage_knows() {
    let micros = 3_600_000_000;
    let mut health = down();
    health.clock_moved(micros);
    assert_eq!(health.since(), Some(START.moved(micros)));
    assert_eq!(health.next_probe_at(), Some(after(30).moved(micros)));
    health.relay_answered(after(3_640));
    health.clock_moved(-micros);
    assert_eq!(health.full_load_at(), Some(after(70)));
}
