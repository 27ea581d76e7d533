//! The audit log.

use axum::http::{Method, StatusCode};
use postroom_store::Rights;
use serde_json::json;

use crate::house::House;
use crate::server::Server;

const ADMINISTRATOR: Rights = Rights {
    super_user: false,
    enterprise_view: false,
    administrator: true,
    customize_list_layout: false,
};

#[tokio::test]
async fn administrators_see_the_log_of_their_office_and_the_system_office_all() {
    let house = House::open().await;
    let branch = house.office(house.root, "Branch").await;
    let case = house.person("case", house.root, Rights::default()).await;
    let root = house.person("root", house.root, ADMINISTRATOR).await;
    let local = house.person("local", branch, ADMINISTRATOR).await;
    let id = house.letter(&case, "a@example.com", "s").await;
    let delete = json!({"action": "delete", "ids": [id]});
    house
        .ask(Method::POST, "/api/v1/messages/actions")
        .key(&case.key)
        .json(&delete)
        .send()
        .await;
    let see = async |key: &str| house.ask(Method::GET, "/api/v1/audit").key(key).send().await;
    let all = see(&root.key).await.json();
    let entry = &all["entries"][0];
    assert_eq!(
        (&entry["action"], &entry["count"], &entry["subject"]),
        (
            &json!("messages.delete"),
            &json!(1),
            &json!(format!("message {id}"))
        )
    );
    let theirs = see(&local.key).await.json();
    let theirs = theirs["entries"].as_array().unwrap();
    let actions: Vec<_> = theirs.iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["key.create", "user.create", "office.create"]);
    assert!(all["entries"].as_array().unwrap().len() > theirs.len());
    let refused = see(&case.key).await;
    assert_eq!(
        (refused.status, refused.json()["rule"].clone()),
        (StatusCode::FORBIDDEN, json!("administer_office"))
    );
    let check = house
        .ask(Method::GET, "/api/v1/audit/verify")
        .key(&local.key)
        .send()
        .await;
    assert_eq!(check.status, StatusCode::FORBIDDEN);
    let check = house
        .ask(Method::GET, "/api/v1/audit/verify")
        .key(&root.key)
        .send()
        .await
        .json();
    assert_eq!(
        (&check["problems"], check["entries"].as_u64() > Some(0)),
        (&json!([]), true)
    );
}

#[tokio::test]
async fn command_verifies_and_takes_a_remembered_head() {
    let server = Server::start().await;
    let ended = server.command(&["audit", "verify"], "", &[]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let head = ended
        .out
        .split("head ")
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .to_owned();
    let ended = server
        .command(&["audit", "verify", "--remembered", &head], "", &[])
        .await;
    assert_eq!(ended.code, Some(0), "{}", ended.out);
    let other = format!("9:{}", "ab".repeat(32));
    let ended = server
        .command(&["audit", "verify", "--remembered", &other], "", &[])
        .await;
    assert_eq!(ended.code, Some(2), "{}", ended.out);
    assert!(ended.out.contains("written anew"), "{}", ended.out);
}
