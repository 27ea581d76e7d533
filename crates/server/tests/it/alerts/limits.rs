//! Daily limits that are really reached (A4).

use postroom_store::ConfiguredLimits;
use postroom_testkit::relay;

use super::Place;

const OWN: &str = "Your daily e-mail limit has been reached";
const ANOTHERS: &str = "The daily e-mail limit of a user has been reached";
const SYSTEM: &str = "The daily Postroom E-mail limit for the System Office has been reached";

async fn limit(place: &Place, system: u64, user: u64) {
    let limits = ConfiguredLimits {
        system: Some(system),
        user: Some(user),
        user_default: user,
        time_zone: Some("UTC".to_owned()),
        server_zone: "UTC".to_owned(),
    };
    let store = &place.server.running.node().store;
    store.configure_limits(limits).await.unwrap();
}

#[tokio::test]
async fn first_message_held_under_a_users_limit_is_told_to_them_and_to_the_system_office() {
    let sink = relay::start().await;
    let place = Place::open(&sink, |_| {}).await;
    limit(&place, 0, 2).await;
    for _ in 0..2 {
        place.letter(&place.case, "a@example.com").await;
    }
    place.until_all_is_told().await;
    place.until_told(&place.case, &[]).await;
    for _ in 0..3 {
        place.letter(&place.case, "a@example.com").await;
    }
    place.until_told(&place.case, &[(OWN, 1)]).await;
    place.until_told(&place.chief, &[(ANOTHERS, 1)]).await;
    let alert = &place.alerts(&place.chief).await[0];
    assert!(alert["text"].as_str().unwrap().contains("by case"), "{alert}");
    place.until_all_is_told().await;
    for nobody in [&place.head, &place.lee, &place.idle] {
        place.until_told(nobody, &[]).await;
    }
}

#[tokio::test]
async fn system_limit_is_told_to_each_sender_with_held_mail_once_that_day() {
    let sink = relay::start().await;
    let place = Place::open(&sink, |_| {}).await;
    limit(&place, 2, 0).await;
    for _ in 0..2 {
        place.letter(&place.case, "a@example.com").await;
    }
    place.letter(&place.lee, "b@example.com").await;
    place.until_told(&place.lee, &[(SYSTEM, 1)]).await;
    place.until_told(&place.chief, &[(SYSTEM, 1)]).await;
    place.until_told(&place.case, &[]).await;
    for _ in 0..2 {
        place.letter(&place.case, "a@example.com").await;
    }
    place.until_told(&place.case, &[(SYSTEM, 1)]).await;
    place.until_told(&place.chief, &[(SYSTEM, 2)]).await;
    place.until_told(&place.head, &[]).await;
}
