//! A database as an earlier version wrote it is brought up to date and read whole.
//!
//! `fixtures/make_e93f8ef.py` says how the file was made and what is in it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use postroom_domain::alert::AlertKind;
use postroom_domain::{Day, MessageId, MessageState, NodeSlot, OfficeId, RouteId, Scope, UserId};
use postroom_store::{
    Actor, AlertPage, AuditView, By, Consumer, Filter, JobState, JobView, LayoutOf, LeaseRequest,
    MailedAlerts, PageRequest, Place, SignInClash, SqliteOptions, SqliteStore, Store, UsageOf, UserChange,
    Want, WhichAlerts,
};
use tempfile::TempDir;

use crate::build::{assert_consistent, at, sent};

/// A database of a killed server; larger than it is unpacked.
const E93F8EF: &[u8] = include_bytes!("../fixtures/e93f8ef.db.zst");
const UNPACKED_MAX: usize = 1 << 20;

fn unpacked(folder: &Path) -> Box<dyn Store> {
    let path = folder.join("mail.db");
    std::fs::write(&path, zstd::bulk::decompress(E93F8EF, UNPACKED_MAX).unwrap()).unwrap();
    let options = SqliteOptions {
        read_time: Duration::from_secs(60),
        ..SqliteOptions::default()
    };
    Box::new(SqliteStore::open(path, options).unwrap())
}

#[tokio::test]
async fn mail_of_an_earlier_version_is_read_whole() {
    let folder = TempDir::new().unwrap();
    let store = unpacked(folder.path());
    assert_consistent(&*store).await;
    let everything = Scope::everything();
    let request = PageRequest {
        scope: everything.clone(),
        filter: Filter::default(),
        place: Place::First,
        limit: 200,
    };
    let rows = store.page(&request).await.unwrap().rows;
    let mut found = BTreeMap::new();
    for row in &rows {
        let hold = row.hold.as_ref().map_or("", |hold| hold.reason.as_str());
        *found.entry((row.state.name(), hold)).or_insert(0) += 1;
        let detail = store.detail(&everything, row.id).await.unwrap().unwrap();
        assert!(!detail.recipients.is_empty());
        let attempts = store.attempts(&everything, row.id).await.unwrap().unwrap();
        assert!(attempts.len() >= usize::from(row.attempts > 0));
        let content = store.content(&everything, row.id, at(0)).await.unwrap().unwrap();
        assert_eq!(content.header.len + content.body.len, row.size_bytes);
        assert!(store.situation(&everything, row.id).await.unwrap().is_some());
    }
    let expected = [
        (("deferred", ""), 6),
        (("failed", ""), 2),
        (("held", "administrator"), 1),
        (("held", "paused"), 1),
        (("held", "system_limit"), 3),
        (("held", "user_limit"), 3),
        (("queued", ""), 13),
        (("scheduled", ""), 1),
        (("sending", ""), 8),
        (("sent", ""), 13),
    ];
    assert_eq!(found, BTreeMap::from(expected));
    let counts = store.counts(&everything, &Filter::default()).await.unwrap();
    assert_eq!(counts.total, 51);
}

#[tokio::test]
async fn content_of_an_earlier_version_gets_its_checksums() {
    let folder = TempDir::new().unwrap();
    let store = unpacked(folder.path());
    let stored = store.check().await.unwrap();
    assert_eq!((stored.contents, stored.without_checksum), (51, 51));
    while store.fill_checksums(at(0)).await.unwrap() {}
    assert_eq!(store.check().await.unwrap().without_checksum, 0);
    let verified = store.check_contents(MessageId::MIN, at(0)).await.unwrap();
    assert_eq!((verified.verified, verified.damaged), (51, Vec::new()));
    store.close().await;
}

