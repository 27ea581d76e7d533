//! Settings that are really wrong (A1): the sign-in refused, TLS broken, the sender refused.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use postroom_server::config::RelayTls;
use postroom_smtp::reply::{EnhancedCode, Reply};
use postroom_smtp::sink::{Act, Mode, SinkAuth, SinkConfig, Stage};
use postroom_testkit::identity::Identity;
use postroom_testkit::relay;

use super::Place;

const FAILED: &str = "Postroom failed to connect to the SMTP server";

#[tokio::test]
async fn refused_sign_in_is_told_to_the_sender_and_the_offices_administrators_and_counts_up() {
    let sink = relay::start_with(SinkConfig {
        auth: Some(SinkAuth {
            user: "office".to_owned(),
            password: "right".to_owned(),
        }),
        ..SinkConfig::default()
    })
    .await;
    sink.set_mode(Mode::RejectAuth).await;
    let place = Place::open(&sink, |config| {
        let relay = config.relay.first_mut().unwrap();
        relay.username = "office".to_owned();
        relay.password = "wrong".to_owned();
    })
    .await;
    let id = place.letter(&place.case, "a@example.com").await;
    place.until_told(&place.case, &[(FAILED, 1)]).await;
    place.until_told(&place.head, &[(FAILED, 1)]).await;
    let theirs = &place.alerts(&place.head).await[0];
    let text = theirs["text"].as_str().unwrap();
    assert!(
        text.contains("refused the sign-in") && text.contains("535 5.7.8"),
        "{text}"
    );
    let advice = theirs["advice"].as_str().unwrap();
    assert!(
        advice.contains("user name and password") && advice.contains("server configuration"),
        "{advice}"
    );
    assert_eq!(
        theirs["link"],
        serde_json::json!({"to": "server_configuration", "key": "relay"})
    );

    // Put away, and the cause recurs: it is there again, and says how often.
    let own = place.alerts(&place.case).await[0]["id"].as_i64().unwrap();
    let dismiss = format!("/api/v1/alerts/{own}/dismiss");
    let (status, _) = place.ask(&place.case, Method::POST, &dismiss, None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    place.until_told(&place.case, &[]).await;
    place.until_state(&place.case, &id, "deferred", 1).await;
    place.pass(Duration::from_mins(70));
    place.until_told(&place.case, &[(FAILED, 2)]).await;
    assert_eq!(place.alerts(&place.case).await[0]["read"], false);
    place.until_told(&place.head, &[(FAILED, 2)]).await;
    for nobody in [&place.chief, &place.lee, &place.idle] {
        place.until_told(nobody, &[]).await;
    }
}

#[tokio::test]
async fn broken_tls_is_told_with_its_cause() {
    let sink = relay::start_with(SinkConfig {
        tls: Some(Identity::self_signed("localhost").start_tls()),
        ..SinkConfig::default()
    })
    .await;
    let place = Place::open(&sink, |config| {
        config.relay.first_mut().unwrap().tls = RelayTls::Required;
    })
    .await;
    place.letter(&place.lee, "a@example.com").await;
    place.until_told(&place.lee, &[(FAILED, 1)]).await;
    place.until_told(&place.head, &[(FAILED, 1)]).await;
    let advice = place.alerts(&place.head).await[0]["advice"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(advice.contains("TLS policy"), "{advice}");
    place.until_told(&place.chief, &[]).await;
}

#[tokio::test]
async fn refused_sender_is_told() {
    let refused = Reply::enhanced(550, EnhancedCode::new(5, 7, 1), "You may not send");
    let sink = relay::start_doing(Stage::Mail, Act::Reply(refused)).await;
    let place = Place::open(&sink, |_| {}).await;
    place.letter(&place.lee, "a@example.com").await;
    place.until_told(&place.lee, &[(FAILED, 1)]).await;
    let text = place.alerts(&place.lee).await[0]["text"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(text.contains("does not let this sender send"), "{text}");
    place.until_told(&place.case, &[]).await;
}
