//! What is out of sight looks like what does not exist, on every route that takes an id.

use axum::http::{Method, StatusCode};
use postroom_store::Rights;
use serde_json::json;

use crate::house::House;

const UNKNOWN: &str = "0000000000001";

#[tokio::test]
async fn others_mail_answers_like_an_unknown_id_everywhere() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let lee = house.person("lee", house.root, Rights::default()).await;
    let theirs = house.letter(&lee, "a@example.com", "private").await;
    for tail in [
        "",
        "/attempts",
        "/explain",
        "/raw",
        "/body/text",
        "/body/html",
        "/body/source",
        "/attachments/0",
    ] {
        let get = async |id: &str| {
            let path = format!("/api/v1/messages/{id}{tail}");
            house.ask(Method::GET, &path).key(&case.key).send().await
        };
        let (hidden, unknown, nonsense) = (get(&theirs).await, get(UNKNOWN).await, get("nonsense").await);
        assert_eq!(hidden.status, StatusCode::NOT_FOUND, "{tail}");
        assert_eq!(hidden.problem(), unknown.problem(), "{tail}");
        assert_eq!(hidden.problem(), nonsense.problem(), "{tail}");
    }
    for action in ["requeue", "resend", "delete"] {
        for dry_run in [true, false] {
            let act = async |id: &str| {
                let body = json!({"action": action, "ids": [id], "dry_run": dry_run});
                let ask = house.ask(Method::POST, "/api/v1/messages/actions").key(&case.key);
                let mut report = ask.json(&body).send().await.json();
                report["items"][0]["id"] = json!("[id]");
                report
            };
            assert_eq!(act(&theirs).await, act(UNKNOWN).await, "{action}");
        }
    }
    let list = house
        .ask(Method::GET, "/api/v1/messages?q=private")
        .key(&case.key)
        .send()
        .await
        .json();
    assert_eq!(list["rows"], json!([]));
    assert_eq!(house.kept().await, 1);
}

#[tokio::test]
async fn enterprise_view_looks_but_does_not_touch() {
    let house = House::open().await;
    let north = house.office(house.root, "North Office").await;
    let rights = Rights {
        enterprise_view: true,
        ..Rights::default()
    };
    let viewer = house.person("viewer", house.root, rights).await;
    let lee = house.person("lee", north, Rights::default()).await;
    let id = house.letter(&lee, "a@example.com", "below").await;
    let detail = house
        .ask(Method::GET, &format!("/api/v1/messages/{id}"))
        .key(&viewer.key)
        .send()
        .await;
    assert_eq!(
        (detail.status, &detail.json()["actions"]),
        (StatusCode::OK, &json!([]))
    );
    let body = json!({"action": "delete", "ids": [id]});
    let report = house
        .ask(Method::POST, "/api/v1/messages/actions")
        .key(&viewer.key)
        .json(&body)
        .send()
        .await
        .json();
    assert_eq!((&report["refused"], &report["done"]), (&json!(1), &json!(0)));
    assert_eq!(house.kept().await, 1);
}

#[tokio::test]
async fn notifications_are_for_administrators_and_live_links_for_nobody() {
    let house = House::open().await;
    let rights = |administrator, super_user| Rights {
        administrator,
        super_user,
        ..Rights::default()
    };
    let admin = house.person("admin", house.root, rights(true, false)).await;
    let boss = house.person("boss", house.root, rights(false, true)).await;
    let id = house.reset_link(&boss).await;
    let get = async |key: &str, tail: &str| {
        house
            .ask(Method::GET, &format!("/api/v1/messages/{id}{tail}"))
            .key(key)
            .send()
            .await
    };
    assert_eq!(get(&boss.key, "").await.status, StatusCode::NOT_FOUND);
    let detail = get(&admin.key, "").await;
    assert_eq!(detail.status, StatusCode::OK);
    assert_eq!(
        (&detail.json()["body"], &detail.json()["parts"]),
        (&json!(""), &json!([]))
    );
    assert!(!detail.text.contains("token="), "{}", detail.text);
    for tail in ["/raw", "/body/text", "/body/source", "/attachments/0"] {
        let answer = get(&admin.key, tail).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::FORBIDDEN, "body_is_secret".to_owned()),
            "{tail}"
        );
    }
}
