//! Content in memory stays within its budget, and whoever finds no room waits or goes back untried.

use std::sync::Arc;
use std::time::{Duration, Instant};

use postroom_domain::{Kind, MessageState};
use postroom_engine::EngineSettings;
use postroom_engine::budget::ContentBudget;
use postroom_engine::packing::pack;
use postroom_smtp::client::RelayConfig;
use postroom_store::NewMessage;
use postroom_testkit::relay::{self, described};

use crate::house::{House, message};

const MIB: usize = 1 << 20;

/// A letter of so many bytes that do not compress to nothing.
fn large(name: &str, bytes: usize) -> NewMessage {
    let mut message = message(1, Kind::Direct, name, &["ann@example.test"]);
    let line = |n: usize| format!("{:076}\r\n", n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let body: String = (0..bytes / 78).map(line).collect();
    message.content.body = pack(body.as_bytes());
    message
}

fn settings(relay: &RelayConfig, budget: &Arc<ContentBudget>) -> EngineSettings {
    let mut settings = House::settings(relay);
    settings.budget = Arc::clone(budget);
    settings
}

fn used(budget: &ContentBudget) -> u64 {
    budget
        .shares()
        .iter()
        .map(|(_, share)| share.usage().used_bytes)
        .sum()
}

#[tokio::test]
async fn large_messages_all_leave_within_the_budget_even_those_larger_than_their_share() {
    let (house, sink) = (House::new(), relay::start().await);
    // Large content has 4 MiB of it, and one relay half of those.
    let budget = Arc::new(ContentBudget::new(16 << 20));
    let engine = house.engine(settings(&described(&sink), &budget)).await;
    let mut ids = Vec::new();
    let sizes = [
        MIB,
        3 * MIB,
        6 * MIB,
        MIB,
        2 * MIB,
        200,
        MIB,
        5 * MIB,
        100 * 1_024,
        3 * MIB,
    ];
    for (n, size) in sizes.into_iter().enumerate() {
        ids.extend(house.submit(vec![large(&format!("m{n}"), size)]).await);
    }
    for id in ids {
        let detail = house.until_state(id, MessageState::Sent).await;
        assert_eq!(detail.row.attempts, 1, "{id}");
    }
    engine.stop().await;
    assert_eq!(used(&budget), 0);
}

#[tokio::test]
async fn message_that_waits_for_room_goes_back_untried_when_the_engine_stops_and_small_ones_pass() {
    let (house, sink) = (House::new(), relay::start().await);
    let budget = Arc::new(ContentBudget::new(16 << 20));
    let others = budget.outgoing.large.try_reserve(u64::MAX).expect("free");
    let engine = house.engine(settings(&described(&sink), &budget)).await;
    let waits = house.submit(vec![large("large", MIB)]).await[0];
    house.until_state(waits, MessageState::Sending).await;
    let small = house
        .submit(vec![message(1, Kind::Direct, "small", &["bob@example.test"])])
        .await[0];
    house.until_state(small, MessageState::Sent).await;

    let began = Instant::now();
    engine.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let detail = house.detail(waits).await;
    assert_eq!((detail.row.state, detail.row.attempts), (MessageState::Queued, 0));
    assert!(house.attempts(waits).await.is_empty());

    drop(others);
    let engine = house.engine(settings(&described(&sink), &budget)).await;
    house.until_state(waits, MessageState::Sent).await;
    engine.stop().await;
    assert_eq!(used(&budget), 0);
}
