//! `/pauses`: sending paused for an office or a user.

use axum::http::{Method, StatusCode};
use postroom_store::Rights;
use serde_json::json;

use crate::house::{House, Person};

const ADMINISTRATOR: Rights = Rights {
    super_user: false,
    enterprise_view: false,
    administrator: true,
    customize_list_layout: false,
};

#[tokio::test]
async fn mail_of_a_paused_office_is_taken_in_and_waits_until_it_is_resumed() {
    let house = House::open().await;
    let boss = house.person("boss", house.root, ADMINISTRATOR).await;
    let case = house.person("case", house.root, Rights::default()).await;
    let pause = json!({"office": house.root.0, "reason": "a wrong merge"});
    let paused = house
        .ask(Method::POST, "/api/v1/pauses")
        .by_hand(&boss)
        .json(&pause)
        .send()
        .await;
    assert_eq!(paused.status, StatusCode::CREATED, "{}", paused.text);
    let id = house.letter(&case, "client@example.com", "Your policy").await;
    let path = format!("/api/v1/messages/{id}");
    let shown = house.ask(Method::GET, &path).by_hand(&case).send().await;
    assert!(shown.text.contains("paused"), "{}", shown.text);
    let list = house
        .ask(Method::GET, "/api/v1/pauses")
        .by_hand(&case)
        .send()
        .await
        .json();
    assert_eq!(list["pauses"][0]["reason"], "a wrong merge");
    let status = house
        .ask(Method::GET, "/api/v1/status")
        .by_hand(&case)
        .send()
        .await
        .json();
    assert_eq!(status["banners"][0]["kind"], "sending_paused");
    let resume = format!("/api/v1/pauses/{}", list["pauses"][0]["id"].as_str().unwrap());
    let not_theirs = house.ask(Method::DELETE, &resume).by_hand(&case).send().await;
    assert_eq!(
        (not_theirs.status, not_theirs.code()),
        (StatusCode::FORBIDDEN, "not_permitted".to_owned())
    );
    let ended = house.ask(Method::DELETE, &resume).by_hand(&boss).send().await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    while house
        .node
        .store
        .settle(house.node.clock.now())
        .await
        .unwrap()
        .more
    {}
    let shown = house.ask(Method::GET, &path).by_hand(&case).send().await.json();
    assert_eq!(shown["state"], "queued");
    let again = house.ask(Method::DELETE, &resume).by_hand(&boss).send().await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn administrators_pause_what_they_administer_alone() {
    let house = House::open().await;
    let north = house.office(house.root, "North").await;
    let local = house.person("local", north, ADMINISTRATOR).await;
    let case = house.person("case", house.root, Rights::default()).await;
    let peer = house
        .person(
            "peer",
            north,
            Rights {
                super_user: true,
                ..Rights::default()
            },
        )
        .await;
    let post = async |who: &Person, body| {
        house
            .ask(Method::POST, "/api/v1/pauses")
            .by_hand(who)
            .json(&body)
            .send()
            .await
            .status
    };
    assert_eq!(
        post(&local, json!({"office": house.root.0})).await,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        post(&local, json!({"user": case.user.0})).await,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        post(&peer, json!({"user": local.user.0})).await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        post(&local, json!({"user": peer.user.0})).await,
        StatusCode::CREATED
    );
    assert_eq!(post(&local, json!({})).await, StatusCode::UNPROCESSABLE_ENTITY);
    let both = json!({"user": peer.user.0, "office": north.0});
    assert_eq!(post(&local, both).await, StatusCode::UNPROCESSABLE_ENTITY);
}
