//! A table of bad input: each gets its own code, and nothing is kept.

use axum::http::{Method, StatusCode};
use postroom_store::Rights;
use serde_json::json;

use crate::house::House;

const JSON: &str = "application/json";

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table, one entry a line of thought")]
async fn bad_submissions_are_named_and_nothing_is_kept() {
    let house = House::with(|config| {
        config.submission.max_recipients = 3;
        config.submission.max_message_size_bytes = 100_000;
    })
    .await;
    let case = house.person("case", house.root, Rights::default()).await;
    let with = |field: &str, value: serde_json::Value| {
        let mut message =
            json!({"from": "case@example.test", "to": ["a@example.com"], "subject": "s", "text": "t"});
        message[field] = value;
        message.to_string()
    };
    let file = |content: &str| json!([{"filename": "a", "content_type": "text/plain", "content": content}]);
    let table = [
        (JSON, "{".to_owned(), 400, "bad_json", None),
        (JSON, "[]".to_owned(), 422, "wrong_type", None),
        (JSON, "null".to_owned(), 422, "wrong_type", None),
        (JSON, "\u{feff}{}".to_owned(), 400, "bad_json", None),
        (
            "text/plain",
            with("to", json!([])),
            415,
            "unsupported_media_type",
            None,
        ),
        (
            JSON,
            with("from", json!(null)),
            422,
            "missing_field",
            Some("from"),
        ),
        (
            JSON,
            with("from", json!("lee@example.test")),
            403,
            "from_not_permitted",
            Some("from"),
        ),
        (JSON, with("to", json!([])), 422, "no_recipients", None),
        (
            JSON,
            with("to", json!("a@example.com")),
            422,
            "wrong_type",
            Some("to"),
        ),
        (
            JSON,
            with("to", json!(["a@b@c"])),
            422,
            "bad_address",
            Some("to[0]"),
        ),
        (
            JSON,
            with("cc", json!(["b@example.com", "x"])),
            422,
            "bad_address",
            Some("cc[1]"),
        ),
        (
            JSON,
            with("cc", json!(["b@x.example", "c@x.example", "d@x.example"])),
            422,
            "too_many_recipients",
            None,
        ),
        (
            JSON,
            with("subject", json!("a\r\nBcc: x@example.com")),
            422,
            "header_injection",
            Some("subject"),
        ),
        (
            JSON,
            with("headers", json!({"X-A": "b\nc"})),
            422,
            "header_injection",
            Some("headers.X-A"),
        ),
        (
            JSON,
            with("headers", json!({"Bcc": "x@example.com"})),
            422,
            "reserved_header",
            Some("headers.Bcc"),
        ),
        (
            JSON,
            with("sujet", json!("s")),
            422,
            "unknown_field",
            Some("sujet"),
        ),
        (JSON, with("text", json!(5)), 422, "wrong_type", Some("text")),
        (
            JSON,
            with("text", json!("x".repeat(200_000))),
            413,
            "too_large",
            None,
        ),
        (
            JSON,
            with("text", json!("x".repeat(3_000_000))),
            413,
            "too_large",
            Some("body"),
        ),
        (
            JSON,
            with("attachments", file("!!")),
            422,
            "bad_base64",
            Some("attachments[0].content"),
        ),
        (
            JSON,
            with("kind", json!("letter")),
            422,
            "unknown_kind",
            Some("kind"),
        ),
        (
            JSON,
            with("kind", json!("password_reset")),
            403,
            "kind_not_permitted",
            Some("kind"),
        ),
        (
            JSON,
            with("send_at", json!("soon")),
            422,
            "bad_value",
            Some("send_at"),
        ),
    ];
    for (media_type, body, status, code, field) in table {
        let shown: String = body.chars().take(120).collect();
        let answer = house
            .ask(Method::POST, "/api/v1/messages")
            .key(&case.key)
            .raw(media_type, body)
            .send()
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (status, code),
            "{shown}: {}",
            answer.text
        );
        if field.is_some() {
            assert_eq!(answer.json()["field"].as_str(), field, "{shown}: {}", answer.text);
        }
    }
    assert_eq!(house.kept().await, 0);
}

#[tokio::test]
async fn bad_queries_are_named() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    for (query, field) in [
        ("typ=all", "typ"),
        ("type=outgoing", "type"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=c_a0000000000000&at=3", "at"),
        ("at=-1", "at"),
        ("from=yesterday", "from"),
        ("to=2026-02-30", "to"),
        ("sender=case", "sender"),
        ("kind=letter", "kind"),
        ("state=lost", "state"),
        ("mine=perhaps", "mine"),
    ] {
        let ask = house.ask(Method::GET, &format!("/api/v1/messages?{query}"));
        let answer = ask.key(&case.key).send().await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "bad_parameter"),
            "{query}"
        );
        assert_eq!(answer.json()["field"], field, "{query}: {}", answer.text);
    }
}

#[tokio::test]
async fn bad_actions_are_named() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let many: Vec<String> = (0..1001).map(|n| format!("{n:013}")).collect();
    for (body, code, field) in [
        (json!({"action": "destroy", "ids": ["x"]}), "bad_value", "action"),
        (json!({"action": "delete"}), "bad_value", "ids"),
        (json!({"action": "delete", "ids": []}), "bad_value", "ids"),
        (json!({"action": "delete", "ids": many}), "bad_value", "ids"),
        (json!({"action": "delete", "ids": "x"}), "wrong_type", "ids"),
        (json!({"action": "delete", "ids": [1]}), "wrong_type", "ids[0]"),
        (
            json!({"action": "delete", "ids": ["x"], "force": true}),
            "unknown_field",
            "force",
        ),
    ] {
        let answer = house
            .ask(Method::POST, "/api/v1/messages/actions")
            .key(&case.key)
            .json(&body)
            .send()
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, code),
            "{body}"
        );
        assert_eq!(answer.json()["field"], field, "{body}: {}", answer.text);
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let house = House::open().await;
    let missing = house.ask(Method::GET, "/api/v1/nothing").send().await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    insta::assert_json_snapshot!(missing.problem());
    let method = house.ask(Method::PUT, "/api/v1/messages").send().await;
    assert_eq!(method.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(
        method.header("allow").contains("POST"),
        "{}",
        method.header("allow")
    );
    insta::assert_json_snapshot!(method.problem());
}
