//! What a crash, or a stop, leaves behind.

use std::time::Duration;

use postroom_domain::{Kind, MessageState, NodeSlot, RouteId};
use postroom_smtp::sink::{Act, Stage};
use postroom_store::{AttemptResult, LeaseRequest, Queue, Want};
use postroom_testkit::relay;

use crate::house::{House, START, impatient, message};

#[tokio::test]
async fn lease_of_a_dead_process_is_an_uncertain_attempt_and_is_tried_again() {
    let house = House::new();
    let id = house
        .submit(vec![message(1, Kind::Direct, "cut", &["a@example.test"])])
        .await[0];
    let node = house.store.join(NodeSlot(0), START).await.expect("joins");
    let wants = vec![Want {
        route: RouteId::SERVER,
        n: 1,
    }];
    let leases = house
        .store
        .lease(LeaseRequest {
            node,
            wants,
            now: START,
        })
        .await
        .expect("leases");
    assert_eq!(leases.len(), 1);
    let house = house.after_a_crash().await;

    let sink = relay::start().await;
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    let attempts = house.attempts(id).await;
    assert_eq!(
        (attempts.len(), attempts[0].result),
        (1, AttemptResult::Uncertain)
    );
    house.until_state(id, MessageState::Deferred).await;
    house.pass(&engine, Duration::from_mins(2));
    let detail = house.until_state(id, MessageState::Sent).await;
    assert_eq!(detail.row.attempts, 2);
    assert_eq!(sink.received()[0].message_id, "<cut@test.example>");
    engine.stop().await;
}

#[tokio::test]
async fn stop_finishes_what_is_on_the_wire_and_gives_the_rest_back() {
    let house = House::new();
    let sink = relay::start_doing(Stage::FinalDot, Act::Stall(Duration::from_millis(100))).await;
    let letters = (0..30).map(|n| message(1, Kind::Direct, &format!("m{n}"), &["a@example.test"]));
    let ids = house.submit(letters.collect()).await;
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    sink.wait_for(3).await;
    engine.stop().await;
    let received = sink.received().len();
    let mut sent = 0;
    for id in ids {
        let detail = house.detail(id).await;
        assert!(
            matches!(detail.row.state, MessageState::Sent | MessageState::Queued),
            "{:?}",
            detail.row
        );
        assert!(
            house
                .attempts(id)
                .await
                .iter()
                .all(|attempt| attempt.result == AttemptResult::Sent)
        );
        sent += usize::from(detail.row.state == MessageState::Sent);
    }
    assert_eq!(sent, received);
    assert!(sent < 30);
}
