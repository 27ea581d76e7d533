//! Connections that keep a place and do nothing for it: they end, or make room, and nobody notices.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, StatusCode};
use axum::routing::get;
use futures_util::stream;
use postroom_domain::{ConnectionClass, ConnectionLimits};
use postroom_server::connections::ConnectionLimiter;
use postroom_server::http::accept::{self, Clients, Deadlines};
use postroom_store::Rights;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::house::{House, Person};

/// What takes longer counts as a hang.
const HANG: Duration = Duration::from_secs(20);
/// Deadlines that a test can wait for.
const SOON: Deadlines = Deadlines {
    first_request: Duration::from_millis(200),
    idle: Duration::from_millis(200),
    response: Duration::from_millis(200),
};
/// Deadlines of those who have said what they want: it may take a while on a busy machine.
const SOON_AFTER_A_REQUEST: Deadlines = Deadlines {
    first_request: LATE.first_request,
    ..SOON
};
/// Deadlines that end nothing while a test runs.
const LATE: Deadlines = Deadlines::with_idle(Duration::from_secs(600));

/// What an HTTP/2 client says first (RFC 9113 §3.4), and an empty SETTINGS frame.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

fn limiter(places: usize) -> ConnectionLimiter {
    ConnectionLimiter::new(ConnectionLimits::of(places))
}

/// Connects and sends octets.
async fn client(address: SocketAddr, octets: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(octets).await.unwrap();
    stream
}

/// Reads until the server closes, whichever way.
async fn until_closed(mut stream: TcpStream) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(count @ 1..) = timeout(HANG, stream.read(&mut buffer))
        .await
        .expect("it stays open")
    {
        octets.extend_from_slice(&buffer[..count]);
    }
    octets
}

/// Asks for a path; the status, and the answer as far as its length says, or as far as it has come.
async fn asked(stream: &mut TcpStream, path: &str, header: &str) -> (StatusCode, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: mail.example.test\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut octets = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&octets).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                let code = head.split(' ').nth(1).unwrap();
                return (code.parse().unwrap(), text);
            }
        }
        let read = timeout(HANG, stream.read_buf(&mut octets)).await;
        assert_ne!(read.expect("no answer").unwrap(), 0, "closed without an answer");
    }
}

fn bearer(who: &Person) -> String {
    format!("Authorization: Bearer {}\r\n", who.key)
}

fn closed(limiter: &ConnectionLimiter, reason: &str) -> u64 {
    limiter.usage().closed.get(reason).copied().unwrap_or(0)
}

#[tokio::test]
async fn connection_without_a_whole_request_is_closed() {
    let house = House::open().await;
    let limiter = limiter(100);
    let address = house.listener(limiter.clone(), SOON).await;
    let half_frame = [PREFACE, b"\0\0\x40\x01".as_slice()].concat();
    for said in [
        b"".as_slice(),
        b"PRI * HTTP/2.0\r\n\r\nSM",
        b"GET /health/live HTTP/1.1\r\nHost: a\r\nX-Slow: ",
        PREFACE,
        &half_frame,
    ] {
        until_closed(client(address, said).await).await;
    }
    assert_eq!(closed(&limiter, "first_request"), 5);
}

#[tokio::test]
async fn connection_without_another_request_is_closed() {
    let house = House::open().await;
    let limiter = limiter(100);
    let address = house.listener(limiter.clone(), SOON_AFTER_A_REQUEST).await;
    for rest in ["", "GET /health/live HTTP/1.1\r\nHost: a\r\n"] {
        let mut stream = client(address, b"").await;
        let (status, _) = asked(&mut stream, "/health/live", "").await;
        assert_eq!(status, StatusCode::OK);
        stream.write_all(rest.as_bytes()).await.unwrap();
        until_closed(stream).await;
    }
    assert_eq!(closed(&limiter, "idle"), 2);
}

/// Says so when it is dropped.
struct Dropped(mpsc::UnboundedSender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.send(()).ok();
    }
}

