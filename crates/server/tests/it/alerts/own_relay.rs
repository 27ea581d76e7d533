//! The relay of one office that refuses the sign-in (A1), is really stopped (A2) and comes back (A3), while the others'
//! mail leaves through the server's.

use std::time::Duration;

use axum::http::Method;
use postroom_domain::RouteId;
use postroom_smtp::sink::{Mode, SinkAuth, SinkConfig, SinkHandle};
use postroom_store::{NewOffice, Rights};
use postroom_testkit::relay;
use serde_json::{Value, json};

use super::{ADMINISTRATOR, Member, PATIENCE, Place, member};
use crate::house::by;

const FAILED: &str = "Postroom failed to connect to the SMTP server";
const DOWN: (&str, u64) = ("The E-mail Server for your office is Down", 1);
const REFUSED: (&str, u64) = ("SMTP servers at addresses that are not allowed", 1);
const UP: (&str, u64) = ("The E-mail Server for your office is back online", 1);

/// South, which has no relay of its own: its administrator and its clerk.
async fn south(place: &Place) -> [Member; 2] {
    let office = NewOffice {
        parent: Some(place.server.root),
        name: "South".to_owned(),
        route: RouteId::SERVER,
    };
    let store = &place.server.running.node().store;
    let office = store.add_office(office, &by()).await.unwrap().id;
    [
        member(&place.server, "southhead", office, ADMINISTRATOR).await,
        member(&place.server, "south", office, Rights::default()).await,
    ]
}

fn at(sink: &SinkHandle) -> Value {
    json!({ "host": "127.0.0.1", "port": sink.addr().port(), "tls": "none" })
}

#[tokio::test]
async fn sign_in_that_an_offices_relay_refuses_is_told_with_its_office_settings_and_to_that_office_alone() {
    let servers = relay::start().await;
    let own = relay::start_with(SinkConfig {
        auth: Some(SinkAuth {
            user: "north".to_owned(),
            password: "right".to_owned(),
        }),
        ..SinkConfig::default()
    })
    .await;
    own.set_mode(Mode::RejectAuth).await;
    let place = Place::open(&servers, |_| {}).await;
    let [south_head, south] = south(&place).await;
    let mut settings = at(&own);
    settings["auth"] = json!("plain");
    settings["user"] = json!("north");
    settings["secret"] = json!("hunter2-secret");
    place.give_relay(settings).await;

    let id = place.letter(&place.case, "a@example.com").await;
    place.until_state(&place.case, &id, "deferred", 1).await;
    place.until_told(&place.case, &[(FAILED, 1)]).await;
    place.until_told(&place.head, &[(FAILED, 1)]).await;
    let theirs = &place.alerts(&place.head).await[0];
    let (text, advice) = (
        theirs["text"].as_str().unwrap(),
        theirs["advice"].as_str().unwrap(),
    );
    for words in [
        "the e-mail server of the office North",
        "refused the sign-in",
        "535 5.7.8",
    ] {
        assert!(text.contains(words), "{words:?} is not in {text:?}");
    }
    assert!(
        advice.contains("user name and password") && advice.contains("the Office Settings of North"),
        "{advice}"
    );
    assert!(!theirs.to_string().contains("hunter2"), "{theirs}");
    assert_eq!(
        theirs["link"],
        json!({ "to": "office_settings", "office": place.north.0 })
    );
    let senders = &place.alerts(&place.case).await[0];
    let advice = senders["advice"].as_str().unwrap();
    assert!(advice.contains("the Office Settings of North"), "{advice}");

    // The next letter counts up what is there; nobody has two.
    place.letter(&place.lee, "b@example.com").await;
    place.letter(&south, "c@example.com").await;
    servers.wait_for(1).await;
    place.until_told(&place.head, &[(FAILED, 2)]).await;
    place.until_told(&place.lee, &[(FAILED, 1)]).await;
    place.until_all_is_told().await;
    place.until_told(&place.case, &[(FAILED, 1)]).await;
    for nobody in [&place.chief, &place.idle, &south_head, &south] {
        place.until_told(nobody, &[]).await;
    }
    assert_eq!((own.count(), servers.count()), (0, 1));
}

