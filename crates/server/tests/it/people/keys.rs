//! API keys and proxies: no more than whoever makes them (V6).

use std::time::Duration;

use axum::http::{Method, StatusCode};
use postroom_store::Rights;
use serde_json::{Value, json};

use super::{ADMINISTRATOR, cookie, send};
use crate::house::{House, PASSWORD, START};

#[tokio::test]
async fn office_key_has_no_more_than_its_maker() {
    let house = House::open().await;
    let north = house.office(house.root, "North Office").await;
    let overseer = Rights {
        super_user: true,
        ..ADMINISTRATOR
    };
    let local = house.person("local", north, ADMINISTRATOR).await;
    let overseer = house.person("overseer", north, overseer).await;
    let system = house.person("system", house.root, ADMINISTRATOR).await;
    for (who, shows) in [(&local, false), (&overseer, true), (&system, true)] {
        for scopes in [
            vec!["send"],
            vec!["post_notifications"],
            vec!["read"],
            vec!["send", "manage"],
        ] {
            let sees = scopes.contains(&"read") || scopes.contains(&"manage");
            let key = json!({"office": north.0, "scopes": scopes});
            let made = send(&house, who, "POST /keys", None, &key).await;
            if shows || !sees {
                assert_eq!(made.status, StatusCode::CREATED, "{key} {}", made.text);
            } else {
                assert_eq!(made.json()["rule"], "make_key", "{key} {}", made.text);
            }
        }
    }
}

#[tokio::test]
async fn nobody_gives_themself_a_proxy_for_mail_that_they_may_not_have_shown() {
    let house = House::open().await;
    let north = house.office(house.root, "North Office").await;
    let local = house.person("local", north, ADMINISTRATOR).await;
    let confederate = house.person("confederate", north, Rights::default()).await;
    let partner = house.person("partner", north, Rights::default()).await;
    let system = house.person("system", house.root, ADMINISTRATOR).await;
    for assistant in [&local, &confederate] {
        let proxy = json!({"assistant": assistant.user, "principal": partner.user, "level": "view"});
        let refused = send(&house, &local, "POST /proxies", None, &proxy).await;
        assert_eq!(refused.json()["rule"], "give_proxy", "{}", refused.text);
    }
    let proxy = json!({"assistant": confederate.user, "level": "view"});
    let given = send(&house, &partner, "POST /proxies", None, &proxy).await;
    assert_eq!(given.status, StatusCode::CREATED, "{}", given.text);
    let id = given.json()["id"].clone();
    // Widening it is giving; ending it shows nothing.
    let wider = json!({"level": "manage"});
    let call = format!("PUT /proxies/{id}");
    let refused = send(&house, &local, &call, Some(1), &wider).await;
    assert_eq!(refused.json()["rule"], "give_proxy", "{}", refused.text);
    let done = send(&house, &system, &call, Some(1), &wider).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let call = format!("DELETE /proxies/{id}");
    let ended = send(&house, &local, &call, None, &Value::Null).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT, "{}", ended.text);
}

#[tokio::test]
async fn key_ends_by_itself_and_shows_who_made_it_and_when_it_was_used() {
    let house = House::open().await;
    let clerk = house.person("clerk", house.root, Rights::default()).await;
    let over = json!({"label": "scanner", "ends_at": START});
    let refused = send(&house, &clerk, "POST /keys", None, &over).await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()["field"].as_str()),
        (422, Some("ends_at"))
    );
    let minutes = |n: u64| Duration::from_secs(n * 60);
    let new = json!({"label": "scanner", "ends_at": START.plus(minutes(180))});
    let made = send(&house, &clerk, "POST /keys", None, &new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    let used = async || {
        let ask = house.ask(Method::GET, "/api/v1/messages").key(&secret);
        ask.send().await.status
    };
    let shown = async || {
        house.node.authenticator.save_key_uses().await.unwrap();
        let found = send(&house, &clerk, "GET /keys", None, &Value::Null).await.json();
        let keys = found["keys"].as_array().unwrap().clone();
        keys.into_iter().find(|key| key["label"] == "scanner").unwrap()
    };
    let unused = shown().await;
    assert_eq!(
        (&unused["made_by"]["id"], &unused["last_used_at"]),
        (&json!(clerk.user.0), &Value::Null)
    );
    // Written once an hour, however often it is used.
    for (later, written) in [(0, 0), (30, 0), (29, 0), (2, 61)] {
        house.clock.advance(minutes(later));
        assert_eq!(used().await, StatusCode::OK);
        let now = shown().await;
        assert_eq!(now["last_used_at"], json!(START.plus(minutes(written))), "{now}");
    }
    house.clock.advance(minutes(118));
    assert_eq!(used().await, StatusCode::OK);
    house.clock.advance(minutes(1));
    assert_eq!(used().await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn new_password_and_more_rights_end_keys() {
    let house = House::open().await;
    let admin = house.person("admin", house.root, ADMINISTRATOR).await;
    let clerk = house.person("clerk", house.root, Rights::default()).await;
    let works = async |key: &str| {
        let ask = house.ask(Method::GET, "/api/v1/messages").key(key);
        ask.send().await.status == StatusCode::OK
    };
    assert!(works(&clerk.key).await);
    let call = format!("PUT /users/{}/rights", clerk.user);
    let view = json!({"rights": ["enterprise_view"]});
    let given = send(&house, &admin, &call, Some(1), &view).await;
    assert_eq!(given.status, StatusCode::OK, "{}", given.text);
    assert!(!works(&clerk.key).await, "with the next request");
    let ended = send(&house, &clerk, "GET /session", None, &Value::Null).await;
    assert_eq!(ended.status, StatusCode::UNAUTHORIZED, "{}", ended.text);
    let user = house.node.store.user(clerk.user).await.unwrap().unwrap();
    let mut clerk = house.moved_in(user).await;
    let made = send(&house, &clerk, "POST /keys", None, &json!({})).await;
    let key = made.json()["secret"].as_str().unwrap().to_owned();
    assert!(works(&key).await);
    let mut current = PASSWORD.to_owned();
    for (end_keys, works_on) in [(false, true), (true, false)] {
        let password = format!("another horse {end_keys}");
        let change = json!({"current": current, "password": password, "end_keys": end_keys});
        let changed = send(&house, &clerk, "POST /session/password", None, &change).await;
        assert_eq!(changed.status, StatusCode::NO_CONTENT, "{}", changed.text);
        // The session goes on as another.
        let cookie = cookie(&changed);
        clerk.session = cookie.split_once('=').unwrap().1.to_owned();
        current = password;
        assert_eq!(works(&key).await, works_on, "{end_keys}");
    }
}
