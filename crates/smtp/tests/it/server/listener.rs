//! The accept loop, over loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use postroom_smtp::server::{
    AdmittedConnection as _, CancellationToken, ConnectionRefusal, ListenerEvent, ListenerSettings,
    SessionEnd, TlsMode, listen,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::support::{Gate, House, open_config};

/// A listener under test.
struct Listening {
    address: SocketAddr,
    gate: Gate,
    shutdown: CancellationToken,
    events: mpsc::UnboundedReceiver<ListenerEvent>,
    task: JoinHandle<()>,
}

impl Listening {
    async fn start() -> Self {
        Self::with(House::default()).await
    }

    async fn with(house: House) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (gate, shutdown) = (Gate::default(), CancellationToken::new());
        let settings = ListenerSettings {
            config: Arc::new(open_config()),
            tls: TlsMode::Off,
            admission: Arc::new(gate.clone()),
            shutdown: shutdown.clone(),
        };
        let (sender, events) = mpsc::unbounded_channel();
        let task = tokio::spawn(listen(
            listener,
            settings,
            move |_| house.clone(),
            move |event| drop(sender.send(event)),
        ));
        Self {
            address,
            gate,
            shutdown,
            events,
            task,
        }
    }

    /// Connects and reads the greeting.
    async fn greeted(&self) -> BufReader<TcpStream> {
        let mut client = BufReader::new(TcpStream::connect(self.address).await.unwrap());
        assert_eq!(line(&mut client).await, "220 mail.example.com ESMTP Postroom\r\n");
        client
    }

    async fn end_of_a_session(&mut self) -> SessionEnd {
        let event = self.events.recv().await.unwrap();
        let ListenerEvent::Ended(_, summary) = &event else {
            panic!("{event:?}");
        };
        summary.end
    }
}

async fn line(client: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    client.read_line(&mut line).await.unwrap();
    line
}

async fn rest(mut client: impl AsyncReadExt + Unpin) -> String {
    let mut words = String::new();
    client.read_to_string(&mut words).await.unwrap();
    words
}

#[tokio::test]
async fn connections_over_the_limit_are_turned_away_and_shutdown_waits_for_sessions() {
    let mut listening = Listening::start().await;
    let mut first = listening.greeted().await;

    for (refusal, words) in [
        (
            ConnectionRefusal::Address,
            "421 4.7.0 Too many connections from your address; try again later\r\n",
        ),
        (
            ConnectionRefusal::Network,
            "421 4.7.0 Too many connections from your network; try again later\r\n",
        ),
        (
            ConnectionRefusal::Total,
            "421 4.3.2 Too many connections; try again later\r\n",
        ),
    ] {
        *listening.gate.refusal.lock().unwrap() = Some(refusal);
        let second = TcpStream::connect(listening.address).await.unwrap();
        assert_eq!(rest(second).await, words);
        let event = listening.events.recv().await.unwrap();
        assert!(
            matches!(event, ListenerEvent::Refused(_, why) if why == refusal),
            "{event:?}"
        );
    }
    *listening.gate.refusal.lock().unwrap() = None;

    first.write_all(b"QUIT\r\n").await.unwrap();
    assert_eq!(listening.end_of_a_session().await, SessionEnd::Quit);

    let third = listening.greeted().await;
    listening.shutdown.cancel();
    assert_eq!(
        rest(third).await,
        "421 4.3.2 Service is shutting down; try again later\r\n"
    );
    assert_eq!(listening.end_of_a_session().await, SessionEnd::Shutdown);
    listening.task.await.unwrap();
}

#[tokio::test]
async fn stranger_who_makes_room_is_told_so_and_its_place_is_free() {
    let mut listening = Listening::start().await;
    let client = listening.greeted().await;
    let visitor = listening.gate.admitted.lock().unwrap().pop().unwrap();
    visitor.evicted.cancel();
    assert_eq!(
        rest(client).await,
        "421 4.7.0 Too many connections; closing this idle session\r\n"
    );
    assert_eq!(listening.end_of_a_session().await, SessionEnd::Evicted);
    assert_eq!(Arc::strong_count(&visitor), 1, "the place is free");
}