#[tokio::test]
async fn client_that_does_not_read_its_answer_is_closed() {
    let (sender, mut dropped) = mpsc::unbounded_channel();
    let endless = move || {
        let guard = Dropped(sender.clone());
        let parts = stream::repeat_with(move || {
            let _kept_with_the_body = &guard;
            Ok::<_, Infallible>(Bytes::from_static(&[0; 64 * 1024]))
        });
        async move { Body::from_stream(parts) }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limiter = limiter(100);
    let serving = accept::Serving {
        router: Router::new().route("/", get(endless)),
        tls: None,
        connections: limiter.clone(),
        deadlines: SOON_AFTER_A_REQUEST,
        clients: Clients::Operator,
        stopping: CancellationToken::new(),
    };
    tokio::spawn(accept::serve(listener, serving));
    let stream = client(address, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let ended = timeout(HANG, dropped.recv()).await;
    assert_eq!(ended.expect("it stays open"), Some(()));
    assert_eq!(closed(&limiter, "response"), 1);
    drop(stream);
}

#[tokio::test]
async fn strangers_keep_nobody_out_also_from_their_own_address() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let limiter = limiter(16);
    let address = house.listener(limiter.clone(), LATE).await;
    let mut kept = client(address, b"").await;
    let (status, _) = asked(&mut kept, "/api/v1/session", &bearer(&case)).await;
    assert_eq!(status, StatusCode::OK);

    let half_body = b"POST /api/v1/session HTTP/1.1\r\nHost: mail.example.test\r\n\
        Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let kinds: [&[u8]; 4] = [b"", b"GET / HTTP/1.1\r\n", PREFACE, half_body];
    let mut strangers = Vec::new();
    for said in kinds {
        for _ in 0..20 {
            // One that has to make room before it has said everything.
            let mut stream = TcpStream::connect(address).await.unwrap();
            drop(stream.write_all(said).await);
            strangers.push(stream);
        }
        let mut new = client(address, b"").await;
        let (status, _) = asked(&mut new, "/api/v1/session", &bearer(&case)).await;
        assert_eq!(status, StatusCode::OK);
        let mut check = client(address, b"").await;
        assert_eq!(asked(&mut check, "/health/live", "").await.0, StatusCode::OK);
    }
    let (status, _) = asked(&mut kept, "/api/v1/session", &bearer(&case)).await;
    assert_eq!(status, StatusCode::OK, "who has signed in keeps the connection");
    assert!(closed(&limiter, "evicted") >= 70, "{:?}", limiter.usage());
    until_closed(strangers.swap_remove(0)).await;
}

#[tokio::test]
async fn health_is_answered_where_every_connection_is_in_use() {
    let house = House::open().await;
    let case = house.person("case", house.root, Rights::default()).await;
    let limiter = limiter(1);
    let address = house.listener(limiter.clone(), LATE).await;
    let mut watching = client(address, b"").await;
    let (status, _) = asked(&mut watching, "/api/v1/events", &bearer(&case)).await;
    assert_eq!(status, StatusCode::OK);

    for _ in 0..100 {
        let mut check = client(address, b"").await;
        assert_eq!(asked(&mut check, "/health/live", "").await.0, StatusCode::OK);
    }
    let mut other = client(address, b"").await;
    let (status, answer) = asked(&mut other, "/api/v1/session", &bearer(&case)).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.contains("retry-after: "), "{answer}");
    let usage = limiter.usage();
    assert_eq!(usage.refused.get("address"), Some(&101));
    assert!(usage.open.contains(&(ConnectionClass::SignedIn, 1)));
}

#[tokio::test]
async fn clients_behind_a_proxy_are_counted_by_their_own_addresses() {
    let house = House::with(|config| {
        config.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        // One address has half of them: one, and one event stream is as much as there may be.
        config.http.max_connections = 2;
        config.submission.max_connections = 2;
    })
    .await;
    let case = house.person("case", house.root, Rights::default()).await;
    let watch = async |client: &str| {
        house
            .ask(Method::GET, "/api/v1/events")
            .key(&case.key)
            .header("x-forwarded-for", client)
            .open()
            .await
    };
    let (status, _, _stream) = watch("203.0.113.1").await;
    assert_eq!(status, StatusCode::OK);
    let (status, headers, _) = watch("203.0.113.1").await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert!(headers.contains_key("retry-after"));
    let other = house.ask(Method::GET, "/api/v1/session").key(&case.key);
    let other = other.header("x-forwarded-for", "198.51.100.1").send().await;
    assert_eq!(
        other.status,
        StatusCode::OK,
        "another client has places of its own"
    );
    let check = house.ask(Method::GET, "/health/live");
    let check = check.header("x-forwarded-for", "203.0.113.1").send().await;
    assert_eq!(check.status, StatusCode::OK);
}
