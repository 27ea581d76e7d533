//! A whole server in this process: its store in a temporary folder, its listeners on free ports of loopback, and a
//! relay that keeps what it gets.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use postroom_domain::{Clock, OfficeId, RouteId, Scope, Timestamp, UserId};
use postroom_office::Secret;
use postroom_server::clock::SystemClock;
use postroom_server::config::{Config, Relay, RelayTls};
use postroom_server::node::Node;
use postroom_server::serve::Running;
use postroom_smtp::sink::SinkHandle;
use postroom_store::{
    Branches, Filter, NewApiKey, NewOffice, NewUser, PageRequest, Place, Rights, Row, SqliteOptions,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::dialogue::Dialogue;
use crate::house::by;

/// The password of everybody here.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A running server.
pub(crate) struct Server {
    pub(crate) running: Running,
    pub(crate) relay: SinkHandle,
    pub(crate) root: OfficeId,
    folder: TempDir,
}

impl Server {
    /// Starts one that delivers to a proper relay; the System Office is there, and nobody in it.
    pub(crate) async fn start() -> Self {
        Self::with(|_, _| {}).await
    }

    /// Starts one with another configuration; `change` gets the temporary folder too.
    pub(crate) async fn with(change: impl FnOnce(&mut Config, &Path)) -> Self {
        Self::on(Arc::new(SystemClock), SqliteOptions::default(), change).await
    }

    /// Starts one with another clock, store and configuration.
    pub(crate) async fn on(
        clock: Arc<dyn Clock>,
        store: SqliteOptions,
        change: impl FnOnce(&mut Config, &Path),
    ) -> Self {
        let relay = postroom_testkit::relay::start().await;
        let folder = tempfile::tempdir().unwrap();
        let mut config = configured(folder.path(), &relay);
        change(&mut config, folder.path());
        let node = Node::open_with(&config, clock, store).await.unwrap();
        let running = Running::on(node).await.unwrap();
        let root = NewOffice {
            parent: None,
            name: "System Office".to_owned(),
            route: RouteId::SERVER,
        };
        let root = running.node().store.add_office(root, &by()).await.unwrap().id;
        Self {
            running,
            relay,
            root,
            folder,
        }
    }

    /// Stops it and starts it again over the same data.
    pub(crate) async fn again(self, clock: Arc<dyn Clock>, change: impl FnOnce(&mut Config)) -> Self {
        let Self {
            running,
            relay,
            root,
            folder,
        } = self;
        running.stop().await;
        let mut config = configured(folder.path(), &relay);
        change(&mut config);
        let node = Node::open(&config, clock).await.unwrap();
        let running = Running::on(node).await.unwrap();
        Self {
            running,
            relay,
            root,
            folder,
        }
    }

    /// Runs the binary with a configuration that names this server's data; answers exit status, output and errors.
    pub(crate) async fn command(&self, words: &[&str], given: &str, variables: &[(&str, &str)]) -> Ended {
        let config = self.folder.path().join("postroom.toml");
        let text = format!("[server]\ndata_dir = {:?}\n", self.folder.path().join("data"));
        std::fs::write(&config, text).unwrap();
        let smtp = self.running.smtp()[0].to_string();
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_postroom"));
        command
            .args(words)
            .write_stdin(given)
            .env("POSTROOM_CONFIG", &config)
            .env("POSTROOM_SMTP", smtp)
            .envs(variables.iter().copied());
        ended(command).await
    }

    /// Adds somebody, whose address is `login@example.test`.
    pub(crate) async fn person(&self, login: &str) -> UserId {
        let node = self.running.node();
        let password_hash = node.authenticator.passwords().hash(PASSWORD).await.unwrap();
        let user = NewUser {
            office: self.root,
            login: login.to_owned(),
            name: login.to_owned(),
            email: format!("{login}@example.test"),
            password_hash,
            rights: Rights::default(),
        };
        let added = node.store.add_user(user, Branches::All, &by()).await;
        let id = added.unwrap().id;
        node.senders.refresh().await.unwrap();
        id
    }

    /// Makes an API key: somebody's, or the office's with scopes.
    pub(crate) async fn key(&self, user: Option<UserId>, scopes: &[&str]) -> String {
        self.key_in(self.root, user, scopes).await
    }

    /// Makes an API key of another office.
    pub(crate) async fn key_in(&self, office: OfficeId, user: Option<UserId>, scopes: &[&str]) -> String {
        self.keep_key(|key| NewApiKey {
            office,
            user,
            scopes: scopes.iter().map(ToString::to_string).collect(),
            ..key
        })
        .await
    }

    /// Makes a key of somebody that ends.
    pub(crate) async fn key_until(&self, user: UserId, ends_at: Timestamp) -> String {
        self.keep_key(|key| NewApiKey {
            user: Some(user),
            ends_at: Some(ends_at),
            ..key
        })
        .await
    }

    async fn keep_key(&self, of: impl FnOnce(NewApiKey) -> NewApiKey) -> String {
        let node = self.running.node();
        let secret = Secret::key();
        let key = NewApiKey {
            hash: secret.hash(),
            prefix: secret.prefix(),
            label: String::new(),
            office: self.root,
            user: None,
            scopes: Vec::new(),
            created_at: node.clock.now(),
            ends_at: None,
        };
        node.store.add_key(of(key), &by()).await.unwrap();
        secret.reveal().to_owned()
    }

    /// Adds case and makes her a key: what most tests need.
    pub(crate) async fn with_case(&self) -> String {
        let case = self.person("case").await;
        self.key(Some(case), &[]).await
    }

    /// Opens a session on the first SMTP listener, up to the answer to EHLO.
    pub(crate) async fn greeted(&self) -> Dialogue {
        let mut dialogue = Dialogue::connect(self.running.smtp()[0]).await;
        dialogue.ask("EHLO client.example.test").await.expect(250);
        dialogue
    }

    /// Opens a session in which case has signed in.
    pub(crate) async fn signed_in(&self) -> Dialogue {
        let mut dialogue = self.greeted().await;
        dialogue.sign_in("case", PASSWORD).await.expect(235);
        dialogue
    }

    /// Rows in the store, whoever's.
    pub(crate) async fn kept(&self) -> u64 {
        let store = &self.running.node().store;
        let counts = store.counts(&Scope::everything(), &Filter::default()).await;
        counts.unwrap().total
    }

    /// The rows, newest first.
    pub(crate) async fn rows(&self) -> Vec<Row> {
        let request = PageRequest {
            scope: Scope::everything(),
            filter: Filter::default(),
            place: Place::First,
            limit: 200,
        };
        self.running.node().store.page(&request).await.unwrap().rows
    }

    /// Sends case's good message by SMTP and says whether it was queued: the proof that the server is unharmed.
    pub(crate) async fn still_takes_mail(&self) {
        let before = self.kept().await;
        let mut dialogue = self.signed_in().await;
        let reply = dialogue.send("case", &["client@example.com"], GOOD).await;
        assert_eq!((reply.code, reply.enhanced()), (250, "2.0.0"), "{reply:?}");
        assert_eq!(self.kept().await, before + 1);
    }

    /// Posts a body and answers status and JSON.
    pub(crate) async fn post(
        &self,
        path: &str,
        key: Option<&str>,
        body: impl Into<Body>,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("host", "mail.example.test")
            .header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        self.ask(request.body(body.into()).unwrap()).await
    }

    /// Gets something as the holder of a key.
    pub(crate) async fn get(&self, path: &str, key: &str) -> Value {
        let request = Request::builder()
            .uri(path)
            .header("host", "mail.example.test")
            .header("authorization", format!("Bearer {key}"));
        let (status, value) = self.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(status, StatusCode::OK, "{value}");
        value
    }

    async fn ask(&self, request: Request<Body>) -> (StatusCode, Value) {
        let (status, body) = self.open(request).await;
        let bytes = to_bytes(body, 64 * 1024 * 1024).await.unwrap();
        let value = serde_json::from_slice(&bytes);
        (
            status,
            value.unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&bytes))),
        )
    }

    /// Asks over a connection of its own and leaves the body to come.
    pub(crate) async fn open(&self, request: Request<Body>) -> (StatusCode, Body) {
        let stream = TcpStream::connect(self.running.http()).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        (parts.status, Body::new(body))
    }
}

/// Data in a folder, listeners on free ports, and a relay.
fn configured(folder: &Path, relay: &SinkHandle) -> Config {
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut config = Config::default();
    config.server.data_dir = folder.join("data");
    config.server.hostname = "mail.example.test".to_owned();
    config.http.listen = anywhere;
    config.submission.listen = vec![anywhere];
    config.relay = vec![Relay {
        host: relay.addr().ip().to_string(),
        port: relay.addr().port(),
        tls: RelayTls::None,
        ..Relay::default()
    }];
    config
}

/// A message that nobody can object to.
pub(crate) const GOOD: &str = "From: Case <case@example.test>\r\nTo: client@example.com\r\nSubject: Your policy\r\n\r\nDear client,\r\nyours.\r\n";

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Waits for a process without keeping the server beside it from working.
pub(crate) async fn ended(mut command: assert_cmd::Command) -> Ended {
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.unwrap().unwrap();
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
