//! A server's HTTP side over a store in a temporary folder, and a client for it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use bytes_of::read;
use hyper_util::rt::TokioIo;
use postroom_domain::{
    Clock, ConnectionLimits, EnhancedCode, Kind, ManualClock, MessageId, NodeSlot, OfficeId, Reply, RouteId,
    Timestamp, Trouble, UserId,
};
use postroom_office::{Link, Notice, NoticeEvent, Notifier as _, Secret};
use postroom_server::config::Config;
use postroom_server::connections::ConnectionLimiter;
use postroom_server::http;
use postroom_server::http::accept::{self, Clients, Deadlines};
use postroom_server::node::Node;
use postroom_server::supervision::Supervisor;
use postroom_store::{
    Actor, AttemptRecord, AttemptResult, Branches, By, Enqueue, Enqueued, Filter, LeaseRequest, NewApiKey,
    NewMessage, NewOffice, NewRecipient, NewUser, Next, Outcome, OutcomeBatch, PageRequest, Place,
    RecipientRole, Rights, Shown, SmtpParameters, SqliteOptions, Submitter, User, Want,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// The password of everybody here.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// When the tests begin.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);

/// Whoever sets things up here.
pub(crate) fn by() -> By {
    By::of(Actor::Operator, START)
}

/// A server's HTTP side.
pub(crate) struct House {
    pub(crate) node: Node,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) root: OfficeId,
    pub(crate) supervisor: Supervisor,
    address: SocketAddr,
    stopping: CancellationToken,
    folder: TempDir,
}

