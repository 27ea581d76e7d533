//! Which refused relays are reported, as their names change.

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;

use postroom_domain::{ManualClock, Rates, ReachPolicy, RouteId};
use postroom_office::Vault;
use postroom_office::relays::{RelaysParts, ServersRelay};
use postroom_smtp::client::{Connection, Dial, DialFuture, Dialler};
use postroom_store::{
    Actor, AuditNote, By, Consumer, KeptRelay, NewOffice, OfficeSettings, SmtpAuth, SmtpSettings, SmtpTls,
    SmtpTrust, SqliteOptions, SqliteStore,
};

use super::*;

const START: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

/// A name server whose every name is at this address; none: it does not answer.
#[derive(Debug, Default)]
struct Names(Mutex<Option<[u8; 4]>>);

impl Dial for Names {
    fn resolve<'a>(&'a self, _host: &'a str, port: u16) -> DialFuture<'a, Vec<SocketAddr>> {
        let address = *self.0.lock().unwrap();
        Box::pin(async move {
            let address = address.ok_or(io::ErrorKind::TimedOut)?;
            Ok(vec![SocketAddr::from((address, port))])
        })
    }

    fn connect(&self, _address: SocketAddr) -> DialFuture<'_, Connection> {
        Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) })
    }
}

/// The settings of an office whose mail leaves through mail.example.com.
fn settings(office: OfficeId) -> OfficeSettings {
    let smtp = SmtpSettings {
        host: "mail.example.com".to_owned(),
        port: 25,
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
    };
    let relay = KeptRelay {
        smtp,
        secret: None,
        client_secret: None,
        refresh_token: None,
    };
    OfficeSettings {
        relays: vec![relay],
        ..OfficeSettings::defaults(office)
    }
}

#[tokio::test]
async fn relay_is_reported_once_its_name_is_at_a_refused_address_and_again_after_it_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("mail.db"), SqliteOptions::default()).unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    let office = NewOffice {
        parent: None,
        name: "System Office".to_owned(),
        route: RouteId::SERVER,
    };
    let by = By::of(Actor::Operator, START);
    let office = store.add_office(office, &by).await.unwrap().id;
    let note = AuditNote::by(Actor::Operator);
    store.set_settings(settings(office), &note, START).await.unwrap();
    let (names, clock) = (Arc::new(Names::default()), Arc::new(ManualClock::new(START)));
    let relays = Relays::new(RelaysParts {
        store: Arc::clone(&store),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        vault: Vault::open(folder.path()).unwrap(),
        reach: ReachPolicy::default(),
        dial: Dialler::new(Arc::clone(&names) as Arc<dyn Dial>),
        ehlo_name: "postroom.example.com".to_owned(),
        servers: ServersRelay::InSettings,
    });

    let (private, public) = (Some([10, 1, 2, 3]), Some([9, 9, 9, 9]));
    let mut known = BTreeSet::new();
    // Where the name is, and how often it was reported by then.
    for (at, times) in [(None, 0), (private, 1), (private, 1), (public, 1), (private, 2)] {
        *names.0.lock().unwrap() = at;
        known = report_refused_relays(&relays, &*store, &*clock, &known)
            .await
            .unwrap();
        let facts = store.facts(Consumer::Alerts, 256).await.unwrap();
        let told = facts
            .iter()
            .filter_map(postroom_store::Fact::detail::<ServerTrouble>)
            .collect::<Vec<_>>();
        assert_eq!(
            told,
            vec![ServerTrouble::RelaysRefused { relays: 1 }; times],
            "{at:?}"
        );
    }
}
