//! Bodies and files of a message.

use axum::http::{Method, StatusCode};
use postroom_store::Rights;
use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn bodies_are_pages_in_a_sandbox_and_files_are_downloads() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let message = json!({
        "from": "case@example.test", "to": ["a@example.com"], "bcc": ["hidden@example.com"], "subject": "s",
        "text": "a < b", "html": "<p>hello</p><script>alert(1)</script><img src=\"https://tracker.example/p\">",
        "attachments": [{"filename": "../../evil\u{202e}gpj.exe", "content_type": "text/html", "content": "PGI+"}]
    });
    let posted = house
        .ask(Method::POST, "/api/v1/messages")
        .key(&case.key)
        .json(&message)
        .send()
        .await;
    assert_eq!(posted.status, StatusCode::ACCEPTED, "{}", posted.text);
    let id = posted.json()["id"].as_str().unwrap().to_owned();
    let get = async |tail: &str| {
        house
            .ask(Method::GET, &format!("/api/v1/messages/{id}/{tail}"))
            .key(&case.key)
            .send()
            .await
    };
    let html = get("body/html").await;
    assert!(html.text.contains("<p>hello</p>"), "{}", html.text);
    assert!(
        !html.text.contains("script") && !html.text.contains("tracker"),
        "{}",
        html.text
    );
    for page in [&html, &get("body/text").await, &get("body/source").await] {
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("sandbox; default-src 'none';"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
    }
    assert!(get("body/text").await.text.contains("a &lt; b"));
    let raw = get("raw").await;
    assert_eq!(raw.header("content-type"), "message/rfc822");
    assert!(!raw.text.contains("hidden@example.com"), "Bcc never travels");
    let file = get("attachments/0").await;
    assert_eq!((file.status, file.text.as_str()), (StatusCode::OK, "<b>"));
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"evilgpj.exe\""
    );
    assert!(file.header("content-security-policy").starts_with("sandbox"));
    for tail in ["attachments/1", "attachments/x", "body/rtf"] {
        assert_eq!(get(tail).await.status, StatusCode::NOT_FOUND, "{tail}");
    }
}

#[tokio::test]
async fn remote_pictures_load_on_demand_and_nothing_else_does() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let message = json!({
        "from": "case@example.test", "to": ["a@example.com"], "subject": "s",
        "html": "<p>hello</p><script src=\"https://tracker.example/s.js\"></script><img src=\"https://tracker.example/p.gif\">",
    });
    let posted = house
        .ask(Method::POST, "/api/v1/messages")
        .key(&case.key)
        .json(&message)
        .send()
        .await;
    let id = posted.json()["id"].as_str().unwrap().to_owned();
    let get = async |tail: &str| {
        house
            .ask(Method::GET, &format!("/api/v1/messages/{id}/body/html{tail}"))
            .key(&case.key)
            .send()
            .await
    };
    let shown = get("?images=remote").await;
    assert!(
        shown.text.contains("https://tracker.example/p.gif"),
        "{}",
        shown.text
    );
    assert!(!shown.text.contains("s.js"), "{}", shown.text);
    let policy = shown.header("content-security-policy");
    assert!(
        policy.starts_with("sandbox; default-src 'none'; img-src data: https: http:;"),
        "{policy}"
    );
    let usual = get("?images=inside").await;
    assert!(!usual.text.contains("tracker"), "{}", usual.text);
    assert!(usual.header("content-security-policy").contains("img-src data:;"));
    assert_eq!(get("?images=all").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn export_takes_what_was_tagged_and_only_what_one_sees() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let front = house.person("front", house.root, Rights::default()).await;
    let submit = async |who: &crate::house::Person, subject: &str| {
        let message = json!({"from": format!("{}@example.test", who.login), "to": ["a@example.com"], "subject": subject, "text": "t"});
        let posted = house
            .ask(Method::POST, "/api/v1/messages")
            .key(&who.key)
            .json(&message)
            .send()
            .await;
        assert_eq!(posted.status, StatusCode::ACCEPTED, "{}", posted.text);
        posted.json()["id"].as_str().unwrap().to_owned()
    };
    let (first, second, third) = (
        submit(&case, "alpha").await,
        submit(&case, "beta").await,
        submit(&front, "gamma").await,
    );
    let export = async |query: String| {
        let answer = house
            .ask(
                Method::GET,
                &format!("/api/v1/messages/export?columns=subject&{query}"),
            )
            .key(&case.key)
            .send()
            .await;
        answer.text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(export(format!("ids={first},{third},nonsense")).await, ["alpha"]);
    assert_eq!(export(format!("except={second}")).await, ["alpha"]);
    assert_eq!(export("ids=".to_owned()).await, Vec::<String>::new());
}
