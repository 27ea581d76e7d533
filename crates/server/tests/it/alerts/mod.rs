//! Alerts, each raised by its real cause: to exactly the right people, once, and mailed to those who chose so.

mod center;
mod failures;
mod limits;
mod machine;
mod mailed;
mod notices;
mod outage;
mod own_relay;
mod tokens;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use postroom_domain::{Clock, ManualClock, OfficeId, RouteId, UserId};
use postroom_server::config::{Config, HumanDuration};
use postroom_smtp::sink::SinkHandle;
use postroom_store::{Branches, NewOffice, NewUser, Rights, SqliteOptions};
use serde_json::{Value, json};

use crate::house::{START, by};
use crate::server::{PASSWORD, Server};

/// A test that waits longer than this for an alert has failed.
const PATIENCE: Duration = Duration::from_secs(30);
const ADMINISTRATOR: Rights = Rights {
    super_user: false,
    enterprise_view: false,
    administrator: true,
    customize_list_layout: false,
};

/// A server whose clock is moved, with people in two offices.
struct Place {
    server: Server,
    clock: Arc<ManualClock>,
    north: OfficeId,
    /// The System Office's administrator.
    chief: Member,
    /// North's administrator.
    head: Member,
    /// Two clerks of North, and one who sends nothing.
    case: Member,
    lee: Member,
    idle: Member,
}

/// Somebody with an API key.
struct Member {
    id: UserId,
    login: &'static str,
    key: String,
}

