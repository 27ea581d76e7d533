//! Test connection, where connections to the server are not allowed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use postroom_domain::{ManualClock, Rates, ReachPolicy, RouteId, Timestamp};
use postroom_smtp::client::{Connection, Dial, DialFuture, Dialler};
use postroom_store::{
    Actor, Administration as _, AuditNote, By, NewOffice, Office, SmtpAuth, SmtpSettings, SmtpTls, SmtpTrust,
    SqliteOptions, SqliteStore,
};

use super::*;
use crate::vault::Vault;

const START: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);
/// The port that takes connections, and ends them; every other one refuses them.
const OPEN: u16 = 25;

/// A network whose every name is at one address; it counts the connections.
#[derive(Debug)]
struct Network {
    address: [u8; 4],
    connections: AtomicUsize,
}

impl Dial for Network {
    fn resolve<'a>(&'a self, _host: &'a str, port: u16) -> DialFuture<'a, Vec<SocketAddr>> {
        Box::pin(async move { Ok(vec![SocketAddr::from((self.address, port))]) })
    }

    fn connect(&self, address: SocketAddr) -> DialFuture<'_, Connection> {
        Box::pin(async move {
            self.connections.fetch_add(1, Ordering::SeqCst);
            if address.port() != OPEN {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            Ok(Box::new(tokio::io::duplex(64).0) as Connection)
        })
    }
}

/// Offices' relays over that network, by the defaults.
async fn relays(folder: &std::path::Path, network: &Arc<Network>) -> (Relays, Office) {
    let store = SqliteStore::open(folder.join("mail.db"), SqliteOptions::default()).unwrap();
    let office = NewOffice {
        parent: None,
        name: "System Office".to_owned(),
        route: RouteId::SERVER,
    };
    let by = By::of(Actor::Operator, START);
    let office = store.add_office(office, &by).await.unwrap();
    let relays = Relays::new(RelaysParts {
        store: Arc::new(store),
        clock: Arc::new(ManualClock::new(START)),
        vault: Vault::open(folder).unwrap(),
        reach: ReachPolicy::default(),
        dial: Dialler::new(Arc::clone(network) as Arc<dyn Dial>),
        ehlo_name: "postroom.example.com".to_owned(),
        servers: ServersRelay::InSettings,
    });
    (relays, office)
}

fn draft(host: &str, port: u16) -> RelayDraft {
    RelayDraft {
        smtp: SmtpSettings {
            host: host.to_owned(),
            port,
            tls: SmtpTls::None,
            auth: SmtpAuth::None,
            user: String::new(),
            token: None,
            certificate: None,
            trust: SmtpTrust::System,
            sender_domains: Vec::new(),
            connections: 1,
            messages_per_connection: 1,
            rates: Rates::default(),
        },
        secret: SecretDraft::Keep,
        client_secret: SecretDraft::Keep,
        refresh_token: SecretDraft::Keep,
    }
}

#[tokio::test]
async fn test_of_a_private_address_tells_nothing_of_its_ports_and_connects_to_none() {
    let folder = tempfile::tempdir().unwrap();
    let network = Arc::new(Network {
        address: [10, 1, 2, 3],
        connections: AtomicUsize::new(0),
    });
    let (relays, office) = relays(folder.path(), &network).await;
    let note = AuditNote::by(Actor::Operator);
    for host in ["10.1.2.3", "mail.example.com"] {
        let mut reports = Vec::new();
        for port in [OPEN, 26] {
            let report = relays.test(&office, 0, &draft(host, port), &note).await.unwrap();
            let failed = report.steps.iter().find(|step| step.outcome == Outcome::Failed);
            let failed = failed.expect("it is refused");
            assert_eq!(
                (failed.name, failed.finding.code),
                (StepName::Tcp, "forbidden_address")
            );
            reports.push(without_port_and_times(report, port));
        }
        assert_eq!(reports[0], reports[1], "{host}");
    }
    assert_eq!(network.connections.load(Ordering::SeqCst), 0);
}

/// A report as it would be of any port.
fn without_port_and_times(mut report: TestReport, port: u16) -> TestReport {
    for step in &mut report.steps {
        step.duration = Duration::ZERO;
        step.finding.text = step.finding.text.replace(&format!(":{port}"), ":PORT");
    }
    report
}
