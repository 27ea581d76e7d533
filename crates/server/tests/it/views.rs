//! Messages that cost much to look at.

use axum::http::{Method, StatusCode};
use postroom_store::Rights;
use serde_json::{Value, json};

use crate::house::{Answer, House, Person};

async fn submit(house: &House, who: &Person, more: &Value) -> String {
    let mut message = json!({
        "from": format!("{}@example.test", who.login), "to": ["a@example.com"], "subject": "s"
    });
    for (name, value) in more.as_object().unwrap() {
        message[name] = value.clone();
    }
    let ask = house.ask(Method::POST, "/api/v1/messages").key(&who.key);
    let answer = ask.json(&message).send().await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn submit_raw(house: &House, who: &Person, message: String) -> String {
    let ask = house.ask(Method::POST, "/api/v1/messages/raw").key(&who.key);
    let answer = ask.raw("message/rfc822", message).send().await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn get(house: &House, who: &Person, path: &str) -> Answer {
    let path = format!("/api/v1/messages/{path}");
    house.ask(Method::GET, &path).key(&who.key).send().await
}

#[tokio::test]
async fn html_that_would_cost_minutes_gives_way_to_the_text_and_says_why() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let fonts: String = (0..10_000).map(|n| format!("<font size={n}>")).collect();
    let attributes: String = (0..100_000).map(|n| format!(" a{n}")).collect();
    for (name, html) in [
        ("97 KiB of div", "<div>".repeat(20_000)),
        ("1 MB of div", "<div>".repeat(200_000)),
        ("tables", "<table><tr><td>".repeat(10_000)),
        ("fonts", fonts + &"<p>x".repeat(10_000)),
        ("attributes", format!("<p{attributes}>")),
        ("elements", "<p>word</p>\n".repeat(300_000)),
    ] {
        let id = submit(&house, &case, &json!({"text": "The words & all", "html": html})).await;
        let page = get(&house, &case, &format!("{id}/body/html")).await;
        assert_eq!(page.status, StatusCode::OK, "{name}");
        assert!(
            page.text.contains("The plain text is shown instead"),
            "{name}: {}",
            page.text.len()
        );
        assert!(page.text.contains("<pre>The words &amp; all"), "{name}");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("sandbox; default-src 'none';"), "{policy}");
    }
}

#[tokio::test]
async fn large_message_is_shown_whole() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let file = |name: &str, content: &str| json!({"filename": name, "content_type": "text/plain", "content": content});
    let large = "QUJD".repeat(100_000);
    let message = json!({"text": "See below", "attachments": [file("a.txt", "QUJD"), file("b.txt", &large)]});
    let id = submit(&house, &case, &message).await;
    let detail = get(&house, &case, &id).await.json();
    assert_eq!(detail["parts"], json!(["text"]));
    assert_eq!(detail["not_readable"], Value::Null);
    assert_eq!(detail["attachments"][0]["size_bytes"], 3);
    assert_eq!(detail["attachments"][1]["size_bytes"], 300_000);
    let text = get(&house, &case, &format!("{id}/body/text")).await.text;
    assert!(text.contains("<pre>See below"), "{text}");
    let attachment = get(&house, &case, &format!("{id}/attachments/1")).await;
    assert_eq!(attachment.text, "ABC".repeat(100_000));
    let draft = get(&house, &case, &format!("{id}/draft")).await.json();
    assert_eq!(draft["attachments"][1]["content"], large);
}

#[tokio::test]
async fn message_that_cannot_be_parsed_safely_shows_its_header_and_source() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let part = "--x\r\nContent-Type: multipart/mixed; boundary=never\r\n\r\n";
    let message = format!(
        "From: case@example.test\r\nTo: a@example.com\r\nSubject: bomb\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=x\r\n\r\n{}--x--\r\n",
        part.repeat(16_000)
    );
    let id = submit_raw(&house, &case, message).await;
    let detail = get(&house, &case, &id).await.json();
    let names: Vec<&str> = detail["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"Subject"), "{names:?}");
    assert_eq!(
        (&detail["parts"], &detail["attachments"]),
        (&json!([]), &json!([]))
    );
    let why = detail["not_readable"].as_str().unwrap();
    assert!(why.contains("cannot be parsed safely"), "{why}");
    let source = get(&house, &case, &format!("{id}/body/source")).await;
    assert!(
        source.text.contains("boundary&#61;never"),
        "{}",
        source.text.len()
    );
    for tail in ["body/text", "body/html", "attachments/0", "draft"] {
        let answer = get(&house, &case, &format!("{id}/{tail}")).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::UNPROCESSABLE_ENTITY, "not_readable".to_owned()),
            "{tail}"
        );
    }
    assert_eq!(
        get(&house, &case, &format!("{id}/raw")).await.status,
        StatusCode::OK
    );
}