impl Place {
    /// Opens one whose mail leaves through `relay`, with retries an hour apart.
    async fn open(relay: &SinkHandle, change: impl FnOnce(&mut Config)) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let server = Server::on(
            Arc::clone(&clock) as Arc<dyn Clock>,
            SqliteOptions::default(),
            |config, _| {
                settle(config, relay);
                change(config);
            },
        )
        .await;
        let north = NewOffice {
            parent: Some(server.root),
            name: "North".to_owned(),
            route: RouteId::SERVER,
        };
        let store = &server.running.node().store;
        let north = store.add_office(north, &by()).await.unwrap().id;
        Self {
            chief: member(&server, "chief", server.root, ADMINISTRATOR).await,
            head: member(&server, "head", north, ADMINISTRATOR).await,
            case: member(&server, "case", north, Rights::default()).await,
            lee: member(&server, "lee", north, Rights::default()).await,
            idle: member(&server, "idle", north, Rights::default()).await,
            north,
            server,
            clock,
        }
    }

    /// Stops the process and starts it again over the same data.
    async fn restarted(self, relay: &SinkHandle) -> Self {
        self.restarted_with(relay, |_| {}).await
    }

    /// The same with another configuration.
    async fn restarted_with(self, relay: &SinkHandle, change: impl FnOnce(&mut Config)) -> Self {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let server = self.server.again(clock, |config| {
            settle(config, relay);
            change(config);
        });
        Self {
            server: server.await,
            ..self
        }
    }

    /// Gives North a relay of its own, as its administrator does in the Office Settings.
    async fn give_relay(&self, relay: Value) {
        let node = self.server.running.node();
        let head = node.store.user(self.head.id).await.unwrap().unwrap();
        let session = node.authenticator.begin_session(&head).await.unwrap();
        let request = Request::builder()
            .method(Method::PUT)
            .uri(format!("/api/v1/offices/{}/settings", self.north))
            .header("host", "mail.example.test")
            .header("cookie", format!("postroom_session={}", session.reveal()))
            .header("if-match", "\"0\"")
            .header("content-type", "application/json")
            .body(Body::from(json!({ "relays": [relay] }).to_string()));
        let (status, body) = self.server.open(request.unwrap()).await;
        let answer = to_bytes(body, 1 << 20).await.unwrap();
        assert_eq!(status, StatusCode::OK, "{answer:?}");
    }

    /// Moves the clock and lets the engine look.
    fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.server.running.engine().wake();
    }

    /// Sends a letter of somebody's and answers its id.
    async fn letter(&self, from: &Member, to: &str) -> String {
        self.clock.advance(Duration::from_millis(1));
        let message = json!({
            "from": format!("{}@example.test", from.login), "to": [to], "subject": "Your policy", "text": "Yours.",
        });
        let (status, answer) = self
            .server
            .post("/api/v1/messages", Some(&from.key), message.to_string())
            .await;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    }

    /// Asks something of the API as somebody.
    async fn ask(
        &self,
        who: &Member,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "mail.example.test")
            .header("authorization", format!("Bearer {}", who.key));
        let request = match body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        let (status, body) = self.server.open(request.unwrap()).await;
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// Title and count of somebody's alerts, the earliest first.
    async fn titles(&self, who: &Member) -> Vec<(String, u64)> {
        let mut alerts = self.alerts(who).await;
        alerts.reverse();
        let title = |alert: &Value| {
            let title = alert["title"].as_str().unwrap().to_owned();
            (title, alert["count"].as_u64().unwrap())
        };
        alerts.iter().map(title).collect()
    }

    /// Somebody's alerts, the latest first.
    async fn alerts(&self, who: &Member) -> Vec<Value> {
        let list = self.server.get("/api/v1/alerts", &who.key).await;
        list["alerts"].as_array().unwrap().clone()
    }

    /// Waits until somebody has alerts of these titles and counts, the earliest first.
    async fn until_told(&self, who: &Member, expected: &[(&str, u64)]) {
        let mut found = Vec::new();
        let waited = tokio::time::timeout(PATIENCE, async {
            let mut changes = self.server.running.node().store.changes();
            loop {
                found = self.titles(who).await;
                if found
                    .iter()
                    .map(|(title, n)| (title.as_str(), *n))
                    .eq(expected.iter().copied())
                {
                    return;
                }
                let _again = tokio::time::timeout(Duration::from_secs(1), changes.recv()).await;
            }
        });
        if waited.await.is_err() {
            panic!("{} was told {found:?}, not {expected:?}", who.login);
        }
    }

    /// Waits until a message is in this state after so many attempts.
    async fn until_state(&self, who: &Member, id: &str, state: &str, attempts: u64) {
        let mut found = Value::Null;
        let waited = tokio::time::timeout(PATIENCE, async {
            let mut changes = self.server.running.node().store.changes();
            loop {
                let detail = self
                    .ask(who, Method::GET, &format!("/api/v1/messages/{id}"), None)
                    .await
                    .1;
                if detail["state"] == state && detail["attempts"] == attempts {
                    return;
                }
                found = detail;
                let _again = tokio::time::timeout(Duration::from_secs(1), changes.recv()).await;
            }
        });
        if waited.await.is_err() {
            panic!("the message is not {state} after {attempts}: {found}");
        }
    }

    /// Waits until every fact was read and everything that follows is written.
    async fn until_all_is_told(&self) {
        let store = &self.server.running.node().store;
        let mut changes = store.changes();
        let quiet = async {
            loop {
                let facts = store.facts(postroom_store::Consumer::Alerts, 1).await.unwrap();
                if facts.is_empty() && store.alerts_to_mail().await.unwrap().is_empty() {
                    return;
                }
                let _again = tokio::time::timeout(Duration::from_millis(200), changes.recv()).await;
            }
        };
        tokio::time::timeout(PATIENCE, quiet).await.expect("in time");
    }

    /// Chooses the alerts that somebody gets by e-mail.
    async fn choose(&self, who: &Member, kinds: &[&str]) {
        let chosen = json!({ "alerts_by_email": kinds });
        let (status, answer) = self
            .ask(
                who,
                Method::PUT,
                "/api/v1/session/preferences",
                Some(chosen.clone()),
            )
            .await;
        assert_eq!((status, answer), (StatusCode::OK, chosen));
    }
}

fn settle(config: &mut Config, relay: &SinkHandle) {
    config.network.allow_relay_networks = vec!["127.0.0.0/8".parse().unwrap()];
    config.delivery.retry_waits = vec![HumanDuration::from_minutes(60)];
    let own = config.relay.first_mut().unwrap();
    own.host = relay.addr().ip().to_string();
    own.port = relay.addr().port();
}

async fn member(server: &Server, login: &'static str, office: OfficeId, rights: Rights) -> Member {
    let node = server.running.node();
    let password_hash = node.authenticator.passwords().hash(PASSWORD).await.unwrap();
    let user = NewUser {
        office,
        login: login.to_owned(),
        name: login.to_owned(),
        email: format!("{login}@example.test"),
        password_hash,
        rights,
    };
    let added = node.store.add_user(user, Branches::All, &by()).await;
    let id = added.unwrap().id;
    node.senders.refresh().await.unwrap();
    let key = server.key_in(office, Some(id), &[]).await;
    Member { id, login, key }
}
