//! Measures how many messages a second one connection hands to the sink over loopback.
//!
//! `cargo run --release -p postroom-smtp --example relay_rate -- [messages] [across|within|never]`

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use anyhow::Context as _;
use postroom_smtp::client::{
    AtDot, Connector, Content, Outcome, PipeliningUse, Recipient, RelayAddress, RelayConfig, TlsPolicy,
    Transaction,
};
use postroom_smtp::sink::{Keep, Sink, SinkConfig};

const SIZE_BYTES: usize = 4_096;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let messages: u64 = arguments
        .next()
        .map_or(Ok(100_000), |text| text.parse())
        .context("messages")?;
    let pipelining = match arguments.next().as_deref() {
        None | Some("across") => PipeliningUse::AcrossMessages,
        Some("within") => PipeliningUse::WithinEnvelope,
        Some("never") => PipeliningUse::Never,
        Some(other) => anyhow::bail!("{other:?} is none of across, within, never"),
    };
    let config = SinkConfig {
        keep: Keep::Counts,
        ..SinkConfig::default()
    };
    let sink = Sink::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), config).await?;
    let relay = RelayConfig {
        tls: TlsPolicy::None,
        pipelining,
        ..RelayConfig::new(RelayAddress::Socket(sink.addr()))
    };
    let mut session = Connector::new(relay)?.connect().await?;
    let line = format!("{}\r\n", "x".repeat(70));
    let text = format!(
        "Message-ID: <1@example.test>\r\n\r\n{}",
        line.repeat(SIZE_BYTES / line.len())
    );
    let make = |id| {
        let recipients = ["a", "b", "c"].map(|name| Recipient::new(format!("{name}@example.test")));
        Transaction::new(
            id,
            "sender@example.test",
            recipients.into(),
            Content::new(text.clone()),
        )
    };

    let started = Instant::now();
    let mut current = make(1);
    loop {
        let id = current.id;
        let next = || AtDot::Write {
            next: (id < messages).then(|| make(id + 1)),
        };
        let delivery = session.deliver(&current, next).await;
        anyhow::ensure!(
            matches!(delivery.outcome, Outcome::Finished(_)),
            "{:?}",
            delivery.outcome
        );
        match delivery.next {
            Some(next) => current = next,
            None => break,
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    anyhow::ensure!(
        sink.count() == messages,
        "the sink took {} of {messages}",
        sink.count()
    );
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = messages as f64 / seconds;
    #[expect(clippy::print_stdout, reason = "the result of the program")]
    {
        println!("{messages} messages of {SIZE_BYTES} bytes, 3 recipients, {pipelining:?}: {rate:.0}/s");
    }
    Ok(())
}
