//! The list, its pages and counts.

use axum::http::Method;
use postroom_store::Rights;
use serde_json::{Value, json};

use crate::house::House;

fn subjects(page: &Value) -> Vec<&str> {
    page["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["subject"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn pages_follow_each_other_in_both_directions() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    for n in 1..=5 {
        house.letter(&case, "a@example.com", &format!("letter {n}")).await;
    }
    let page = async |query: &str| {
        let path = format!("/api/v1/messages?limit=2{query}");
        house.ask(Method::GET, &path).key(&case.key).send().await.json()
    };
    let first = page("").await;
    assert_eq!(subjects(&first), ["letter 5", "letter 4"]);
    assert_eq!(
        (&first["more"], &first["prev"], &first["at"]),
        (&json!("yes"), &json!(null), &json!(0))
    );
    let second = page(&format!("&cursor={}", first["next"].as_str().unwrap())).await;
    assert_eq!(subjects(&second), ["letter 3", "letter 2"]);
    let last = page(&format!("&cursor={}", second["next"].as_str().unwrap())).await;
    assert_eq!(subjects(&last), ["letter 1"]);
    assert_eq!((&last["more"], &last["next"]), (&json!("no"), &json!(null)));
    let back = page(&format!("&cursor={}", last["prev"].as_str().unwrap())).await;
    assert_eq!(subjects(&back), ["letter 3", "letter 2"]);
    assert_eq!(subjects(&page("&at=3").await), ["letter 2", "letter 1"]);
}

#[tokio::test]
async fn list_and_counts_of_one_state_leave_the_others_out() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    house.letter(&case, "a@example.com", "queued").await;
    let get = async |path: &str| {
        let path = format!("/api/v1/messages{path}");
        house.ask(Method::GET, &path).key(&case.key).send().await
    };
    assert_eq!(subjects(&get("?state=queued").await.json()), ["queued"]);
    assert_eq!(subjects(&get("?type=outbox&state=held").await.json()), [""; 0]);
    let held = get("/counts?state=held").await.json();
    assert_eq!(
        (&held["total"], &held["states"]["queued"]),
        (&json!(0), &json!(1))
    );
}

#[tokio::test]
async fn row_and_counts_have_the_documented_form() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    house
        .letter(&case, "Client <client@example.com>", "Your policy")
        .await;
    let get = async |path: &str| house.ask(Method::GET, path).key(&case.key).send().await;
    let page = get("/api/v1/messages").await;
    assert!(page.header("server-timing").starts_with("total;dur="));
    insta::assert_json_snapshot!(page.json(), {".rows[].id" => "[id]", ".rows[].size_bytes" => "[size]"});
    insta::assert_json_snapshot!(get("/api/v1/messages/counts").await.json());
    let sent = get("/api/v1/messages/counts?type=sent").await.json();
    assert_eq!((&sent["total"], &sent["types"]["outbox"]), (&json!(0), &json!(1)));
}

#[tokio::test]
async fn only_mine_leaves_out_the_others_of_the_office() {
    let house = House::open().await;
    let rights = Rights {
        super_user: true,
        ..Rights::default()
    };
    let boss = house.person("boss", house.root, rights).await;
    let case = house.person("case", house.root, Rights::default()).await;
    house.letter(&boss, "a@example.com", "mine").await;
    house.letter(&case, "a@example.com", "theirs").await;
    let get = async |query: &str| {
        let path = format!("/api/v1/messages?{query}");
        house.ask(Method::GET, &path).key(&boss.key).send().await.json()
    };
    assert_eq!(subjects(&get("").await), ["theirs", "mine"]);
    assert_eq!(subjects(&get("mine=true").await), ["mine"]);
    let none = get(&format!("mine=true&sender={}", case.user)).await;
    assert_eq!(none["rows"], json!([]));
    assert_eq!(subjects(&get(&format!("sender={}", case.user)).await), ["theirs"]);
}
