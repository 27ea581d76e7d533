//! Limits and switches of a whole server: what leaves, and when.

use std::sync::Arc;
use std::time::Duration;

use postroom_domain::{Clock, ManualClock, MessageState};
use postroom_store::SqliteOptions;

use crate::house::START;
use crate::server::{GOOD, Server};

#[tokio::test]
async fn what_is_over_the_limit_leaves_at_midnight() {
    let clock = Arc::new(ManualClock::new(START));
    let server = Server::on(Arc::clone(&clock) as _, SqliteOptions::default(), |config, _| {
        config.limits.user_daily_limit = 2;
        config.limits.time_zone = "Europe/Berlin".to_owned();
    })
    .await;
    server.with_case().await;
    let mut dialogue = server.signed_in().await;
    let mut replies = Vec::new();
    for _ in 0..3 {
        clock.advance(Duration::from_millis(1));
        let reply = dialogue.send("case", &["client@example.com"], GOOD).await;
        assert_eq!((reply.code, reply.enhanced()), (250, "2.0.0"), "{reply:?}");
        replies.push(reply.text);
    }
    assert!(!replies[1].contains("held"), "{replies:?}");
    assert!(
        replies[2].contains("held: user_limit, at least until "),
        "{replies:?}"
    );
    server.relay.wait_for(2).await;
    assert_eq!(server.rows().await[0].state, MessageState::Held);
    let store = &server.running.node().store;
    clock.set(store.limits(clock.now()).await.unwrap().day_ends);
    server.running.engine().wake();
    server.relay.wait_for(3).await;
    assert_eq!(server.relay.count(), 3);
}

#[tokio::test]
async fn what_is_queued_waits_while_the_queue_is_off() {
    let clock = Arc::new(ManualClock::new(START));
    let server = Server::on(Arc::clone(&clock) as _, SqliteOptions::default(), |config, _| {
        config.delivery.paused = true;
    })
    .await;
    let key = server.with_case().await;
    let mut dialogue = server.signed_in().await;
    dialogue
        .send("case", &["client@example.com"], GOOD)
        .await
        .expect(250);
    drop(dialogue);
    let banners = server.get("/api/v1/status", &key).await["banners"].clone();
    assert_eq!(banners[0]["kind"], "sending_paused");
    let id = server.get("/api/v1/messages", &key).await["rows"][0]["id"].clone();
    let path = format!("/api/v1/messages/{}/explain", id.as_str().unwrap());
    let explained = server.get(&path, &key).await;
    assert_eq!(
        explained["sentence"], "Sending is paused in the server configuration.",
        "{explained}"
    );
    let server = server
        .again(Arc::clone(&clock) as _, |config| config.queue.enabled = false)
        .await;
    clock.advance(Duration::from_secs(3_600));
    server.running.engine().wake();
    let status = server.get("/api/v1/status", &key).await;
    assert_eq!(status["queue"]["ready"], 1);
    assert_eq!(status["banners"][0]["kind"], "queue_disabled");
    assert_eq!(server.relay.count(), 0);
    let server = server.again(Arc::clone(&clock) as _, |_| {}).await;
    server.relay.wait_for(1).await;
}
