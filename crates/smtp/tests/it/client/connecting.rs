//! Real connections on loopback: addresses, refusals, resets and the sink's modes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use postroom_smtp::client::{
    AtDot, Cause, Connection, Connector, Content, Dial, DialFuture, Dialler, Outcome, Phase, RelayAddress,
    RelayConfig, TlsPolicy,
};
use postroom_smtp::reply::Severity;
use postroom_smtp::sink::{Act, Mode, Rule, Sink, SinkConfig, SinkHandle, Stage};
use postroom_testkit::identity::Identity;
use tokio::net::TcpStream;

use super::harness::*;

async fn listening(config: SinkConfig) -> SinkHandle {
    Sink::bind(SocketAddr::from(([127, 0, 0, 1], 0)), config)
        .await
        .unwrap()
}

fn connector(address: RelayAddress) -> Connector {
    let relay = RelayConfig {
        tls: TlsPolicy::None,
        ..RelayConfig::new(address)
    };
    Connector::new(relay).unwrap()
}

fn connector_to(sink: &SinkHandle) -> Connector {
    connector(RelayAddress::Socket(sink.addr()))
}

#[tokio::test]
async fn relay_is_found_by_name_and_by_address() {
    let sink = listening(proper()).await;
    let named = RelayAddress::Host {
        host: "localhost".into(),
        port: sink.addr().port(),
    };
    for address in [named, RelayAddress::Socket(sink.addr())] {
        let mut session = connector(address).connect().await.unwrap();
        session.deliver(&message(1), || AtDot::Write { next: None }).await;
        session.quit().await;
    }
    sink.wait_for(2).await;
    assert_eq!(sink.connections(), 2);
}

#[tokio::test]
async fn relay_that_is_down_refuses_until_it_is_up_again() {
    let sink = listening(proper()).await;
    let connector = connector_to(&sink);
    let mut before = connector.connect().await.unwrap();
    sink.set_mode(Mode::Down).await;
    let error = connector.connect().await.map(drop).unwrap_err();
    assert!(
        matches!((error.phase, &error.cause), (Phase::Connect, Cause::Io(_))),
        "{error}"
    );
    assert_eq!(error.severity(), Severity::Transient);
    let lost = before.deliver(&message(1), || AtDot::Write { next: None }).await;
    assert!(matches!(lost.outcome, Outcome::Failed(_)), "{lost:?}");
    sink.set_mode(Mode::Up).await;
    let mut session = connector.connect().await.unwrap();
    let delivery = session.deliver(&message(1), || AtDot::Write { next: None }).await;
    finished(delivery);
    assert_eq!(sink.count(), 1);
}

#[tokio::test]
async fn name_without_an_address_is_named() {
    let nowhere = RelayAddress::Host {
        host: "relay.invalid".into(),
        port: 25,
    };
    let error = connector(nowhere).connect().await.map(drop).unwrap_err();
    assert_eq!(error.phase, Phase::Connect);
    assert!(error.to_string().contains("relay.invalid"), "{error}");
}

#[tokio::test]
async fn busy_relay_answers_421_and_closes() {
    let sink = listening(proper()).await;
    sink.set_mode(Mode::Busy).await;
    let error = connector_to(&sink).connect().await.map(drop).unwrap_err();
    assert_eq!(error.reply().map(|reply| reply.code), Some(421));
}

#[tokio::test]
async fn reset_after_the_dot_is_uncertain() {
    let sink = listening(doing(Stage::Kept, Act::Cut)).await;
    let mut session = connector_to(&sink).connect().await.unwrap();
    let delivery = session.deliver(&message(1), || AtDot::Write { next: None }).await;
    assert!(uncertain(delivery).is_close());
    assert_eq!(sink.count(), 1);
}

#[tokio::test]
async fn reset_in_a_large_content_is_a_failure() {
    let sink = listening(doing(Stage::Content, Act::Cut)).await;
    let mut session = connector_to(&sink).connect().await.unwrap();
    let mut transaction = message(1);
    transaction.content = Content::new(format!("{}\r\n", "x".repeat(998)).repeat(40_000));
    let delivery = session
        .deliver(&transaction, || AtDot::Write { next: None })
        .await;
    assert_eq!(failed(delivery).phase, Phase::Content);
    assert_eq!(sink.count(), 0);
}

