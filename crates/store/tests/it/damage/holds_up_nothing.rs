//! What is damaged holds up nothing else.

use super::*;

#[tokio::test]
async fn outcome_of_a_damaged_record_holds_up_no_other_and_is_not_sent_again() {
    let t = Tampered::new();
    let (node, leases) = three_leased(&t).await;
    let spoil = format!(
        "UPDATE recipient SET orcpt = x'ff00' WHERE ord = {}",
        leases[1].id.ord()
    );
    let t = t.mistyped("recipient", &spoil).await;
    let outcomes = leases.iter().map(|lease| sent(lease, at(3))).collect();
    let recorded = record(&t.store, node, outcomes, at(3)).await;
    assert_eq!(recorded, [Recorded::Done, Recorded::Damaged, Recorded::Done]);
    for lease in &leases {
        assert_eq!(state(&t.store, lease.id).await, MessageState::Sent);
    }
    assert_eq!(t.facts(FactKind::MessageDamaged).await, [Some(leases[1].id)]);
    assert_consistent(&t.store).await;
    t.close().await;
}

#[tokio::test]
async fn deferred_message_with_a_damaged_record_is_not_tried_again() {
    let t = Tampered::new();
    let (node, leases) = three_leased(&t).await;
    let spoil = format!(
        "UPDATE recipient SET notify = x'ff' WHERE ord = {}",
        leases[0].id.ord()
    );
    let t = t.mistyped("recipient", &spoil).await;
    let outcomes = leases
        .iter()
        .map(|lease| deferred(lease, at(3), at(60)))
        .collect();
    let recorded = record(&t.store, node, outcomes, at(3)).await;
    assert_eq!(recorded, [Recorded::Damaged, Recorded::Done, Recorded::Done]);
    let ended = row(&t.store, leases[0].id).await;
    assert_eq!((ended.state, ended.attempts), (MessageState::Failed, 1));
    assert_eq!(ended.error, Some(Damage::Result.reply()));
    assert_eq!(state(&t.store, leases[1].id).await, MessageState::Deferred);
    assert_consistent(&t.store).await;
    t.close().await;
}

#[tokio::test]
async fn unreadable_record_holds_up_neither_leases_nor_lists_nor_the_index() {
    let t = Tampered::new();
    let ids = put(&t.store, vec![letter(1), letter(1), letter(1)], at(1)).await;
    let spoil = format!(
        "UPDATE work SET attempts = -7 WHERE ord = {0};
         UPDATE message SET kind = 99 WHERE ord = {0}",
        ids[1].ord()
    );
    let t = t.sql(&spoil).await;
    while t.store.index_text().await.unwrap() {}
    assert_eq!(t.page().await, [ids[2], ids[0]]);
    let node = join(&t.store).await;
    let leases = lease(&t.store, node, 3, at(2)).await;
    let leased: Vec<_> = leases.iter().map(|lease| lease.id).collect();
    assert_eq!(leased, [ids[0], ids[2]]);
    assert_eq!(t.facts(FactKind::MessageDamaged).await, [Some(ids[1])]);
    assert_eq!(lease(&t.store, node, 3, at(3)).await.len(), 0);
    let outcomes = leases.iter().map(|lease| sent(lease, at(4))).collect();
    record(&t.store, node, outcomes, at(4)).await;
    let depth = t.store.depth(None).await.unwrap();
    assert_eq!((depth.ready, depth.leased), (0, 0));
    t.close().await;
}

#[tokio::test]
async fn damaged_lease_of_the_last_start_holds_up_no_start() {
    let t = Tampered::new();
    let (_, leases) = three_leased(&t).await;
    let spoil = format!(
        "UPDATE work SET attempts = 70000 WHERE ord = {}",
        leases[0].id.ord()
    );
    let t = t.sql(&spoil).await;
    let node = join(&t.store).await;
    let adopted = t.store.adopt(node, 256, at(5)).await.unwrap();
    let adopted: Vec<_> = adopted.iter().map(|lease| lease.id).collect();
    assert_eq!(adopted, [leases[1].id, leases[2].id]);
    assert_eq!(state(&t.store, leases[0].id).await, MessageState::Failed);
    assert!(t.store.adopt(node, 256, at(6)).await.unwrap().len() <= 2);
    t.close().await;
}

