//! Attempts, their times, and each recipient's own state.

use std::time::Duration;

use postroom_domain::retry::{PermanentFailures, RetrySchedule};
use postroom_domain::{Clock, Kind, MessageState, RecipientState, Timestamp};
use postroom_store::AttemptResult;
use postroom_testkit::relay;

use crate::house::{House, impatient, message};

#[tokio::test]
async fn message_leaves_as_it_was_given_and_is_sent() {
    let (house, sink) = (House::new(), relay::start().await);
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    let ids = house
        .submit(vec![message(
            1,
            Kind::Direct,
            "one",
            &["a@example.test", "b@example.test"],
        )])
        .await;
    let detail = house.until_state(ids[0], MessageState::Sent).await;
    assert!(detail.recipients.iter().all(|r| r.state == RecipientState::Sent));
    assert_eq!(detail.row.attempts, 1);
    let received = sink.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].recipients, ["a@example.test", "b@example.test"]);
    assert!(received[0].content.ends_with(b"Good day.\r\n"));
    engine.stop().await;
}

#[tokio::test]
async fn ten_attempts_follow_the_schedule_and_then_it_has_failed() {
    let (house, sink) = (House::new(), relay::start_by_address(Duration::ZERO).await);
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    let id = house
        .submit(vec![message(1, Kind::Direct, "ten", &["defer@example.test"])])
        .await[0];
    let minutes = [1, 5, 15, 30, 60, 120, 240, 360, 480];
    for (place, minutes) in minutes.into_iter().enumerate() {
        let attempts = u16::try_from(place + 1).expect("small");
        let detail = house
            .until(id, |d| {
                d.row.state == MessageState::Deferred && d.row.attempts == attempts
            })
            .await;
        let wait = Duration::from_mins(minutes);
        assert_eq!(
            detail.row.next_attempt_at,
            Some(house.clock.now().plus(wait)),
            "after attempt {attempts}"
        );
        // A second before its time nothing happens: the next attempt's start tells.
        house.pass(&engine, wait);
    }
    let detail = house.until_state(id, MessageState::Failed).await;
    assert_eq!(
        (detail.row.attempts, detail.recipients[0].state),
        (10, RecipientState::Failed)
    );
    let attempts = house.attempts(id).await;
    assert_eq!(attempts.len(), 10);
    let starts: Vec<Timestamp> = attempts.iter().map(|a| a.started_at).collect();
    for (pair, minutes) in starts.windows(2).zip(minutes) {
        assert_eq!(pair[1].since(pair[0]), Duration::from_mins(minutes));
    }
    assert!(attempts[9].reply.text.len() > 3 && attempts[9].reply.code == 451);
    engine.stop().await;
}

#[tokio::test]
async fn bad_recipient_neither_blocks_nor_resends_to_the_others() {
    let (house, sink) = (House::new(), relay::start_by_address(Duration::ZERO).await);
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    let recipients = ["good@example.test", "grey@example.test", "fail@example.test"];
    let id = house
        .submit(vec![message(1, Kind::Direct, "mixed", &recipients)])
        .await[0];
    for attempts in 1..10 {
        house
            .until(id, |d| {
                d.row.state == MessageState::Deferred && d.row.attempts == attempts
            })
            .await;
        house.pass(&engine, Duration::from_hours(9));
    }
    let detail = house.until_state(id, MessageState::Failed).await;
    let states: Vec<_> = detail.recipients.iter().map(|r| r.state).collect();
    assert_eq!(
        states,
        [RecipientState::Sent, RecipientState::Sent, RecipientState::Failed]
    );
    assert_eq!(detail.recipients[2].reply.as_ref().map(|r| r.code), Some(550));
    let taken: Vec<_> = sink.received().into_iter().flat_map(|m| m.recipients).collect();
    assert_eq!(taken, ["good@example.test", "grey@example.test"]);
    assert_eq!(house.attempts(id).await[0].result, AttemptResult::Partial);
    engine.stop().await;
}

#[tokio::test]
async fn permanent_refusal_ends_at_once_where_the_office_chose_that() {
    let (house, sink) = (House::new(), relay::start_by_address(Duration::ZERO).await);
    let mut settings = House::settings(&impatient(&sink));
    settings.retry = RetrySchedule::new(vec![Duration::from_mins(1)], PermanentFailures::Fail).expect("good");
    let engine = house.engine(settings).await;
    let id = house
        .submit(vec![message(1, Kind::Direct, "no", &["fail@example.test"])])
        .await[0];
    let detail = house.until_state(id, MessageState::Failed).await;
    assert_eq!(detail.row.attempts, 1);
    engine.stop().await;
}