#[tokio::test]
async fn opportunistic_session_goes_on_in_clear_when_the_handshake_fails() {
    // The sink says 220 to STARTTLS on its first connection and then speaks no TLS.
    let identity = Identity::self_signed("relay.example.test");
    let rule = Rule::at(Stage::StartTls, Act::Reply(reply(220))).times(1);
    let config = SinkConfig {
        tls: Some(identity.start_tls()),
        ..planned(rule)
    };
    let sink = listening(config).await;
    let relay = RelayConfig::new(RelayAddress::Socket(sink.addr()));
    let session = Connector::new(relay).unwrap().connect().await.unwrap();
    assert_eq!((session.tls(), sink.connections()), (None, 2));
    session.quit().await;
}

#[tokio::test]
async fn log_has_every_message_before_it_is_accepted() {
    let folder = std::env::temp_dir().join(format!("postroom-sink-log-{}", std::process::id()));
    let config = SinkConfig {
        log: Some(folder.clone()),
        ..SinkConfig::default()
    };
    let sink = listening(config).await;
    let mut session = connector_to(&sink).connect().await.unwrap();
    finished(
        session
            .deliver(&to(1, &["b@a.test", "c@a.test"]), || AtDot::Write { next: None })
            .await,
    );
    let log = std::fs::read_to_string(&folder).unwrap();
    std::fs::remove_file(&folder).unwrap();
    assert_eq!(log, "<one@example.test>\ta@example.test\tb@a.test,c@a.test\n");
}

#[tokio::test(start_paused = true)]
async fn connect_that_hangs_times_out() {
    // Nothing answers on a socket that listens without room: fill its backlog first.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let full = socket.listen(1).unwrap();
    let address = full.local_addr().unwrap();
    let mut held = Vec::new();
    let relay = RelayConfig {
        tls: TlsPolicy::None,
        ..RelayConfig::new(RelayAddress::Socket(address))
    };
    let connector = Connector::new(relay).unwrap();
    for _ in 0..8 {
        let limit = Duration::from_millis(200);
        match tokio::time::timeout(limit, tokio::net::TcpStream::connect(address)).await {
            Ok(stream) => held.push(stream),
            Err(_) => break,
        }
    }
    let error = connector.connect().await.map(drop).unwrap_err();
    assert!(matches!(
        (error.phase, error.cause),
        (Phase::Connect, Cause::Timeout(_))
    ));
}

/// A name with these addresses.
#[derive(Debug)]
struct Name(Vec<SocketAddr>);

impl Dial for Name {
    fn resolve<'a>(&'a self, _host: &'a str, _port: u16) -> DialFuture<'a, Vec<SocketAddr>> {
        Box::pin(async { Ok(self.0.clone()) })
    }

    fn connect(&self, address: SocketAddr) -> DialFuture<'_, Connection> {
        Box::pin(async move { Ok(Box::new(TcpStream::connect(address).await?) as Connection) })
    }
}

#[tokio::test]
async fn address_that_does_not_greet_us_is_followed_by_the_next_and_tried_last_from_then_on() {
    for act in [
        Act::ReplyThenClose(reply(421)),
        Act::ReplyThenClose(reply(554)),
        Act::Close,
        Act::Say(b"HTTP/1.1 400 Bad Request\r\n".to_vec()),
    ] {
        let refusing = listening(doing(Stage::Greeting, act)).await;
        let serving = listening(proper()).await;
        let name = Name(vec![refusing.addr(), serving.addr()]);
        let config = RelayConfig {
            dial: Dialler::new(Arc::new(name)),
            tls: TlsPolicy::None,
            ..RelayConfig::new("relay.example.test:25".parse().unwrap())
        };
        let connector = Connector::new(config).unwrap();
        for _ in 0..2 {
            let session = connector.connect().await.unwrap();
            assert!(session.is_open());
        }
        assert_eq!((refusing.connections(), serving.connections()), (1, 2));
    }
}

#[tokio::test]
async fn refusal_at_every_address_is_quoted() {
    let mut addresses = Vec::new();
    let mut sinks = Vec::new();
    for code in [421, 554] {
        let sink = listening(doing(Stage::Greeting, Act::ReplyThenClose(reply(code)))).await;
        addresses.push(sink.addr());
        sinks.push(sink);
    }
    let config = RelayConfig {
        dial: Dialler::new(Arc::new(Name(addresses))),
        tls: TlsPolicy::None,
        ..RelayConfig::new("relay.example.test:25".parse().unwrap())
    };
    let error = Connector::new(config).unwrap().connect().await.unwrap_err();
    assert_eq!(error.reply().map(|reply| reply.code), Some(554));
    assert!(sinks.iter().all(|sink| sink.connections() == 1));
}
