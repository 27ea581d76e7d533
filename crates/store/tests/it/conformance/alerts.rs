//! What people are told in their Alert Center.

use postroom_domain::alert::{AlertKind, Link};
use postroom_domain::{Kind, RouteId, Timestamp, UserId};
use postroom_store::{
    AlertId, AlertPage, AlertState, Consumer, Count, DailyLimit, FactId, LimitDetail, MailedAlerts, Mailing,
    NewMessage, Raise, RaiseBatch, Store, WhichAlerts,
};

use super::Harness;
use crate::build::{at, deferred, join, lease, letter, put, record};

fn raise(person: i64, key: &str, count: Count, now: Timestamp) -> Raise {
    Raise {
        person: UserId(person),
        key: key.to_owned(),
        kind: AlertKind::Undeliverable,
        title: "You have undeliverable e-mail".to_owned(),
        text: format!("at {}", now.as_micros()),
        advice: "Look".to_owned(),
        link: Link::Queue {
            query: "type=failed".to_owned(),
        },
        at: now,
        count,
        mail: Mailing::No,
    }
}

async fn raised(store: &dyn Store, raises: Vec<Raise>) {
    let batch = RaiseBatch { raises, passed: None };
    store.raise(batch).await.unwrap();
}

fn page(which: WhichAlerts) -> AlertPage {
    AlertPage {
        which,
        after: None,
        limit: 200,
    }
}

async fn counts(store: &dyn Store, person: i64) -> Vec<(u64, AlertState)> {
    let alerts = store
        .alerts(UserId(person), page(WhichAlerts::Open))
        .await
        .unwrap();
    alerts.iter().map(|alert| (alert.count, alert.state)).collect()
}

pub(crate) async fn alert_counts_each_fact_once_and_opens_again(h: &mut impl Harness) {
    let store = h.store();
    let more = |n, fact| Count::More(n, FactId(fact));
    raised(
        store,
        vec![
            raise(1, "a5", more(2, 7), at(1)),
            raise(2, "a5", more(1, 7), at(1)),
        ],
    )
    .await;
    raised(store, vec![raise(1, "a5", more(2, 7), at(1))]).await;
    assert_eq!(
        counts(store, 1).await,
        [(2, AlertState::Unread)],
        "read twice, counted once"
    );
    let id = store.alerts(UserId(1), page(WhichAlerts::Open)).await.unwrap()[0].id;
    assert!(
        store
            .mark_alert(UserId(1), id, AlertState::Dismissed)
            .await
            .unwrap()
    );
    assert_eq!(counts(store, 1).await, []);
    assert!(
        !store.mark_alert(UserId(1), id, AlertState::Read).await.unwrap(),
        "put away"
    );
    raised(store, vec![raise(1, "a5", more(3, 9), at(5))]).await;
    let alerts = store.alerts(UserId(1), page(WhichAlerts::Open)).await.unwrap();
    assert_eq!(
        (alerts[0].id, alerts[0].count, alerts[0].state),
        (id, 5, AlertState::Unread)
    );
    assert_eq!((alerts[0].first_at, alerts[0].last_at), (at(1), at(5)));
    assert_eq!(
        counts(store, 2).await,
        [(1, AlertState::Unread)],
        "another's stays"
    );
}

pub(crate) async fn alert_that_is_told_once_stays_as_it_was(h: &mut impl Harness) {
    let store = h.store();
    raised(store, vec![raise(1, "a2:0:0:1", Count::Once, at(1))]).await;
    let id = store.alerts(UserId(1), page(WhichAlerts::Open)).await.unwrap()[0].id;
    assert!(store.mark_alert(UserId(1), id, AlertState::Read).await.unwrap());
    raised(
        store,
        vec![
            raise(1, "a2:0:0:1", Count::Once, at(9)),
            raise(2, "a2:0:0:1", Count::Once, at(9)),
        ],
    )
    .await;
    assert_eq!(counts(store, 1).await, [(1, AlertState::Read)]);
    assert_eq!(
        store.alerted("a2:0:0:1", None).await.unwrap(),
        [UserId(1), UserId(2)]
    );
    assert_eq!(
        store.alerted("a2:0:0:1", Some(UserId(1))).await.unwrap(),
        [UserId(2)]
    );
}

pub(crate) async fn alerts_are_listed_latest_first_and_only_their_owners(h: &mut impl Harness) {
    let store = h.store();
    for n in 0..5 {
        raised(store, vec![raise(1, &format!("k{n}"), Count::Once, at(n))]).await;
    }
    let first = AlertPage {
        limit: 2,
        ..page(WhichAlerts::Open)
    };
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let alerts = store
            .alerts(UserId(1), AlertPage { after, ..first })
            .await
            .unwrap();
        let Some(last) = alerts.last() else { break };
        after = Some((last.last_at, last.id));
        seen.extend(alerts.into_iter().map(|alert| alert.last_at));
    }
    assert_eq!(seen, [at(4), at(3), at(2), at(1), at(0)]);
    assert_eq!(counts(store, 2).await, []);
    let newest = store.unread_alerts(UserId(1)).await.unwrap();
    assert_eq!(
        (newest.count, newest.newest.map(|alert| alert.last_at)),
        (5, Some(at(4)))
    );
    let some = store.alerts(UserId(1), first).await.unwrap()[1].id;
    assert!(
        !store.mark_alert(UserId(2), some, AlertState::Read).await.unwrap(),
        "not theirs"
    );
    assert_eq!(store.read_alerts(UserId(1), some).await.unwrap(), 4);
    let unread = store.alerts(UserId(1), page(WhichAlerts::Unread)).await.unwrap();
    assert_eq!(
        unread.iter().map(|alert| alert.last_at).collect::<Vec<_>>(),
        [at(4)]
    );
    h.reopen().await;
    let store = h.store();
    assert_eq!(store.unread_alerts(UserId(1)).await.unwrap().count, 1);
    assert_eq!(store.purge_alerts(at(3)).await.unwrap(), 3);
    assert_eq!(counts(store, 1).await.len(), 2);
}

