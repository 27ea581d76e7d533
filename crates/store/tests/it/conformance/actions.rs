//! What people do to messages, and what time does.

use postroom_domain::{
    Arm, MessageId, MessageState, OfficeId, RecipientState, Reply, RouteId, Scope, UserId,
};
use postroom_store::{
    ActionOutcome, Authority, Exhaust, Filter, Next, Outcome, REVIVE_MOST, Revive, SearchQuery, Visited,
};

use super::Harness;
use crate::build::{
    accepted, anyone, assert_consistent, at, deferred, failed, greylisted, join, lease, letter, letter_to,
    made, operator, promote, put, record, row, sent, state, told,
};

pub(crate) async fn requeue_keeps_delivered_recipients(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let ids = put(
        store,
        vec![letter_to(1, &["ada@example.test", "bob@example.test"])],
        at(0),
    )
    .await;
    let leased = lease(store, node, 1, at(1)).await[0];
    let half = Outcome {
        recipients: vec![
            told(0, RecipientState::Sent, accepted()),
            told(1, RecipientState::Pending, greylisted()),
        ],
        next: Next::Failed,
        ..failed(&leased, at(1))
    };
    record(store, node, vec![half], at(1)).await;
    let detail = store.detail(&Scope::everything(), ids[0]).await.unwrap().unwrap();
    let states: Vec<_> = detail.recipients.iter().map(|one| one.state).collect();
    assert_eq!(states, [RecipientState::Sent, RecipientState::Failed]);
    assert_eq!(detail.recipients[1].reply, Some(greylisted()));
    assert_eq!(
        (detail.row.state, detail.row.sent_on),
        (MessageState::Failed, Some(at(1)))
    );

    let done = store.requeue(&anyone(), &ids, &operator(), at(2)).await.unwrap();
    assert_eq!(done, [ActionOutcome::Done]);
    let again = lease(store, node, 1, at(3)).await[0];
    assert_eq!((again.id, again.attempts, again.since), (ids[0], 0, at(2)));
    assert!(again.generation > leased.generation);
    let loaded = store.load(&ids).await.unwrap().messages.remove(0);
    let pending: Vec<_> = loaded.pending.iter().map(|one| one.index).collect();
    assert_eq!((pending, loaded.failed_before), (vec![1], false));
    let last = Outcome {
        recipients: vec![told(1, RecipientState::Sent, accepted())],
        ..sent(&again, at(4))
    };
    record(store, node, vec![last], at(4)).await;
    let log = store
        .attempts(&Scope::everything(), ids[0])
        .await
        .unwrap()
        .unwrap();
    let numbers: Vec<_> = log.iter().map(|one| (one.cycle, one.number)).collect();
    assert_eq!(numbers, [(0, 1), (1, 1)]);
    assert_consistent(store).await;
}

pub(crate) async fn requeue_makes_deferred_mail_ready_with_no_attempts(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let ids = put(store, vec![letter(1)], at(0)).await;
    let leased = lease(store, node, 1, at(1)).await[0];
    record(store, node, vec![deferred(&leased, at(1), at(61))], at(1)).await;
    store.requeue(&anyone(), &ids, &operator(), at(2)).await.unwrap();
    let row = row(store, ids[0]).await;
    assert_eq!(
        (row.state, row.attempts, row.next_attempt_at),
        (MessageState::Queued, 0, None)
    );
    assert_eq!(lease(store, node, 1, at(2)).await.len(), 1);
    assert_consistent(store).await;
}

pub(crate) async fn sent_message_is_not_requeued(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let ids = put(store, vec![letter(1)], at(0)).await;
    let leased = lease(store, node, 1, at(1)).await[0];
    let sending = store.requeue(&anyone(), &ids, &operator(), at(1)).await.unwrap();
    assert_eq!(sending, [ActionOutcome::Sending]);
    record(store, node, vec![sent(&leased, at(2))], at(2)).await;
    let over = store.requeue(&anyone(), &ids, &operator(), at(3)).await.unwrap();
    assert_eq!(over, [ActionOutcome::WrongState(MessageState::Sent)]);
    assert_eq!(store.depth(None).await.unwrap().ready, 0);
}

