//! A relay that misbehaves once: recorded in words, tried again by the schedule, arrived in the end.

use std::time::Duration;

use postroom_domain::{Kind, MessageState};
use postroom_smtp::reply::Reply;
use postroom_smtp::sink::{Act, Rule, Stage};
use postroom_store::AttemptResult;
use postroom_testkit::relay;

use crate::house::{House, impatient, message};

const STAGES: [Stage; 8] = [
    Stage::Greeting,
    Stage::Ehlo,
    Stage::Mail,
    Stage::Rcpt,
    Stage::Data,
    Stage::Content,
    Stage::FinalDot,
    Stage::Kept,
];

/// Runs one message into one misbehaviour, then past it; answers how the first attempt ended.
async fn once(stage: Stage, act: Act) -> AttemptResult {
    let name = format!("{stage:?} {act:?}");
    let (house, sink) = (
        House::new(),
        relay::start_planned(Rule::at(stage, act).times(1)).await,
    );
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    let id = house
        .submit(vec![message(1, Kind::Direct, "once", &["a@example.test"])])
        .await[0];
    let detail = house
        .until(id, |d| {
            matches!(d.row.state, MessageState::Deferred | MessageState::Sent)
        })
        .await;
    let first = house.attempts(id).await.remove(0);
    if detail.row.state == MessageState::Deferred {
        assert!(
            detail.row.error.is_some_and(|e| e.text.len() > 5),
            "{name}: says why"
        );
        house.pass(&engine, Duration::from_mins(2));
        house.until_state(id, MessageState::Sent).await;
    }
    let copies = sink.received().len();
    // The relay kept it and did not say so, or said the opposite: SMTP has no way to know.
    let may_be_double = first.result != AttemptResult::Sent && stage == Stage::Kept;
    assert!(
        copies == 1 || (copies == 2 && may_be_double),
        "{name}: {copies} copies"
    );
    engine.stop().await;
    first.result
}

fn reply(code: u16) -> Reply {
    Reply::basic(code, "as the test says")
}

#[tokio::test]
async fn close_at_any_stage_loses_nothing_and_is_uncertain_only_behind_the_dot() {
    // A short message's content and dot leave in one write, so a close in the content is behind the dot too.
    for stage in STAGES.into_iter().filter(|stage| *stage != Stage::Content) {
        let result = once(stage, Act::Close).await;
        let behind = matches!(stage, Stage::FinalDot | Stage::Kept);
        assert_eq!(
            result == AttemptResult::Uncertain,
            behind,
            "{stage:?}: {result:?}"
        );
    }
}

#[tokio::test]
async fn reset_at_any_stage_loses_nothing() {
    for stage in STAGES {
        once(stage, Act::Cut).await;
    }
}

#[tokio::test]
async fn silence_at_any_stage_is_timed_out() {
    for stage in STAGES {
        assert_ne!(once(stage, Act::Silence).await, AttemptResult::Sent, "{stage:?}");
    }
}

#[tokio::test]
async fn service_not_available_at_any_stage_is_tried_again() {
    for stage in STAGES {
        once(stage, Act::ReplyThenClose(reply(421))).await;
    }
}

#[tokio::test]
async fn refusals_at_any_stage_are_tried_again() {
    for stage in [Stage::Mail, Stage::Rcpt, Stage::Data, Stage::FinalDot] {
        for code in [450, 451, 452, 500, 550, 552, 554] {
            assert_eq!(
                once(stage, Act::Reply(reply(code))).await,
                AttemptResult::Deferred,
                "{stage:?} {code}"
            );
        }
    }
}

#[tokio::test]
async fn garbage_at_any_stage_is_recorded_and_tried_again() {
    for stage in STAGES {
        once(
            stage,
            Act::SayThenClose(b"\xff\xfeHTTP/1.1 400 nonsense\r\n\r\n".to_vec()),
        )
        .await;
        once(stage, Act::SayThenClose(b"25".to_vec())).await;
    }
}

#[tokio::test]
async fn slow_relay_is_waited_for() {
    for stage in STAGES {
        let stalled = once(stage, Act::Stall(Duration::from_millis(50))).await;
        assert_eq!(stalled, AttemptResult::Sent, "{stage:?}");
    }
}
