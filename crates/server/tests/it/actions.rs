//! Acting on messages.

use axum::http::Method;
use postroom_store::Rights;
use serde_json::{Value, json};

use crate::house::{House, Person};

async fn act(house: &House, who: &Person, body: Value) -> Value {
    let ask = house.ask(Method::POST, "/api/v1/messages/actions").key(&who.key);
    ask.json(&body).send().await.json()
}

#[tokio::test]
async fn dry_run_counts_and_changes_nothing() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let id = house.letter(&case, "a@example.com", "s").await;
    let report = act(
        &house,
        &case,
        json!({"action": "delete", "ids": [id], "dry_run": true}),
    )
    .await;
    assert_eq!(report["done"], 1);
    assert_eq!(house.kept().await, 1);
    let report = act(&house, &case, json!({"action": "delete", "ids": [id, id]})).await;
    assert_eq!(
        (&report["done"], report["items"].as_array().map(Vec::len)),
        (&json!(1), Some(1))
    );
    assert_eq!(house.kept().await, 0);
}

#[tokio::test]
async fn action_that_does_not_fit_the_state_is_skipped_with_its_reason() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let id = house.letter(&case, "a@example.com", "s").await;
    let report = act(
        &house,
        &case,
        json!({"action": "resend", "ids": [id, "0000000000001"]}),
    )
    .await;
    insta::assert_json_snapshot!(report, {".items[].id" => "[id]"});
}
