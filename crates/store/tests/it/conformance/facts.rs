//! What happened that somebody is told of.

use postroom_domain::{Kind, MessageId, OfficeId, Reply, RouteId, Timestamp, Trouble, UserId};
use postroom_store::{
    AttemptRecord, Consumer, EdgeWritten, FactId, FactKind, FailedDetail, NewFact, NewOffice, Outcome,
    RelayDetail, RelayEdge, RelayTo, Store, Submitter, TroubleDetail, WaitingMail,
};

use super::Harness;
use crate::build::{at, deferred, failed, join, lease, letter, made, put, record, sent};

fn fact(person: i64) -> NewFact {
    NewFact {
        kind: FactKind::LimitReached,
        message: None,
        office: OfficeId(1),
        person: Some(UserId(person)),
        detail: None,
    }
}

fn down(epoch: i64, now: Timestamp) -> RelayEdge {
    RelayEdge {
        route: RouteId::SERVER,
        place: 0,
        name: "smart host".to_owned(),
        epoch,
        to: RelayTo::Down {
            error: Reply::none("the connection failed"),
            mail: WaitingMail::Waits,
        },
        now,
    }
}

fn up(epoch: i64, now: Timestamp) -> RelayEdge {
    RelayEdge {
        to: RelayTo::Up,
        ..down(epoch, now)
    }
}

async fn kinds(store: &dyn Store) -> Vec<FactKind> {
    let facts = store.facts(Consumer::Alerts, 256).await.unwrap();
    facts.iter().map(|fact| fact.kind).collect()
}

pub(crate) async fn fact_is_read_until_its_consumer_has_passed_it(h: &mut impl Harness) {
    let store = h.store();
    for person in 1..=3 {
        store.note_fact(fact(person), at(person)).await.unwrap();
    }
    let facts = store.facts(Consumer::Alerts, 2).await.unwrap();
    let people: Vec<_> = facts.iter().map(|fact| fact.person.unwrap()).collect();
    assert_eq!((people, facts[0].at), (vec![UserId(1), UserId(2)], at(1)));
    store.advance(Consumer::Alerts, facts[1].id).await.unwrap();
    store.advance(Consumer::Alerts, facts[0].id).await.unwrap();
    h.reopen().await;
    let left = h.store().facts(Consumer::Alerts, 256).await.unwrap();
    assert_eq!(
        (left.len(), left[0].person),
        (1, Some(UserId(3))),
        "the cursor never goes back"
    );
}

pub(crate) async fn purged_facts_numbers_are_not_given_again(h: &mut impl Harness) {
    let store = h.store();
    // All at once: the writer commits them together.
    let notes = (1..=300).map(|person| store.note_fact(fact(person), at(person)));
    for noted in futures_util::future::join_all(notes).await {
        noted.unwrap();
    }
    assert_eq!(store.purge_facts().await.unwrap(), 0, "nobody has read them");
    store.advance(Consumer::Alerts, FactId(300)).await.unwrap();
    assert_eq!(store.purge_facts().await.unwrap(), 256);
    assert_eq!(store.purge_facts().await.unwrap(), 44);
    assert_eq!(store.purge_facts().await.unwrap(), 0);
    h.reopen().await;
    let store = h.store();
    store.note_fact(fact(9), at(400)).await.unwrap();
    assert_eq!(
        store.facts(Consumer::Alerts, 256).await.unwrap()[0].id,
        FactId(301)
    );
}

pub(crate) async fn failed_message_is_a_fact_and_a_sent_one_is_none(h: &mut impl Harness) {
    let store = h.store();
    let mut clerks = letter(7);
    clerks.submitted_by = Submitter::User(UserId(9));
    let ids = put(store, vec![letter(7), clerks], at(0)).await;
    let node = join(store).await;
    let leases = lease(store, node, 2, at(1)).await;
    let clerks = leases.iter().find(|lease| lease.id == ids[1]).unwrap();
    let other = leases.iter().find(|lease| lease.id == ids[0]).unwrap();
    record(
        store,
        node,
        vec![sent(other, at(2)), failed(clerks, at(2))],
        at(2),
    )
    .await;
    let facts = store.facts(Consumer::Alerts, 256).await.unwrap();
    assert_eq!(facts.len(), 1);
    assert_eq!(
        (facts[0].kind, facts[0].message, facts[0].person),
        (FactKind::MessageFailed, Some(ids[1]), Some(UserId(7)))
    );
    let detail: FailedDetail = facts[0].detail().unwrap();
    assert_eq!((detail.kind, detail.submitted_by), (Kind::Direct, Some(9)));
}

