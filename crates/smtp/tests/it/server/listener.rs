//! The accept loop, over loopback.

use std::sync::Arc;

use postroom_smtp::server::{
    CancellationToken, ConnectionLimiter, ConnectionRefusal, ListenerEvent, ListenerSettings, SessionEnd,
    TlsMode, listen,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::support::{House, open_config};

#[tokio::test]
async fn connections_over_the_limit_are_turned_away_and_shutdown_waits_for_sessions() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let settings = ListenerSettings {
        config: Arc::new(open_config()),
        tls: TlsMode::Off,
        limiter: ConnectionLimiter::new(10, 1),
        shutdown: shutdown.clone(),
    };
    let (sender, mut events) = mpsc::unbounded_channel();
    let listening = tokio::spawn(listen(
        listener,
        settings,
        |_| House::default(),
        move |event| drop(sender.send(event)),
    ));

    let mut first = BufReader::new(TcpStream::connect(address).await.unwrap());
    let mut line = String::new();
    first.read_line(&mut line).await.unwrap();
    assert_eq!(line, "220 mail.example.com ESMTP Postroom\r\n");

    let mut second = TcpStream::connect(address).await.unwrap();
    let mut words = String::new();
    second.read_to_string(&mut words).await.unwrap();
    assert_eq!(
        words,
        "421 4.7.0 Too many connections from your address; try again later\r\n"
    );
    let event = events.recv().await.unwrap();
    assert!(
        matches!(event, ListenerEvent::Refused(_, ConnectionRefusal::Address)),
        "{event:?}"
    );

    first.write_all(b"QUIT\r\n").await.unwrap();
    let event = events.recv().await.unwrap();
    assert!(
        matches!(event, ListenerEvent::Ended(_, summary) if summary.end == SessionEnd::Quit),
        "{event:?}"
    );

    let mut third = BufReader::new(TcpStream::connect(address).await.unwrap());
    line.clear();
    third.read_line(&mut line).await.unwrap();
    shutdown.cancel();
    line.clear();
    third.read_to_string(&mut line).await.unwrap();
    assert_eq!(line, "421 4.3.2 Service is shutting down; try again later\r\n");
    drop(third);
    listening.await.unwrap();
    let event = events.recv().await.unwrap();
    assert!(
        matches!(event, ListenerEvent::Ended(_, summary) if summary.end == SessionEnd::Shutdown),
        "{event:?}"
    );
}