pub(crate) async fn message_under_way_is_not_deleted(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let ids = put(store, vec![letter(1)], at(0)).await;
    let leased = lease(store, node, 1, at(1)).await[0];
    assert_eq!(
        store.delete(&anyone(), &ids, &operator(), at(1)).await.unwrap(),
        [ActionOutcome::Sending]
    );
    record(store, node, vec![deferred(&leased, at(1), at(61))], at(1)).await;
    assert_eq!(
        store.delete(&anyone(), &ids, &operator(), at(1)).await.unwrap(),
        [ActionOutcome::Done]
    );
    assert!(store.load(&ids).await.unwrap().messages.is_empty());
    assert_eq!(promote(store, at(61), vec![]).await.moved, 0);
    assert_consistent(store).await;
}

pub(crate) async fn deleted_message_leaves_nothing(h: &mut impl Harness) {
    let store = h.store();
    let ids = put(store, vec![letter(1), letter(2)], at(0)).await;
    assert!(!store.index_text().await.unwrap());
    assert_eq!(found(h, "minutes ada").await, 2);
    let store = h.store();
    store
        .delete(&anyone(), &ids[..1], &operator(), at(1))
        .await
        .unwrap();
    assert!(
        store
            .detail(&Scope::everything(), ids[0])
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        store.content(&Scope::everything(), ids[0], at(9)).await.unwrap(),
        None
    );
    let node = join(store).await;
    assert_eq!(lease(store, node, 9, at(1)).await.len(), 1);
    assert_consistent(store).await;
    assert_eq!(found(h, "minutes ada").await, 1);
}

pub(crate) async fn what_one_may_not_see_does_not_exist(h: &mut impl Harness) {
    let store = h.store();
    let ids = put(store, vec![letter(1)], at(0)).await;
    let stranger = Authority {
        see: Scope::own(UserId(2)),
        act: Scope::own(UserId(2)),
        hold: Scope::own(UserId(2)),
    };
    let onlooker = Authority {
        see: Scope::own(UserId(2)).with(Arm::OfficeMail(OfficeId(1))),
        act: Scope::own(UserId(2)),
        hold: Scope::own(UserId(2)),
    };
    let unknown = [ids[0], MessageId::from_ord(17)];
    for outcome in [
        store
            .requeue(&stranger, &unknown, &operator(), at(1))
            .await
            .unwrap(),
        store
            .delete(&stranger, &unknown, &operator(), at(1))
            .await
            .unwrap(),
    ] {
        assert_eq!(outcome, [ActionOutcome::NotFound; 2]);
    }
    let refused = store.delete(&onlooker, &ids, &operator(), at(1)).await.unwrap();
    assert_eq!(refused, [ActionOutcome::NotPermitted]);
    assert_eq!(state(store, ids[0]).await, MessageState::Queued);
}

pub(crate) async fn flush_makes_deferred_mail_due(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    put(store, vec![letter(1), letter(2)], at(0)).await;
    for leased in lease(store, node, 2, at(1)).await {
        record(store, node, vec![deferred(&leased, at(1), at(3_600))], at(1)).await;
    }
    let flush = async |scope, second| store.flush(&scope, None, at(second)).await.unwrap().changed;
    assert_eq!(flush(Scope::own(UserId(2)), 2).await, 1);
    assert_eq!(promote(store, at(2), vec![]).await.moved, 1);
    assert_eq!(flush(Scope::everything(), 3).await, 1);
    assert_eq!(flush(Scope::everything(), 3).await, 0);
    assert_consistent(store).await;
}

pub(crate) async fn mail_that_found_no_relay_fails_in_the_end(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let ids = put(store, vec![letter(1), letter(2)], at(0)).await;
    let young = put(store, vec![letter(3)], at(50)).await[0];
    let leased = lease(store, node, 1, at(51)).await[0];
    record(store, node, vec![deferred(&leased, at(51), at(3_600))], at(51)).await;
    let op = Exhaust {
        route: RouteId::SERVER,
        after: None,
        since_before: at(10),
        reply: Reply::none("no connection to the relay"),
        now: at(100),
    };
    assert_eq!(store.exhaust(op.clone()).await.unwrap().changed, 2);
    assert_eq!(store.exhaust(op).await.unwrap(), Visited::default());
    for id in ids {
        let row = row(store, id).await;
        assert_eq!(row.state, MessageState::Failed);
        assert_eq!(row.error.unwrap().text, "no connection to the relay");
    }
    assert_eq!(state(store, young).await, MessageState::Queued);
    assert_consistent(store).await;
}

