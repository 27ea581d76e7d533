//! The list as CSV.

use std::io::Write as _;
use std::process::{Command, Stdio};

use axum::http::{Method, StatusCode};
use postroom_store::{AuditAction, AuditView, Rights};
use serde_json::Value;

use crate::house::House;

/// What Python's csv module reads of it, row by row.
fn read_by_python(text: &str) -> Value {
    let script = "import csv,json,sys,io; print(json.dumps(list(csv.reader(io.TextIOWrapper(sys.stdin.buffer, encoding='utf-8-sig', newline='')))))";
    let mut python = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn export_is_read_by_another_program_and_runs_nothing() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    house
        .letter(&case, "a@example.com", "=HYPERLINK(\"http://example.com\",\"x\")")
        .await;
    house.letter(&case, "b@example.com", "Grüße, \"alle\"").await;
    let path = "/api/v1/messages/export?columns=subject,to,body,sent&bom=true";
    let answer = house.ask(Method::GET, path).key(&case.key).send().await;
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    assert!(answer.text.starts_with('\u{feff}'));
    assert_eq!(
        read_by_python(&answer.text),
        serde_json::json!([
            ["Subject", "To", "Body", "Sent"],
            ["Grüße, \"alle\"", "b@example.com", "Dear client, yours.", "No"],
            [
                "'=HYPERLINK(\"http://example.com\",\"x\")",
                "a@example.com",
                "Dear client, yours.",
                "No"
            ],
        ])
    );
    let log = house
        .node
        .store
        .audit_page(AuditView::Everything, None, 1)
        .await
        .unwrap();
    assert_eq!(
        (log[0].entry.action, log[0].entry.count),
        (AuditAction::Export, 2)
    );
}

#[tokio::test]
async fn export_has_each_row_of_the_filter_once_over_many_pages() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let other = house.person("other", house.root, Rights::default()).await;
    let mut ids: Vec<String> = house
        .letters(&case, 1_234)
        .await
        .iter()
        .map(ToString::to_string)
        .collect();
    house.letters(&other, 50).await;
    let answer = house
        .ask(Method::GET, "/api/v1/messages/export?columns=id&type=outbox")
        .key(&case.key)
        .send()
        .await;
    ids.reverse();
    let lines: Vec<&str> = answer.text.lines().collect();
    assert_eq!(lines[0], "Id");
    assert_eq!(lines[1..], ids, "newest first, one's own alone");
}

#[tokio::test]
async fn export_of_unknown_columns_or_pages_is_refused() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    for (query, field) in [
        ("columns=id,colour", "columns"),
        ("limit=5", "limit"),
        ("bom=perhaps", "bom"),
        ("colour=red", "colour"),
    ] {
        let ask = house.ask(Method::GET, &format!("/api/v1/messages/export?{query}"));
        let answer = ask.key(&case.key).send().await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert_eq!(answer.problem()["field"], field);
    }
}
