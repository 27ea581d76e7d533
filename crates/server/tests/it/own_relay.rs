//! An office that is given a relay of its own, and has it taken away, while the server runs.

use axum::http::StatusCode;
use postroom_domain::{OfficeId, RouteId};
use postroom_store::{Branches, NewOffice, NewUser, Rights, UserChange};
use postroom_testkit::relay;
use serde_json::{Value, json};

use crate::house::by;
use crate::server::Server;

/// North Office, and the keys of its clerk and of its administrator.
async fn north(server: &Server) -> (OfficeId, String, String) {
    let node = server.running.node();
    let office = NewOffice {
        parent: Some(server.root),
        name: "North".to_owned(),
        route: RouteId::SERVER,
    };
    let office = node.store.add_office(office, &by()).await.unwrap().id;
    let clerk = key_of(server, office, "north", Rights::default()).await;
    let administrator = key_of(server, office, "northadmin", ADMINISTRATOR).await;
    (office, clerk, administrator)
}

const ADMINISTRATOR: Rights = Rights {
    super_user: false,
    enterprise_view: false,
    administrator: true,
    customize_list_layout: false,
};

/// The key of somebody new.
async fn key_of(server: &Server, office: OfficeId, login: &str, rights: Rights) -> String {
    let node = server.running.node();
    let user = NewUser {
        office,
        login: login.to_owned(),
        name: login.to_owned(),
        email: format!("{login}@example.test"),
        password_hash: String::new(),
        rights,
    };
    let added = node.store.add_user(user, Branches::All, &by()).await;
    let user = added.unwrap().id;
    node.senders.refresh().await.unwrap();
    server.key_in(office, Some(user), &[]).await
}

/// Office, name and host of a relay, and whether its learnt limits are told.
type Told = (Option<i64>, String, Option<String>, bool);

/// What is told of each relay of somebody's status.
fn relays(status: &Value) -> Vec<Told> {
    let mut relays: Vec<Told> = status["relays"]
        .as_array()
        .unwrap()
        .iter()
        .map(|relay| {
            (
                relay["office"].as_i64(),
                relay["name"].as_str().unwrap().to_owned(),
                relay["host"].as_str().map(ToOwned::to_owned),
                relay["limits"].is_object(),
            )
        })
        .collect();
    relays.sort();
    relays
}

async fn send(server: &Server, key: &str, from: &str) {
    let message = json!({ "from": from, "to": ["client@example.com"], "text": "x" });
    let (status, answer) = server
        .post("/api/v1/messages", Some(key), message.to_string())
        .await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
}

#[tokio::test]
async fn relay_that_the_server_lacks_is_told_to_those_who_can_set_it() {
    for has_relay in [true, false] {
        let server = Server::with(|config, _| {
            if !has_relay {
                config.relay.clear();
            }
        })
        .await;
        let case = server.with_case().await;
        let (_, _, clerk) = north(&server).await;
        let system = server.key(None, &["read"]).await;
        let node = server.running.node();
        let admin = server.person("admin").await;
        let change = UserChange {
            rights: Some((
                Rights {
                    administrator: true,
                    ..Rights::default()
                },
                Branches::All,
            )),
            ..UserChange::default()
        };
        node.store.change_user(admin, 1, change, &by()).await.unwrap();
        let admin = server.key(Some(admin), &[]).await;
        for (key, told) in [
            (&admin, !has_relay),
            (&case, false),
            (&clerk, false),
            (&system, false),
        ] {
            let banners = server.get("/api/v1/status", key).await["banners"].clone();
            let kinds: Vec<_> = banners
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["kind"].clone())
                .collect();
            assert_eq!(kinds.contains(&json!("no_server_relay")), told, "{kinds:?}");
        }
    }
}

#[tokio::test]
async fn office_sends_through_the_relay_that_it_is_given_at_the_command_line_and_back() {
    let server = Server::with(|config, _| {
        config.network.allow_relay_networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let (case, (office, north, administrator)) = (server.with_case().await, north(&server).await);
    let own = relay::start().await;
    let port = own.addr().port().to_string();
    let words = [
        "relay",
        "set",
        "--office",
        "North",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--tls",
        "none",
    ];
    let done = server.command(&words, "", &[]).await;
    assert_eq!(done.code, Some(0), "{}", done.err);
    send(&server, &north, "north@example.test").await;
    send(&server, &case, "case@example.test").await;
    own.wait_for(1).await;
    server.relay.wait_for(1).await;
    assert_eq!((own.count(), server.relay.count()), (1, 1));
    let shown = server.get("/api/v1/status", &case).await;
    let shared = |host: Option<String>, name: &str| -> Told {
        let known = host.is_some();
        (None, name.to_owned(), host, known)
    };
    let nameless = shared(None, "shared e-mail server");
    assert_eq!(relays(&shown), std::slice::from_ref(&nameless), "{shown}");
    let shown = server.get("/api/v1/status", &north).await;
    let theirs: Told = (Some(office.0), "office e-mail server".to_owned(), None, false);
    assert_eq!(relays(&shown), [nameless.clone(), theirs], "{shown}");
    // Whoever administers the office is told where its own relay is; the server's is the System Office's affair.
    let shown = server.get("/api/v1/status", &administrator).await;
    let host = format!("127.0.0.1:{port}");
    let theirs: Told = (Some(office.0), "127.0.0.1".to_owned(), Some(host), true);
    assert_eq!(relays(&shown), [nameless, theirs.clone()], "{shown}");
    let system = key_of(&server, server.root, "system", ADMINISTRATOR).await;
    let shown = server.get("/api/v1/status", &system).await;
    let host = server.relay.addr().to_string();
    assert_eq!(relays(&shown), [shared(Some(host), "default"), theirs], "{shown}");
    let done = server.command(&["relay", "list"], "", &[]).await;
    assert!(done.out.contains(&format!("127.0.0.1:{port}")), "{}", done.out);
    let done = server
        .command(&["relay", "test", "--office", "North"], "", &[])
        .await;
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    let done = server
        .command(&["relay", "set", "--office", "North", "--none"], "", &[])
        .await;
    assert_eq!(done.code, Some(0), "{}", done.err);
    send(&server, &north, "north@example.test").await;
    server.relay.wait_for(2).await;
    assert_eq!(own.count(), 1);
}

#[tokio::test]
async fn relay_in_a_private_network_is_refused_at_the_command_line_with_the_line_that_allows_it() {
    let server = Server::start().await;
    north(&server).await;
    for words in [
        ["relay", "set", "--office", "North", "--host", "10.1.2.3"],
        ["relay", "test", "--office", "North", "--host", "10.1.2.3"],
    ] {
        let done = server.command(&words, "", &[]).await;
        assert_ne!(done.code, Some(0), "{}{}", done.out, done.err);
        let said = format!("{}{}", done.out, done.err);
        assert!(said.contains("in a private network"), "{said}");
        assert!(
            said.contains("\n    allow_relay_networks = [\"10.1.2.0/24\"]\n"),
            "{said}"
        );
    }
}
