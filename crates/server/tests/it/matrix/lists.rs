//! For every person: list = counts = search = stream = export, and each is what the table says.

use axum::http::{Method, StatusCode};
use futures_util::StreamExt as _;
use postroom_domain::{Category, MessageId, OfficeId, UserId};
use postroom_store::Authority;
use serde_json::Value;

use super::world::World;
use crate::truth::Security;

#[tokio::test]
async fn list_counts_search_and_export_show_what_the_table_says() {
    for security in [Security::On, Security::Off] {
        let world = World::with(security).await;
        for caller in &world.callers {
            let name = &world.person(caller).id;
            let seen = world.seen(caller);
            for query in ["limit=200", "limit=200&q=matrix"] {
                let path = format!("/api/v1/messages?{query}");
                let answer = world.ask(caller, Method::GET, &path).send().await;
                assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.text);
                assert_eq!(ids(&answer.json()["rows"]), seen, "{name}: {query}");
            }
            for query in ["", "?q=matrix"] {
                let path = format!("/api/v1/messages/counts{query}");
                let counts = world.ask(caller, Method::GET, &path).send().await.json();
                assert_eq!(counts["total"], seen.len(), "{name}: {query}");
            }
            let path = "/api/v1/messages/export?columns=id";
            let export = world.ask(caller, Method::GET, path).send().await;
            let mut exported: Vec<&str> = export
                .text
                .lines()
                .skip(1)
                .map(|id| id.trim_matches('"'))
                .collect();
            exported.sort_unstable();
            assert_eq!(exported, seen, "{name}: export");
        }
    }
}

#[tokio::test]
async fn narrowing_to_an_office_never_widens() {
    let world = World::with(Security::On).await;
    for caller in &world.callers {
        let seen = world.seen(caller);
        let name = &world.person(caller).id;
        for office in world.offices.values() {
            let path = format!("/api/v1/messages?limit=200&office={office}");
            let rows = world.ask(caller, Method::GET, &path).send().await.json();
            assert!(ids(&rows["rows"]).iter().all(|id| seen.contains(id)), "{name}");
        }
        let path = "/api/v1/messages?limit=200&current_office=true";
        let rows = world.ask(caller, Method::GET, path).send().await.json();
        let own = world.offices[&world.person(caller).office];
        for row in rows["rows"].as_array().unwrap() {
            assert_eq!(row["office"]["id"], own.0, "{name}");
        }
        let path = "/api/v1/messages?limit=200&mine=true";
        let rows = world.ask(caller, Method::GET, path).send().await.json();
        for row in rows["rows"].as_array().unwrap() {
            assert_eq!(row["sender"]["id"], caller.user.unwrap().0, "{name}");
        }
    }
}

#[tokio::test]
async fn stream_tells_of_what_the_table_shows_alone() {
    let world = World::with(Security::On).await;
    let all: Vec<MessageId> = world
        .messages
        .values()
        .chain(world.callers.iter().map(|caller| &caller.own))
        .map(|id| id.parse().unwrap())
        .collect();
    let visible: Vec<String> = all.iter().map(ToString::to_string).collect();
    let path = format!("/api/v1/events?visible={}", visible.join(","));
    for caller in &world.callers {
        let seen = world.seen(caller);
        let name = &world.person(caller).id;
        let (status, _, body) = world.ask(caller, Method::GET, &path).open().await;
        assert_eq!(status, StatusCode::OK, "{name}");
        let mut stream = body.into_data_stream();
        let mut told = String::new();
        // The first status says that the stream listens.
        while !told.contains("event: status") {
            told.push_str(&String::from_utf8_lossy(&stream.next().await.unwrap().unwrap()));
        }
        assert!(
            rows_of(&told).iter().all(|id| seen.contains(id)),
            "{name}: at its opening"
        );
        told.clear();
        touch(&world, &all).await;
        if seen.is_empty() {
            // An office's key that sees nothing: the stream ends with the key, and has told of nothing.
            world.end_key(caller).await;
            while let Some(part) = stream.next().await {
                told.push_str(&String::from_utf8_lossy(&part.unwrap()));
            }
            assert!(!told.contains("event:"), "{name}: {told}");
        }
        while rows_of(&told) != seen {
            told.push_str(&String::from_utf8_lossy(&stream.next().await.unwrap().unwrap()));
            let told = rows_of(&told);
            assert!(told.iter().all(|id| seen.contains(id)), "{name}: {told:?}");
        }
    }
}

#[tokio::test]
async fn names_for_filters_are_of_the_scope_and_name_whatever_is_seen() {
    for security in [Security::On, Security::Off] {
        let world = World::with(security).await;
        for caller in &world.callers {
            let name = &world.person(caller).id;
            let path = "/api/v1/messages/senders?limit=50";
            let found = world.ask(caller, Method::GET, path).send().await;
            assert_eq!(found.status, StatusCode::OK, "{name}: {}", found.text);
            let found = found.json();
            let rows = world
                .ask(caller, Method::GET, "/api/v1/messages?limit=200")
                .send()
                .await
                .json();
            for row in rows["rows"].as_array().unwrap() {
                let named = |list: &str, of: &str| found[list].as_array().unwrap().contains(&row[of]);
                assert!(named("offices", "office"), "{name}: {row}");
                let is_own_kind = row["category"] == "user";
                assert!(!is_own_kind || named("senders", "sender"), "{name}: {row}");
            }
            // Whoever is named can be asked for: the list of each is empty or seen, and the scope holds them.
            let see = &world.scope(caller).await;
            for sender in found["senders"].as_array().unwrap() {
                let id = UserId(sender["id"].as_i64().unwrap());
                let user = world.house.node.store.user(id).await.unwrap().unwrap();
                assert!(see.sees(id, user.office, Category::User), "{name}: {sender}");
            }
            for office in found["offices"].as_array().unwrap() {
                let id = OfficeId(office["id"].as_i64().unwrap());
                let users = world.house.node.store.users().await.unwrap();
                let seen = see.sees(UserId(0), id, Category::Notification)
                    || users
                        .iter()
                        .any(|user| user.office == id && see.sees(user.id, id, Category::User));
                assert!(seen, "{name}: {office}");
            }
        }
    }
}

/// Changes every row, as the operator.
async fn touch(world: &World, ids: &[MessageId]) {
    let everything = postroom_domain::Scope::everything;
    let operator = Authority {
        see: everything(),
        act: everything(),
        hold: everything(),
    };
    let node = &world.house.node;
    let note = postroom_store::AuditNote::by(postroom_store::Actor::Operator);
    node.store
        .requeue(&operator, ids, &note, node.clock.now())
        .await
        .unwrap();
}

/// The ids of every `rows` event so far, sorted.
fn rows_of(told: &str) -> Vec<String> {
    let mut found: Vec<String> = told
        .split("\n\n")
        .filter(|event| event.contains("event: rows"))
        .filter_map(|event| event.lines().find_map(|line| line.strip_prefix("data: ")))
        .filter_map(|data| serde_json::from_str::<Value>(data).ok())
        .flat_map(|data| data["rows"].as_array().cloned().unwrap_or_default())
        // What one cannot see is told to be gone, like an id that never was.
        .filter(|row| row["deleted"] != true)
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect();
    found.sort();
    found.dedup();
    found
}

fn ids(rows: &Value) -> Vec<String> {
    let mut ids: Vec<String> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}
