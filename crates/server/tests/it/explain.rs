//! "Why hasn't it gone?"

use axum::http::Method;
use postroom_domain::{Clock as _, NodeSlot, RouteId};
use postroom_store::{LeaseRequest, Rights, Want};
use serde_json::{Value, json};

use crate::house::{House, Person};

async fn why(house: &House, who: &Person, id: &str) -> Value {
    let ask = house.ask(Method::GET, &format!("/api/v1/messages/{id}/explain"));
    ask.key(&who.key).send().await.json()
}

#[tokio::test]
async fn failed_and_sent_mail_say_what_they_know() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let lost = house.letter(&case, "a@example.com", "s").await;
    let gone = house.letter(&case, "b@example.com", "s").await;
    house.deliver(2, 1).await;
    insta::assert_json_snapshot!("failed", why(&house, &case, &lost).await);
    insta::assert_json_snapshot!("sent", why(&house, &case, &gone).await);
}

#[tokio::test]
async fn mail_under_way_says_since_when() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let id = house.letter(&case, "a@example.com", "s").await;
    house.clock.advance(std::time::Duration::from_secs(90));
    let (store, now) = (&house.node.store, house.clock.now());
    let node = store.join(NodeSlot(0), now).await.unwrap();
    let wants = vec![Want {
        route: RouteId::SERVER,
        n: 1,
    }];
    store.lease(LeaseRequest { node, wants, now }).await.unwrap();
    house.clock.advance(std::time::Duration::from_secs(30));
    let said = why(&house, &case, &id).await;
    assert_eq!(
        said["sentence"], "Attempt 1 of 10 is under way right now.",
        "{said}"
    );
    assert_eq!(said["evidence"][0], format!("under way since {now}"));
}

#[tokio::test]
async fn mail_without_a_relay_names_the_place_of_the_setting() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let id = house.letter(&case, "a@example.com", "s").await;
    insta::assert_json_snapshot!("no_relay", why(&house, &case, &id).await);
}

#[tokio::test]
async fn held_and_released_mail_say_who_can_do_what() {
    let house = House::open().await;
    let rights = Rights {
        super_user: true,
        ..Rights::default()
    };
    let boss = house.person("boss", house.root, rights).await;
    let case = house.person("case", house.root, Rights::default()).await;
    let id = house.letter(&case, "a@example.com", "s").await;
    let act = async |who: &Person, action: &str| {
        let ask = house.ask(Method::POST, "/api/v1/messages/actions").key(&who.key);
        ask.json(&json!({"action": action, "ids": [id]}))
            .send()
            .await
            .json()
    };
    assert_eq!(
        act(&case, "hold").await["refused"],
        1,
        "holding is for super users"
    );
    assert_eq!(act(&boss, "hold").await["done"], 1);
    insta::assert_json_snapshot!("held", why(&house, &case, &id).await);
    assert_eq!(
        act(&case, "requeue").await["refused"],
        1,
        "nor does a requeue let it go"
    );
    assert_eq!(act(&boss, "release").await["done"], 1);
}

#[tokio::test]
async fn holder_is_named_to_those_alone_who_know_them() {
    let house = House::open().await;
    let rights = Rights {
        super_user: true,
        enterprise_view: true,
        ..Rights::default()
    };
    let boss = house.person("boss", house.root, rights).await;
    let north = house.office(house.root, "North").await;
    let case = house.person("case", north, Rights::default()).await;
    let ids = [
        house.letter(&case, "a@example.com", "s").await,
        house.letter(&case, "b@example.com", "s").await,
    ];
    let ask = house.ask(Method::POST, "/api/v1/messages/actions").key(&boss.key);
    let held = ask.json(&json!({"action": "hold", "ids": ids})).send().await;
    assert_eq!(held.json()["done"], 2, "{}", held.text);
    for id in &ids {
        let seen = why(&house, &boss, id).await["evidence"][0].clone();
        assert!(
            seen.as_str()
                .unwrap()
                .starts_with("held by boss of the house since 2026-"),
            "{seen}"
        );
        let seen = why(&house, &case, id).await["evidence"][0].clone();
        assert!(
            seen.as_str()
                .unwrap()
                .starts_with("held by an administrator since 2026-"),
            "{seen}"
        );
    }
}
