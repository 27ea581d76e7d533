//! Ten real attempts (A5).

use std::time::Duration;

use postroom_testkit::relay;

use super::Place;

const UNDELIVERABLE: &str = "You have undeliverable e-mail";

#[tokio::test]
async fn tenth_failed_attempt_is_told_to_the_sender_and_to_nobody_else() {
    let sink = relay::start_by_address(Duration::ZERO).await;
    let place = Place::open(&sink, |_| {}).await;
    let id = place.letter(&place.case, "fail@example.com").await;
    for attempt in 1..=9 {
        place.until_state(&place.case, &id, "deferred", attempt).await;
        assert!(
            place.titles(&place.case).await.is_empty(),
            "after attempt {attempt}"
        );
        place.pass(Duration::from_mins(70));
    }
    place.until_state(&place.case, &id, "failed", 10).await;
    place.until_told(&place.case, &[(UNDELIVERABLE, 1)]).await;
    let alert = &place.alerts(&place.case).await[0];
    assert!(alert["text"].as_str().unwrap().contains("550 5.1.1"), "{alert}");
    assert_eq!(
        alert["link"],
        serde_json::json!({"to": "queue", "query": "type=failed"})
    );
    place.until_all_is_told().await;
    for nobody in [&place.chief, &place.head, &place.lee, &place.idle] {
        place.until_told(nobody, &[]).await;
    }
}
