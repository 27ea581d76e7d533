//! Which addresses people may have and send from.

use axum::http::{Method, StatusCode};
use postroom_store::Rights;
use serde_json::{Value, json};

use super::{ADMINISTRATOR, send};
use crate::house::{Answer, House, Person};

async fn submit(house: &House, who: &Person, from: &str) -> Answer {
    let message =
        json!({"from": from, "to": ["client@example.com"], "subject": "Your policy", "text": "Yours."});
    let ask = house.ask(Method::POST, "/api/v1/messages").key(&who.key);
    ask.json(&message).send().await
}

#[tokio::test]
async fn address_of_the_notifications_is_nobodys() {
    let house = House::with(|config| config.notifications.from = "Mailer@example.test".to_owned()).await;
    let admin = house.person("admin", house.root, ADMINISTRATOR).await;
    let clerk = house.person("clerk", house.root, Rights::default()).await;
    let edit = format!("PATCH /users/{}", clerk.user);
    for reserved in ["MAILER@Example.Test", "postmaster@mail.example.test"] {
        let new = json!({"login": "new", "name": "New", "email": reserved});
        let login = json!({"login": reserved, "name": "New", "email": "new@example.test"});
        for (call, version, body, field) in [
            ("POST /users", None, &new, "email"),
            ("POST /users", None, &login, "login"),
            (edit.as_str(), Some(1), &json!({"email": reserved}), "email"),
            (edit.as_str(), Some(1), &json!({"login": reserved}), "login"),
        ] {
            let refused = send(&house, &admin, call, version, body).await;
            assert_eq!(
                (refused.status, refused.code()),
                (StatusCode::CONFLICT, "address_reserved".to_owned()),
                "{call} {body}"
            );
            assert_eq!(refused.json()["field"], field, "{call} {body}");
        }
    }
    let free = json!({"email": "postmaster@example.test"});
    let done = send(&house, &admin, &edit, Some(1), &free).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
}

#[tokio::test]
async fn first_administrator_has_no_reserved_address_either() {
    let house = House::open().await;
    let secret = house.node.accounts.draw_setup_secret().await.unwrap().unwrap();
    // The address is looked at before the password, whose hash takes long.
    for password in [crate::house::PASSWORD, "short"] {
        let given = json!({"secret": secret.reveal(), "login": "admin", "name": "Administrator",
                           "email": "postroom@mail.example.test", "password": password});
        let refused = house.ask(Method::POST, "/api/v1/setup").json(&given).send().await;
        assert_eq!(refused.code(), "address_reserved", "{}", refused.text);
    }
}

#[tokio::test]
async fn person_of_before_with_a_reserved_address_sends_no_more() {
    let house = House::with(|config| config.notifications.from = "case@example.test".to_owned()).await;
    let case = house.person("case", house.root, Rights::default()).await;
    let lee = house.person("lee", house.root, Rights::default()).await;
    let office = house.key(house.root, None, &["send"]).await;
    let office = Person { key: office, ..case };
    for from in ["case@example.test", "CASE@EXAMPLE.TEST"] {
        let refused = submit(&house, &office, from).await;
        assert_eq!(refused.code(), "from_not_permitted", "{from}");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(
            detail.contains("reserved") && detail.contains("administrator"),
            "{detail}"
        );
    }
    let sent = submit(&house, &lee, "lee@example.test").await;
    assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.text);
}

#[tokio::test]
async fn people_have_and_send_from_addresses_in_the_domains_of_the_nearest_office() {
    let house = House::open().await;
    let north = house.office(house.root, "North Office").await;
    let lakeside = house.office(north, "Lakeside").await;
    let system = house.person("system", house.root, ADMINISTRATOR).await;
    let local = house.person("local", north, ADMINISTRATOR).await;
    let clerk = house.person("clerk", lakeside, Rights::default()).await;
    let domains = |names: &[&str]| json!({"allowed_sender_domains": names});
    let call = format!("PATCH /offices/{north}");
    let refused = send(&house, &local, &call, Some(1), &domains(&["example.org"])).await;
    assert_eq!(refused.json()["rule"], "administer_system", "{}", refused.text);
    let bad = send(&house, &system, &call, Some(1), &domains(&["case@example.org"])).await;
    assert_eq!(bad.json()["field"], "allowed_sender_domains", "{}", bad.text);
    let sent = submit(&house, &clerk, "clerk@example.test").await;
    assert_eq!(sent.status, StatusCode::ACCEPTED, "any domain: {}", sent.text);

    let done = send(&house, &system, &call, Some(1), &domains(&["Example.ORG"])).await;
    assert_eq!(
        done.json()["allowed_sender_domains"],
        json!(["example.org"]),
        "{}",
        done.text
    );
    assert_eq!(done.json()["people_refused"], 2, "{}", done.text);
    let refused = submit(&house, &clerk, "clerk@example.test").await;
    assert_eq!(refused.code(), "from_not_permitted");
    assert!(refused.text.contains("example.org"), "{}", refused.text);
    let new = |login: &str, domain: &str| json!({"login": login, "name": "New", "email": format!("{login}@{domain}"), "office": lakeside});
    let refused = send(
        &house,
        &system,
        "POST /users",
        None,
        &new("one", "mail.example.org"),
    )
    .await;
    assert_eq!(
        (refused.code(), &refused.json()["field"]),
        ("domain_not_allowed".to_owned(), &json!("email"))
    );
    let made = send(&house, &system, "POST /users", None, &new("one", "EXAMPLE.org")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);

    // What is not changed is not looked at.
    let edit = format!("PATCH /users/{}", clerk.user);
    let renamed = json!({"name": "Clerk", "email": "clerk@example.test"});
    let done = send(&house, &system, &edit, Some(1), &renamed).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let moved = |domain: &str| json!({"email": format!("clerk@{domain}")});
    let refused = send(&house, &system, &edit, Some(2), &moved("example.com")).await;
    assert_eq!(refused.code(), "domain_not_allowed");
    let done = send(&house, &system, &edit, Some(2), &moved("example.org")).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let sent = submit(&house, &clerk, "clerk@example.org").await;
    assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.text);

    // An office's own domains stand in for those above, until it has none again.
    let below = format!("PATCH /offices/{lakeside}");
    for (version, names, allowed) in [(1, vec!["example.net"], false), (2, Vec::new(), true)] {
        let done = send(&house, &system, &below, Some(version), &domains(&names)).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
        let sent = submit(&house, &clerk, "clerk@example.org").await;
        assert_eq!(sent.status == StatusCode::ACCEPTED, allowed, "{names:?}");
    }
    let seen = send(
        &house,
        &local,
        &format!("GET /offices/{north}"),
        None,
        &Value::Null,
    )
    .await;
    assert_eq!(seen.json()["allowed_sender_domains"], json!(["example.org"]));
}
