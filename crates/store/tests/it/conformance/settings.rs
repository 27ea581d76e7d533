//! Settings of offices, and where their mail goes when they change.

use postroom_domain::{Kind, OfficeId, Poster, Rates, RouteId};
use postroom_store::{
    ActionOutcome, Actor, AuditNote, AuditView, KeptRelay, LeaseRequest, Leased, NewMessage, NewOffice,
    NodeLease, OfficeSettings, Sealed, SmtpAuth, SmtpSettings, SmtpTls, SmtpTrust, Store, StoreError, Want,
};

use super::Harness;
use crate::build::{
    anyone, assert_consistent, at, deferred, failed, given_back, join, letter, made, put, record, sent,
};

const NOTE: AuditNote = AuditNote::by(Actor::Operator);

/// The System Office and one below it.
async fn offices(store: &dyn Store) -> (OfficeId, OfficeId) {
    let office = |name: &str, parent| NewOffice {
        parent,
        name: name.to_owned(),
        route: RouteId::SERVER,
    };
    let root = office("System Office", None);
    let root = store.add_office(root, &made()).await.unwrap().id;
    let north = office("North", Some(root));
    let north = store.add_office(north, &made()).await.unwrap().id;
    (root, north)
}

fn relay(host: &str) -> KeptRelay {
    KeptRelay {
        smtp: SmtpSettings {
            host: host.to_owned(),
            port: 587,
            tls: SmtpTls::Required,
            auth: SmtpAuth::Plain,
            user: "office".to_owned(),
            token: None,
            certificate: None,
            trust: SmtpTrust::System,
            sender_domains: vec!["example.com".to_owned()],
            connections: 4,
            messages_per_connection: 100,
            rates: Rates {
                per_minute: Some(30),
                per_hour: None,
            },
        },
        secret: Some(Sealed(vec![1, 2, 3])),
        client_secret: None,
        refresh_token: Some(Sealed(vec![4])),
    }
}

fn with_relay(office: OfficeId, version: i64) -> OfficeSettings {
    OfficeSettings {
        version,
        relays: vec![relay("mail.example.com")],
        ..OfficeSettings::defaults(office)
    }
}

async fn set(store: &dyn Store, settings: OfficeSettings) -> OfficeSettings {
    store.set_settings(settings, &NOTE, at(1)).await.unwrap()
}

async fn leased_of(store: &dyn Store, node: NodeLease, route: RouteId, n: u32) -> Vec<Leased> {
    let request = LeaseRequest {
        node,
        wants: vec![Want { route, n }],
        now: at(2),
    };
    store.lease(request).await.unwrap()
}

fn of(office: OfficeId, sender: i64) -> NewMessage {
    NewMessage {
        office,
        ..letter(sender)
    }
}

pub(crate) async fn settings_come_back_as_they_were_set(h: &mut impl Harness) {
    let (_, north) = offices(h.store()).await;
    let store = h.store();
    assert_eq!(store.settings(OfficeId(99)).await.unwrap(), None);
    let none = store.settings(north).await.unwrap().unwrap();
    assert_eq!(none, OfficeSettings::defaults(north));
    let wanted = OfficeSettings {
        time_zone: Some("Europe/Berlin".to_owned()),
        send_locally: true,
        relays: vec![relay("one.example.com"), relay("two.example.com")],
        retention_days: Some(365),
        content_days: Some(90),
        ..OfficeSettings::defaults(north)
    };
    let kept = set(store, wanted.clone()).await;
    let wanted = OfficeSettings {
        version: 1,
        moving: true,
        ..wanted
    };
    assert_eq!(kept, wanted);
    h.reopen().await;
    assert_eq!(h.store().settings(north).await.unwrap(), Some(wanted.clone()));
    assert_eq!(h.store().all_settings().await.unwrap(), [wanted]);
}

pub(crate) async fn stale_settings_change_nothing(h: &mut impl Harness) {
    let store = h.store();
    let (_, north) = offices(store).await;
    let first = set(store, with_relay(north, 0)).await;
    let stale = store.set_settings(with_relay(north, 0), &NOTE, at(2)).await;
    assert!(matches!(stale, Err(StoreError::Stale("settings"))), "{stale:?}");
    let missing = store
        .set_settings(with_relay(OfficeId(99), 0), &NOTE, at(2))
        .await;
    assert!(
        matches!(missing, Err(StoreError::Missing("office"))),
        "{missing:?}"
    );
    assert_eq!(store.settings(north).await.unwrap(), Some(first));
    let entries = store
        .audit_page(AuditView::Office(north), None, 10)
        .await
        .unwrap();
    let told: Vec<_> = entries.iter().map(|record| record.entry.action.name()).collect();
    assert_eq!(told, ["smtp.change", "settings.change", "office.create"]);
}

pub(crate) async fn relays_of_the_system_office_are_the_servers(h: &mut impl Harness) {
    let store = h.store();
    let (root, north) = offices(store).await;
    set(store, with_relay(root, 0)).await;
    set(store, with_relay(north, 0)).await;
    let routes: Vec<_> = store.offices().await.unwrap().iter().map(|o| o.route).collect();
    assert_eq!(routes, [RouteId::SERVER, RouteId(north.0)]);
}

