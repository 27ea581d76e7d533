//! A machine's clock that somebody sets while the engine runs.

use std::sync::Arc;
use std::time::Duration;

use postroom_domain::{Clock, Kind, ManualClock, MessageState, SteadyClock};
use postroom_engine::{EngineHandle, Even};
use postroom_smtp::reply::Reply;
use postroom_smtp::sink::{Act, Rule, Stage};
use postroom_store::{Consumer, FactKind, Facts, Store};
use postroom_testkit::relay;

use crate::house::{House, impatient, message};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

/// An engine that reads the house's clock through one that passes over short jumps.
async fn engine(
    house: &House,
    relay: &postroom_smtp::client::RelayConfig,
) -> (EngineHandle, Arc<SteadyClock>) {
    let machine: Arc<ManualClock> = Arc::clone(&house.clock);
    let clock = Arc::new(SteadyClock::new(machine));
    let engine = EngineHandle::start(
        House::settings(relay),
        Arc::clone(&house.store) as Arc<dyn Store>,
        Arc::clone(&clock) as Arc<dyn Clock>,
        Arc::new(Even),
    )
    .await
    .expect("starts");
    (engine, clock)
}

/// Lets time pass second by second, as often as the clock is read anyway.
fn pass(house: &House, clock: &SteadyClock, seconds: u32) {
    for _ in 0..seconds {
        house.clock.advance(SECOND);
        clock.now();
    }
}

async fn deferred_mail_is_tried_in_time(set: impl Fn(&ManualClock)) {
    let busy = Reply::basic(451, "try again later");
    let once = Rule::at(Stage::Mail, Act::Reply(busy)).times(1);
    let (house, sink) = (House::new(), relay::start_planned(once).await);
    house.add_system_office().await;
    let (engine, clock) = engine(&house, &impatient(&sink)).await;
    let letter = message(1, Kind::Direct, "m", &["a@example.test"]);
    let id = house.submit(vec![letter]).await[0];
    house.until_state(id, MessageState::Deferred).await;
    set(&house.clock);
    // The retry is due after a minute, and the jump is followed after one.
    pass(&house, &clock, 62);
    engine.wake();
    house.until_state(id, MessageState::Sent).await;
    engine.stop().await;
    let facts = house.store.facts(Consumer::Alerts, 10).await.expect("reads");
    let told = facts.iter().filter(|fact| fact.kind == FactKind::ServerTrouble);
    assert_eq!(told.count(), 1, "{facts:?}");
}

#[tokio::test]
async fn deferred_mail_is_tried_in_time_though_the_clock_is_set_back_a_day() {
    deferred_mail_is_tried_in_time(|clock| clock.set(clock.now().minus(DAY))).await;
}

#[tokio::test]
async fn deferred_mail_is_tried_in_time_though_the_clock_is_set_a_month_ahead() {
    deferred_mail_is_tried_in_time(|clock| clock.set(clock.now().plus(DAY * 31))).await;
}
