//! Maintenance in the background.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use postroom_office::upkeep::{self, UpkeepSettings};
use postroom_store::Rights;
use postroom_store::sqlite::{SqliteOptions, WriteFault, WriteFaults, WriteOperation};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::house::House;

/// Counts steps in which space is given back.
#[derive(Debug)]
struct Steps(Semaphore);

impl WriteFaults for Steps {
    fn on_operation(&self, operation: WriteOperation) -> WriteFault {
        if operation.name == "release" {
            self.0.add_permits(1);
        }
        WriteFault::None
    }
}

#[tokio::test]
async fn space_of_deleted_mail_is_given_back_without_waiting_for_the_next_round_of_purging() {
    let steps = Arc::new(Steps(Semaphore::new(0)));
    let options = SqliteOptions {
        faults: Some(Arc::clone(&steps) as _),
        ..SqliteOptions::default()
    };
    let house = House::on(options, |_| {}).await;
    let case = house.person("case", house.root, Rights::default()).await;
    let mut ids = Vec::new();
    for n in 0..90 {
        let letter = json!({
            "from": "case@example.test", "to": ["a@example.com"], "subject": n.to_string(), "text": noise(n, 200_000),
        });
        let ask = house.ask(Method::POST, "/api/v1/messages").key(&case.key);
        let answer = ask.json(&letter).send().await.json();
        ids.push(answer["id"].as_str().expect("taken in").to_owned());
    }
    let ask = house.ask(Method::POST, "/api/v1/messages/actions").key(&case.key);
    let deleted = json!({"action": "delete", "ids": ids});
    assert_eq!(ask.json(&deleted).send().await.json()["done"], 90);

    let stopping = CancellationToken::new();
    // Purging is due once, when it starts.
    let settings = UpkeepSettings {
        index_every: Duration::from_millis(2),
        forget_rounds: 1_000_000,
    };
    let store = Arc::clone(&house.node.store);
    let clock = Arc::clone(&house.clock);
    let work = tokio::spawn(upkeep::run(store, clock as _, settings, stopping.clone()));
    let several = tokio::time::timeout(Duration::from_secs(30), steps.0.acquire_many(3)).await;
    assert!(several.is_ok(), "one step a round of purging");
    stopping.cancel();
    work.await.unwrap();
}

/// Text that does not compress well.
fn noise(seed: u64, characters: usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut state = seed + 1;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(LETTERS[(state >> 58) as usize])
    };
    let line = |_| (0..70).map(|_| next()).chain(['\n']).collect::<String>();
    (0..characters / 71).map(line).collect()
}
