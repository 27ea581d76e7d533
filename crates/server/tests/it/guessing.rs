//! Guessed passwords: guessing is slow, and keeps nobody out.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use postroom_domain::{Clock as _, Timestamp};
use postroom_office::{Client, Secret, hash_of};
use postroom_store::{NewToken, OpenKeys, Rights, SignInSource, TokenPurpose};
use serde_json::{Value, json};

use crate::house::{Answer, House, PASSWORD, START, by};

/// Where people work.
const OFFICE: &str = "192.0.2.10";
/// Where they were never before.
const TRAIN: &str = "198.51.100.7";
/// A house behind a proxy that says where people come from, and case in it.
async fn house() -> House {
    let house = House::with(|config| {
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    house.person("case", house.root, Rights::default()).await;
    house
}

async fn post(house: &House, path: &str, from: &str, cookie: &str, body: &Value) -> Answer {
    let mut ask = house
        .ask(Method::POST, path)
        .header("x-forwarded-for", from)
        .json(body);
    if !cookie.is_empty() {
        ask = ask.header("cookie", cookie);
    }
    ask.send().await
}

async fn sign_in(house: &House, from: &str, cookie: &str, login: &str, password: &str) -> Answer {
    let given = json!({"login": login, "password": password});
    post(house, "/api/v1/session", from, cookie, &given).await
}

/// Tries a wrong password, each time another.
async fn wrong_guess(house: &House, from: &str, cookie: &str, login: &str) -> Answer {
    static GUESSES: AtomicU32 = AtomicU32::new(0);
    let password = format!("wrong password {}", GUESSES.fetch_add(1, Ordering::Relaxed));
    sign_in(house, from, cookie, login, &password).await
}

async fn ask_for_a_link(house: &House, from: &str, cookie: &str, login: &str) -> Answer {
    let given = json!({"login": login});
    post(house, "/api/v1/password-reset", from, cookie, &given).await
}

/// Guesses case's password from everywhere until no stranger's attempt is looked at.
async fn guess_from_everywhere(house: &House) {
    for n in 0..100 {
        let from = format!("203.0.113.{}", n / 10);
        let guess = wrong_guess(house, &from, "", "case").await;
        assert_eq!(guess.code(), "invalid_credentials", "{n}");
    }
    let guess = wrong_guess(house, "203.0.113.99", "", "case").await;
    assert_eq!(guess.code(), "too_many_attempts");
}

/// The browser's cookie that an answer sets.
fn device(answer: &Answer) -> String {
    let cookies = answer.headers.get_all("set-cookie").iter();
    let mut cookies = cookies.map(|value| value.to_str().unwrap());
    let device = cookies.find(|cookie| cookie.starts_with("postroom_device="));
    let device = device.unwrap();
    assert!(
        device.contains("HttpOnly") && device.contains("SameSite=Strict"),
        "{device}"
    );
    device.split(';').next().unwrap().to_owned()
}

/// The cookie of a browser that case signed in with twice in the office: the second time it brought the cookie.
async fn laptop(house: &House) -> String {
    let laptop = device(&sign_in(house, OFFICE, "", "case", PASSWORD).await);
    let again = sign_in(house, OFFICE, &laptop, "case", PASSWORD).await;
    assert_eq!(device(&again), laptop, "one browser has one cookie");
    laptop
}

/// When case was last noted at a source.
async fn noted(house: &House, source: SignInSource) -> Option<Timestamp> {
    let store = &house.node.store;
    let case = store.user_by_login("case").await.unwrap().unwrap();
    store.source_seen(case.id, source).await.unwrap()
}

/// The browser of a cookie.
fn browser_of(cookie: &str) -> SignInSource {
    let (_, token) = cookie.split_once('=').unwrap();
    SignInSource::Device(hash_of(token))
}

#[tokio::test]
async fn browser_is_noted_once_it_brings_its_cookie() {
    let house = house().await;
    let cookie = device(&sign_in(&house, OFFICE, "", "case", PASSWORD).await);
    assert_eq!(noted(&house, browser_of(&cookie)).await, None);
    let network = SignInSource::Network(OFFICE.parse().unwrap());
    assert_eq!(noted(&house, network).await, Some(START));
    sign_in(&house, OFFICE, &cookie, "case", PASSWORD).await;
    assert_eq!(noted(&house, browser_of(&cookie)).await, Some(START));
}

#[tokio::test]
async fn sources_are_written_at_most_once_a_day() {
    let house = house().await;
    let network = SignInSource::Network(OFFICE.parse().unwrap());
    let hour = Duration::from_secs(3600);
    for (later, written) in [(0, 0), (23, 0), (1, 24), (23, 24), (1, 48)] {
        house.clock.advance(hour * later);
        sign_in(&house, OFFICE, "", "case", PASSWORD).await;
        let noted = noted(&house, network).await;
        assert_eq!(noted, Some(START.plus(hour * written)), "{written}");
    }
}

#[tokio::test]
async fn guessing_is_slow_and_whoever_is_refused_is_told_what_to_do_and_when() {
    let house = house().await;
    for _ in 0..10 {
        let wrong = wrong_guess(&house, TRAIN, "", "case").await;
        assert_eq!(wrong.code(), "invalid_credentials");
    }
    let refused = sign_in(&house, TRAIN, "", "case", PASSWORD).await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (StatusCode::TOO_MANY_REQUESTS, "60")
    );
    insta::assert_json_snapshot!(refused.problem());
    house.clock.advance(Duration::from_secs(60));
    let right = sign_in(&house, TRAIN, "", "case", PASSWORD).await;
    assert_eq!(right.status, StatusCode::OK);
}

#[tokio::test]
async fn stranger_keeps_nobody_out() {
    let house = house().await;
    for _ in 0..10 {
        wrong_guess(&house, TRAIN, "", "case").await;
    }
    let guess = wrong_guess(&house, TRAIN, "", "case").await;
    assert_eq!(guess.code(), "too_many_attempts");
    let right = sign_in(&house, OFFICE, "", "case", PASSWORD).await;
    assert_eq!(right.status, StatusCode::OK);
}

#[tokio::test]
async fn login_and_address_are_one_budget() {
    let house = house().await;
    for login in ["case", " Case@Example.test"].iter().cycle().take(10) {
        let guess = wrong_guess(&house, TRAIN, "", login).await;
        assert_eq!(guess.code(), "invalid_credentials");
    }
    for login in ["case", "case@example.test"] {
        let guess = wrong_guess(&house, TRAIN, "", login).await;
        assert_eq!(guess.code(), "too_many_attempts", "{login}");
    }
}

#[tokio::test]
async fn known_devices_and_networks_go_on_while_everybody_guesses() {
    let house = house().await;
    let laptop = laptop(&house).await;
    guess_from_everywhere(&house).await;
    let elsewhere = sign_in(&house, TRAIN, "", "case", PASSWORD).await;
    assert_eq!(elsewhere.code(), "too_many_attempts");
    let from_the_office = sign_in(&house, OFFICE, "", "case", PASSWORD).await;
    assert_eq!(from_the_office.status, StatusCode::OK);
    let on_the_laptop = sign_in(&house, TRAIN, &laptop, "case", PASSWORD).await;
    assert_eq!(on_the_laptop.status, StatusCode::OK);
    assert_eq!(
        device(&on_the_laptop),
        laptop,
        "one browser has one cookie, whoever signs in"
    );
    // The cookie of one person's browser is nothing for another's account.
    house.person("lee", house.root, Rights::default()).await;
    for _ in 0..10 {
        wrong_guess(&house, TRAIN, &laptop, "lee").await;
    }
    let other = wrong_guess(&house, TRAIN, &laptop, "lee").await;
    assert_eq!(other.code(), "too_many_attempts");
    let case_again = sign_in(&house, TRAIN, &laptop, "case", PASSWORD).await;
    assert_eq!(case_again.status, StatusCode::OK);
}

#[tokio::test]
async fn known_device_guesses_slowly_and_is_forgotten_after_ninety_days() {
    let house = house().await;
    let laptop = laptop(&house).await;
    for _ in 0..10 {
        let guess = wrong_guess(&house, TRAIN, &laptop, "case").await;
        assert_eq!(guess.code(), "invalid_credentials");
    }
    let guess = wrong_guess(&house, TRAIN, &laptop, "case").await;
    assert_eq!(guess.code(), "too_many_attempts");
    house.clock.advance(Duration::from_secs(90 * 24 * 3600));
    guess_from_everywhere(&house).await;
    let late = sign_in(&house, TRAIN, &laptop, "case", PASSWORD).await;
    assert_eq!(late.code(), "too_many_attempts");
}

#[tokio::test]
async fn program_that_goes_on_with_an_old_password_uses_up_nothing() {
    let house = house().await;
    let old = "the password of last year";
    for n in 0..30 {
        let wrong = sign_in(&house, TRAIN, "", "case", old).await;
        assert_eq!(wrong.code(), "invalid_credentials", "{n}");
    }
    for _ in 0..9 {
        assert_eq!(
            wrong_guess(&house, TRAIN, "", "case").await.code(),
            "invalid_credentials"
        );
    }
    let guess = wrong_guess(&house, TRAIN, "", "case").await;
    assert_eq!(guess.code(), "too_many_attempts", "the old one counts once");
}

#[tokio::test]
async fn password_that_was_wrong_is_right_once_it_is_the_accounts() {
    let house = house().await;
    let next = "the password of next year";
    let early = sign_in(&house, TRAIN, "", "case", next).await;
    assert_eq!(early.code(), "invalid_credentials");
    let hash = house.node.authenticator.passwords().hash(next).await.unwrap();
    let store = &house.node.store;
    let case = store.user_by_login("case").await.unwrap().unwrap();
    let changed = store.change_password(case.id, hash, OpenKeys::Keep, &by()).await;
    assert!(changed.is_ok());
    let right = sign_in(&house, TRAIN, "", "case", next).await;
    assert_eq!(right.status, StatusCode::OK);
}

#[tokio::test]
async fn flood_is_refused_at_once_but_for_who_signed_in_there() {
    let house = house().await;
    house.person("lee", house.root, Rights::default()).await;
    let lee = sign_in(&house, TRAIN, "", "lee", PASSWORD).await;
    assert_eq!(lee.status, StatusCode::OK);
    for _ in 0..10 {
        wrong_guess(&house, TRAIN, "", "case").await;
    }
    for n in 0..50 {
        let refused = wrong_guess(&house, TRAIN, "", "case").await;
        // Refused by the network's refusals, which are fewer in a moment, and not by what is known of the account.
        let wait = if n < 40 { "60" } else { "1" };
        assert_eq!(refused.header("retry-after"), wait, "{n}");
    }
    let unknown = sign_in(&house, TRAIN, "", "case", PASSWORD).await;
    assert_eq!(unknown.code(), "too_many_attempts");
    let lee = sign_in(&house, TRAIN, "", "lee", PASSWORD).await;
    assert_eq!(lee.status, StatusCode::OK);
    let elsewhere = sign_in(&house, OFFICE, "", "case", PASSWORD).await;
    assert_eq!(elsewhere.status, StatusCode::OK);
}

#[tokio::test]
async fn wrong_keys_are_counted_apart_from_passwords() {
    let house = house().await;
    let lee = house.person("lee", house.root, Rights::default()).await;
    for n in 0..10 {
        let login = if n % 2 == 0 { "case" } else { "nobody" };
        let wrong = sign_in(&house, TRAIN, "", login, "pk_ended").await;
        assert_eq!(wrong.code(), "invalid_credentials", "{n}");
    }
    let wrong = sign_in(&house, TRAIN, "", "case", "pk_ended").await;
    assert_eq!(
        (wrong.code().as_str(), wrong.header("retry-after")),
        ("too_many_attempts", "30")
    );
    let elsewhere = sign_in(&house, OFFICE, "", "case", "pk_ended").await;
    assert_eq!(elsewhere.code(), "invalid_credentials");
    let right = sign_in(&house, TRAIN, "", "case", PASSWORD).await;
    assert_eq!(right.status, StatusCode::OK);
    let authenticator = &house.node.authenticator;
    let from_the_train = Client::at(TRAIN.parse().unwrap());
    let by_key = authenticator.sign_in("lee", &lee.key, &from_the_train).await;
    assert!(by_key.is_ok(), "a right key is not counted");
}

#[tokio::test]
async fn whoever_chose_a_password_by_a_link_signs_in_at_once() {
    let house = house().await;
    let store = &house.node.store;
    let user = store.user_by_login("case").await.unwrap().unwrap();
    let link = Secret::session();
    let token = NewToken {
        hash: link.hash(),
        purpose: TokenPurpose::PasswordReset((&user).into()),
        ends_at: house.clock.now().plus(Duration::from_secs(3600)),
    };
    store.keep_token(token, &by()).await.unwrap();
    guess_from_everywhere(&house).await;
    let given = json!({"token": link.reveal(), "password": "another horse battery"});
    let path = "/api/v1/password-reset/confirm";
    let chosen = post(&house, path, TRAIN, "", &given).await;
    assert_eq!(chosen.status, StatusCode::NO_CONTENT, "{}", chosen.text);
    let phone = device(&chosen);
    let wrong = sign_in(&house, "198.51.100.8", "", "case", "another horse battery").await;
    assert_eq!(wrong.code(), "too_many_attempts");
    let right = sign_in(&house, "198.51.100.8", &phone, "case", "another horse battery").await;
    assert_eq!(right.status, StatusCode::OK);
}

#[tokio::test]
async fn links_that_others_invent_do_not_keep_a_right_one_out() {
    let house = house().await;
    let store = &house.node.store;
    let user = store.user_by_login("case").await.unwrap().unwrap();
    let link = Secret::session();
    let token = NewToken {
        hash: link.hash(),
        purpose: TokenPurpose::PasswordReset((&user).into()),
        ends_at: house.clock.now().plus(Duration::from_secs(3600)),
    };
    store.keep_token(token, &by()).await.unwrap();
    let choose = async |token: &str| {
        let given = json!({"token": token, "password": "another horse battery"});
        post(&house, "/api/v1/password-reset/confirm", OFFICE, "", &given).await
    };
    for _ in 0..10 {
        assert_eq!(choose("invented").await.code(), "token_invalid");
    }
    assert_eq!(choose("invented").await.code(), "too_many_attempts");
    assert_eq!(choose(link.reveal()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(choose(link.reveal()).await.code(), "too_many_attempts");
}

#[tokio::test]
async fn links_that_others_ask_for_do_not_use_up_the_persons_own() {
    let house = house().await;
    let laptop = laptop(&house).await;
    for login in ["case", "nobody"] {
        for from in ["203.0.113.1", "203.0.113.2"] {
            for _ in 0..3 {
                let asked = ask_for_a_link(&house, from, "", login).await;
                assert_eq!(asked.status, StatusCode::ACCEPTED, "{login}");
            }
            let asked = ask_for_a_link(&house, from, "", login).await;
            assert_eq!(asked.code(), "too_many_attempts", "{login}");
        }
    }
    let known = ask_for_a_link(&house, TRAIN, "", "case@example.test").await;
    let unknown = ask_for_a_link(&house, TRAIN, "", "nobody").await;
    assert_eq!(known.problem(), unknown.problem());
    assert_eq!(
        (known.header("retry-after"), unknown.header("retry-after")),
        ("1200", "1200")
    );
    insta::assert_json_snapshot!(known.problem());
    for (from, cookie) in [(TRAIN, laptop.as_str()), (OFFICE, "")] {
        let own = ask_for_a_link(&house, from, cookie, "case").await;
        assert_eq!(own.status, StatusCode::ACCEPTED, "{from}");
    }
}