#[tokio::test]
async fn people_settings_and_logs_of_an_earlier_version_are_read_whole() {
    let folder = TempDir::new().unwrap();
    let store = unpacked(folder.path());
    assert_eq!(store.offices().await.unwrap().len(), 3);
    let users = store.users().await.unwrap();
    assert_eq!(
        (users.len(), users.iter().filter(|user| user.disabled).count()),
        (6, 1)
    );
    assert_eq!(store.keys().await.unwrap().len(), 6, "two of 8 were revoked");
    assert_eq!(store.proxies(None).await.unwrap().len(), 1);
    let (admin, case) = (UserId(1), UserId(2));
    assert!(store.layout(LayoutOf::Person(admin)).await.unwrap().is_some());
    assert!(
        store
            .layout(LayoutOf::Office(OfficeId(2)))
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(store.drafts(case).await.unwrap().len(), 1);
    let settings = store.all_settings().await.unwrap();
    // Nothing of what waits for its relay is Postroom's own.
    assert!(matches!(&settings[..], [south] if south.relays.len() == 1 && !south.moving));
    assert_eq!(store.pauses().await.unwrap().len(), 1);
    assert_eq!(store.relay_states().await.unwrap().len(), 1);
    assert_eq!(store.facts(Consumer::Alerts, 100).await.unwrap().len(), 1);
    assert_eq!(
        store.mailed_alerts(case).await.unwrap(),
        MailedAlerts::of(&[AlertKind::Undeliverable])
    );
    let page = AlertPage {
        which: WhichAlerts::default(),
        after: None,
        limit: 200,
    };
    assert!(!store.alerts(case, page).await.unwrap().is_empty());
    let usage = store
        .usage(UsageOf::System, Day(20_700), Day(20_900))
        .await
        .unwrap();
    assert!(usage.iter().any(|day| day.used > 0), "{usage:?}");
    assert!(!store.measured(NodeSlot(0)).await.unwrap().is_empty());
    let audit = store.audit_page(AuditView::Everything, None, 200).await.unwrap();
    assert_eq!(audit.len(), 35);
    assert_eq!(
        store.verify_audit(None).await.unwrap().problems,
        Vec::<String>::new()
    );
    let jobs = store.jobs(JobView::Everything).await.unwrap();
    let running = jobs.iter().filter(|job| job.state == JobState::Running).count();
    assert_eq!((jobs.len(), running), (2, 1));
}

#[tokio::test]
async fn mail_of_an_earlier_version_goes_on() {
    let folder = TempDir::new().unwrap();
    let store = unpacked(folder.path());
    let request = PageRequest {
        scope: Scope::everything(),
        filter: Filter::default(),
        place: Place::First,
        limit: 1,
    };
    let newest = store.page(&request).await.unwrap().rows.remove(0);
    let now = newest.id.submitted_at().plus(Duration::from_secs(60));
    let node = store.join(NodeSlot(0), now).await.unwrap();
    let adopted = store.adopt(node, 256, now).await.unwrap();
    assert_eq!(adopted.len(), 8);
    let wants = vec![Want {
        route: RouteId::SERVER,
        n: 256,
    }];
    let leased = store.lease(LeaseRequest { node, wants, now }).await.unwrap();
    assert!(!leased.is_empty());
    let outcomes = leased
        .iter()
        .chain(&adopted)
        .map(|lease| sent(lease, now))
        .collect();
    crate::build::record(&*store, node, outcomes, now).await;
    for lease in leased.iter().chain(&adopted) {
        assert_eq!(crate::build::state(&*store, lease.id).await, MessageState::Sent);
    }
    while store.index_text().await.unwrap() {}
    assert_consistent(&*store).await;
    store.close().await;
}

#[tokio::test]
async fn name_that_two_people_have_is_shown_and_signs_in_nobody() {
    let folder = TempDir::new().unwrap();
    let store = unpacked(folder.path());
    assert_eq!(store.sign_in_clashes().await.unwrap(), []);
    let [one, two] = [1, 2].map(UserId);
    let address = store.user(one).await.unwrap().unwrap().email;
    store.close().await;
    drop(store);
    let path = folder.path().join("mail.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute("UPDATE user SET login = ?1 WHERE id = 2", [&address])
        .unwrap();
    let store: Box<dyn Store> = Box::new(SqliteStore::open(path, SqliteOptions::default()).unwrap());
    let clash = SignInClash {
        name: address.clone(),
        login_of: two,
        address_of: one,
    };
    assert_eq!(store.sign_in_clashes().await.unwrap(), [clash]);
    assert_eq!(store.user_by_login(&address).await.unwrap(), None);
    let [one, two] = [store.user(one).await, store.user(two).await].map(|user| user.unwrap().unwrap());
    for (name, whose) in [(&one.login, one.id), (&two.email, two.id)] {
        let found = store.user_by_login(name).await.unwrap();
        assert_eq!(
            found.map(|user| user.id),
            Some(whose),
            "the other name still does"
        );
    }
    let by = By::of(Actor::Operator, at(0));
    let renamed = UserChange {
        name: Some("Another Name".to_owned()),
        ..UserChange::default()
    };
    let two = store
        .change_user(two.id, two.version, renamed, &by)
        .await
        .unwrap();
    let decided = UserChange {
        login: Some("two".to_owned()),
        ..UserChange::default()
    };
    store
        .change_user(two.id, two.version, decided, &by)
        .await
        .unwrap();
    assert_eq!(store.sign_in_clashes().await.unwrap(), []);
    let found = store.user_by_login(&address).await.unwrap();
    assert_eq!(found.map(|user| user.id), Some(one.id));
    store.close().await;
}

#[tokio::test]
async fn own_mail_that_waits_for_an_offices_relay_is_moved_to_the_servers() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mail.db");
    std::fs::write(&path, zstd::bulk::decompress(E93F8EF, UNPACKED_MAX).unwrap()).unwrap();
    let conn = rusqlite::Connection::open(&path).unwrap();
    // A password link of the South Office as the earlier version queued it, and another that was tried.
    conn.execute_batch(
        "UPDATE message SET kind = 4 WHERE office = 3 AND ord IN (SELECT ord FROM work WHERE phase = 0);
         UPDATE work SET flow = -(3 * 16 + 4) - 1 WHERE office = 3 AND phase = 0;
         UPDATE lane SET flow = -(3 * 16 + 4) - 1 WHERE route = 3 AND ready = 1;
         UPDATE message SET kind = 3 WHERE ord = (SELECT max(ord) FROM work WHERE office = 3 AND phase = 1);
         UPDATE work SET flow = -(3 * 16 + 3) - 1
         WHERE ord = (SELECT max(ord) FROM work WHERE office = 3 AND phase = 1);",
    )
    .unwrap();
    let routes = |conn: &rusqlite::Connection| -> Vec<(i64, i64, i64)> {
        conn.prepare("SELECT m.kind, m.route, w.route FROM message m JOIN work w USING (ord) WHERE m.office = 3 ORDER BY m.kind")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap()
    };
    assert_eq!(routes(&conn), [(2, 3, 3), (2, 3, 3), (3, 3, 3), (4, 3, 3)]);
    drop(conn);
    let store: Box<dyn Store> = Box::new(SqliteStore::open(&path, SqliteOptions::default()).unwrap());
    let south = OfficeId(3);
    assert!(store.settings(south).await.unwrap().unwrap().moving);
    let mut after = None;
    while let Some(last) = store.reroute(south, after).await.unwrap() {
        after = Some(last);
    }
    while store.reroute(south, None).await.unwrap().is_some() {}
    assert!(!store.settings(south).await.unwrap().unwrap().moving);
    let now = at(0);
    let node = store.join(NodeSlot(0), now).await.unwrap();
    let wants = vec![Want {
        route: RouteId(3),
        n: 256,
    }];
    let leased = store.lease(LeaseRequest { node, wants, now }).await.unwrap();
    assert_eq!(leased.len(), 0, "nothing of it leaves by the office's relay");
    store.close().await;
    drop(store);
    let conn = rusqlite::Connection::open(&path).unwrap();
    assert_eq!(routes(&conn), [(2, 3, 3), (2, 3, 3), (3, 0, 0), (4, 0, 0)]);
}

#[tokio::test]
async fn keys_of_an_earlier_version_are_told_with_their_maker() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mail.db");
    std::fs::write(&path, zstd::bulk::decompress(E93F8EF, UNPACKED_MAX).unwrap()).unwrap();
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch(
            "INSERT INTO api_key (id, hash, prefix, label, office, scopes, created_at)
             VALUES (70, zeroblob(32), 'pk_seventy', '', 2, '', 0);
             INSERT INTO audit (seq, at, actor, action, subject, count, hash)
             VALUES (1000, 0, 'user:2', 'key.create', 'key 70', 0, zeroblob(32));",
        )
        .unwrap();
    let store: Box<dyn Store> = Box::new(SqliteStore::open(&path, SqliteOptions::default()).unwrap());
    let makers: Vec<_> = store
        .keys()
        .await
        .unwrap()
        .iter()
        .filter_map(|key| Some((key.id.0, key.made_by?)))
        .collect();
    assert_eq!(makers, [(70, UserId(2))]);
    store.close().await;
}
