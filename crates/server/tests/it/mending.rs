//! Mending what failed: by cause, by another address, by a copy.

use axum::http::{Method, StatusCode};
use postroom_store::Rights;
use serde_json::{Value, json};

use crate::house::{Answer, House, Person};

async fn get(house: &House, who: &Person, path: &str) -> Answer {
    house.ask(Method::GET, path).key(&who.key).send().await
}

async fn post(house: &House, who: &Person, path: &str, body: Value) -> Answer {
    house
        .ask(Method::POST, path)
        .key(&who.key)
        .json(&body)
        .send()
        .await
}

#[tokio::test]
async fn what_a_cause_failed_is_sent_again_and_nothing_else() {
    let house = House::open().await;
    let _work = house.work();
    let case = house.person("case", house.root, Rights::default()).await;
    for _ in 0..5 {
        house.letter(&case, "a@example.com", "s").await;
    }
    house.deliver(5, 3).await;
    let failures = get(&house, &case, "/api/v1/failures").await.json();
    let group = &failures["groups"][0];
    assert_eq!(
        (&group["id"], &group["count"], &group["place"]),
        (&json!("0-auth"), &json!(3), &json!("office_settings"))
    );
    let path = "/api/v1/failures/0-auth/requeue";
    let dry = post(&house, &case, path, json!({"dry_run": true})).await.json();
    assert_eq!(dry["done"], 3);
    let done = post(&house, &case, path, json!({})).await.json();
    assert_eq!((&done["done"], &done["refused"]), (&json!(3), &json!(0)));
    let failures = get(&house, &case, "/api/v1/failures").await.json();
    assert_eq!(failures["groups"], json!([]));
    for wrong in ["0-nothing", "auth", "x-auth"] {
        let answer = post(
            &house,
            &case,
            &format!("/api/v1/failures/{wrong}/requeue"),
            json!({}),
        )
        .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{wrong}");
    }
}

#[tokio::test]
async fn mistyped_address_is_changed_in_envelope_list_letter_and_search() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let id = house.letter(&case, "clinet@example.com", "s").await;
    while house.node.store.index_text().await.unwrap() {}
    house.deliver(1, 1).await;
    let before = get(&house, &case, &format!("/api/v1/messages/{id}")).await.json();
    let path = format!("/api/v1/messages/{id}/recipients/0");
    let answer = post(&house, &case, &path, json!({"address": "client@example.com"})).await;
    assert_eq!(
        answer.json(),
        json!({"id": id, "state": "queued"}),
        "{}",
        answer.text
    );
    let after = get(&house, &case, &format!("/api/v1/messages/{id}")).await.json();
    assert_eq!(after["to"], "client@example.com");
    assert_eq!(after["recipients_detail"][0]["address"], "client@example.com");
    assert_eq!(
        (&after["message_id"], &after["date"]),
        (&before["message_id"], &before["date"])
    );
    let raw = get(&house, &case, &format!("/api/v1/messages/{id}/raw"))
        .await
        .text;
    assert!(
        raw.contains("To: <client@example.com>\r\n") && !raw.contains("clinet"),
        "{raw}"
    );
    assert_eq!(after["size_bytes"].as_u64(), Some(raw.len() as u64));
    for (words, found) in [("client", 1), ("clinet", 0)] {
        let counts = get(&house, &case, &format!("/api/v1/messages/counts?q={words}"))
            .await
            .json();
        assert_eq!(counts["total"], found, "{words}");
    }
    house.deliver(1, 0).await;
    let late = post(&house, &case, &path, json!({"address": "other@example.com"})).await;
    assert_eq!(
        (late.status, late.code().as_str()),
        (StatusCode::CONFLICT, "delivered")
    );
}

#[tokio::test]
async fn address_of_before_with_a_hidden_character_is_changed_in_letter_and_list() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let mut letter = house.plain_letter(&case);
    letter.recipients[0].address = "cli\u{200b}ent@example.com".to_owned();
    letter.shown.to = "Client <client@example.com>".to_owned();
    letter.shown.size_bytes = 100;
    let header =
        "To: Client <cli\u{200b}ent@example.com>\r\nSubject: Many\r\nMessage-ID: <1@example.test>\r\n\r\n";
    letter.content.header = postroom_engine::packing::pack(header.as_bytes());
    let id = house.put(&letter, 1).await[0];
    house.deliver(1, 1).await;
    let path = format!("/api/v1/messages/{id}/recipients/0");
    let answer = post(&house, &case, &path, json!({"address": "other@example.com"})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let after = get(&house, &case, &format!("/api/v1/messages/{id}")).await.json();
    assert_eq!(after["to"], "Client <other@example.com>");
    assert_eq!(after["recipients_detail"][0]["address"], "other@example.com");
    let raw = get(&house, &case, &format!("/api/v1/messages/{id}/raw")).await;
    assert!(
        raw.text.contains("To: Client <other@example.com>\r\n"),
        "{}",
        raw.text
    );
}

#[tokio::test]
async fn recipient_is_not_changed_to_what_is_no_address_nor_by_strangers() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let other = house.person("other", house.root, Rights::default()).await;
    let id = house.letter(&case, "a@example.com", "s").await;
    let path = format!("/api/v1/messages/{id}/recipients/0");
    let wrong = post(&house, &case, &path, json!({"address": "a@b@c"})).await;
    assert_eq!(wrong.code(), "bad_address");
    let stranger = post(&house, &other, &path, json!({"address": "b@example.com"})).await;
    assert_eq!(stranger.status, StatusCode::NOT_FOUND);
    let none = post(
        &house,
        &case,
        &format!("/api/v1/messages/{id}/recipients/7"),
        json!({"address": "b@example.com"}),
    )
    .await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn copy_to_compose_can_be_submitted_as_it_is() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let message = json!({"from": "Case Clerk <case@example.test>", "to": ["Client <a@example.com>"], "cc": ["c@example.com"],
        "bcc": ["b@example.com"], "subject": "Grüße", "text": "Dear client", "html": "<p>Dear client</p>",
        "headers": {"X-Case": "42"}, "tags": ["t"], "metadata": {"a": 1},
        "attachments": [{"filename": "p.txt", "content_type": "text/plain", "content": "aGVsbG8="}]});
    let first = post(&house, &case, "/api/v1/messages", message).await.json();
    let path = format!("/api/v1/messages/{}/draft", first["id"].as_str().unwrap());
    let draft = get(&house, &case, &path).await.json();
    insta::assert_json_snapshot!(draft);
    let second = post(&house, &case, "/api/v1/messages", draft).await;
    assert_eq!(second.status, StatusCode::ACCEPTED, "{}", second.text);
}