#[tokio::test]
async fn unreadable_record_holds_up_no_step_over_many_messages() {
    let t = Tampered::new();
    let (node, leases) = three_leased(&t).await;
    let outcomes = leases
        .iter()
        .map(|lease| deferred(lease, at(3), at(60)))
        .collect();
    record(&t.store, node, outcomes, at(3)).await;
    let ids: Vec<_> = leases.iter().map(|lease| lease.id).collect();
    let t = t
        .sql(&format!(
            "UPDATE message SET state = 77 WHERE ord = {}",
            ids[0].ord()
        ))
        .await;
    // The due time has come; the damaged one is set aside.
    let promoted = promote(&t.store, at(61), Vec::new()).await;
    assert_eq!(promoted.moved, 3);
    assert_eq!(t.facts(FactKind::MessageDamaged).await, [Some(ids[0])]);
    assert_eq!(t.store.depth(None).await.unwrap().ready, 2);
    // People's actions reach the others.
    let t = t
        .sql(&format!(
            "UPDATE message SET kind = 99 WHERE ord = {}",
            ids[1].ord()
        ))
        .await;
    let held = t.store.hold(&anyone(), &ids, &operator(), at(62)).await.unwrap();
    assert_eq!(held[1..], [ActionOutcome::Damaged, ActionOutcome::Done]);
    let t = t
        .sql(&format!(
            "UPDATE message SET state = 77 WHERE ord = {}",
            ids[2].ord()
        ))
        .await;
    let settled = t.store.settle(at(63)).await.unwrap();
    assert!(!settled.more);
    t.close().await;
}

#[tokio::test]
async fn unreadable_record_does_not_keep_the_others_from_expiring() {
    let t = Tampered::new();
    let ids = put(&t.store, vec![letter(1), letter(2), letter(3)], at(1)).await;
    let t = t
        .sql(&format!(
            "UPDATE message SET kind = 99 WHERE ord = {}",
            ids[0].ord()
        ))
        .await;
    let op = Exhaust {
        route: RouteId::SERVER,
        after: None,
        since_before: at(1_000),
        reply: greylisted(),
        now: at(2_000),
    };
    assert_eq!(t.store.exhaust(op).await.unwrap().changed, 3);
    for id in &ids[1..] {
        assert_eq!(state(&t.store, *id).await, MessageState::Failed);
    }
    assert_eq!(t.store.depth(None).await.unwrap().ready, 0);
    t.close().await;
}

#[tokio::test]
async fn damaged_counts_and_lanes_hold_up_nothing() {
    let t = Tampered::new();
    put(&t.store, vec![letter(1), letter(1)], at(1)).await;
    let t = t.mistyped("tally", "UPDATE tally SET cells = x'ff'").await;
    let t = t.mistyped("lane", "UPDATE lane SET ready = 'many'").await;
    put(&t.store, vec![letter(1)], at(2)).await;
    let node = join(&t.store).await;
    assert_eq!(lease(&t.store, node, 10, at(3)).await.len(), 3);
    assert!(!t.store.check().await.unwrap().differences.is_empty());
    t.close().await;
}

#[tokio::test]
async fn damaged_fact_is_passed() {
    let t = Tampered::new();
    let (node, leases) = three_leased(&t).await;
    let outcomes = leases.iter().map(|lease| failed(lease, at(3))).collect();
    record(&t.store, node, outcomes, at(3)).await;
    let t = t
        .sql(&format!(
            "UPDATE fact SET kind = 99 WHERE message = {}",
            leases[0].id.ord()
        ))
        .await;
    assert_eq!(t.facts(FactKind::MessageFailed).await.len(), 2);
    t.close().await;
}
