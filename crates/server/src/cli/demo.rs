//! `postroom demo`: a server with sample offices, people and mail, and a relay that misbehaves by address.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use postroom_domain::Clock as _;
use postroom_smtp::sink::{ByAddress, Keep, Sink, SinkConfig, SinkHandle};
use tokio_util::sync::CancellationToken;

use super::out::note;
use crate::clock::SystemClock;
use crate::config::{Config, HumanDuration, Relay, RelayTls};
use crate::demo::{DEMO_PASSWORD, add_people, live_mail, sample_people, write_history};
use crate::node::{Node, intake_settings};
use crate::serve::{Running, StopSignals, announce};

/// How late the demo's relay answers `stall…`.
const STALL: Duration = Duration::from_secs(8);
/// The demo's waits in seconds: ten attempts within five minutes, so that one can watch a letter fail.
const WAITS_S: [u64; 9] = [5, 10, 15, 20, 30, 40, 50, 60, 70];

/// Options of `postroom demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// The folder for the database; made where it is missing, kept when the demo ends
    #[arg(long, value_name = "DIR", default_value = "./data")]
    data: PathBuf,
    /// Where the web page and the API are served
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    http: SocketAddr,
    /// Where mail is taken in by SMTP
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:2525")]
    smtp: SocketAddr,
}

/// Runs the demo until a signal says stop.
///
/// # Errors
/// Whatever keeps it from starting.
pub(crate) async fn run(args: DemoArgs) -> anyhow::Result<()> {
    let mut stop = StopSignals::listen()?;
    let sink = relay().await?;
    let config = configuration(&args, &sink);
    prepare(&config).await?;
    let running = Running::start(&config).await?;
    announce(&running);
    greet(&running, &sink);
    let stopping = CancellationToken::new();
    let node = running.node();
    let letters = live_mail(
        Arc::clone(&node.authenticator),
        Arc::clone(&node.senders),
        node.intake.clone(),
        stopping.clone(),
    );
    let letters = tokio::spawn(letters);
    stop.wait().await;
    note!("Stopping; the demo's mail stays in {}", args.data.display());
    stopping.cancel();
    letters.await.context("the sample letters")?;
    running.stop().await;
    sink.stop();
    Ok(())
}

async fn relay() -> anyhow::Result<SinkHandle> {
    let config = SinkConfig {
        hostname: "demo-relay.test".to_owned(),
        by_address: ByAddress::On { stall: STALL },
        keep: Keep::Counts,
        ..SinkConfig::default()
    };
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Sink::bind(anywhere, config).await.context("the demo's own relay")
}

fn configuration(args: &DemoArgs, sink: &SinkHandle) -> Config {
    let mut config = Config::default();
    config.server.data_dir.clone_from(&args.data);
    config.server.hostname = "postroom.example.com".to_owned();
    config.http.listen = args.http;
    config.submission.listen = vec![args.smtp];
    config.delivery.retry_waits = WAITS_S.map(HumanDuration::from_seconds).to_vec();
    config.relay = vec![Relay {
        name: "demo sink".to_owned(),
        host: sink.addr().ip().to_string(),
        port: sink.addr().port(),
        tls: RelayTls::None,
        ..Relay::default()
    }];
    config
}

/// Adds people and a past where there are none.
async fn prepare(config: &Config) -> anyhow::Result<()> {
    let clock = Arc::new(SystemClock);
    let node = Node::open(config, Arc::clone(&clock) as Arc<_>).await?;
    if add_people(&*node.store, node.authenticator.passwords(), clock.now()).await? {
        note!("Writing a fortnight of sample mail …");
        write_history(&node.store, intake_settings(config), clock.now()).await?;
    }
    node.store.close().await;
    Ok(())
}

fn greet(running: &Running, sink: &SinkHandle) {
    note!("\nPostroom's demo is running:\n");
    note!("  E-mail Queue   http://{}/", running.http());
    for address in running.smtp() {
        note!("  SMTP           {address} (AUTH with a name below)");
    }
    note!(
        "  its relay      {} (accepts all but fail@ full@ defer@ grey@ stall@ drop@ busy@)\n",
        sink.addr()
    );
    note!("  Sign in with one of these names and the password {DEMO_PASSWORD}\n");
    for person in sample_people() {
        note!(
            "    {:<10} {:<22} sees {}",
            person.login,
            person.name,
            person.sees
        );
    }
    note!("\n  Ctrl-C stops it.\n");
}