fn troubled(outcome: Outcome, trouble: Trouble) -> Outcome {
    let attempt = outcome.attempt.map(|attempt| AttemptRecord {
        trouble: Some(trouble),
        ..attempt
    });
    Outcome { attempt, ..outcome }
}

async fn attempt_with_trouble(store: &dyn Store, now: Timestamp) -> MessageId {
    let id = put(store, vec![letter(1)], now).await[0];
    let node = join(store).await;
    let leased = lease(store, node, 1, now).await[0];
    assert_eq!(leased.id, id);
    let outcome = deferred(&leased, now, now.plus(std::time::Duration::from_hours(99)));
    record(store, node, vec![troubled(outcome, Trouble::Auth)], now).await;
    id
}

pub(crate) async fn trouble_with_the_settings_is_a_fact_until_the_relay_is_down(h: &mut impl Harness) {
    let store = h.store();
    let id = attempt_with_trouble(store, at(1)).await;
    let facts = store.facts(Consumer::Alerts, 256).await.unwrap();
    let detail: TroubleDetail = facts[0].detail().unwrap();
    assert_eq!(
        (facts[0].kind, facts[0].message),
        (FactKind::RelayTrouble, Some(id))
    );
    assert_eq!(
        (detail.trouble, detail.epoch, detail.relay.as_str()),
        (Trouble::Auth, 0, "smart host")
    );

    store.relay_edge(down(0, at(2))).await.unwrap();
    attempt_with_trouble(store, at(3)).await;
    assert_eq!(kinds(store).await, [FactKind::RelayTrouble, FactKind::RelayDown]);
    store.relay_edge(up(1, at(4))).await.unwrap();
    attempt_with_trouble(store, at(5)).await;
    let facts = store.facts(Consumer::Alerts, 256).await.unwrap();
    let detail: TroubleDetail = facts[3].detail().unwrap();
    assert_eq!(detail.epoch, 2);
}

pub(crate) async fn relays_edge_is_written_by_one_node_alone(h: &mut impl Harness) {
    let store = h.store();
    let office = NewOffice {
        parent: None,
        name: "System Office".to_owned(),
        route: RouteId::SERVER,
    };
    let root = store.add_office(office, &made()).await.unwrap().id;
    let EdgeWritten::Lost(None) = store.relay_edge(up(0, at(0))).await.unwrap() else {
        panic!("a relay that was never Down does not come Up");
    };
    assert_eq!(
        store.relay_edge(down(0, at(1))).await.unwrap(),
        EdgeWritten::Won(1)
    );
    let EdgeWritten::Lost(Some(kept)) = store.relay_edge(down(0, at(2))).await.unwrap() else {
        panic!("another node was first");
    };
    assert_eq!((kept.epoch, kept.since), (1, at(1)));
    assert!(matches!(
        store.relay_edge(down(1, at(2))).await.unwrap(),
        EdgeWritten::Lost(_)
    ));

    h.reopen().await;
    let store = h.store();
    let kept = store.relay_states().await.unwrap();
    assert_eq!((kept.len(), kept[0].epoch), (1, 1));
    assert_eq!(
        kept[0].down.as_ref().map(|error| error.text.as_str()),
        Some("the connection failed")
    );
    assert_eq!(store.relay_edge(up(1, at(3))).await.unwrap(), EdgeWritten::Won(2));
    let facts = store.facts(Consumer::Alerts, 256).await.unwrap();
    let outages: Vec<_> = facts
        .iter()
        .map(|fact| {
            (
                fact.kind,
                fact.office,
                fact.detail::<RelayDetail>().unwrap().outage,
            )
        })
        .collect();
    assert_eq!(
        outages,
        [(FactKind::RelayDown, root, 1), (FactKind::RelayUp, root, 1)]
    );
}
