//! A store without room.

use std::sync::Arc;

use postroom_domain::{MessageState, Scope};
use postroom_server::clock::SystemClock;
use postroom_store::{Filter, SqliteOptions};
use serde_json::json;

use crate::server::{GOOD, Server};

/// Pages of 4 KiB: the schema and a few large messages.
const PAGES: u32 = 500;

#[tokio::test]
async fn full_store_refuses_new_mail_delivers_what_it_has_and_recovers_when_there_is_room() {
    let options = SqliteOptions {
        max_pages: Some(PAGES),
        ..SqliteOptions::default()
    };
    let server = Server::on(Arc::new(SystemClock), options, |_, _| {}).await;
    let key = server.with_case().await;
    let mut dialogue = server.signed_in().await;
    let mut queued = 0;
    let full = loop {
        let reply = dialogue
            .send("case", &["client@example.com"], &large(queued))
            .await;
        if reply.code != 250 {
            break reply;
        }
        queued += 1;
        assert!(queued < 200, "the store has no end");
    };
    assert_eq!((full.code, full.enhanced()), (452, "4.3.1"), "{full:?}");
    assert!(
        full.text.contains("no room") && full.text.contains("try again later"),
        "{full:?}"
    );
    let message = json!({"from": "case@example.test", "to": ["client@example.com"], "text": large(999)});
    let (status, problem) = server
        .post("/api/v1/messages", Some(&key), message.to_string())
        .await;
    assert_eq!(
        (status.as_u16(), problem["code"].as_str()),
        (503, Some("store_full"))
    );
    assert_eq!(server.kept().await, queued);

    // What was acknowledged before leaves, and is recorded as sent, without more room.
    server.relay.wait_for(queued).await;
    wait_until_sent(&server, queued).await;
    assert_eq!(server.relay.count(), queued);

    let ids: Vec<String> = server.rows().await.iter().map(|row| row.id.to_string()).collect();
    let (status, report) = server
        .post(
            "/api/v1/messages/actions",
            Some(&key),
            json!({"action": "delete", "ids": ids}).to_string(),
        )
        .await;
    assert_eq!(
        (status.as_u16(), report["done"].as_u64()),
        (200, Some(queued)),
        "{report}"
    );
    let reply = dialogue.send("case", &["client@example.com"], GOOD).await;
    assert_eq!(reply.code, 250, "{reply:?}");
    let checked = server.command(&["check"], "", &[]).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

/// A message of 60 KiB that does not compress.
fn large(n: u64) -> String {
    use rand::{RngExt as _, SeedableRng as _};

    let mut random = rand::rngs::StdRng::seed_from_u64(n);
    let mut text = GOOD.to_owned();
    for _ in 0..800 {
        text.extend((0..75).map(|_| char::from(random.random_range(b'A'..=b'z'))));
        text.push_str("\r\n");
    }
    text
}

async fn wait_until_sent(server: &Server, wanted: u64) {
    let store = &server.running.node().store;
    let mut changes = store.changes();
    let filter = Filter {
        state: Some(MessageState::Sent),
        ..Filter::default()
    };
    while store.counts(&Scope::everything(), &filter).await.unwrap().total < wanted {
        let change = tokio::time::timeout(std::time::Duration::from_secs(20), changes.recv()).await;
        drop(change.expect("a change in time"));
    }
}
