//! Test connection over the API: the right diagnosis for each sort of broken server, each a real one on loopback.

use axum::http::{Method, StatusCode};
use postroom_smtp::sink::{Act, Offers, SinkAuth, SinkConfig, SinkHandle, Stage};
use postroom_store::Rights;
use postroom_testkit::identity::Identity;
use postroom_testkit::relay;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::house::{House, Person};

/// A house whose offices' relays may be on this machine, and the System Office's administrator.
async fn house() -> (House, Person) {
    let house = House::with(|config| {
        config.network.allow_relay_networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let rights = Rights {
        administrator: true,
        ..Rights::default()
    };
    let admin = house.person("admin", house.root, rights).await;
    (house, admin)
}

/// Tries a relay; answers the whole report.
async fn tried(house: &House, admin: &Person, relay: Value) -> Value {
    let path = format!("/api/v1/offices/{}/settings/test", house.root);
    let answer = house
        .ask(Method::POST, &path)
        .by_hand(admin)
        .json(&json!({ "relay": relay }))
        .send()
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

/// The step that failed and what was found; every step behind it has to be skipped.
fn failure(report: &Value) -> (&str, &str) {
    let steps = report["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 6, "{report}");
    let at = steps.iter().position(|step| step["outcome"] == "failed");
    let at = at.unwrap_or_else(|| panic!("nothing failed: {report}"));
    assert_eq!(report["good"], false);
    for step in &steps[at + 1..] {
        assert_eq!(step["outcome"], "skipped", "{report}");
    }
    assert!(
        steps[at]["advice"]
            .as_str()
            .is_some_and(|advice| !advice.is_empty())
    );
    (
        steps[at]["step"].as_str().unwrap(),
        steps[at]["code"].as_str().unwrap(),
    )
}

fn at(sink: &SinkHandle, tls: &str) -> Value {
    json!({ "host": "localhost", "port": sink.addr().port(), "tls": tls })
}

fn with(mut relay: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        relay[name] = value.clone();
    }
    relay
}

async fn speaking(identity: &Identity) -> SinkHandle {
    relay::start_with(SinkConfig {
        tls: Some(identity.start_tls()),
        ..SinkConfig::default()
    })
    .await
}

#[tokio::test]
async fn name_without_an_address_is_no_dns() {
    let (house, admin) = house().await;
    let report = tried(&house, &admin, json!({ "host": "no-such-host.invalid" })).await;
    assert_eq!(failure(&report), ("dns", "no_dns"));
}

#[tokio::test]
async fn port_where_nothing_listens_is_refused() {
    let (house, admin) = house().await;
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let report = tried(&house, &admin, json!({ "host": "127.0.0.1", "port": port })).await;
    assert_eq!(failure(&report), ("tcp", "refused"));
}

#[tokio::test]
async fn server_that_says_nothing_is_silent() {
    let (house, admin) = house().await;
    let sink = relay::start_doing(Stage::Greeting, Act::Silence).await;
    let report = tried(&house, &admin, at(&sink, "none")).await;
    assert_eq!(failure(&report), ("smtp", "silent"));
}

#[tokio::test]
async fn web_server_is_not_smtp() {
    let (house, admin) = house().await;
    let words = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    let sink = relay::start_doing(Stage::Greeting, Act::SayThenClose(words)).await;
    let report = tried(&house, &admin, at(&sink, "none")).await;
    assert_eq!(failure(&report), ("smtp", "not_smtp"));
}

#[tokio::test]
async fn server_without_starttls_is_named() {
    let (house, admin) = house().await;
    let sink = relay::start().await;
    let report = tried(&house, &admin, at(&sink, "required")).await;
    assert_eq!(failure(&report), ("tls", "no_starttls"));
}

#[tokio::test]
async fn certificate_whose_time_is_over_is_named() {
    let (house, admin) = house().await;
    let identity = Identity::expired("localhost");
    let sink = speaking(&identity).await;
    let trusting = json!({ "trust": "authority", "certificate": identity.trusted_pem() });
    let report = tried(&house, &admin, with(at(&sink, "required"), trusting)).await;
    assert_eq!(failure(&report), ("tls", "expired_certificate"));
}

#[tokio::test]
async fn certificate_for_another_name_is_named() {
    let (house, admin) = house().await;
    let identity = Identity::vouched_for("mail.other.test");
    let sink = speaking(&identity).await;
    let trusting = json!({ "trust": "authority", "certificate": identity.trusted_pem() });
    let report = tried(&house, &admin, with(at(&sink, "required"), trusting)).await;
    assert_eq!(failure(&report), ("tls", "wrong_host_name"));
}

#[tokio::test]
async fn self_signed_certificate_is_named_and_can_be_pinned_from_the_answer() {
    let (house, admin) = house().await;
    let sink = speaking(&Identity::self_signed("localhost")).await;
    let report = tried(&house, &admin, at(&sink, "required")).await;
    assert_eq!(failure(&report), ("tls", "self_signed"));
    assert_eq!(report["fingerprint"].as_str().map(str::len), Some(64));
    let pinned = json!({ "trust": "pinned", "certificate": report["certificate"] });
    let report = tried(&house, &admin, with(at(&sink, "required"), pinned)).await;
    assert_eq!(report["good"], true, "{report}");
}

#[tokio::test]
async fn certificate_of_an_unknown_authority_is_not_called_self_signed() {
    let (house, admin) = house().await;
    let sink = speaking(&Identity::vouched_for("localhost")).await;
    let report = tried(&house, &admin, at(&sink, "required")).await;
    assert_eq!(failure(&report), ("tls", "unknown_authority"));
}

#[tokio::test]
async fn refused_sign_in_is_quoted() {
    let (house, admin) = house().await;
    let sink = relay::start_with(SinkConfig {
        auth: Some(SinkAuth {
            user: "office".to_owned(),
            password: "right".to_owned(),
        }),
        ..SinkConfig::default()
    })
    .await;
    let wrong = json!({ "auth": "plain", "user": "office", "secret": "wrong" });
    let report = tried(&house, &admin, with(at(&sink, "none"), wrong)).await;
    assert_eq!(failure(&report), ("auth", "auth_refused"));
    let said = report["steps"][4]["said"].as_str().unwrap();
    assert_eq!(said, "535 5.7.8 Authentication failed");
    assert!(
        !report.to_string().contains("wrong"),
        "the password comes back: {report}"
    );
}

#[tokio::test]
async fn refused_sender_is_named() {
    let (house, admin) = house().await;
    let no = postroom_smtp::reply::Reply::basic(550, "not from here");
    let sink = relay::start_doing(Stage::Mail, Act::Reply(no)).await;
    let domains = json!({ "sender_domains": ["office.example.com"] });
    let report = tried(&house, &admin, with(at(&sink, "none"), domains)).await;
    assert_eq!(failure(&report), ("mail_from", "sender_refused"));
    let step = &report["steps"][5];
    assert!(
        step["finding"]
            .as_str()
            .unwrap()
            .contains("postmaster@office.example.com")
    );
    assert_eq!(step["said"], "550 not from here");
}

#[tokio::test]
async fn forbidden_address_is_not_connected_to() {
    let house = House::open().await;
    let rights = Rights {
        administrator: true,
        ..Rights::default()
    };
    let admin = house.person("admin", house.root, rights).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["127.0.0.1", "localhost", "::ffff:127.0.0.1", "169.254.169.254"] {
        let report = tried(&house, &admin, json!({ "host": host, "port": port })).await;
        assert_eq!(failure(&report), ("tcp", "forbidden_address"), "{host}");
    }
    let knocked = tokio::time::timeout(std::time::Duration::from_millis(50), listener.accept()).await;
    assert!(knocked.is_err(), "somebody connected");
}

#[tokio::test]
async fn refused_address_tells_nothing_of_its_ports() {
    let house = House::open().await;
    let rights = Rights {
        administrator: true,
        ..Rights::default()
    };
    let admin = house.person("admin", house.root, rights).await;
    let open = relay::start().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ports = [open.addr().port(), closed.local_addr().unwrap().port()];
    drop(closed);
    for host in ["127.0.0.1", "localhost"] {
        let mut reports = Vec::new();
        for port in ports {
            let mut report = tried(&house, &admin, json!({ "host": host, "port": port })).await;
            for step in report["steps"].as_array_mut().unwrap() {
                step["duration_ms"] = json!(0);
            }
            reports.push(report.to_string().replace(&format!(":{port}"), ":PORT"));
        }
        assert_eq!(reports[0], reports[1], "{host}");
    }
    assert_eq!(open.connections(), 0);
}

#[tokio::test]
async fn token_endpoint_at_a_refused_address_is_named_with_the_line_that_allows_it() {
    let (house, admin) = house().await;
    let sink = relay::start_with(SinkConfig {
        offers: Offers {
            auth: "XOAUTH2",
            ..Offers::default()
        },
        auth: Some(SinkAuth {
            user: "office".to_owned(),
            password: "token".to_owned(),
        }),
        ..SinkConfig::default()
    })
    .await;
    let signing_in = json!({
        "auth": "xoauth2", "user": "office",
        "token": {
            "url": "https://10.1.2.3/token", "client_id": "postroom", "client_secret": "hunter2-secret",
            "grant": "client_credentials",
        },
    });
    let report = tried(&house, &admin, with(at(&sink, "none"), signing_in)).await;
    assert_eq!(failure(&report), ("auth", "forbidden_address"));
    assert_eq!(report["suggestion"], "allow_relay_networks = [\"10.1.2.0/24\"]");
    let finding = report["steps"][4]["finding"].as_str().unwrap();
    assert!(finding.contains("the token endpoint is there"), "{finding}");
    assert!(!report.to_string().contains("hunter2"), "{report}");
    let commands = sink.commands();
    assert!(
        !commands.iter().any(|(_, line)| line.starts_with("AUTH")),
        "{commands:?}"
    );
}

#[tokio::test]
async fn network_of_a_refused_address_is_proposed_for_the_configuration() {
    let house = House::open().await;
    let rights = Rights {
        administrator: true,
        ..Rights::default()
    };
    let admin = house.person("admin", house.root, rights).await;
    for (host, line) in [
        ("10.1.2.3", json!("allow_relay_networks = [\"10.1.2.0/24\"]")),
        ("169.254.169.254", Value::Null),
        ("168.63.129.16", Value::Null),
    ] {
        let report = tried(&house, &admin, json!({ "host": host })).await;
        assert_eq!(failure(&report), ("tcp", "forbidden_address"), "{host}");
        assert_eq!(report["suggestion"], line, "{host}");
    }
}

#[tokio::test]
async fn good_server_passes_every_step_and_gets_no_mail() {
    let (house, admin) = house().await;
    let identity = Identity::vouched_for("localhost");
    let sink = relay::start_with(SinkConfig {
        tls: Some(identity.implicit()),
        auth: Some(SinkAuth {
            user: "office".to_owned(),
            password: "right".to_owned(),
        }),
        ..SinkConfig::default()
    })
    .await;
    let settings = json!({
        "auth": "login", "user": "office", "secret": "right",
        "trust": "authority", "certificate": identity.trusted_pem(),
        "sender_domains": ["one.example.com", "two.example.com"],
    });
    let report = tried(&house, &admin, with(at(&sink, "implicit"), settings)).await;
    assert_eq!(report["good"], true, "{report}");
    let names: Vec<_> = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["step"].clone())
        .collect();
    assert_eq!(names, ["dns", "tcp", "tls", "smtp", "auth", "mail_from"]);
    assert_eq!(sink.count(), 0);
}
