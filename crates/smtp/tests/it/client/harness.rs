//! A session and a sink at the two ends of a pipe, on a clock that moves by itself.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use postroom_smtp::client::{
    Answers, AtDot, Connector, Content, Delivery, Outcome, Recipient, RelayConfig, Session, SessionError,
    TlsPolicy, Transaction,
};
use postroom_smtp::reply::{EnhancedCode, Reply};
use postroom_smtp::sink::{Act, Keep, Plan, Rule, Sink, SinkConfig, SinkHandle, Stage};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

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
    let Outcome::Finished(answers) = delivery.outcome else {
        panic!("expected a finished transaction, not {:?}", delivery.outcome)
    };
    answers
}

pub(crate) fn failed(delivery: Delivery) -> SessionError {
    let Outcome::Failed(error) = delivery.outcome else {
        panic!("expected a failure, not {:?}", delivery.outcome)
    };
    error
}

pub(crate) fn uncertain(delivery: Delivery) -> SessionError {
    let Outcome::Uncertain(error) = delivery.outcome else {
        panic!("expected an uncertain end, not {:?}", delivery.outcome)
    };
    error
}

/// The command lines that the sink read, without their connection.
pub(crate) fn commands(sink: &SinkHandle) -> Vec<String> {
    sink.commands().into_iter().map(|(_, line)| line).collect()
}

/// A pipe that breaks once this many bytes have been written to it.
pub(crate) struct Breaking {
    pub(crate) pipe: DuplexStream,
    pub(crate) bytes_left: usize,
}

impl AsyncRead for Breaking {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_read(cx, buf)
    }
}

impl AsyncWrite for Breaking {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.bytes_left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let most = buf.len().min(self.bytes_left);
        let written = std::task::ready!(Pin::new(&mut self.pipe).poll_write(cx, &buf[..most]))?;
        self.bytes_left -= written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}