pub(crate) async fn mail_moves_to_the_offices_own_route_and_back_in_every_phase(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let (root, north) = offices(store).await;
    let own = RouteId(north.0);
    let ids = put(store, (0..4).map(|_| of(north, 1)).collect(), at(0)).await;
    put(store, vec![of(root, 2)], at(0)).await;
    let later = NewMessage {
        send_at: Some(at(9_000)),
        ..of(north, 3)
    };
    put(store, vec![later], at(0)).await;
    // Of the four one waits for a retry, two are under way, one is ready.
    let under_way = leased_of(store, node, RouteId::SERVER, 4).await;
    let mut mine: Vec<_> = under_way
        .into_iter()
        .filter(|lease| ids.contains(&lease.id))
        .collect();
    let first = mine.remove(0);
    record(store, node, vec![deferred(&first, at(1), at(60))], at(1)).await;
    let back = mine.remove(0);
    set(store, with_relay(north, 0)).await;
    assert!(store.reroute(north, None).await.unwrap().is_some());
    assert_consistent(store).await;
    record(store, node, vec![given_back(&back)], at(2)).await;
    for lease in &mine {
        record(store, node, vec![sent(lease, at(2))], at(2)).await;
    }
    assert_consistent(store).await;
    let depth = store.depth(Some(own)).await.unwrap();
    assert_eq!(depth.waiting, 2, "the retry and the scheduled one");
    assert!(
        leased_of(store, node, own, 10)
            .await
            .iter()
            .all(|lease| ids.contains(&lease.id))
    );
    // Mail of before that whoever took it in still names the old route for.
    put(store, vec![of(north, 4)], at(3)).await;
    assert_eq!(leased_of(store, node, own, 10).await.len(), 1);
    let none = OfficeSettings {
        version: 1,
        ..OfficeSettings::defaults(north)
    };
    set(store, none).await;
    let last = store.reroute(north, None).await.unwrap();
    assert_eq!(store.reroute(north, last).await.unwrap(), None);
    assert!(!store.settings(north).await.unwrap().unwrap().moving);
    let depth = store.depth(Some(own)).await.unwrap();
    assert_eq!((depth.ready, depth.waiting, depth.leased), (0, 0, 0));
    assert_consistent(store).await;
}

pub(crate) async fn mail_is_moved_in_steps_of_256(h: &mut impl Harness) {
    let store = h.store();
    let (_, north) = offices(store).await;
    put(store, (0..600).map(|_| of(north, 1)).collect(), at(0)).await;
    set(store, with_relay(north, 0)).await;
    let (mut after, mut steps) = (None, 0);
    while let Some(last) = store.reroute(north, after).await.unwrap() {
        (after, steps) = (Some(last), steps + 1);
    }
    assert_eq!(steps, 3);
    assert_eq!(store.depth(Some(RouteId(north.0))).await.unwrap().ready, 600);
    assert_consistent(store).await;
}

pub(crate) async fn postrooms_own_mail_takes_the_servers_route_whatever_the_offices_is(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let (_, north) = offices(store).await;
    let own = RouteId(north.0);
    let of_every_kind = || Kind::ALL.map(|kind| NewMessage { kind, ..of(north, 1) }).to_vec();
    // Half of it waits when the office gets a relay, half comes later and names the office's route.
    let mut ids = put(store, of_every_kind(), at(0)).await;
    set(store, with_relay(north, 0)).await;
    let mut after = None;
    while let Some(last) = store.reroute(north, after).await.unwrap() {
        after = Some(last);
    }
    let later = of_every_kind().into_iter();
    let later = later.map(|message| NewMessage {
        route: own,
        ..message
    });
    ids.extend(put(store, later.collect(), at(1)).await);
    let kinds = Kind::ALL.into_iter().cycle();
    let mut servers: Vec<_> = ids
        .into_iter()
        .zip(kinds)
        .filter(|(_, kind)| kind.poster() == Poster::Postroom)
        .map(|(id, _)| id)
        .collect();
    servers.sort();
    let leased = async || {
        let leased = leased_of(store, node, RouteId::SERVER, 99).await;
        let mut ids: Vec<_> = leased.iter().map(|one| one.id).collect();
        ids.sort();
        assert_eq!(ids, servers);
        leased
    };
    // A failed one that is requeued asks for the route of now; one that comes back untried has it.
    let outcomes = leased().await.iter().map(|one| failed(one, at(2))).collect();
    record(store, node, outcomes, at(2)).await;
    let requeued = store.requeue(&anyone(), &servers, &NOTE, at(2)).await.unwrap();
    assert!(requeued.iter().all(|outcome| *outcome == ActionOutcome::Done));
    let outcomes = leased().await.iter().map(given_back).collect();
    record(store, node, outcomes, at(2)).await;
    leased().await;
    // The office's relay goes away and all of its mail is the server's; nothing is moved that is there already.
    let none = OfficeSettings {
        version: 1,
        ..OfficeSettings::defaults(north)
    };
    set(store, none).await;
    assert!(store.reroute(north, None).await.unwrap().is_some());
    assert_eq!(store.depth(Some(own)).await.unwrap().ready, 0);
    assert_consistent(store).await;
}

pub(crate) async fn refresh_token_is_replaced_where_it_is_still_the_one(h: &mut impl Harness) {
    let (_, north) = offices(h.store()).await;
    let store = h.store();
    set(store, with_relay(north, 0)).await;
    let sealed = |byte: u8| Sealed(vec![byte]);
    let replace = async |place, before, after| {
        let (before, after) = (sealed(before), sealed(after));
        store
            .replace_refresh_token(north, place, before, after)
            .await
            .unwrap()
    };
    assert!(replace(0, 4, 5).await);
    assert!(!replace(0, 4, 6).await, "another was kept meanwhile");
    assert!(!replace(1, 5, 6).await, "there is no second relay");
    let kept = store.settings(north).await.unwrap().unwrap();
    assert_eq!(
        (kept.version, &kept.relays[0].refresh_token),
        (1, &Some(sealed(5)))
    );
    assert_eq!(kept.relays[0].secret, relay("").secret);
}
