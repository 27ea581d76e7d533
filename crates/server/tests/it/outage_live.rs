//! A relay that goes and comes back, as the person at the list sees it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use postroom_domain::{Clock as _, ManualClock};
use postroom_server::config::HumanDuration;
use postroom_smtp::sink::Mode;
use postroom_store::SqliteOptions;
use serde_json::json;

use crate::events::Events;
use crate::house::START;
use crate::server::Server;

#[tokio::test]
async fn outage_and_recovery_are_seen_without_a_reload() {
    let clock = Arc::new(ManualClock::new(START));
    let server = Server::on(Arc::clone(&clock) as _, SqliteOptions::default(), |config, _| {
        config.delivery.retry_waits = vec![HumanDuration::from_minutes(60)];
    })
    .await;
    let key = server.with_case().await;
    let mut ids = Vec::new();
    for n in 0..3 {
        clock.advance(Duration::from_millis(1));
        let message = json!({
            "from": "case@example.test", "to": ["client@example.com"], "subject": format!("letter {n}"), "text": "x",
            "send_at": START.plus(Duration::from_secs(60)),
        });
        let (status, answer) = server
            .post("/api/v1/messages", Some(&key), message.to_string())
            .await;
        assert_eq!(
            (status.as_u16(), answer["state"].as_str()),
            (202, Some("scheduled"))
        );
        ids.push(answer["id"].as_str().unwrap().to_owned());
    }
    let mut live = watch(&server, &key, &ids).await;

    server.relay.set_mode(Mode::Down).await;
    clock.advance(Duration::from_secs(61));
    server.running.engine().wake();
    live.until_all_are("deferred", &ids).await;
    let down = until_status_says(&server, &key, "down").await;
    live.until_relay_is("down").await;
    assert!(
        down.elapsed() < Duration::from_secs(1),
        "told {:?} after the fact",
        down.elapsed()
    );
    let status = server.get("/api/v1/status", &key).await;
    assert_eq!(status["relays"][0]["state"], "down");
    let why = server
        .get(&format!("/api/v1/messages/{}/explain", ids[0]), &key)
        .await;
    let evidence = why["evidence"].to_string();
    let since = status["relays"][0]["since"].as_str().unwrap();
    assert!(evidence.contains(&format!("is down since {since}")), "{evidence}");
    assert!(evidence.contains("nothing tries the relay"), "{evidence}");
    let ends = clock.now().plus(postroom_domain::health::MAX_WAIT_DEFAULT);
    assert!(
        evidence.contains(&format!("it is given up at {ends}")),
        "from the outage's start: {evidence}"
    );
    let next_at = why["next_at"].as_str().expect("a probe is planned");
    assert!(evidence.contains(&format!("before {next_at}")), "{evidence}");

    server.relay.set_mode(Mode::Up).await;
    // A new letter probes the relay; that it came Up makes the others due, whose hour has not passed.
    let probe = json!({"from": "case@example.test", "to": ["client@example.com"], "text": "x"});
    let (status, _) = server
        .post("/api/v1/messages", Some(&key), probe.to_string())
        .await;
    assert_eq!(status.as_u16(), 202);
    clock.advance(Duration::from_secs(40));
    server.running.engine().wake();
    live.until_all_are("sent", &ids).await;
    live.until_relay_is("up").await;
    let arrived: HashSet<String> = server
        .relay
        .received()
        .into_iter()
        .map(|received| received.message_id)
        .collect();
    assert_eq!((arrived.len(), server.relay.count()), (4, 4), "each once");
}

#[tokio::test]
async fn flush_from_the_command_line_tries_a_server_that_is_down_at_once() {
    let clock = Arc::new(ManualClock::new(START));
    let server = Server::on(Arc::clone(&clock) as _, SqliteOptions::default(), |_, _| {}).await;
    let key = server.with_case().await;
    server.relay.set_mode(Mode::Down).await;
    let letter = json!({"from": "case@example.test", "to": ["client@example.com"], "text": "x"}).to_string();
    for _ in 0..3 {
        let (status, answer) = server.post("/api/v1/messages", Some(&key), letter.clone()).await;
        assert_eq!(status.as_u16(), 202);
        let id = answer["id"].as_str().unwrap();
        until_is(&server, &key, id, "deferred").await;
        let deleted = server.command(&["queue", "delete", id], "", &[]).await;
        assert_eq!(deleted.code, Some(0), "{deleted:?}");
    }
    until_status_says(&server, &key, "down").await;
    // Nothing is deferred, so that no message is made due: the server itself has to be tried.
    let (_, answer) = server.post("/api/v1/messages", Some(&key), letter).await;
    let id = answer["id"].as_str().unwrap();
    server.relay.set_mode(Mode::Up).await;
    assert_eq!(
        server.get("/api/v1/status", &key).await["relays"][0]["state"],
        "down"
    );
    let flushed = server.command(&["queue", "flush"], "", &[]).await;
    assert_eq!(flushed.out, "0 deferred messages are due now\n");
    // No time passes.
    until_status_says(&server, &key, "up").await;
    until_is(&server, &key, id, "sent").await;
}

/// How long a state may take.
const SOON: Duration = Duration::from_secs(60);

async fn until_is(server: &Server, key: &str, id: &str, state: &str) {
    let began = Instant::now();
    while server.get(&format!("/api/v1/messages/{id}"), key).await["state"] != state {
        assert!(began.elapsed() < SOON, "{id} is not {state}");
        tokio::task::yield_now().await;
    }
}

/// Asks until the relay is in this state; answers when it was.
async fn until_status_says(server: &Server, key: &str, state: &str) -> Instant {
    let began = Instant::now();
    loop {
        let status = server.get("/api/v1/status", key).await;
        if status["relays"][0]["state"] == state {
            return Instant::now();
        }
        assert!(began.elapsed() < SOON, "the relay is not {state}");
        tokio::task::yield_now().await;
    }
}

struct Live {
    rows: Events,
    statuses: Events,
}

async fn watch(server: &Server, key: &str, ids: &[String]) -> Live {
    let open = async || {
        let request = Request::builder()
            .uri(format!("/api/v1/events?visible={}", ids.join(",")))
            .header("host", "mail.example.test")
            .header("authorization", format!("Bearer {key}"));
        let (status, body) = server.open(request.body(Body::empty()).unwrap()).await;
        assert_eq!(status.as_u16(), 200);
        Events::over(body)
    };
    Live {
        rows: open().await,
        statuses: open().await,
    }
}

impl Live {
    /// Reads row events until the last one of each message shows this state; a failed try says why.
    async fn until_all_are(&mut self, state: &str, ids: &[String]) {
        let mut there = HashSet::new();
        while there.len() < ids.len() {
            let event = self.rows.next("rows").await.expect("the stream goes on");
            for row in event["rows"].as_array().unwrap() {
                let id = row["id"].as_str().unwrap().to_owned();
                if row["state"] == state {
                    assert_eq!(row["error"].is_string(), state == "deferred", "{row}");
                    there.insert(id);
                } else {
                    there.remove(&id);
                }
            }
        }
    }

    async fn until_relay_is(&mut self, state: &str) {
        loop {
            let status = self.statuses.next("status").await.expect("the stream goes on");
            if status["relays"][0]["state"] == state {
                return;
            }
        }
    }
}
