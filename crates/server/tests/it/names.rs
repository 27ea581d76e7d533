//! Names and addresses to choose from while one types.

use axum::http::{Method, StatusCode};
use postroom_store::{Account, Rights, UserChange};
use serde_json::{Value, json};

use crate::house::{House, Person, by};

async fn get(house: &House, who: &Person, path: &str) -> Value {
    let answer = house.ask(Method::GET, path).key(&who.key).send().await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

async fn addresses(house: &House, who: &Person, query: &str) -> Vec<(String, String)> {
    let found = get(house, who, &format!("/api/v1/addresses{query}")).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = found["addresses"].as_array().unwrap().iter();
    rows.map(|row| (text(&row["address"]), text(&row["source"])))
        .collect()
}

fn row(address: &str, source: &str) -> (String, String) {
    (address.to_owned(), source.to_owned())
}

#[tokio::test]
async fn addresses_are_colleagues_who_are_there_and_whom_one_wrote_to() {
    let house = House::open().await;
    let north = house.office(house.root, "North").await;
    let case = house.person("case", north, Rights::default()).await;
    let partner = house.person("partner", north, Rights::default()).await;
    let left = house.person("leaver", north, Rights::default()).await;
    let system = house.person("system", house.root, Rights::default()).await;
    house.letter(&case, "client@example.com", "one").await;
    house.letter(&partner, "theirs@example.com", "two").await;
    let change = UserChange {
        account: Some(Account::Disabled),
        ..UserChange::default()
    };
    house
        .node
        .store
        .change_user(left.user, 1, change, &by())
        .await
        .unwrap();
    house.node.senders.refresh().await.unwrap();

    let all = addresses(&house, &case, "").await;
    assert_eq!(
        all,
        [
            row("client@example.com", "recent"),
            row("case@example.test", "person"),
            row("partner@example.test", "person"),
        ]
    );
    assert_eq!(
        addresses(&house, &case, "?q=cli").await,
        [row("client@example.com", "recent")]
    );
    assert_eq!(
        addresses(&house, &case, "?q=part%20hou").await,
        [row("partner@example.test", "person")],
        "by the words of the name"
    );
    assert_eq!(addresses(&house, &case, "?limit=1").await.len(), 1);
    assert_eq!(
        addresses(&house, &system, "").await,
        [row("system@example.test", "person")]
    );
    let found = get(&house, &case, "/api/v1/addresses?q=partner").await;
    assert_eq!(found["addresses"][0]["name"], "partner of the house");
}

#[tokio::test]
async fn bad_questions_are_refused_by_name_and_an_offices_key_is_nobody() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let long = "x".repeat(101);
    for path in ["/api/v1/addresses", "/api/v1/messages/senders"] {
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=51", "limit"),
            ("limit=x", "limit"),
            ("colour=red", "colour"),
            (&format!("q={long}"), "q"),
        ] {
            let asked = house.ask(Method::GET, &format!("{path}?{query}")).key(&case.key);
            let answer = asked.send().await;
            assert_eq!(
                (answer.status, answer.json()["field"].as_str()),
                (StatusCode::UNPROCESSABLE_ENTITY, Some(field)),
                "{path} {query}"
            );
        }
    }
    let key = house.key(house.root, None, &["read", "send"]).await;
    let refused = house.ask(Method::GET, "/api/v1/addresses").key(&key).send().await;
    assert_eq!(
        (refused.status, refused.json()["rule"].as_str()),
        (StatusCode::FORBIDDEN, Some("be_a_person"))
    );
}

#[tokio::test]
async fn names_for_filters_are_those_of_the_scope() {
    let house = House::open().await;
    let north = house.office(house.root, "North").await;
    let super_user = Rights {
        super_user: true,
        ..Rights::default()
    };
    let case = house.person("case", north, Rights::default()).await;
    let boss = house.person("boss", north, super_user).await;
    house.person("system", house.root, Rights::default()).await;
    let path = "/api/v1/messages/senders";
    let own = get(&house, &case, path).await;
    assert_eq!(
        own,
        json!({"senders": [{"id": case.user.0, "name": "case of the house"}], "offices": [{"id": north.0, "name": "North"}]})
    );
    let seen = get(&house, &boss, &format!("{path}?q=house")).await;
    let names: Vec<_> = seen["senders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["boss of the house", "case of the house"]);
    assert_eq!(seen["offices"], json!([]));
    let none = get(&house, &boss, &format!("{path}?q=system")).await;
    assert_eq!(none, json!({"senders": [], "offices": []}));
    // A read key of the office sees its user mail; one that only sends sees nothing.
    for (scopes, n) in [(&["read"][..], 2), (&["send"], 0)] {
        let key = house.key(north, None, scopes).await;
        let found = house.ask(Method::GET, path).key(&key).send().await.json();
        assert_eq!(found["senders"].as_array().unwrap().len(), n, "{scopes:?}");
    }
}
