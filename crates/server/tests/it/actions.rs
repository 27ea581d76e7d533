//! Acting on messages.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::Method;
use postroom_store::sqlite::{SqliteOptions, WriteFault, WriteFaults, WriteOperation};
use postroom_store::{AuditView, Rights, StoreError};
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

/// Refuses everything but intakes, once it is switched on.
#[derive(Debug, Default)]
struct IntakesAlone(AtomicBool);

impl WriteFaults for IntakesAlone {
    fn on_operation(&self, operation: WriteOperation) -> WriteFault {
        if self.0.load(Ordering::SeqCst) && operation.name != "enqueue" {
            WriteFault::Refuse(StoreError::Unavailable("switched off".to_owned()))
        } else {
            WriteFault::None
        }
    }
}

#[tokio::test]
async fn resent_mail_is_in_the_audit_log_as_soon_as_it_is_there() {
    let faults = Arc::new(IntakesAlone::default());
    let options = SqliteOptions {
        faults: Some(Arc::clone(&faults) as _),
        ..SqliteOptions::default()
    };
    let house = House::on(options, |_| {}).await;
    let case = house.person("case", house.root, Rights::default()).await;
    house.letter(&case, "a@example.com", "s").await;
    let ids = house.deliver(1, 0).await;
    faults.0.store(true, Ordering::SeqCst);
    let body = json!({"action": "resend", "ids": [ids[0].to_string()]});
    let report = act(&house, &case, body).await;
    assert_eq!(report["done"], 1, "{report}");
    assert_eq!(house.kept().await, 2);
    let audit = house.node.store.audit_page(AuditView::Everything, None, 50);
    let audit = audit.await.unwrap();
    let resent = audit
        .iter()
        .filter(|row| row.entry.action.name() == "messages.resend");
    assert_eq!(resent.count(), 1);
}
