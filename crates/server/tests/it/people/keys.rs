//! API keys and proxies: no more than whoever makes them (V6).

use axum::http::StatusCode;
use postroom_store::Rights;
use serde_json::{Value, json};

use super::{ADMINISTRATOR, send};
use crate::house::House;

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
