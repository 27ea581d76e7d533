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

#[tokio::test]
async fn requeue_of_what_somebody_holds_back_names_the_rule_of_holding() {
    let house = House::open().await;
    let boss = Rights {
        super_user: true,
        ..Rights::default()
    };
    let boss = house.person("boss", house.root, boss).await;
    let case = house.person("case", house.root, Rights::default()).await;
    let id = house.letter(&case, "a@example.com", "s").await;
    let held = act(&house, &boss, json!({"action": "hold", "ids": [id]})).await;
    assert_eq!(held["done"], 1, "{held}");
    for dry_run in [true, false] {
        let request = json!({"action": "requeue", "ids": [id], "dry_run": dry_run});
        let refused = act(&house, &case, request).await;
        let item = &refused["items"][0];
        assert_eq!(
            (&refused["refused"], &item["rule"]),
            (&json!(1), &json!("hold_message")),
            "dry run {dry_run}: {refused}"
        );
        assert!(item["reason"].as_str().unwrap().contains("held back"), "{item}");
    }
    // With a filter the same, counted before and after.
    let refused = act(
        &house,
        &case,
        json!({"action": "requeue", "filter": {}, "dry_run": true}),
    )
    .await;
    assert_eq!((&refused["done"], &refused["refused"]), (&json!(0), &json!(1)));
    let done = act(&house, &boss, json!({"action": "requeue", "ids": [id]})).await;
    assert_eq!(done["done"], 1, "whoever may release may put it back: {done}");
}
