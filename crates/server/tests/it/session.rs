//! Signing in and out.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use postroom_store::Rights;
use serde_json::json;

use crate::house::{Answer, House, PASSWORD};

async fn sign_in(house: &House, login: &str, password: &str) -> Answer {
    let given = json!({"login": login, "password": password});
    house
        .ask(Method::POST, "/api/v1/session")
        .json(&given)
        .send()
        .await
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn person_signs_in_asks_and_signs_out() {
    let house = House::open().await;
    let rights = Rights {
        administrator: true,
        ..Rights::default()
    };
    house.person("case", house.root, rights).await;
    let answer = sign_in(&house, "Case", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK);
    insta::assert_json_snapshot!(answer.json());
    let given = answer.header("set-cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(given.contains(part), "{given}");
    }
    assert!(
        !given.contains("Secure"),
        "over plain http a Secure cookie would not come back"
    );
    let cookie = cookie(&answer);
    let who = house
        .ask(Method::GET, "/api/v1/session")
        .header("cookie", &cookie)
        .send()
        .await;
    assert_eq!(who.json(), answer.json());
    let out = house
        .ask(Method::DELETE, "/api/v1/session")
        .header("cookie", &cookie)
        .send()
        .await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    let after = house
        .ask(Method::GET, "/api/v1/session")
        .header("cookie", &cookie)
        .send()
        .await;
    assert_eq!(
        (after.status, after.code()),
        (StatusCode::UNAUTHORIZED, "not_signed_in".to_owned())
    );
}

#[tokio::test]
async fn cookie_is_for_https_alone_where_the_public_url_is() {
    let house = House::with(|config| config.http.public_url = "https://mail.example.test".to_owned()).await;
    house.person("case", house.root, Rights::default()).await;
    let answer = sign_in(&house, "case", PASSWORD).await;
    assert!(answer.header("set-cookie").contains("Secure"));
}

#[tokio::test]
async fn unknown_login_and_wrong_password_get_the_same_answer() {
    let house = House::open().await;
    house.person("case", house.root, Rights::default()).await;
    let wrong = sign_in(&house, "case", "wrong horse battery").await;
    let unknown = sign_in(&house, "nobody", PASSWORD).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!(wrong.problem(), unknown.problem());
    insta::assert_json_snapshot!(wrong.problem());
}

#[tokio::test]
async fn session_ends_after_twelve_hours() {
    let house = House::open().await;
    house.person("case", house.root, Rights::default()).await;
    let cookie = cookie(&sign_in(&house, "case", PASSWORD).await);
    let who = async || {
        house
            .ask(Method::GET, "/api/v1/session")
            .header("cookie", &cookie)
            .send()
            .await
            .status
    };
    house.clock.advance(Duration::from_secs(12 * 3600 - 1));
    assert_eq!(who().await, StatusCode::OK);
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(who().await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_the_right_password_too() {
    let house = House::open().await;
    house.person("case", house.root, Rights::default()).await;
    for _ in 0..10 {
        assert_eq!(
            sign_in(&house, "case", "wrong horse battery").await.code(),
            "invalid_credentials"
        );
    }
    let refused = sign_in(&house, "case", PASSWORD).await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (StatusCode::TOO_MANY_REQUESTS, "30")
    );
    insta::assert_json_snapshot!(refused.problem());
    house.clock.advance(Duration::from_secs(30));
    assert_eq!(sign_in(&house, "case", PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn request_that_changes_something_has_to_come_from_the_same_site() {
    let house = House::open().await;
    house.person("case", house.root, Rights::default()).await;
    let cookie = cookie(&sign_in(&house, "case", PASSWORD).await);
    let act = async |name: &str, value: &str| {
        let body = json!({"action": "delete", "ids": ["0000000000000"]});
        let ask = house
            .ask(Method::POST, "/api/v1/messages/actions")
            .header("cookie", &cookie)
            .json(&body);
        ask.header(name, value).send().await
    };
    for (name, value) in [
        ("origin", "https://evil.example.com"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let answer = act(name, value).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::FORBIDDEN, "cross_site".to_owned()),
            "{value}"
        );
    }
    for (name, value) in [
        ("origin", "http://mail.example.test"),
        ("sec-fetch-site", "same-origin"),
    ] {
        assert_eq!(act(name, value).await.status, StatusCode::OK, "{value}");
    }
}

#[tokio::test]
async fn bad_credentials_of_every_form_are_401() {
    let house = House::open().await;
    for value in [
        "Bearer pk_unknown",
        "Bearer ",
        "Basic ZGFuYTp4",
        "pk_x",
        "Bearer x\u{7f}y",
    ] {
        let Ok(header) = axum::http::HeaderValue::from_str(value) else {
            continue;
        };
        let answer = house
            .ask(Method::GET, "/api/v1/messages")
            .header("authorization", header.to_str().unwrap())
            .send()
            .await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::UNAUTHORIZED, "not_signed_in".to_owned())
        );
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let answer = house
        .ask(Method::GET, "/api/v1/messages")
        .header("cookie", "postroom_session=x")
        .send()
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}
