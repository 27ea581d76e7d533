//! What an account learns of its limits, and what explains a refusal without one.

use super::*;

const HOUR: Duration = Duration::from_hours(1);

#[test]
fn transaction_has_as_many_recipients_as_the_relay_takes_and_is_tried_with_one_more() {
    let account = account();
    assert_eq!(account.recipients(), usize::MAX);
    account.refused(Throttle::Recipients, 5, START);
    assert_eq!(account.recipients(), 5);
    account.accepted(5, START);
    assert_eq!(account.recipients(), 5);
    account.accepted(5, START.plus(HOUR));
    assert_eq!(account.recipients(), 6);
}

#[test]
fn session_carries_as_many_messages_as_the_relay_takes_and_no_more_than_configured() {
    let account = account();
    assert_eq!(account.messages(1, 100, START), 100);
    account.refused(Throttle::Messages, 10, START);
    assert_eq!(account.messages(10, 100, START), 10);
    assert_eq!(account.messages(10, 7, START), 7);
    assert_eq!(account.messages(10, 100, START.plus(HOUR)), 11);
}

#[test]
fn refusals_teach_nothing_where_the_relay_then_works_for_nobody() {
    let account = account();
    let (open, refused) = (account.connect(FIRST), account.connect(FIRST));
    refused.refused(START);
    assert_eq!(account.values().connections, Some(1));
    account.nothing_works();
    assert_eq!(account.values().connections, None);
    drop(open);
}

#[test]
fn account_is_named_and_paused_where_mail_came_too_fast() {
    let account = account();
    assert_eq!(
        (account.name().host.as_str(), account.name().port),
        ("smtp.example.com", 587)
    );
    assert_eq!(account.paused_until(START), None);
    account.refused(Throttle::Pace, 0, START);
    assert_eq!(
        account.paused_until(START),
        Some(START.plus(Duration::from_secs(1)))
    );
}

#[tokio::test(start_paused = true)]
async fn refusal_right_after_a_connection_ended_shows_no_number_unless_others_are_open() {
    for (seconds, others, learnt) in [(0, 0, None), (31, 0, Some(1)), (0, 1, Some(1)), (31, 2, Some(2))] {
        let account = account();
        let open: Vec<_> = (0..others).map(|_| account.connect(FIRST)).collect();
        let served = account.connect(FIRST);
        served.took(START);
        drop(served);
        tokio::time::advance(Duration::from_secs(seconds)).await;
        account.connect(FIRST).refused(START);
        assert_eq!(
            account.values().connections,
            learnt,
            "{others} others, {seconds} s after one ended"
        );
        drop(open);
    }
}

#[test]
fn connection_that_was_refused_is_no_open_one_when_it_closes() {
    let account = account();
    let (refused, other) = (account.connect(FIRST), account.connect(FIRST));
    other.took(START);
    refused.refused(START);
    refused.closes(START);
    assert!(!other.others_are_open());
    assert!(refused.others_are_open());
}

#[test]
fn relay_waits_for_a_connection_no_longer_than_half_a_minute() {
    let account = account();
    let held = account.connect(FIRST);
    held.took(START);
    let mut now = START;
    let mut waits = Vec::new();
    for _ in 0..8 {
        account.connect(SECOND).refused(now);
        let until = account.ready_at(SECOND, now);
        account.connect(SECOND).refused(now);
        assert_eq!(account.ready_at(SECOND, now), until, "of the same burst");
        waits.push(until.since(now).as_millis());
        now = until;
    }
    assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    account.forget(SECOND);
    assert_eq!(account.ready_at(SECOND, now), now);
}