pub(crate) async fn alerts_and_cursor_are_written_together(h: &mut impl Harness) {
    let store = h.store();
    let detail = LimitDetail {
        limit: DailyLimit::User,
        day: "2026-11-23".to_owned(),
        most: 5,
    };
    let fact = postroom_store::NewFact {
        kind: postroom_store::FactKind::LimitReached,
        message: None,
        office: postroom_domain::OfficeId(1),
        person: Some(UserId(1)),
        detail: serde_json::to_string(&detail).ok(),
    };
    store.note_fact(fact, at(0)).await.unwrap();
    let fact = store.facts(Consumer::Alerts, 1).await.unwrap()[0].id;
    let too_many = (0..257).map(|n| raise(n, "k", Count::Once, at(1))).collect();
    let batch = |raises| RaiseBatch {
        raises,
        passed: Some((Consumer::Alerts, fact)),
    };
    assert!(store.raise(batch(too_many)).await.is_err());
    assert_eq!(
        store.facts(Consumer::Alerts, 1).await.unwrap().len(),
        1,
        "nothing was passed"
    );
    store
        .raise(batch(vec![raise(1, "k", Count::Once, at(1))]))
        .await
        .unwrap();
    h.kill().await;
    let store = h.store();
    assert!(store.facts(Consumer::Alerts, 1).await.unwrap().is_empty());
    assert_eq!(counts(store, 1).await.len(), 1);
}

pub(crate) async fn alert_is_mailed_once_to_those_who_chose_so(h: &mut impl Harness) {
    let store = h.store();
    assert_eq!(
        store.mailed_alerts(UserId(1)).await.unwrap(),
        MailedAlerts::default()
    );
    let chosen = MailedAlerts::of(&[AlertKind::ServerDown, AlertKind::Undeliverable]);
    store.set_mailed_alerts(UserId(1), chosen).await.unwrap();
    store
        .set_mailed_alerts(UserId(2), MailedAlerts::default())
        .await
        .unwrap();
    assert_eq!(
        store.mailed_alerts(UserId(1)).await.unwrap().kinds(),
        [AlertKind::ServerDown, AlertKind::Undeliverable]
    );
    assert_eq!(store.all_mailed_alerts().await.unwrap(), [(UserId(1), chosen)]);
    let mailed = |fact| Raise {
        mail: Mailing::Yes,
        ..raise(1, "a5", Count::More(1, FactId(fact)), at(fact))
    };
    raised(store, vec![mailed(1), raise(2, "a5", Count::Once, at(1))]).await;
    let waiting = store.alerts_to_mail().await.unwrap();
    assert_eq!(
        waiting.iter().map(|alert| alert.person).collect::<Vec<_>>(),
        [UserId(1)]
    );
    store.alerts_mailed(&[waiting[0].id, AlertId(99)]).await.unwrap();
    raised(store, vec![mailed(2)]).await;
    assert!(
        store.alerts_to_mail().await.unwrap().is_empty(),
        "counted, and not mailed again"
    );
}

pub(crate) async fn senders_whose_mail_waits_for_a_relay_are_found(h: &mut impl Harness) {
    let store = h.store();
    let tried = put(store, vec![letter(5)], at(0)).await[0];
    let node = join(store).await;
    let leased = lease(store, node, 1, at(0)).await[0];
    assert_eq!(leased.id, tried);
    record(store, node, vec![deferred(&leased, at(1), at(99))], at(1)).await;
    let scheduled = NewMessage {
        send_at: Some(at(50)),
        ..letter(6)
    };
    let elsewhere = NewMessage {
        route: RouteId(9),
        ..letter(7)
    };
    let notification = NewMessage {
        kind: Kind::Alert,
        ..letter(8)
    };
    put(
        store,
        vec![letter(1), letter(1), scheduled, elsewhere, notification],
        at(2),
    )
    .await;
    let part = store.waiting_senders(RouteId::SERVER, None).await.unwrap();
    let senders: Vec<_> = part.senders.iter().map(|(sender, _)| sender.0).collect();
    assert_eq!((senders, part.next), (vec![1, 5], None));
    let part = store.waiting_senders(RouteId::SERVER, Some(tried)).await.unwrap();
    assert_eq!(part.senders.len(), 1, "what was looked at is not looked at again");
}
