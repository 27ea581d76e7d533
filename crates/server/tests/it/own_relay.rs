//! An office that is given a relay of its own, and has it taken away, while the server runs.

use axum::http::StatusCode;
use postroom_domain::{OfficeId, RouteId};
use postroom_store::{Branches, NewOffice, NewUser, Rights, UserChange};
use postroom_testkit::relay;
use serde_json::json;

use crate::house::by;
use crate::server::Server;

/// North Office, and the key of its clerk.
async fn north(server: &Server) -> (OfficeId, String) {
    let node = server.running.node();
    let office = NewOffice {
        parent: Some(server.root),
        name: "North".to_owned(),
        route: RouteId::SERVER,
    };
    let office = node.store.add_office(office, &by()).await.unwrap().id;
    let user = NewUser {
        office,
        login: "north".to_owned(),
        name: "North Clerk".to_owned(),
        email: "north@example.test".to_owned(),
        password_hash: String::new(),
        rights: Rights::default(),
    };
    let added = node.store.add_user(user, Branches::All, &by()).await;
    let user = added.unwrap().id;
    node.senders.refresh().await.unwrap();
    (office, server.key_in(office, Some(user), &[]).await)
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
        let (_, clerk) = north(&server).await;
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
    let (case, (_, north)) = (server.with_case().await, north(&server).await);
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
    assert_eq!(shown["relays"].as_array().map(Vec::len), Some(1), "{shown}");
    let shown = server.get("/api/v1/status", &north).await;
    assert_eq!(shown["relays"].as_array().map(Vec::len), Some(2), "{shown}");
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
