//! `postroom sink`: an SMTP server that accepts everything and keeps nothing, and misbehaves by recipient.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use postroom_smtp::sink::{ByAddress, Keep, Sink, SinkConfig};

use super::out::out;
use crate::serve::StopSignals;

/// What `postroom sink --help` says besides its options.
const BEHAVIOUR: &str = "\
The part of a recipient's address before the @ decides what is answered:
  fail…   550 5.1.1 no such mailbox       full…   552 5.2.2 mailbox full
  defer…  451 4.3.0 try again later       grey…   450 4.7.1 twice, then accepted
  stall…  an answer after --stall         drop…   the connection is cut in DATA
  busy…   421 4.3.2 and a close           any other is accepted";

/// Options of `postroom sink`.
#[derive(Debug, Args)]
#[command(after_help = BEHAVIOUR)]
pub(crate) struct SinkArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:2526")]
    listen: SocketAddr,
    /// Append a line for each accepted message: Message-ID, sender and recipients, parted by tabs
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// How late `stall…` is answered, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    stall: u64,
}

/// Listens until it is told to stop.
///
/// # Errors
/// Where the address cannot be listened on or the log cannot be written.
pub(crate) async fn run(args: SinkArgs) -> anyhow::Result<()> {
    let mut stop = StopSignals::listen()?;
    let config = SinkConfig {
        by_address: ByAddress::On {
            stall: Duration::from_secs(args.stall),
        },
        keep: Keep::Counts,
        log: args.log,
        ..SinkConfig::default()
    };
    let sink = Sink::bind(args.listen, config)
        .await
        .with_context(|| format!("cannot listen for SMTP on {} (--listen)", args.listen))?;
    out!("listening smtp={}", sink.addr());
    stop.wait().await;
    let taken = sink.count();
    sink.stop();
    eprintln!("{taken} messages were accepted");
    Ok(())
}
