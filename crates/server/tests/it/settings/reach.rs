//! Where an office's relay may be, when its settings are saved.

use axum::http::StatusCode;
use postroom_domain::{Clock as _, OfficeId, Rates};
use postroom_store::{
    Actor, AuditNote, KeptRelay, OfficeSettings, SmtpAuth, SmtpSettings, SmtpTls, SmtpTrust,
};
use serde_json::{Value, json};

use super::{administrator, put, with_relay};
use crate::house::House;

#[tokio::test]
async fn host_that_resolves_to_a_forbidden_address_is_refused() {
    let house = House::open().await;
    let north = house.office(house.root, "North").await;
    let admin = administrator(&house, "northadmin", north).await;
    let edit = with_relay(json!({ "host": "localhost", "tls": "none" }));
    let answer = put(&house, &admin, north, 0, &edit).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (422, "forbidden_address")
    );
    assert!(answer.text.contains("allow_relay_networks"), "{}", answer.text);
}

#[tokio::test]
async fn private_relay_needs_the_operator() {
    let signing_in = |host: &str, endpoint: &str| {
        with_relay(json!({
            "host": host, "auth": "xoauth2", "user": "office",
            "token": {
                "url": endpoint, "client_id": "postroom", "client_secret": "secret", "grant": "client_credentials",
            },
        }))
    };
    let plain = |host: &str| with_relay(json!({ "host": host, "tls": "none" }));
    let line = |network: &str| json!(format!("allow_relay_networks = [\"{network}\"]"));

    let house = House::open().await;
    let north = house.office(house.root, "North").await;
    let admin = administrator(&house, "northadmin", north).await;
    for (host, proposed) in [
        ("10.1.2.3", line("10.1.2.0/24")),
        ("::ffff:192.168.7.9", line("192.168.7.0/24")),
        ("fd12:3456::7", line("fd12:3456::/64")),
        ("100.64.0.1", line("100.64.0.0/24")),
        ("168.63.129.16", Value::Null),
        ("203.0.113.7", Value::Null),
    ] {
        let answer = put(&house, &admin, north, 0, &plain(host)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (422, "forbidden_address")
        );
        let problem = answer.json();
        assert_eq!(
            (&problem["field"], &problem["suggestion"]),
            (&json!("relays[0].host"), &proposed),
            "{problem}"
        );
    }

    let house = House::with(|config| {
        config.network.allow_relay_networks = ["10.1.2.0/24", "169.254.0.0/16"]
            .map(|network| network.parse().unwrap())
            .to_vec();
    })
    .await;
    let north = house.office(house.root, "North").await;
    let admin = administrator(&house, "northadmin", north).await;
    let metadata = put(&house, &admin, north, 0, &plain("169.254.169.254")).await;
    assert_eq!(metadata.code(), "forbidden_address");
    let endpoint = signing_in("10.1.2.3", "https://192.168.9.9/token");
    let answer = put(&house, &admin, north, 0, &endpoint).await;
    assert_eq!(answer.code(), "forbidden_address", "{}", answer.text);
    let problem = answer.json();
    assert_eq!(
        (&problem["field"], &problem["suggestion"]),
        (&json!("relays[0].token.url"), &line("192.168.9.0/24"))
    );
    let endpoint = signing_in("10.1.2.3", "https://10.1.2.4/token");
    let answer = put(&house, &admin, north, 0, &endpoint).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

/// Settings with a relay from before its network had to be allowed.
async fn keep_refused(house: &House, office: OfficeId) {
    let smtp = SmtpSettings {
        host: "10.1.2.3".to_owned(),
        port: 25,
        tls: SmtpTls::None,
        auth: SmtpAuth::None,
        user: String::new(),
        token: None,
        certificate: None,
        trust: SmtpTrust::System,
        sender_domains: Vec::new(),
        connections: 4,
        messages_per_connection: 100,
        rates: Rates::default(),
    };
    let relay = KeptRelay {
        smtp,
        secret: None,
        client_secret: None,
        refresh_token: None,
    };
    let settings = OfficeSettings {
        relays: vec![relay],
        ..OfficeSettings::defaults(office)
    };
    let note = AuditNote::by(Actor::Operator);
    let store = &house.node.store;
    store
        .set_settings(settings, &note, house.clock.now())
        .await
        .unwrap();
}

#[tokio::test]
async fn office_whose_relay_is_refused_now_changes_everything_else() {
    let house = House::open().await;
    let north = house.office(house.root, "North").await;
    let admin = administrator(&house, "northadmin", north).await;
    keep_refused(&house, north).await;
    let relay = |host: &str, port: u16| with_relay(json!({ "host": host, "port": port, "tls": "none" }));
    let answer = put(&house, &admin, north, 1, &relay("10.1.2.3", 25)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.json()["time_zone"], "Europe/Berlin");
    for elsewhere in [relay("10.1.2.4", 25), relay("10.1.2.3", 587)] {
        let answer = put(&house, &admin, north, 2, &elsewhere).await;
        assert_eq!(answer.code(), "forbidden_address", "{}", answer.text);
    }
}
