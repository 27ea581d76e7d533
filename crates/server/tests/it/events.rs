//! The event stream.

use std::time::{Duration, Instant};

use axum::body::{Body, BodyDataStream};
use axum::http::{Method, StatusCode};
use futures_util::StreamExt as _;
use postroom_store::{NewProxy, ProxyLevel, ProxyTerms, Rights};
use serde_json::{Value, json};

use crate::house::{House, Person, START, by};

/// Reads events off a stream.
pub(crate) struct Events {
    body: BodyDataStream,
    text: String,
}

impl Events {
    async fn open(house: &House, who: &Person, query: &str) -> Self {
        let (status, headers, body) = house
            .ask(Method::GET, &format!("/api/v1/events?{query}"))
            .key(&who.key)
            .open()
            .await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers["content-type"], "text/event-stream");
        Self::over(body)
    }

    /// Reads a stream that was opened.
    pub(crate) fn over(body: Body) -> Self {
        Self {
            body: Body::into_data_stream(body),
            text: String::new(),
        }
    }

    /// The data of the next event of this name; others are passed over. `None` when the stream ended.
    pub(crate) async fn next(&mut self, name: &str) -> Option<Value> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if event.lines().any(|line| line == format!("event: {name}")) {
                    let data = event
                        .lines()
                        .find_map(|line| line.strip_prefix("data: "))
                        .unwrap();
                    return Some(serde_json::from_str(data).unwrap());
                }
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.body.next())
                .await
                .expect("an event in time")?;
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }
}

#[tokio::test]
async fn stream_tells_of_new_changed_and_deleted_rows() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let lee = house.person("lee", house.root, Rights::default()).await;
    let id = house.letter(&case, "a@example.com", "watched").await;
    let mut events = Events::open(&house, &case, &format!("visible={id}")).await;
    let shown = events.next("rows").await.unwrap();
    assert_eq!(
        shown["rows"][0]["id"],
        json!(id),
        "the stream opens with what is in view"
    );
    assert_eq!(events.next("status").await.unwrap()["brand"], "Postroom");
    house.letter(&lee, "a@example.com", "not hers").await;
    house.letter(&case, "a@example.com", "new").await;
    assert_eq!(events.next("new").await.unwrap(), json!({"n": 1}));
    assert_eq!(events.next("counts").await.unwrap()["total"], 2);
    let act = async |action: &str| {
        let body = json!({"action": action, "ids": [id]});
        house
            .ask(Method::POST, "/api/v1/messages/actions")
            .key(&case.key)
            .json(&body)
            .send()
            .await
    };
    act("requeue").await;
    let changed = events.next("rows").await.unwrap();
    assert_eq!(
        (&changed["rows"][0]["id"], &changed["rows"][0]["subject"]),
        (&json!(id), &json!("watched"))
    );
    act("delete").await;
    assert_eq!(
        events.next("rows").await.unwrap(),
        json!({"rows": [{"id": id, "deleted": true}]})
    );
}

#[tokio::test]
async fn what_changed_between_the_list_and_the_stream_is_told_when_it_opens() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let lee = house.person("lee", house.root, Rights::default()).await;
    let kept = house.letter(&case, "a@example.com", "kept").await;
    let gone = house.letter(&case, "a@example.com", "gone").await;
    let foreign = house.letter(&lee, "a@example.com", "not hers").await;
    let body = json!({"action": "delete", "ids": [gone]});
    let deleted = house.ask(Method::POST, "/api/v1/messages/actions").key(&case.key);
    assert_eq!(deleted.json(&body).send().await.status, StatusCode::OK);
    let visible = format!("visible={kept},{gone},{foreign}");
    let mut events = Events::open(&house, &case, &visible).await;
    let told = events.next("rows").await.unwrap();
    let mut rows: Vec<(&str, bool)> = told["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["id"].as_str().unwrap(), row["deleted"] == json!(true)))
        .collect();
    rows.sort_unstable();
    let mut wanted = [
        (kept.as_str(), false),
        (gone.as_str(), true),
        (foreign.as_str(), true),
    ];
    wanted.sort_unstable();
    assert_eq!(rows, wanted, "out of scope looks like gone");
}

/// SPEC Q4. The median of five, so that a busy machine's hiccup is not taken for ours.
#[tokio::test]
async fn visible_row_changes_within_a_second_of_the_fact() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let id = house.letter(&case, "a@example.com", "watched").await;
    let mut events = Events::open(&house, &case, &format!("visible={id}")).await;
    events.next("rows").await.unwrap();
    let mut took = Vec::new();
    for _ in 0..5 {
        let body = json!({"action": "requeue", "ids": [id]});
        let act = house.ask(Method::POST, "/api/v1/messages/actions").key(&case.key);
        assert_eq!(act.json(&body).send().await.status, StatusCode::OK);
        let fact = Instant::now();
        events.next("rows").await.unwrap();
        took.push(fact.elapsed());
    }
    took.sort_unstable();
    assert!(took[2] < Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn stream_tells_nothing_more_of_a_principal_whose_proxy_is_over_by_its_date() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let partner = house.person("partner", house.root, Rights::default()).await;
    let proxy = NewProxy {
        assistant: case.user,
        principal: partner.user,
        terms: ProxyTerms {
            level: ProxyLevel::View,
            from: None,
            until: Some(START.plus(Duration::from_secs(3_600))),
        },
    };
    house.node.store.add_proxy(proxy, &by()).await.unwrap();
    house.node.authenticator.forget_all();
    let id = house.letter(&partner, "a@example.com", "theirs").await;
    let mut events = Events::open(&house, &case, &format!("visible={id}")).await;
    let shown = events.next("rows").await.unwrap();
    assert_eq!(shown["rows"][0]["subject"], "theirs");
    house.clock.advance(Duration::from_secs(7_200));
    let body = json!({"action": "requeue", "ids": [id]});
    let act = house
        .ask(Method::POST, "/api/v1/messages/actions")
        .key(&partner.key);
    assert_eq!(act.json(&body).send().await.status, StatusCode::OK);
    assert_eq!(
        events.next("rows").await.unwrap(),
        json!({"rows": [{"id": id, "deleted": true}]}),
        "out of scope looks like gone"
    );
}

#[tokio::test]
async fn stream_refuses_what_it_cannot_watch() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let many: Vec<String> = (0..201).map(|n| format!("{n:013}")).collect();
    for (query, field) in [
        (format!("visible={}", many.join(",")), "visible"),
        ("typ=all".to_owned(), "typ"),
    ] {
        let answer = house
            .ask(Method::GET, &format!("/api/v1/events?{query}"))
            .key(&case.key)
            .send()
            .await;
        assert_eq!(
            (answer.code().as_str(), answer.json()["field"].as_str()),
            ("bad_parameter", Some(field))
        );
    }
    assert_eq!(
        house.ask(Method::GET, "/api/v1/events").send().await.status,
        StatusCode::UNAUTHORIZED
    );
}
