//! What the server measures of itself.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use postroom_domain::{Clock, ManualClock, Timestamp};
use postroom_store::{Rights, SqliteOptions};
use serde_json::{Value, json};

use crate::house::{House, Person, START};
use crate::server::Server;

const ADMINISTRATOR: Rights = Rights {
    super_user: false,
    enterprise_view: false,
    administrator: true,
    customize_list_layout: false,
};

async fn history(house: &House, who: &Person, query: &str) -> Value {
    let path = format!("/api/v1/status/history{query}");
    let answer = house.ask(Method::GET, &path).key(&who.key).send().await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

async fn look(house: &House) {
    house.clock.advance(Duration::from_secs(10));
    house.node.measuring.look(None).await.unwrap();
}

#[tokio::test]
async fn each_step_tells_what_waited_and_what_came_in() {
    let house = House::open().await;
    let root = house.person("root", house.root, ADMINISTRATOR).await;
    assert_eq!(history(&house, &root, "").await["points"], json!([]));
    house.letter(&root, "a@example.com", "one").await;
    house.letter(&root, "b@example.com", "two").await;
    look(&house).await;
    house.letter(&root, "c@example.com", "three").await;
    look(&house).await;
    let told = history(&house, &root, "").await;
    assert_eq!(told["step_seconds"], 10);
    assert_eq!(told["measured_at"], house.clock.now().to_string());
    let points = told["points"].as_array().unwrap();
    let seen: Vec<_> = points
        .iter()
        .map(|point| {
            (
                point["waiting"].clone(),
                point["accepted"].clone(),
                point["oldest_seconds"].clone(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [(json!(2), json!(2), json!(10)), (json!(3), json!(1), json!(20))]
    );
    assert_eq!(points[0]["latency_p50_ms"], Value::Null);
    assert_eq!(told["last_hour"]["accepted"], 3);
    assert_eq!(told["last_hour"]["since"], points[0]["at"]);
    let day = history(&house, &root, "?hours=24").await;
    assert_eq!(
        (&day["step_seconds"], &day["points"][0]["accepted"]),
        (&json!(300), &json!(3))
    );
    let week = history(&house, &root, "?hours=168").await;
    assert_eq!(
        (&week["step_seconds"], &week["points"][0]["waiting"]),
        (&json!(1800), &json!(3))
    );
}

#[tokio::test]
async fn scheduled_mail_does_not_wait() {
    let house = House::open().await;
    let root = house.person("root", house.root, ADMINISTRATOR).await;
    let later = json!({
        "from": "root@example.test", "to": ["a@example.com"], "subject": "later", "text": "later",
        "send_at": START.plus(Duration::from_secs(86_400)),
    });
    let answer = house
        .ask(Method::POST, "/api/v1/messages")
        .key(&root.key)
        .json(&later)
        .send()
        .await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    look(&house).await;
    let point = &history(&house, &root, "").await["points"][0];
    assert_eq!(
        (&point["waiting"], &point["oldest_seconds"]),
        (&json!(0), &Value::Null)
    );
}

#[tokio::test]
async fn other_hours_are_refused_by_name() {
    let house = House::open().await;
    let root = house.person("root", house.root, ADMINISTRATOR).await;
    for (query, words) in [
        ("hours=2", "hours: is 2, but has to be 1, 24 or 168 (a week)"),
        ("hours=-1", "hours"),
        ("hours=day", "hours"),
        ("days=1", "there is no parameter \"days\""),
    ] {
        let path = format!("/api/v1/status/history?{query}");
        let answer = house.ask(Method::GET, &path).key(&root.key).send().await;
        let problem = answer.json();
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(
            problem["detail"].as_str().unwrap().contains(words),
            "{query}: {problem}"
        );
    }
}

#[tokio::test]
async fn figures_of_all_offices_are_for_the_system_offices_administrators_alone() {
    let house = House::open().await;
    let branch = house.office(house.root, "Branch").await;
    let local = house.person("local", branch, ADMINISTRATOR).await;
    let case = house.person("case", house.root, Rights::default()).await;
    for who in [&local, &case] {
        let answer = house
            .ask(Method::GET, "/api/v1/status/history")
            .key(&who.key)
            .send()
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(answer.json()["rule"], "administer_system");
    }
}

#[tokio::test]
async fn nodes_tell_their_version_and_since_when() {
    let house = House::open().await;
    let root = house.person("root", house.root, ADMINISTRATOR).await;
    house.clock.advance(Duration::from_secs(5));
    let told = history(&house, &root, "").await;
    let node = json!([{
        "name": "mail.example.test", "version": env!("CARGO_PKG_VERSION"), "since": START.to_string(), "role": "single",
    }]);
    assert_eq!(told["nodes"], node);
}

#[tokio::test]
async fn sent_and_failed_mail_and_how_long_it_took_are_counted_over_a_restart() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_795_001_400_000_000)));
    let shared = || Arc::clone(&clock) as Arc<dyn Clock>;
    let refusing = postroom_testkit::relay::start_by_address(Duration::ZERO).await;
    let server = Server::on(shared(), SqliteOptions::default(), |config, _| {
        config.relay[0].port = refusing.addr().port();
        config.delivery.permanent_failures = postroom_server::config::PermanentFailures::Fail;
    })
    .await;
    let key = server.with_case().await;
    for to in ["a@example.com", "fail@example.com"] {
        let body = json!({"from": "case@example.test", "to": [to], "subject": "s", "text": "t"}).to_string();
        let (status, answer) = server.post("/api/v1/messages", Some(&key), body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    }
    let totals = || server.running.engine().totals();
    let ended = async {
        while totals().sent + totals().failed < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ended)
        .await
        .unwrap();
    clock.advance(Duration::from_secs(10));
    let measuring = Arc::clone(&server.running.node().measuring);
    measuring.look(Some(server.running.engine())).await.unwrap();
    let before = measuring.steps(postroom_domain::Span::Hour);
    let figures = &before[0].figures;
    assert_eq!((figures.accepted, figures.sent, figures.failed), (2, 1, 1));
    assert!(figures.latencies.quantile(95).is_some());
    // Stopping writes down what was measured.
    let server = server.again(shared(), |_| {}).await;
    let after = server.running.node().measuring.steps(postroom_domain::Span::Hour);
    assert_eq!(after.first(), before.first());
}