#[tokio::test]
async fn outage_of_an_offices_relay_and_its_end_are_told_to_that_office_alone() {
    let (servers, own) = (relay::start().await, relay::start().await);
    let place = Place::open(&servers, |_| {}).await;
    let [south_head, south] = south(&place).await;
    place.give_relay(at(&own)).await;
    own.set_mode(Mode::Down).await;
    place.letter(&place.case, "a@example.com").await;
    place.until_told(&place.case, &[(FAILED, 1)]).await;
    for _ in 0..2 {
        place.letter(&place.lee, "b@example.com").await;
    }
    place.until_told(&place.head, &[(FAILED, 1), DOWN]).await;
    place.until_told(&place.case, &[(FAILED, 1), DOWN]).await;
    place.until_told(&place.lee, &[DOWN]).await;
    let theirs = &place.alerts(&place.head).await[0];
    let text = theirs["text"].as_str().unwrap();
    assert!(
        text.starts_with("The e-mail server of the office North"),
        "{text}"
    );
    assert_eq!(
        theirs["link"],
        json!({ "to": "office_settings", "office": place.north.0 })
    );
    place.letter(&south, "c@example.com").await;
    servers.wait_for(1).await;

    // A restart in between doubles nothing.
    let place = place.restarted(&servers).await;
    own.set_mode(Mode::Up).await;
    place.pass(Duration::from_mins(11));
    own.wait_for(3).await;
    place.until_told(&place.head, &[(FAILED, 1), DOWN, UP]).await;
    place.until_told(&place.case, &[(FAILED, 1), DOWN, UP]).await;
    place.until_told(&place.lee, &[DOWN, UP]).await;
    place.until_all_is_told().await;
    for nobody in [&place.chief, &place.idle, &south_head, &south] {
        place.until_told(nobody, &[]).await;
    }
    assert_eq!((own.count(), servers.count()), (3, 1));
}

/// The refusal is above every page of North's people, with the remedy for those who set the relay.
async fn is_said_above_every_page(place: &Place) {
    for (who, has_remedy) in [(&place.head, true), (&place.case, false)] {
        let status = place.ask(who, Method::GET, "/api/v1/status", None).await.1;
        let banners = status["banners"].as_array().unwrap().iter();
        let said: Vec<_> = banners
            .filter(|banner| banner["kind"] == "relay_refused")
            .map(|banner| banner["text"].as_str().unwrap())
            .collect();
        assert_eq!(said.len(), 1, "{status}");
        assert!(said[0].contains("are not allowed: mail waits"), "{said:?}");
        assert_eq!(said[0].contains("allow_relay_networks"), has_remedy, "{said:?}");
    }
}

#[tokio::test]
async fn relay_that_is_refused_since_the_start_keeps_its_mail_and_is_told_to_both_offices() {
    let (servers, own) = (relay::start().await, relay::start().await);
    let place = Place::open(&servers, |_| {}).await;
    place.give_relay(at(&own)).await;
    let place = place
        .restarted_with(&servers, |config| config.network.allow_relay_networks.clear())
        .await;
    place.until_told(&place.chief, &[REFUSED]).await;
    let told = &place.alerts(&place.chief).await[0];
    assert_eq!(told["kind"], "server_trouble");
    assert!(
        told["text"]
            .as_str()
            .unwrap()
            .starts_with("An SMTP server in the Office Settings is at an address"),
        "{told}"
    );

    let id = place.letter(&place.case, "a@example.com").await;
    let mut status = place.server.running.engine().watch();
    let refused = status.wait_for(|status| {
        let mut said = status.relays.iter().filter_map(|relay| relay.last_error.as_ref());
        said.any(|said| said.text.contains("is this machine itself"))
    });
    tokio::time::timeout(PATIENCE, refused)
        .await
        .expect("the refusal is not shown")
        .expect("the engine runs");
    place.until_told(&place.head, &[(FAILED, 1)]).await;
    let told = &place.alerts(&place.head).await[0];
    let text = told["text"].as_str().unwrap();
    assert!(text.contains("the e-mail server of the office North"), "{text}");
    assert!(text.contains("allow_relay_networks"), "{text}");
    is_said_above_every_page(&place).await;
    let path = format!("/api/v1/messages/{id}/explain");
    let why = place.ask(&place.case, Method::GET, &path, None).await.1;
    assert_eq!(
        why["sentence"],
        "Connections to the e-mail server that it leaves through are not allowed."
    );
    assert!(
        why["advice"].as_str().unwrap().contains("allow_relay_networks"),
        "{why}"
    );
    // Far beyond the wait for a relay that is down.
    place.pass(Duration::from_hours(24 * 30));
    place.until_state(&place.case, &id, "queued", 0).await;
    place.until_all_is_told().await;
    place.until_told(&place.head, &[(FAILED, 1)]).await;
    place.until_told(&place.chief, &[REFUSED]).await;
    place.until_told(&place.case, &[]).await;
    assert_eq!((own.connections(), servers.count()), (0, 0));

    // Allowed, it goes.
    let _place = place.restarted(&servers).await;
    own.wait_for(1).await;
}