impl House {
    /// Opens a house with the System Office and nobody in it.
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    /// Opens a house with another configuration.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::on(SqliteOptions::default(), change).await
    }

    /// Opens a house whose store is told more.
    pub(crate) async fn on(options: SqliteOptions, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.server.data_dir = folder.path().join("data");
        config.server.hostname = "mail.example.test".to_owned();
        change(&mut config);
        let clock = Arc::new(ManualClock::new(START));
        let node = Node::open_with(&config, Arc::clone(&clock) as Arc<dyn Clock>, options)
            .await
            .unwrap();
        let root = NewOffice {
            parent: None,
            name: "System Office".to_owned(),
            route: RouteId::SERVER,
        };
        let root = node.store.add_office(root, &by()).await.unwrap().id;
        let supervisor = Supervisor::new(Arc::clone(&node.metrics));
        let stopping = supervisor.stopping().clone();
        let app = node.app(None, supervisor.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = accept::Serving {
            router: http::router(&app),
            tls: None,
            connections: ConnectionLimiter::new(ConnectionLimits::of(4_096)),
            deadlines: Deadlines::with_idle(config.http.idle_timeout.0),
            clients: Clients::Public(node.live.clone()),
            stopping: stopping.clone(),
        };
        tokio::spawn(accept::serve(listener, serving));
        Self {
            node,
            clock,
            root,
            address,
            stopping,
            supervisor,
            folder,
        }
    }

    /// Opens another listener, with limits and deadlines of its own.
    pub(crate) async fn listener(&self, connections: ConnectionLimiter, deadlines: Deadlines) -> SocketAddr {
        let app = self.node.app(None, self.supervisor.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = accept::Serving {
            router: http::router(&app),
            tls: None,
            connections,
            deadlines,
            clients: Clients::Public(self.node.live.clone()),
            stopping: self.stopping.clone(),
        };
        tokio::spawn(accept::serve(listener, serving));
        address
    }

    /// The data folder.
    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// Adds an office below another.
    pub(crate) async fn office(&self, parent: OfficeId, name: &str) -> OfficeId {
        let office = NewOffice {
            parent: Some(parent),
            name: name.to_owned(),
            route: RouteId::SERVER,
        };
        self.node.store.add_office(office, &by()).await.unwrap().id
    }

    /// Adds somebody with an API key and a session; answers all three.
    pub(crate) async fn person(&self, login: &str, office: OfficeId, rights: Rights) -> Person {
        let password_hash = self.node.authenticator.passwords().hash(PASSWORD).await.unwrap();
        let user = NewUser {
            office,
            login: login.to_owned(),
            name: format!("{login} of the house"),
            email: format!("{login}@example.test"),
            password_hash,
            rights,
        };
        let user = self.node.store.add_user(user, Branches::All, &by()).await;
        self.moved_in(user.unwrap()).await
    }

    /// Gives somebody an API key and a session.
    pub(crate) async fn moved_in(&self, user: User) -> Person {
        self.node.senders.refresh().await.unwrap();
        let session = self.node.authenticator.begin_session(&user).await.unwrap();
        Person {
            key: self.key(user.office, Some(user.id), &[]).await,
            session: session.reveal().to_owned(),
            user: user.id,
            login: user.login,
        }
    }

    /// Makes an API key.
    pub(crate) async fn key(&self, office: OfficeId, user: Option<UserId>, scopes: &[&str]) -> String {
        let secret = Secret::key();
        let key = NewApiKey {
            hash: secret.hash(),
            prefix: secret.prefix(),
            label: String::new(),
            office,
            user,
            scopes: scopes.iter().map(ToString::to_string).collect(),
            created_at: START,
            ends_at: None,
        };
        self.node.store.add_key(key, &by()).await.unwrap();
        secret.reveal().to_owned()
    }

    /// Asks with a key.
    pub(crate) fn ask(&self, method: Method, path: &str) -> Ask {
        Ask {
            address: self.address,
            request: Request::builder()
                .method(method)
                .uri(path)
                .header("host", "mail.example.test"),
            body: Body::empty(),
        }
    }

    /// Submits a plain message of somebody and answers its id.
    pub(crate) async fn letter(&self, from: &Person, to: &str, subject: &str) -> String {
        self.clock.advance(Duration::from_millis(1));
        let message = serde_json::json!({
            "from": format!("{}@example.test", from.login), "to": [to], "subject": subject, "text": "Dear client,\nyours."
        });
        let answer = self
            .ask(Method::POST, "/api/v1/messages")
            .key(&from.key)
            .json(&message)
            .send()
            .await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Does the jobs that are kept, until the answer is dropped or cancelled.
    pub(crate) fn work(&self) -> tokio_util::sync::DropGuard {
        let stopping = self.stopping.child_token();
        tokio::spawn(self.node.jobs.clone().run(|| (), stopping.clone()));
        stopping.drop_guard()
    }

    /// Puts `n` plain letters of somebody into the store, without the way through intake; answers their ids.
    pub(crate) async fn letters(&self, from: &Person, n: usize) -> Vec<MessageId> {
        self.put(&self.plain_letter(from), n).await
    }

    /// A plain letter of somebody as intake hands it to the store.
    pub(crate) fn plain_letter(&self, from: &Person) -> NewMessage {
        NewMessage {
            sender: from.user,
            office: self.root,
            submitted_by: Submitter::User(from.user),
            kind: Kind::Direct,
            route: RouteId::SERVER,
            mail_from: format!("{}@example.test", from.login),
            recipients: vec![NewRecipient {
                address: "client@example.com".to_owned(),
                role: RecipientRole::To,
                notify: None,
                orcpt: None,
            }],
            parameters: SmtpParameters::default(),
            shown: Shown {
                subject: "Many".to_owned(),
                message_id: "<1@example.test>".to_owned(),
                ..Shown::default()
            },
            send_at: None,
            tags: Vec::new(),
            external_id: None,
            metadata: None,
            resent_from: None,
            content: postroom_store::Content {
                header: postroom_engine::packing::pack(
                    b"Subject: Many\r\nMessage-ID: <1@example.test>\r\n\r\n",
                ),
                body: postroom_engine::packing::pack(b"Dear client\r\n"),
            },
        }
    }

    /// Puts a letter into the store `n` times; answers the ids.
    pub(crate) async fn put(&self, letter: &NewMessage, n: usize) -> Vec<MessageId> {
        let mut ids = Vec::with_capacity(n);
        while ids.len() < n {
            self.clock.advance(Duration::from_millis(1));
            let op = Enqueue {
                messages: vec![letter.clone(); (n - ids.len()).min(1_000)],
                idempotency: None,
                slot: NodeSlot(0),
                now: self.clock.now(),
                audit: None,
            };
            match self.node.store.enqueue(op).await.unwrap() {
                Enqueued::Accepted(admitted) => ids.extend(admitted.into_iter().map(|one| one.id)),
                other => panic!("{other:?}"),
            }
        }
        ids
    }

    /// Ends leased mail of the server's route: the first `failed` by a refused sign-in, the others accepted.
    pub(crate) async fn deliver(&self, n: u32, failed: usize) -> Vec<MessageId> {
        let store = &self.node.store;
        let now = self.clock.now();
        let node = store.join(NodeSlot(0), now).await.unwrap();
        let wants = vec![Want {
            route: RouteId::SERVER,
            n,
        }];
        let leased = store.lease(LeaseRequest { node, wants, now }).await.unwrap();
        let outcomes = leased.iter().enumerate().map(|(place, one)| {
            let lost = place < failed;
            Outcome {
                id: one.id,
                generation: one.generation,
                attempt: Some(AttemptRecord {
                    started_at: now,
                    duration: Duration::from_millis(5),
                    relay: "main".to_owned(),
                    tls: None,
                    result: if lost {
                        AttemptResult::Failed
                    } else {
                        AttemptResult::Sent
                    },
                    reply: Reply {
                        code: if lost { 535 } else { 250 },
                        enhanced: Some(EnhancedCode(
                            if lost { 5 } else { 2 },
                            if lost { 7 } else { 0 },
                            if lost { 8 } else { 0 },
                        )),
                        text: "said the relay".to_owned(),
                    },
                    trouble: lost.then_some(Trouble::Auth),
                }),
                recipients: Vec::new(),
                next: if lost { Next::Failed } else { Next::Sent },
            }
        });
        let outcomes = outcomes.collect();
        store
            .record_outcomes(OutcomeBatch { node, outcomes, now })
            .await
            .unwrap();
        leased.iter().map(|one| one.id).collect()
    }

    /// Has Postroom mail somebody a link for a new password; answers the message's id.
    pub(crate) async fn reset_link(&self, to: &Person) -> String {
        self.clock.advance(Duration::from_millis(1));
        let store = &self.node.store;
        let user = store.user(to.user).await.unwrap().unwrap();
        let offices = store.offices().await.unwrap();
        let office = offices.into_iter().find(|office| office.id == user.office);
        let link = Link {
            token: Secret::session(),
            ends_at: self.clock.now(),
        };
        let notice = Notice {
            user,
            office: office.unwrap(),
            event: NoticeEvent::PasswordReset(link),
        };
        self.node.notices.notify(notice).await.unwrap();
        let newest = PageRequest {
            scope: postroom_domain::Scope::everything(),
            filter: Filter::default(),
            place: Place::First,
            limit: 1,
        };
        store.page(&newest).await.unwrap().rows[0].id.to_string()
    }

    /// Rows in the store, whoever's.
    pub(crate) async fn kept(&self) -> u64 {
        let counts = self
            .node
            .store
            .counts(&postroom_domain::Scope::everything(), &Default::default())
            .await;
        counts.unwrap().total
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

/// Somebody of the house.
pub(crate) struct Person {
    pub(crate) user: UserId,
    pub(crate) login: String,
    pub(crate) key: String,
    /// The token of a session, which lasts twelve hours.
    pub(crate) session: String,
}

/// A request on its way.
pub(crate) struct Ask {
    address: SocketAddr,
    request: axum::http::request::Builder,
    body: Body,
}

impl Ask {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    /// Asks by hand: as the page does for somebody who is signed in.
    pub(crate) fn by_hand(self, who: &Person) -> Self {
        self.header("cookie", &format!("postroom_session={}", who.session))
            .header("origin", "http://mail.example.test")
            .header("sec-fetch-site", "same-origin")
    }

    pub(crate) fn json(self, value: &Value) -> Self {
        self.raw("application/json", value.to_string())
    }

    pub(crate) fn raw(self, media_type: &str, body: impl Into<Body>) -> Self {
        let mut ask = self.header("content-type", media_type);
        ask.body = body.into();
        ask
    }

    /// Sends it over a connection of its own and reads the whole answer.
    pub(crate) async fn send(self) -> Answer {
        let (status, headers, body) = self.open().await;
        let text = String::from_utf8_lossy(&read(body).await).into_owned();
        Answer {
            status,
            headers,
            text,
        }
    }

    /// Sends it and leaves the body to come.
    pub(crate) async fn open(self) -> (StatusCode, HeaderMap, Body) {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        let response = sender
            .send_request(self.request.body(self.body).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, Body::new(body))
    }
}

mod bytes_of {
    use axum::body::{Body, to_bytes};

    pub(super) async fn read(body: Body) -> Vec<u8> {
        to_bytes(body, 64 * 1024 * 1024).await.unwrap().to_vec()
    }
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The problem's code, where it is a problem.
    pub(crate) fn code(&self) -> String {
        let media_type = self
            .headers
            .get("content-type")
            .map(|value| value.to_str().unwrap());
        assert_eq!(media_type, Some("application/problem+json"), "{}", self.text);
        self.json()["code"].as_str().unwrap().to_owned()
    }

    /// The problem without its request's id, which is another each time.
    pub(crate) fn problem(&self) -> Value {
        self.code();
        let mut problem = self.json();
        let id = problem.as_object_mut().unwrap().remove("request_id");
        assert!(id.is_some_and(|id| id == self.headers["x-request-id"].to_str().unwrap()));
        problem
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
