//! Drafts: their writer's alone, with versions, within bounds.

use axum::http::{Method, StatusCode};
use postroom_store::{Account, Rights, UserChange};
use serde_json::{Value, json};

use crate::house::{Answer, House, Person, by};

const EVERYTHING: Rights = Rights {
    super_user: true,
    enterprise_view: true,
    administrator: true,
    customize_list_layout: true,
};

async fn keep(house: &House, who: &Person, body: &Value) -> Answer {
    let ask = house.ask(Method::POST, "/api/v1/drafts").key(&who.key);
    ask.json(body).send().await
}

async fn get(house: &House, who: &Person, path: &str) -> Answer {
    house.ask(Method::GET, path).key(&who.key).send().await
}

async fn put(house: &House, who: &Person, path: &str, version: &str, body: &Value) -> Answer {
    let ask = house.ask(Method::PUT, path).key(&who.key);
    ask.header("if-match", version).json(body).send().await
}

fn path(kept: &Answer) -> String {
    assert_eq!(kept.status, StatusCode::CREATED, "{}", kept.text);
    format!("/api/v1/drafts/{}", kept.json()["id"])
}

#[tokio::test]
async fn draft_is_kept_changed_listed_and_thrown_away() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let form = json!({"subject": "Your policy", "to": ["client@example.com", "b@example.com"], "html": "<p>Dear</p>",
                      "attachments": [{"filename": "p.pdf", "content": "QUJD"}]});
    let kept = keep(&house, &case, &form).await;
    let path = path(&kept);
    assert_eq!(
        (kept.json()["version"].as_i64(), kept.header("etag")),
        (Some(1), "\"1\"")
    );
    let read = get(&house, &case, &path).await;
    assert_eq!((read.status, read.header("etag")), (StatusCode::OK, "\"1\""));
    assert_eq!(read.header("content-type"), "application/json");
    assert_eq!(read.json(), form);

    house.clock.advance(std::time::Duration::from_secs(5));
    let changed = put(&house, &case, &path, "\"1\"", &json!({"subject": "Changed"})).await;
    assert_eq!(
        (changed.status, changed.header("etag")),
        (StatusCode::OK, "\"2\"")
    );
    assert_eq!(changed.json()["version"], 2);
    let listed = get(&house, &case, "/api/v1/drafts").await.json();
    let id = &kept.json()["id"];
    assert_eq!(
        listed,
        json!({"drafts": [{"id": id, "subject": "Changed", "to": "", "updated_at": "2026-11-18T11:06:45Z", "size": 21}]})
    );
    let gone = house.ask(Method::DELETE, &path).key(&case.key).send().await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&house, &case, &path).await.status, StatusCode::NOT_FOUND);
    let again = house.ask(Method::DELETE, &path).key(&case.key).send().await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn stale_or_unversioned_change_overwrites_nothing() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let path = path(&keep(&house, &case, &json!({"subject": "one"})).await);
    let put_without = house.ask(Method::PUT, &path).key(&case.key);
    let without = put_without.json(&json!({"subject": "two"})).send().await;
    assert_eq!(
        (without.status, without.code().as_str()),
        (StatusCode::PRECONDITION_REQUIRED, "precondition_required")
    );
    for version in ["\"0\"", "\"2\"", "W/\"1\"", "*"] {
        let stale = put(&house, &case, &path, version, &json!({"subject": "two"})).await;
        assert_eq!(
            (stale.status, stale.code().as_str()),
            (StatusCode::PRECONDITION_FAILED, "stale"),
            "{version}"
        );
    }
    assert_eq!(get(&house, &case, &path).await.json(), json!({"subject": "one"}));
}

#[tokio::test]
async fn draft_is_nobody_elses_whatever_their_rights() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let boss = house.person("boss", house.root, EVERYTHING).await;
    let path = path(&keep(&house, &case, &json!({"subject": "private"})).await);
    let missing = "/api/v1/drafts/999";
    for (method, body) in [
        (Method::GET, None),
        (Method::PUT, Some("{}")),
        (Method::DELETE, None),
    ] {
        let mut answers = Vec::new();
        for path in [path.as_str(), missing] {
            let mut ask = house.ask(method.clone(), path).key(&boss.key);
            if let Some(body) = body {
                ask = ask.header("if-match", "\"1\"").raw("application/json", body);
            }
            answers.push(ask.send().await.problem());
        }
        assert_eq!(answers[0]["status"], 404, "{method}");
        assert_eq!(answers[0], answers[1], "{method}");
    }
    let none = get(&house, &boss, "/api/v1/drafts").await.json();
    assert_eq!(none, json!({"drafts": []}));
    let office = house.key(house.root, None, &["send", "read", "manage"]).await;
    let refused = house.ask(Method::GET, "/api/v1/drafts").key(&office).send().await;
    assert_eq!(
        (refused.status, refused.json()["rule"].as_str()),
        (StatusCode::FORBIDDEN, Some("be_a_person"))
    );
    assert_eq!(get(&house, &case, &path).await.json()["subject"], "private");
}

#[tokio::test]
async fn too_many_too_large_and_no_object_are_refused_and_nothing_is_kept() {
    let house = House::with(|config| config.submission.max_message_size_bytes = 1024 * 1024).await;
    let case = house.person("case", house.root, Rights::default()).await;
    let large = json!({"subject": "large", "text": "x".repeat(2 * 1024 * 1024 + 1)});
    let refused = keep(&house, &case, &large).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, "too_large")
    );
    let fits = json!({"subject": "fits", "text": "x".repeat(1024 * 1024)});
    let kept = path(&keep(&house, &case, &fits).await);
    let refused = put(&house, &case, &kept, "\"1\"", &large).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(get(&house, &case, &kept).await.json(), fits);
    let refused = keep(&house, &case, &json!([{"subject": "a list"}])).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (StatusCode::BAD_REQUEST, "bad_json")
    );
    for _ in 1..100 {
        path(&keep(&house, &case, &json!({})).await);
    }
    let refused = keep(&house, &case, &json!({"subject": "one more"})).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (StatusCode::CONFLICT, "too_many_drafts")
    );
    let listed = get(&house, &case, "/api/v1/drafts").await.json();
    assert_eq!(listed["drafts"].as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn person_who_was_disabled_finds_their_drafts_again() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    path(&keep(&house, &case, &json!({"subject": "before"})).await);
    for (version, account) in [(1, Account::Disabled), (2, Account::Enabled)] {
        let change = UserChange {
            account: Some(account),
            ..UserChange::default()
        };
        let store = &house.node.store;
        store
            .change_user(case.user, version, change, &by())
            .await
            .unwrap();
        house.node.authenticator.forget_all();
        if account == Account::Disabled {
            let refused = get(&house, &case, "/api/v1/drafts").await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        }
    }
    // The keys of before do not come back; a new one is that person again.
    let key = house.key(house.root, Some(case.user), &[]).await;
    let listed = house
        .ask(Method::GET, "/api/v1/drafts")
        .key(&key)
        .send()
        .await
        .json();
    assert_eq!(listed["drafts"][0]["subject"], "before");
}