#[tokio::test]
async fn who_has_signed_in_is_known_to_the_listener() {
    let listening = Listening::start().await;
    let mut client = listening.greeted().await;
    let visitor = Arc::clone(&listening.gate.admitted.lock().unwrap()[0]);
    client.write_all(b"EHLO client.example.com\r\n").await.unwrap();
    while line(&mut client).await.starts_with("250-") {}
    assert!(visitor.is_stranger());
    client
        .write_all(b"AUTH PLAIN AGFubkBleGFtcGxlLmNvbQBzZWNyZXQ=\r\n")
        .await
        .unwrap();
    assert!(line(&mut client).await.starts_with("235 "));
    assert!(!visitor.is_stranger());
}

#[tokio::test]
async fn sign_in_under_way_is_answered_before_the_connection_makes_room() {
    let sign_ins = Arc::new(Semaphore::new(0));
    let mut listening = Listening::with(House {
        sign_ins: Some(Arc::clone(&sign_ins)),
        ..House::default()
    })
    .await;
    let mut client = listening.greeted().await;
    client.write_all(b"EHLO client.example.com\r\n").await.unwrap();
    while line(&mut client).await.starts_with("250-") {}
    let visitor = listening.gate.admitted.lock().unwrap().pop().unwrap();
    client
        .write_all(b"AUTH PLAIN AGFubkBleGFtcGxlLmNvbQBzZWNyZXQ=\r\n")
        .await
        .unwrap();
    while !visitor.is_working() {
        tokio::task::yield_now().await;
    }
    visitor.evicted.cancel();
    // Longer than a stranger without work has: this wait is the subject of the test.
    let early = tokio::time::timeout(Duration::from_millis(300), line(&mut client)).await;
    assert!(early.is_err(), "{early:?}");
    sign_ins.add_permits(1);
    let words = rest(client).await;
    assert!(words.starts_with("235 ") && words.contains("\r\n421 "), "{words}");
    assert_eq!(listening.end_of_a_session().await, SessionEnd::Evicted);
    assert!(!visitor.is_stranger() && !visitor.is_working());
}

#[tokio::test]
async fn listener_knows_when_mail_is_under_way() {
    let listening = Listening::start().await;
    let mut client = listening.greeted().await;
    let visitor = Arc::clone(&listening.gate.admitted.lock().unwrap()[0]);
    let has_mail = || visitor.is_working();
    for (said, code, expected) in [
        ("HELO client.example.com", "250 ", false),
        ("MAIL FROM:<ann@example.com>", "250 ", true),
        ("RCPT TO:<bob@example.test>", "250 ", true),
        ("DATA", "354 ", true),
        ("Subject: s\r\n\r\nx\r\n.", "250 ", false),
        ("MAIL FROM:<ann@example.com>", "250 ", true),
        ("RSET", "250 ", false),
    ] {
        client.write_all(format!("{said}\r\n").as_bytes()).await.unwrap();
        let reply = line(&mut client).await;
        assert!(reply.starts_with(code), "{said}: {reply}");
        assert_eq!(has_mail(), expected, "{said}");
    }
}

#[tokio::test]
async fn session_that_has_signed_in_makes_room_between_two_commands() {
    let mut listening = Listening::start().await;
    let mut client = listening.greeted().await;
    client
        .write_all(b"HELO client.example.com\r\nMAIL FROM:<ann@example.com>\r\n")
        .await
        .unwrap();
    line(&mut client).await;
    line(&mut client).await;
    let visitor = listening.gate.admitted.lock().unwrap().pop().unwrap();
    visitor.evicted.cancel();
    assert_eq!(
        rest(&mut client).await,
        "421 4.7.0 Too many connections; closing this idle session\r\n"
    );
    // What it says meanwhile is read, so that the system does not take the reply away from it.
    for _ in 0..2 {
        client.write_all(b"NOOP\r\n").await.unwrap();
    }
    drop(client);
    assert_eq!(listening.end_of_a_session().await, SessionEnd::Evicted);
}
