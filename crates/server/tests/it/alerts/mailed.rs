//! Alerts by e-mail, for those who chose so.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use postroom_server::config::PermanentFailures;
use postroom_store::Rights;
use postroom_testkit::relay;
use serde_json::json;

use super::{Place, member};

const UNDELIVERABLE: &str = "You have undeliverable e-mail";

#[tokio::test]
async fn alert_is_mailed_once_to_those_who_chose_so_and_to_no_others() {
    let sink = relay::start_by_address(Duration::ZERO).await;
    let place = Place::open(&sink, |config| {
        config.delivery.permanent_failures = PermanentFailures::Fail;
    })
    .await;
    place.choose(&place.case, &["undeliverable"]).await;
    // Another sort than what happens.
    place.choose(&place.lee, &["server_down"]).await;
    for sender in [&place.case, &place.lee, &place.case] {
        place.letter(sender, "fail@example.com").await;
    }
    place.until_told(&place.case, &[(UNDELIVERABLE, 2)]).await;
    place.until_told(&place.lee, &[(UNDELIVERABLE, 1)]).await;
    place.until_all_is_told().await;
    sink.wait_for(1).await;
    let mail = sink.received();
    assert_eq!(mail.len(), 1, "one alert, one mail");
    assert_eq!(mail[0].recipients, ["case@example.test"]);
    let text = String::from_utf8_lossy(&mail[0].content).into_owned();
    for part in [
        "Subject: You have undeliverable e-mail",
        "Auto-Submitted: auto-generated",
        "postroom@mail.example.test",
        "text/plain",
        "text/html",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    // It is a message of the queue: a notification, which its office's administrator sees and its reader does not.
    let of = async |who| {
        place
            .ask(who, Method::GET, "/api/v1/messages?kind=alert", None)
            .await
            .1
    };
    assert_eq!(of(&place.head).await["rows"].as_array().unwrap().len(), 1);
    assert_eq!(of(&place.case).await["rows"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn alerts_mail_that_fails_raises_no_alert() {
    let sink = relay::start_by_address(Duration::ZERO).await;
    let place = Place::open(&sink, |config| {
        config.delivery.permanent_failures = PermanentFailures::Fail;
    })
    .await;
    // The relay refuses mail to this person as well.
    let failing = member(&place.server, "failing", place.server.root, Rights::default()).await;
    place.choose(&failing, &["undeliverable"]).await;
    place.letter(&failing, "fail@example.com").await;
    place.until_told(&failing, &[(UNDELIVERABLE, 1)]).await;
    place.until_all_is_told().await;
    let row = async || {
        let list = place
            .ask(&place.chief, Method::GET, "/api/v1/messages?kind=alert", None)
            .await
            .1;
        list["rows"][0].clone()
    };
    let id = row().await["id"].as_str().unwrap().to_owned();
    place.until_state(&place.chief, &id, "failed", 1).await;
    place.until_all_is_told().await;
    place.until_told(&failing, &[(UNDELIVERABLE, 1)]).await;
    for nobody in [&place.chief, &place.head] {
        place.until_told(nobody, &[]).await;
    }
}

#[tokio::test]
async fn preference_that_is_no_sort_of_alert_is_refused() {
    let sink = relay::start().await;
    let place = Place::open(&sink, |_| {}).await;
    let body = json!({"alerts_by_email": ["everything"]});
    let (status, problem) = place
        .ask(
            &place.case,
            Method::PUT,
            "/api/v1/session/preferences",
            Some(body),
        )
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let (_, chosen) = place
        .ask(&place.case, Method::GET, "/api/v1/session/preferences", None)
        .await;
    assert_eq!(chosen, json!({"alerts_by_email": []}));
}