async fn found(h: &impl Harness, words: &str) -> u64 {
    let filter = Filter {
        search: SearchQuery::parse(words),
        ..Filter::default()
    };
    h.store()
        .counts(&Scope::everything(), &filter)
        .await
        .unwrap()
        .total
}

pub(crate) async fn revival_makes_the_deferred_mail_of_a_route_due_each_once(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    put(store, vec![letter(1), letter(2)], at(0)).await;
    for leased in lease(store, node, 2, at(1)).await {
        record(store, node, vec![deferred(&leased, at(1), at(3_600))], at(1)).await;
    }
    let revive = |route, after, limit| {
        store.revive(Revive {
            route,
            after,
            not_of: None,
            attempts_below: u32::MAX,
            since_before: None,
            limit,
            now: at(2),
        })
    };
    assert_eq!(revive(RouteId(99), None, REVIVE_MOST).await.unwrap(), None);
    let first = revive(RouteId::SERVER, None, 1).await.unwrap();
    assert_eq!(promote(store, at(2), vec![]).await.moved, 1);
    let last = revive(RouteId::SERVER, first, REVIVE_MOST).await.unwrap();
    assert!(last > first && first.is_some());
    assert_eq!(revive(RouteId::SERVER, last, REVIVE_MOST).await.unwrap(), None);
    assert_eq!(promote(store, at(2), vec![]).await.moved, 1);
    assert_consistent(store).await;
}

pub(crate) async fn revival_leaves_the_mail_of_one_sender_out(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let ids = put(store, vec![letter(1), letter(2)], at(0)).await;
    for leased in lease(store, node, 2, at(1)).await {
        record(store, node, vec![deferred(&leased, at(1), at(3_600))], at(1)).await;
    }
    let revive = |not_of| {
        store.revive(Revive {
            route: RouteId::SERVER,
            after: None,
            not_of: Some(not_of),
            attempts_below: u32::MAX,
            since_before: None,
            limit: REVIVE_MOST,
            now: at(2),
        })
    };
    assert_eq!(revive(UserId(1)).await.unwrap(), Some(ids[1]));
    assert_eq!(
        revive(UserId(1)).await.unwrap(),
        None,
        "what is left is that sender's"
    );
    assert_eq!(revive(UserId(2)).await.unwrap(), Some(ids[0]));
}

pub(crate) async fn revival_leaves_mail_out_that_has_few_attempts_left(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let ids = put(store, vec![letter(1), letter(2)], at(0)).await;
    for leased in lease(store, node, 2, at(1)).await {
        record(store, node, vec![deferred(&leased, at(1), at(2))], at(1)).await;
    }
    promote(store, at(2), vec![]).await;
    let again = lease(store, node, 1, at(3)).await[0];
    record(store, node, vec![deferred(&again, at(3), at(3_600))], at(3)).await;
    record(
        store,
        node,
        vec![deferred(&lease(store, node, 1, at(3)).await[0], at(3), at(3_600))],
        at(3),
    )
    .await;
    let revive = |attempts_below, since_before| {
        store.revive(Revive {
            route: RouteId::SERVER,
            after: None,
            not_of: None,
            attempts_below,
            since_before,
            limit: REVIVE_MOST,
            now: at(4),
        })
    };
    assert_eq!(revive(2, Some(at(-1))).await.unwrap(), None);
    assert_eq!(revive(3, None).await.unwrap(), Some(ids[1]));
}

pub(crate) async fn requeued_mail_takes_the_way_out_that_its_office_has_now(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let ids = put(store, vec![letter(1)], at(0)).await;
    let leased = lease(store, node, 1, at(1)).await[0];
    record(store, node, vec![failed(&leased, at(1))], at(1)).await;
    let office = postroom_store::NewOffice {
        parent: None,
        name: "System Office".to_owned(),
        route: RouteId(7),
    };
    assert_eq!(store.add_office(office, &made()).await.unwrap().id, OfficeId(1));
    store.requeue(&anyone(), &ids, &operator(), at(2)).await.unwrap();
    assert_eq!(
        lease(store, node, 1, at(3)).await,
        [],
        "not the way that it failed on"
    );
    let wants = vec![postroom_store::Want {
        route: RouteId(7),
        n: 1,
    }];
    let request = postroom_store::LeaseRequest {
        node,
        wants,
        now: at(3),
    };
    assert_eq!(store.lease(request).await.unwrap().len(), 1);
    assert_consistent(store).await;
}
