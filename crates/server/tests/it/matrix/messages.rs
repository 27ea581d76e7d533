//! Every message × every person × every verb that takes an id.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::world::{Caller, World};
use crate::truth::{Answer, Security};

/// An id that nothing has.
const UNKNOWN: &str = "0000000000001";

#[tokio::test]
async fn reading_answers_what_the_table_says() {
    for security in [Security::On, Security::Off] {
        let world = World::with(security).await;
        for caller in &world.callers {
            for (verb, tail) in super::routes::reading() {
                reads(&world, caller, &verb, &tail).await;
            }
        }
    }
}

async fn reads(world: &World, caller: &Caller, verb: &str, tail: &str) {
    let name = &world.person(caller).id;
    let get = async |id: &str| {
        let path = format!("/api/v1/messages/{id}{tail}");
        world.ask(caller, Method::GET, &path).send().await
    };
    let unknown = get(UNKNOWN).await.problem();
    for (id, expected) in world.answers(caller, verb) {
        let answer = get(&id).await;
        match expected {
            // These letters have no attachment: whoever may read them is told that.
            Answer::Yes if tail.starts_with("/attachments") => {
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name} {id}{tail}");
                assert_ne!(answer.problem(), unknown, "{name} {id}{tail}");
            }
            Answer::Yes => assert_eq!(
                answer.status,
                StatusCode::OK,
                "{name} {id}{tail}: {}",
                answer.text
            ),
            Answer::Refused => {
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name} {id}{tail}");
                assert_eq!(answer.json()["rule"], "secret_body", "{name} {id}{tail}");
            }
            Answer::Hidden => assert_eq!(answer.problem(), unknown, "{name} {id}{tail}"),
        }
    }
}

#[tokio::test]
async fn nobody_is_shown_a_live_link() {
    let world = World::with(Security::On).await;
    let reset = &world.messages["reset"];
    for caller in &world.callers {
        for path in [
            format!("/api/v1/messages/{reset}"),
            format!("/api/v1/messages/{reset}/raw"),
            "/api/v1/messages?limit=200".to_owned(),
            "/api/v1/messages?limit=200&q=dear".to_owned(),
        ] {
            let answer = world.ask(caller, Method::GET, &path).send().await;
            let Ok(found) = serde_json::from_str::<Value>(&answer.text) else {
                panic!("{path}: {}", answer.text);
            };
            let rows = found["rows"].as_array().cloned().unwrap_or_else(|| vec![found]);
            for row in rows.iter().filter(|row| row["id"] == reset.as_str()) {
                assert_eq!(row["body"], "", "{}", world.person(caller).id);
            }
        }
    }
}

#[tokio::test]
async fn acting_answers_what_the_table_says_and_refusals_change_nothing() {
    for security in [Security::On, Security::Off] {
        let world = World::with(security).await;
        let kept = world.house.kept().await;
        for caller in &world.callers {
            for verb in ["requeue", "resend", "delete", "hold", "release"] {
                let answers = world.answers(caller, verb);
                let refused: Vec<_> = answers.iter().filter(|(_, a)| *a != Answer::Yes).collect();
                // Once for all that is foreseen, and once in earnest for what must not happen.
                acts(&world, caller, verb, &answers, true).await;
                let refused: Vec<_> = refused.into_iter().cloned().collect();
                acts(&world, caller, verb, &refused, false).await;
            }
        }
        assert_eq!(world.house.kept().await, kept);
    }
}

