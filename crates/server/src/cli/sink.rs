//! `postroom sink`: an SMTP server that accepts everything and keeps nothing, and misbehaves by recipient.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use postroom_smtp::sink::{ByAddress, Keep, Sink, SinkAuth, SinkConfig, SinkTls};
use postroom_smtp::tls::acceptor_from_pem;

use super::out::{note, out};
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
    /// PEM file of a certificate chain: STARTTLS is offered
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// PEM file of its private key
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Accept mail only after AUTH with this user name and password
    #[arg(long, value_name = "USER:PASSWORD", value_parser = login)]
    login: Option<SinkAuth>,
}

/// Reads `USER:PASSWORD`.
fn login(text: &str) -> Result<SinkAuth, String> {
    match text.split_once(':') {
        Some((user, password)) if !user.is_empty() && !password.is_empty() => Ok(SinkAuth {
            user: user.to_owned(),
            password: password.to_owned(),
        }),
        _ => Err("write USER:PASSWORD, as in office:secret".to_owned()),
    }
}

/// Reads the certificate and key that STARTTLS uses.
fn tls_of(chain: &Path, key: &Path) -> anyhow::Result<SinkTls> {
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let acceptor = acceptor_from_pem(&read(chain)?, &read(key)?)?;
    Ok(SinkTls::StartTls(Arc::clone(acceptor.config())))
}

/// Listens until it is told to stop.
///
/// # Errors
/// Where the address cannot be listened on or the log cannot be written.
pub(crate) async fn run(args: SinkArgs) -> anyhow::Result<()> {
    let mut stop = StopSignals::listen()?;
    let tls = args.tls_certificate.as_deref().zip(args.tls_key.as_deref());
    let config = SinkConfig {
        by_address: ByAddress::On {
            stall: Duration::from_secs(args.stall),
        },
        keep: Keep::Counts,
        log: args.log,
        tls: tls.map(|(chain, key)| tls_of(chain, key)).transpose()?,
        auth: args.login,
        ..SinkConfig::default()
    };
    let sink = Sink::bind(args.listen, config)
        .await
        .with_context(|| format!("cannot listen for SMTP on {} (--listen)", args.listen))?;
    out!("listening smtp={}", sink.addr());
    stop.wait().await;
    let taken = sink.count();
    sink.stop();
    note!("{taken} messages were accepted");
    Ok(())
}
