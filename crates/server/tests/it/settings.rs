//! Office Settings – Detail over the API.

mod reach;

use axum::http::{Method, StatusCode};
use postroom_server::config::Config;
use postroom_smtp::sink::{SinkAuth, SinkConfig};
use postroom_store::Rights;
use postroom_testkit::identity::Identity;
use postroom_testkit::relay;
use serde_json::{Value, json};

use crate::house::{Answer, House, Person};

fn on_loopback(config: &mut Config) {
    config.network.allow_relay_networks = vec!["127.0.0.0/8".parse().unwrap()];
}

async fn administrator(house: &House, login: &str, office: postroom_domain::OfficeId) -> Person {
    let rights = Rights {
        administrator: true,
        ..Rights::default()
    };
    house.person(login, office, rights).await
}

async fn put(
    house: &House,
    who: &Person,
    office: impl std::fmt::Display,
    version: i64,
    edit: &Value,
) -> Answer {
    house
        .ask(Method::PUT, &format!("/api/v1/offices/{office}/settings"))
        .by_hand(who)
        .header("if-match", &format!("\"{version}\""))
        .json(edit)
        .send()
        .await
}

async fn get(house: &House, who: &Person, office: impl std::fmt::Display) -> Answer {
    house
        .ask(Method::GET, &format!("/api/v1/offices/{office}/settings"))
        .by_hand(who)
        .send()
        .await
}

fn with_relay(relay: Value) -> Value {
    json!({ "time_zone": "Europe/Berlin", "retention_days": 365, "relays": [relay] })
}

fn signing_in(port: u16) -> Value {
    json!({ "host": "127.0.0.1", "port": port, "tls": "none", "auth": "plain", "user": "office", "secret": "hunter2-secret" })
}

#[tokio::test]
async fn secret_is_kept_sealed_never_shown_and_not_sent_to_another_server() {
    let house = House::with(on_loopback).await;
    let north = house.office(house.root, "North").await;
    let admin = administrator(&house, "northadmin", north).await;
    let sink = relay::start_with(SinkConfig {
        auth: Some(SinkAuth {
            user: "office".to_owned(),
            password: "hunter2-secret".to_owned(),
        }),
        ..SinkConfig::default()
    })
    .await;
    let port = sink.addr().port();
    let answer = put(&house, &admin, north, 0, &with_relay(signing_in(port))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(!answer.text.contains("hunter2"));
    let answer = get(&house, &admin, north).await;
    assert_eq!(answer.header("etag"), "\"1\"");
    assert_eq!(answer.json()["relays"][0]["has_secret"], true);
    // Left out it stays; the test connection signs in with it.
    let mut relay = signing_in(port);
    relay.as_object_mut().unwrap().remove("secret");
    let answer = put(&house, &admin, north, 1, &with_relay(relay.clone())).await;
    assert_eq!(answer.json()["relays"][0]["has_secret"], true);
    let path = format!("/api/v1/offices/{north}/settings/test");
    let test = house.ask(Method::POST, &path).by_hand(&admin);
    let report = test.json(&json!({ "relay": relay })).send().await.json();
    assert_eq!(report["good"], true, "{report}");
    // Another server has to be given it anew, in a test as in the settings.
    relay["port"] = json!(port.wrapping_add(1).max(1));
    let test = house.ask(Method::POST, &path).by_hand(&admin);
    let answer = test.json(&json!({ "relay": relay })).send().await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["field"].as_str()),
        (422, Some("relay.secret"))
    );
    let answer = put(&house, &admin, north, 2, &with_relay(relay)).await;
    assert_eq!(answer.json()["field"], "relays[0].secret");
    assert_eq!(get(&house, &admin, north).await.header("etag"), "\"2\"");
    for file in ["postroom.db", "postroom.db-wal"] {
        // Read by another program: a file that is opened and closed here loses the locks that SQLite has on it.
        let read = std::process::Command::new("cat")
            .arg(house.data().join(file))
            .output();
        let octets = read.expect("cat").stdout;
        assert!(!octets.is_empty(), "{file} was not read");
        assert!(
            !octets.windows(7).any(|window| window == b"hunter2"),
            "{file} has it in clear"
        );
    }
}

#[tokio::test]
async fn kept_secret_does_not_go_over_weaker_tls() {
    let house = House::with(on_loopback).await;
    let north = house.office(house.root, "North").await;
    let admin = administrator(&house, "northadmin", north).await;
    let identity = Identity::vouched_for("localhost");
    let sink = relay::start_with(SinkConfig {
        auth: Some(SinkAuth {
            user: "office".to_owned(),
            password: "hunter2-secret".to_owned(),
        }),
        tls: Some(identity.start_tls()),
        ..SinkConfig::default()
    })
    .await;
    let mut verified = signing_in(sink.addr().port());
    verified["host"] = json!("localhost");
    verified["tls"] = json!("required");
    verified["trust"] = json!("authority");
    verified["certificate"] = json!(identity.trusted_pem());
    let answer = put(&house, &admin, north, 0, &with_relay(verified.clone())).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    verified.as_object_mut().unwrap().remove("secret");
    let weaker = |tls: &str, trust: &str, certificate: Value| {
        let mut relay = verified.clone();
        relay["tls"] = json!(tls);
        relay["trust"] = json!(trust);
        relay["certificate"] = certificate;
        relay
    };
    let other = json!(Identity::vouched_for("localhost").trusted_pem());
    let path = format!("/api/v1/offices/{north}/settings/test");
    for relay in [
        weaker("none", "system", Value::Null),
        weaker("opportunistic", "system", Value::Null),
        weaker("required", "authority", other.clone()),
        weaker("required", "pinned", other),
    ] {
        let test = house.ask(Method::POST, &path).by_hand(&admin);
        let tried = test.json(&json!({ "relay": relay })).send().await;
        let set = put(&house, &admin, north, 1, &with_relay(relay)).await;
        for answer in [tried, set] {
            assert_eq!(answer.status.as_u16(), 422, "{}", answer.text);
            let problem = answer.json();
            assert!(
                problem["field"].as_str().unwrap().ends_with("secret"),
                "{problem}"
            );
            assert!(
                problem["detail"].as_str().unwrap().contains("at least as strong"),
                "{problem}"
            );
        }
    }
    assert_eq!(sink.connections(), 0, "{:?}", sink.commands());
    let test = house.ask(Method::POST, &path).by_hand(&admin);
    let report = test.json(&json!({ "relay": verified })).send().await.json();
    assert_eq!(report["good"], true, "{report}");
}