async fn acts(world: &World, caller: &Caller, verb: &str, answers: &[(String, Answer)], dry_run: bool) {
    if answers.is_empty() {
        return;
    }
    let name = &world.person(caller).id;
    let mut ids: Vec<&str> = answers.iter().map(|(id, _)| id.as_str()).collect();
    ids.push(UNKNOWN);
    let body = json!({"action": verb, "ids": ids, "dry_run": dry_run});
    let ask = world.ask(caller, Method::POST, "/api/v1/messages/actions");
    let answer = ask.json(&body).send().await;
    assert_eq!(answer.status, StatusCode::OK, "{name} {verb}: {}", answer.text);
    let report = answer.json();
    let items = report["items"].as_array().unwrap();
    let item = |id: &str| items.iter().find(|item| item["id"] == id).unwrap();
    let missing = item(UNKNOWN)["reason"].clone();
    for (id, expected) in answers {
        let item = item(id);
        match expected {
            // A state that does not fit is "skipped": that is another question than who may.
            Answer::Yes => assert_ne!(item["outcome"], "refused", "{name} {verb}: {item}"),
            Answer::Refused => {
                assert_eq!(item["outcome"], "refused", "{name} {verb} {id}");
                assert_ne!(item["reason"], missing, "{name} {verb} {id}");
                let rule = match verb {
                    "hold" | "release" => "hold_message",
                    "resend" if *id == world.messages["reset"] => "secret_body",
                    _ => "act_on_message",
                };
                assert_eq!(item["rule"], rule, "{name} {verb} {id}");
            }
            Answer::Hidden => assert_eq!(
                (&item["outcome"], &item["reason"], &item["rule"]),
                (&json!("refused"), &missing, &Value::Null),
                "{name} {verb} {id}"
            ),
        }
    }
}

#[tokio::test]
async fn another_address_is_for_those_who_may_act_and_never_for_a_live_link() {
    let world = World::with(Security::On).await;
    for caller in &world.callers {
        let name = &world.person(caller).id;
        let give = async |id: &str, index: u8| {
            let path = format!("/api/v1/messages/{id}/recipients/{index}");
            let ask = world.ask(caller, Method::POST, &path);
            ask.json(&json!({"address": "other@example.com"})).send().await
        };
        let unknown = give(UNKNOWN, 0).await.problem();
        for (id, expected) in world.answers(caller, "readdress") {
            match expected {
                // There is no such recipient: whoever may is told that, and nothing changes for the next one.
                Answer::Yes => {
                    let answer = give(&id, 9).await;
                    assert_eq!(
                        answer.status,
                        StatusCode::NOT_FOUND,
                        "{name} {id}: {}",
                        answer.text
                    );
                    assert_ne!(answer.problem(), unknown, "{name} {id}");
                }
                Answer::Refused => {
                    let answer = give(&id, 0).await;
                    assert_eq!(
                        answer.status,
                        StatusCode::FORBIDDEN,
                        "{name} {id}: {}",
                        answer.text
                    );
                    assert!(answer.json()["rule"].is_string(), "{name} {id}");
                }
                Answer::Hidden => assert_eq!(give(&id, 0).await.problem(), unknown, "{name} {id}"),
            }
        }
    }
}

#[tokio::test]
async fn access_names_the_rule() {
    let world = World::with(Security::On).await;
    let rule = async |person: &str, message: &str| {
        let caller = world
            .callers
            .iter()
            .find(|caller| world.person(caller).id == person)
            .unwrap();
        let id = if message == "own" {
            &caller.own
        } else {
            &world.messages[message]
        };
        let path = format!("/api/v1/messages/{id}/access");
        let answer = world.ask(caller, Method::GET, &path).send().await.json();
        assert!(
            answer["sentence"]
                .as_str()
                .is_some_and(|words| words.ends_with('.'))
        );
        answer["rule"].as_str().unwrap_or_default().to_owned()
    };
    for (person, message, expected) in [
        ("plain", "own", "own"),
        ("super_user", "colleague", "super_user"),
        ("view_proxy", "principal", "view_proxy"),
        ("manage_proxy", "principal", "manage_proxy"),
        ("enterprise_view", "grandchild", "enterprise_view"),
        ("administrator", "notice", "administrator"),
        ("system_administrator", "notice", "system_administrator"),
        ("key_read", "colleague", "office_key"),
        ("everything_at_root", "sister", "enterprise_view"),
    ] {
        assert_eq!(rule(person, message).await, expected, "{person} {message}");
    }
}
