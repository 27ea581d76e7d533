//! A session and a sink at the two ends of a pipe, on a clock that moves by itself.

use postroom_smtp::client::{
    Answers, AtDot, Connector, Content, Delivery, Outcome, Recipient, RelayConfig, Session, SessionError,
    TlsPolicy, Transaction,
};
use postroom_smtp::reply::{EnhancedCode, Reply};
use postroom_smtp::sink::{Act, Keep, Plan, Rule, Sink, SinkConfig, SinkHandle, Stage};
use tokio::io::DuplexStream;

pub(crate) const TEXT: &str = "Message-ID: <one@example.test>\r\nSubject: hello\r\n\r\n.dot\r\nbye\r\n";

/// A relay that keeps everything and does this at that stage.
pub(crate) fn doing(stage: Stage, act: Act) -> SinkConfig {
    planned(Rule::at(stage, act))
}

pub(crate) fn planned(plan: impl Into<Plan>) -> SinkConfig {
    SinkConfig {
        plan: plan.into(),
        keep: Keep::Everything,
        ..SinkConfig::default()
    }
}

pub(crate) fn proper() -> SinkConfig {
    SinkConfig {
        keep: Keep::Everything,
        ..SinkConfig::default()
    }
}

pub(crate) fn reply(code: u16) -> Reply {
    let class = u8::try_from(code / 100).unwrap();
    Reply::enhanced(code, EnhancedCode::new(class, 3, 2), "as scripted")
}

/// A description of the relay at the other end of a pipe.
pub(crate) fn relay() -> RelayConfig {
    let address = "relay.example.test:25".parse().unwrap();
    RelayConfig {
        tls: TlsPolicy::None,
        ..RelayConfig::new(address)
    }
}

pub(crate) async fn try_open(
    sink: SinkConfig,
    relay: RelayConfig,
) -> (SinkHandle, Result<Session<DuplexStream>, SessionError>) {
    let sink = Sink::detached(sink).unwrap();
    let (ours, theirs) = tokio::io::duplex(16_384);
    let serving = sink.clone();
    tokio::spawn(async move { serving.serve(theirs).await });
    let session = Connector::new(relay).unwrap().open(ours).await;
    (sink, session)
}

pub(crate) async fn open(sink: SinkConfig) -> (SinkHandle, Session<DuplexStream>) {
    open_with(sink, relay()).await
}

pub(crate) async fn open_with(sink: SinkConfig, relay: RelayConfig) -> (SinkHandle, Session<DuplexStream>) {
    let (sink, session) = try_open(sink, relay).await;
    (sink, session.unwrap())
}

pub(crate) async fn refused_to_open(sink: SinkConfig) -> SessionError {
    try_open(sink, relay()).await.1.map(drop).unwrap_err()
}

pub(crate) fn message(id: u64) -> Transaction {
    to(id, &["b@example.test"])
}

pub(crate) fn to(id: u64, recipients: &[&str]) -> Transaction {
    let recipients = recipients.iter().copied().map(Recipient::new).collect();
    Transaction::new(id, "a@example.test", recipients, Content::new(TEXT))
}

pub(crate) async fn deliver(session: &mut Session<DuplexStream>, transaction: &Transaction) -> Delivery {
    session.deliver(transaction, || AtDot::Write { next: None }).await
}

/// Delivers a message with this one behind it.
pub(crate) async fn deliver_before(
    session: &mut Session<DuplexStream>,
    transaction: &Transaction,
    next: Transaction,
) -> Delivery {
    session
        .deliver(transaction, || AtDot::Write { next: Some(next) })
        .await
}

pub(crate) fn finished(delivery: Delivery) -> Answers {
    match delivery.outcome {
        Outcome::Finished(answers) => answers,
        other => panic!("expected a finished transaction, not {other:?}"),
    }
}

pub(crate) fn failed(delivery: Delivery) -> SessionError {
    match delivery.outcome {
        Outcome::Failed(error) => error,
        other => panic!("expected a failure, not {other:?}"),
    }
}

pub(crate) fn uncertain(delivery: Delivery) -> SessionError {
    match delivery.outcome {
        Outcome::Uncertain(error) => error,
        other => panic!("expected an uncertain end, not {other:?}"),
    }
}

/// The command lines that the sink read, without their connection.
pub(crate) fn commands(sink: &SinkHandle) -> Vec<String> {
    sink.commands().into_iter().map(|(_, line)| line).collect()
}