#[tokio::test]
async fn bad_settings_are_named_and_change_nothing() {
    let house = House::with(on_loopback).await;
    let north = house.office(house.root, "North").await;
    let admin = administrator(&house, "northadmin", north).await;
    let good = || json!({ "host": "127.0.0.1", "port": 2525, "tls": "none" });
    let relay = |name: &str, value: Value| {
        let mut relay = good();
        relay[name] = value;
        with_relay(relay)
    };
    let cases = [
        (json!({ "time_zone": "Mars/Olympus" }), "time_zone"),
        (json!({ "retention_days": 0 }), "retention_days"),
        (json!({ "retention_days": 3, "content_days": 9 }), "content_days"),
        (json!({ "relays": [good(), good(), good()] }), "relays"),
        (json!({ "relais": [] }), "relais"),
        (relay("host", json!("smtp example")), "relays[0].host"),
        (relay("host", json!("")), "relays[0].host"),
        (relay("host", json!("169.254.169.254")), "relays[0].host"),
        (relay("port", json!(0)), "relays[0].port"),
        (relay("connections", json!(0)), "relays[0].connections"),
        (relay("per_minute", json!(0)), "relays[0].per_minute"),
        (relay("auth", json!("plain")), "relays[0].user"),
        (
            relay("certificate", json!("no certificate")),
            "relays[0].certificate",
        ),
        (relay("trust", json!("pinned")), "relays[0].trust"),
        (
            relay("sender_domains", json!(["a b"])),
            "relays[0].sender_domains",
        ),
    ];
    for (edit, field) in cases {
        let answer = put(&house, &admin, north, 0, &edit).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{edit}: {}",
            answer.text
        );
        assert_eq!(answer.json()["field"], field, "{edit}: {}", answer.text);
    }
    assert_eq!(get(&house, &admin, north).await.header("etag"), "\"0\"");
}

#[tokio::test]
async fn stale_and_unversioned_changes_are_refused() {
    let house = House::with(on_loopback).await;
    let north = house.office(house.root, "North").await;
    let admin = administrator(&house, "northadmin", north).await;
    assert_eq!(
        put(&house, &admin, north, 0, &json!({})).await.status,
        StatusCode::OK
    );
    assert_eq!(put(&house, &admin, north, 0, &json!({})).await.code(), "stale");
    let path = format!("/api/v1/offices/{north}/settings");
    let answer = house
        .ask(Method::PUT, &path)
        .by_hand(&admin)
        .json(&json!({}))
        .send()
        .await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_REQUIRED);
}

#[tokio::test]
async fn settings_are_for_the_offices_administrators_and_the_systems() {
    let house = House::with(on_loopback).await;
    let (north, south) = (
        house.office(house.root, "North").await,
        house.office(house.root, "South").await,
    );
    let admin = administrator(&house, "northadmin", north).await;
    let root = administrator(&house, "rootadmin", house.root).await;
    let clerk = house.person("clerk", north, Rights::default()).await;
    for (who, office, status) in [
        (&admin, north, 200),
        (&admin, south, 404),
        (&admin, house.root, 404),
        (&root, north, 200),
        (&root, house.root, 200),
        (&clerk, north, 403),
        (&clerk, south, 404),
    ] {
        assert_eq!(
            get(&house, who, office).await.status.as_u16(),
            status,
            "{} {office}",
            who.login
        );
    }
}

#[tokio::test]
async fn servers_relay_in_the_file_pins_the_system_offices() {
    let house = House::with(|config| {
        on_loopback(config);
        config.relay = vec![postroom_server::config::Relay {
            host: "127.0.0.1".to_owned(),
            ..Default::default()
        }];
    })
    .await;
    let root = administrator(&house, "rootadmin", house.root).await;
    assert_eq!(
        get(&house, &root, house.root).await.json()["set_in_configuration"],
        true
    );
    let edit = with_relay(json!({ "host": "127.0.0.1", "tls": "none" }));
    let answer = put(&house, &root, house.root, 0, &edit).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (409, "set_in_configuration")
    );
    let zone = put(
        &house,
        &root,
        house.root,
        0,
        &json!({ "time_zone": "Europe/Paris" }),
    )
    .await;
    assert_eq!(zone.status, StatusCode::OK, "the rest can be set: {}", zone.text);
}
