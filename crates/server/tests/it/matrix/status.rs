//! For every person: what the status shows them, and the event stream after it.

use axum::http::{Method, StatusCode};
use serde_json::json;

use super::world::World;
use crate::events::Events;
use crate::truth::Security;

#[tokio::test]
async fn status_shows_what_the_table_says_and_the_stream_shows_the_same() {
    for security in [Security::On, Security::Off] {
        let world = World::with(security).await;
        let kept = world.house.kept().await;
        for caller in &world.callers {
            let person = world.person(caller);
            let name = &person.id;
            let answer = world.ask(caller, Method::GET, "/api/v1/status").send().await;
            assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.text);
            let status = answer.json();
            // Nothing delivers here: all mail waits.
            let expected = match person.status.as_str() {
                "server" => kept,
                "nothing" => 0,
                _ => u64::try_from(world.seen(caller).len()).unwrap(),
            };
            let waits = ["ready", "waiting", "held", "leased"]
                .iter()
                .map(|phase| status["queue"][phase].as_u64().unwrap());
            assert_eq!(waits.sum::<u64>(), expected, "{name}: {status}");
            assert_eq!(
                status["queue"]["oldest"].is_null(),
                person.status != "server",
                "{name}: {status}"
            );
            assert_eq!(
                (&status["brand"], &status["queue_enabled"]),
                (&json!("matrix server"), &json!(true)),
                "{name}"
            );
            // No relay is there to be shown: whose relays would be follows from whom they administer.
            let principal = world.principal(caller).await;
            let expected = match person.status.as_str() {
                "server" => (true, true),
                "office" => (true, false),
                _ => (false, false),
            };
            let administers = (
                principal.administers(world.offices["North Office"]),
                principal.is_system_administrator(),
            );
            assert_eq!(administers, expected, "{name}");
            let (opened, _, body) = world.ask(caller, Method::GET, "/api/v1/events").open().await;
            assert_eq!(opened, StatusCode::OK, "{name}");
            assert_eq!(Events::over(body).next("status").await, Some(status), "{name}");
        }
    }
}
