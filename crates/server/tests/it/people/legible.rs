//! Characters that nobody sees: refused by name where people and offices are named and where mail is handed in, and left
//! out of what was stored before.

use axum::http::{Method, StatusCode};
use postroom_store::{Branches, NewUser, Rights};
use serde_json::{Value, json};

use super::{ADMINISTRATOR, send};
use crate::house::{House, Person, by};

/// A person to make, with one field of another value.
fn person(field: &str, value: &str) -> Value {
    let mut person = json!({"login": "new", "name": "New Clerk", "email": "new@example.test"});
    person[field] = json!(value);
    person
}

/// Asks `call` as `who` and expects 422 for `field`, with these words.
async fn refused(house: &House, who: &Person, call: &str, body: &Value, field: &str, words: &str) {
    let answer = send(house, who, call, None, body).await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{body}: {}",
        answer.text
    );
    says(&answer.problem(), field, words);
}

fn says(problem: &Value, field: &str, words: &str) {
    assert_eq!(problem["field"], field, "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(words), "{words} in {detail}");
}

#[tokio::test]
async fn people_whose_names_do_not_read_as_they_are_are_refused_by_name() {
    let house = House::open().await;
    let boss = house.person("boss", house.root, ADMINISTRATOR).await;
    for (field, value, words) in [
        ("name", "Ca\u{202e}se", "U+202E (right-to-left override)"),
        ("name", "Case\u{3164}", "U+3164 (Hangul filler)"),
        ("login", "ca\u{200b}se", "U+200B (zero width space)"),
        ("login", "b\u{43e}ss", "several alphabets"),
        ("login", "\u{430}\u{441}\u{435}", "look like Latin"),
        ("login", "bo\u{17f}s", "U+017F"),
        ("login", "ca se", "a space"),
        ("email", "\u{202a}x@example.test", "U+202A"),
        ("email", "x@exam\u{200b}ple.test", "U+200B"),
    ] {
        refused(&house, &boss, "POST /users", &person(field, value), field, words).await;
    }
    let name = "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}";
    let added = send(&house, &boss, "POST /users", None, &person("name", name)).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text);
    assert_eq!(added.json()["name"], name);
}

#[tokio::test]
async fn offices_keys_and_reasons_that_do_not_read_as_they_are_are_refused_by_name() {
    let house = House::open().await;
    let boss = house.person("boss", house.root, ADMINISTRATOR).await;
    let pause = json!({"office": house.root.0, "reason": "wro\u{ad}ng"});
    for (call, body, field, words) in [
        (
            "POST /offices",
            json!({"name": "No\u{2066}rth"}),
            "name",
            "U+2066 (left-to-right isolate)",
        ),
        (
            "POST /keys",
            json!({"label": "C\u{200e}RM"}),
            "label",
            "U+200E (left-to-right mark)",
        ),
        ("POST /pauses", pause, "reason", "U+00AD (soft hyphen)"),
    ] {
        refused(&house, &boss, call, &body, field, words).await;
    }
}

#[tokio::test]
async fn message_with_a_hidden_character_in_a_name_address_or_tag_or_a_nul_in_its_body_is_refused_by_field() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    for (name, value, field, words) in [
        (
            "from",
            json!("Ca\u{202e}se <case@example.test>"),
            "from",
            "U+202E",
        ),
        ("to", json!(["\u{202a}x@example.com"]), "to[0]", "U+202A"),
        ("to", json!(["Client\u{200f} <x@example.com>"]), "to[0]", "U+200F"),
        ("cc", json!(["x@exam\u{ad}ple.com"]), "cc[0]", "U+00AD"),
        ("tags", json!(["fine", "ur\u{200b}gent"]), "tags[1]", "U+200B"),
        ("external_id", json!("crm\u{feff}-7"), "external_id", "U+FEFF"),
        ("text", json!("a\0b"), "text", "NUL"),
        ("html", json!("<p>a\0b"), "html", "NUL"),
    ] {
        let mut message =
            json!({"from": "case@example.test", "to": ["a@example.com"], "subject": "s", "text": "t"});
        message[name] = value;
        let ask = house.ask(Method::POST, "/api/v1/messages").key(&case.key);
        let answer = ask.json(&message).send().await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{message}: {}",
            answer.text
        );
        says(&answer.problem(), field, words);
    }
    assert_eq!(house.kept().await, 0);
}

#[tokio::test]
async fn address_of_before_is_shown_as_stored_and_stays_until_another_is_given() {
    let house = House::open().await;
    let boss = house.person("boss", house.root, ADMINISTRATOR).await;
    house.person("case", house.root, Rights::default()).await;
    let stored = "ca\u{200b}se@example.test";
    let user = NewUser {
        office: house.root,
        login: "clerk".to_owned(),
        name: "Clerk".to_owned(),
        email: stored.to_owned(),
        password_hash: String::new(),
        rights: Rights::default(),
    };
    let store = &house.node.store;
    let user = store.add_user(user, Branches::All, &by()).await.unwrap();
    let call = format!("PATCH /users/{}", user.id);
    let edit = json!({"name": "Case Clerk", "email": stored, "login": "clerk"});
    let saved = send(&house, &boss, &call, Some(user.version), &edit).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);
    assert_eq!(
        (&saved.json()["name"], &saved.json()["email"]),
        (&json!("Case Clerk"), &json!(stored))
    );
    let kept = store.user(user.id).await.unwrap().unwrap();
    assert_eq!(kept.email, stored);
    let edit = json!({"email": "clerk@example.test"});
    let saved = send(&house, &boss, &call, Some(kept.version), &edit).await;
    assert_eq!(saved.json()["email"], "clerk@example.test", "{}", saved.text);
}

#[tokio::test]
async fn names_of_before_are_shown_without_hidden_characters() {
    let house = House::open().await;
    let boss = house.person("boss", house.root, ADMINISTRATOR).await;
    let north = house.office(house.root, "No\u{2066}rth").await;
    let user = NewUser {
        office: north,
        login: "ca\u{200b}se".to_owned(),
        name: "Case\u{202e} Clerk".to_owned(),
        email: "case@example.test".to_owned(),
        password_hash: String::new(),
        rights: Rights::default(),
    };
    let store = &house.node.store;
    let user = store.add_user(user, Branches::All, &by()).await.unwrap();
    let case = house.moved_in(user).await;
    let message = json!({"from": "case@example.test", "to": ["a@example.com"], "subject": "s", "text": "t"});
    let ask = house.ask(Method::POST, "/api/v1/messages").key(&case.key);
    assert_eq!(ask.json(&message).send().await.status, StatusCode::ACCEPTED);
    let get = async |path: &str| house.ask(Method::GET, path).by_hand(&boss).send().await.json();
    let found = get(&format!("/api/v1/users/{}", case.user)).await;
    assert_eq!(
        (&found["name"], &found["login"], &found["office"]["name"]),
        (&json!("Case Clerk"), &json!("ca\u{200b}se"), &json!("North"))
    );
    let found = get(&format!("/api/v1/offices/{north}")).await;
    assert_eq!(found["name"], "North");
    let ask = house.ask(Method::GET, "/api/v1/messages").key(&case.key);
    let row = ask.send().await.json()["rows"][0].clone();
    assert_eq!(
        (&row["sender"]["name"], &row["office"]["name"]),
        (&json!("Case Clerk"), &json!("North"))
    );
}
