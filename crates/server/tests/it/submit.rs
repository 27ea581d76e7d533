//! Handing mail in.

use axum::http::{Method, StatusCode};
use postroom_store::Rights;
use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn message_is_accepted_and_shown() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let message = json!({
        "from": "Case Clerk <case@example.test>", "to": ["client@example.com"], "cc": ["Lee <lee@example.com>"],
        "bcc": ["hidden@example.com"], "subject": "Grüße", "text": "Dear client", "html": "<p>Dear client</p>",
        "headers": {"X-Case": "42"}, "tags": ["spring"], "external_id": "crm-7", "metadata": {"a": 1},
        "attachments": [{"filename": "p.pdf", "content_type": "application/pdf", "content": "JVBERg=="}]
    });
    let answer = house
        .ask(Method::POST, "/api/v1/messages")
        .key(&case.key)
        .json(&message)
        .send()
        .await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    insta::assert_json_snapshot!(answer.json(), {".id" => "[id]", ".message_id" => "[message id]"});
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let detail = house
        .ask(Method::GET, &format!("/api/v1/messages/{id}"))
        .key(&case.key)
        .send()
        .await;
    assert_eq!(detail.status, StatusCode::OK, "{}", detail.text);
    insta::assert_json_snapshot!(detail.json(), {
        ".id" => "[id]", ".message_id" => "[message id]", ".headers[].value" => "[value]", ".size_bytes" => "[size]"
    });
}

#[tokio::test]
async fn batch_takes_what_it_can_and_names_what_it_cannot() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let letter = |to: &str| json!({"from": "case@example.test", "to": [to], "subject": "s"});
    let batch = json!({"messages": [letter("a@example.com"), letter("a@b@c"), letter("b@example.com")]});
    let answer = house
        .ask(Method::POST, "/api/v1/messages/batch")
        .key(&case.key)
        .json(&batch)
        .send()
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    insta::assert_json_snapshot!(answer.json(), {".items[].id" => "[id]", ".items[].message_id" => "[message id]"});
    assert_eq!(house.kept().await, 2);
}

#[tokio::test]
async fn raw_message_takes_its_envelope_from_the_query_or_the_header() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let octets = "From: case@example.test\r\nTo: a@example.com\r\nSubject: raw\r\n\r\nhello\r\n";
    let send = async |query: &str| {
        let path = format!("/api/v1/messages/raw{query}");
        house
            .ask(Method::POST, &path)
            .key(&case.key)
            .raw("message/rfc822", octets)
            .send()
            .await
    };
    assert_eq!(send("").await.json()["recipients"], 1);
    let two = send("?from=case@example.test&to=b@example.com&to=c@example.com").await;
    assert_eq!(two.json()["recipients"], 2, "{}", two.text);
    assert_eq!(send("?to=b@example.com").await.code(), "bad_parameter");
    assert_eq!(send("?form=b@example.com").await.code(), "bad_parameter");
}

#[tokio::test]
async fn same_key_gives_the_same_answer_and_another_body_is_refused() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let lee = house.person("lee", house.root, Rights::default()).await;
    let send = async |key: &str, from: &str, subject: &str| {
        let message = json!({"from": from, "to": ["a@example.com"], "subject": subject});
        let ask = house
            .ask(Method::POST, "/api/v1/messages")
            .key(key)
            .header("idempotency-key", "k-1");
        ask.json(&message).send().await
    };
    let first = send(&case.key, "case@example.test", "one").await;
    let again = send(&case.key, "case@example.test", "one").await;
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    let other = send(&case.key, "case@example.test", "two").await;
    assert_eq!(
        (other.status, other.code()),
        (StatusCode::CONFLICT, "idempotency_key_reused".to_owned())
    );
    assert_eq!(
        send(&lee.key, "lee@example.test", "one").await.status,
        StatusCode::ACCEPTED
    );
    assert_eq!(house.kept().await, 2);
}

#[tokio::test]
async fn queue_that_is_off_takes_nothing() {
    let house = House::with(|config| config.queue.enabled = false).await;
    let case = house.person("case", house.root, Rights::default()).await;
    let message = json!({"from": "case@example.test", "to": ["a@example.com"], "subject": "s"});
    let answer = house
        .ask(Method::POST, "/api/v1/messages")
        .key(&case.key)
        .json(&message)
        .send()
        .await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::SERVICE_UNAVAILABLE, "queue_disabled".to_owned())
    );
    assert!(!answer.header("retry-after").is_empty());
    let status = house
        .ask(Method::GET, "/api/v1/status")
        .key(&case.key)
        .send()
        .await
        .json();
    assert_eq!(
        (&status["queue_enabled"], &status["banners"][0]["kind"]),
        (&json!(false), &json!("queue_disabled"))
    );
}

#[tokio::test]
async fn office_key_sends_as_the_people_of_its_office_alone() {
    let house = House::open().await;
    let north = house.office(house.root, "North Office").await;
    house.person("case", house.root, Rights::default()).await;
    house.person("lee", north, Rights::default()).await;
    let key = house.key(north, None, &["send"]).await;
    let send = async |from: &str| {
        let message = json!({"from": from, "to": ["a@example.com"], "subject": "s"});
        house
            .ask(Method::POST, "/api/v1/messages")
            .key(&key)
            .json(&message)
            .send()
            .await
    };
    assert_eq!(send("lee@example.test").await.status, StatusCode::ACCEPTED);
    let refused = send("case@example.test").await;
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::FORBIDDEN, "from_not_permitted".to_owned())
    );
    let list = house
        .ask(Method::GET, "/api/v1/messages")
        .key(&key)
        .send()
        .await
        .json();
    assert_eq!(list["rows"], json!([]), "a key that may only send sees nothing");
}
