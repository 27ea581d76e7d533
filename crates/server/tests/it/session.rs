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

async fn house_by_https() -> House {
    House::with(|config| config.http.public_url = "https://mail.example.test".to_owned()).await
}

#[tokio::test]
async fn cookie_is_of_this_host_over_https_alone_where_the_public_url_is() {
    let house = house_by_https().await;
    house.person("case", house.root, Rights::default()).await;
    let answer = sign_in(&house, "case", PASSWORD).await;
    let given = answer.header("set-cookie");
    assert!(given.starts_with("__Host-postroom_session="), "{given}");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Secure"] {
        assert!(given.contains(part), "{given}");
    }
    assert!(!given.contains("Domain"), "{given}");
    let cookie = cookie(&answer);
    let who = house
        .ask(Method::GET, "/api/v1/session")
        .header("cookie", &cookie);
    assert_eq!(who.send().await.json(), answer.json());
    let out = house
        .ask(Method::DELETE, "/api/v1/session")
        .header("cookie", &cookie);
    let out = out.send().await;
    let gone = out.header("set-cookie");
    assert!(
        gone.starts_with("__Host-postroom_session=;") && gone.contains("Secure") && gone.contains("Path=/"),
        "{gone}"
    );
}

#[tokio::test]
async fn cookie_that_a_neighbour_host_can_set_opens_nothing_over_https_and_goes_with_the_next_sign_in() {
    let house = house_by_https().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let old = format!("postroom_session={}", case.session);
    let who = house.ask(Method::GET, "/api/v1/session").header("cookie", &old);
    assert_eq!(who.send().await.status, StatusCode::UNAUTHORIZED);
    let both = format!(
        "__Host-postroom_session={}; postroom_session=planted",
        case.session
    );
    let who = house.ask(Method::GET, "/api/v1/session").header("cookie", &both);
    assert_eq!(who.send().await.status, StatusCode::OK);

    let given = json!({"login": "case", "password": PASSWORD});
    let ask = house.ask(Method::POST, "/api/v1/session").header("cookie", &old);
    let answer = ask.json(&given).send().await;
    let set: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(set.len(), 3, "the browser's own is the third: {set:?}");
    let begins = |with: &str| {
        set.iter()
            .any(|value| value.to_str().is_ok_and(|text| text.starts_with(with)))
    };
    assert!(
        begins("postroom_session=;") && begins("__Host-postroom_session="),
        "{set:?}"
    );
}

#[tokio::test]
async fn answers_keep_browsers_at_https_where_the_public_url_is() {
    const STAY: [(&str, &str); 2] = [
        ("strict-transport-security", "max-age=31536000"),
        ("cross-origin-opener-policy", "same-origin"),
    ];
    let (https, http) = (house_by_https().await, House::open().await);
    // A page, a refusal, and what is nowhere.
    for path in ["/", "/api/v1/session", "/api/v1/nowhere", "/health/live"] {
        let answer = https.ask(Method::GET, path).send().await;
        assert_eq!(
            STAY.map(|(name, _)| answer.header(name)),
            STAY.map(|(_, value)| value),
            "{path}"
        );
        let answer = http.ask(Method::GET, path).send().await;
        assert_eq!(STAY.map(|(name, _)| answer.header(name)), [""; 2], "{path}");
    }
}

#[tokio::test]
async fn host_whose_public_url_has_a_port_of_its_own_is_not_kept_to_https() {
    let house =
        House::with(|config| config.http.public_url = "https://mail.example.test:8443".to_owned()).await;
    let answer = house.ask(Method::GET, "/health/live").send().await;
    assert_eq!(answer.header("strict-transport-security"), "");
    assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
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

/// The answer to a sign-out with this Origin.
async fn with_origin(house: &House, origin: &str, more: &[(&str, &str)]) -> StatusCode {
    let mut ask = house.ask(Method::DELETE, "/api/v1/session");
    for (name, value) in more {
        ask = ask.header(name, value);
    }
    ask.header("origin", origin).send().await.status
}

#[tokio::test]
async fn origin_of_the_other_scheme_is_another_site() {
    const PASSES: StatusCode = StatusCode::NO_CONTENT;
    const REFUSED: StatusCode = StatusCode::FORBIDDEN;
    let (https, http) = (house_by_https().await, House::open().await);
    for (origin, by_https, by_http) in [
        ("https://mail.example.test", PASSES, REFUSED),
        ("https://mail.example.test:443", PASSES, REFUSED),
        ("http://mail.example.test", REFUSED, PASSES),
        ("http://MAIL.example.test:80", REFUSED, PASSES),
        ("https://mail.example.test:80", REFUSED, REFUSED),
        ("http://mail.example.test:443", REFUSED, REFUSED),
    ] {
        let found = (
            with_origin(&https, origin, &[]).await,
            with_origin(&http, origin, &[]).await,
        );
        assert_eq!(found, (by_https, by_http), "{origin}");
    }
}

#[tokio::test]
async fn scheme_before_a_proxy_is_believed_from_configured_proxies_alone() {
    let behind =
        House::with(|config| config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let open = House::open().await;
    let forwarded = [("x-forwarded-proto", "https")];
    for (origin, trusted, others) in [
        ("https://mail.example.test", 204, 403),
        ("http://mail.example.test", 403, 204),
    ] {
        let found = (
            with_origin(&behind, origin, &forwarded).await.as_u16(),
            with_origin(&open, origin, &forwarded).await.as_u16(),
        );
        assert_eq!(found, (trusted, others), "{origin}");
    }
}

#[tokio::test]
async fn page_at_the_public_url_is_postrooms_own_behind_a_proxy_that_changes_the_host() {
    let house = House::with(|config| config.http.public_url = "https://post.example.com/".to_owned()).await;
    assert_eq!(
        with_origin(&house, "https://post.example.com", &[]).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        with_origin(&house, "https://other.example.com", &[]).await,
        StatusCode::FORBIDDEN
    );
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
