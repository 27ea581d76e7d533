//! Mail coming in.

use postroom_domain::{MessageState, Scope};
use postroom_store::{
    AuditAction, AuditEntry, AuditView, ChangeKind, Enqueue, Enqueued, IdempotencyClaim, StoreError,
};

use super::Harness;
use crate::build::{
    anyone, assert_consistent, at, intake, join, lease, letter, letter_to, operator, put, record, sent,
};

pub(crate) async fn acknowledged_message_survives_reopening(h: &mut impl Harness) {
    let ids = put(h.store(), vec![letter(1), letter(2)], at(0)).await;
    h.reopen().await;
    for id in ids {
        assert!(
            h.store()
                .detail(&Scope::everything(), id)
                .await
                .unwrap()
                .is_some()
        );
    }
    assert_consistent(h.store()).await;
}

pub(crate) async fn acknowledged_message_survives_a_kill(h: &mut impl Harness) {
    let ids = put(h.store(), vec![letter(1), letter(2)], at(0)).await;
    let node = join(h.store()).await;
    let leased = lease(h.store(), node, 1, at(0)).await;
    record(h.store(), node, vec![sent(&leased[0], at(1))], at(1)).await;
    h.kill().await;
    let first = h
        .store()
        .detail(&Scope::everything(), ids[0])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(first.row.state, MessageState::Sent);
    assert!(
        h.store()
            .detail(&Scope::everything(), ids[1])
            .await
            .unwrap()
            .is_some()
    );
    assert_consistent(h.store()).await;
}

pub(crate) async fn ids_ascend_in_the_order_of_commits(h: &mut impl Harness) {
    let first = put(h.store(), vec![letter(1), letter(2)], at(5)).await;
    // The clock goes back; ids do not, even over a restart.
    let second = put(h.store(), vec![letter(1)], at(0)).await;
    h.reopen().await;
    let third = put(h.store(), vec![letter(1)], at(0)).await;
    let all = [first, second, third].concat();
    assert!(all.is_sorted() && all.len() == 4, "{all:?}");
}

pub(crate) async fn repeated_request_gets_the_same_answer(h: &mut impl Harness) {
    let request = claimed(b'a');
    let first = h.store().enqueue(request.clone()).await.unwrap();
    h.reopen().await;
    let second = h.store().enqueue(request).await.unwrap();
    let (Enqueued::Accepted(first), Enqueued::Replayed(second)) = (first, second) else {
        panic!("not accepted, then replayed");
    };
    assert_eq!(first, second);
    assert_eq!(h.store().depth(None).await.unwrap().ready, 1);
}

pub(crate) async fn requests_with_one_key_at_once_are_taken_once(h: &mut impl Harness) {
    let store = h.store();
    let answers = tokio::join!(
        store.enqueue(claimed(b'a')),
        store.enqueue(claimed(b'a')),
        store.enqueue(claimed(b'a')),
    );
    let answers = [answers.0.unwrap(), answers.1.unwrap(), answers.2.unwrap()];
    let accepted = answers
        .iter()
        .filter(|answer| matches!(answer, Enqueued::Accepted(_)))
        .count();
    assert_eq!(accepted, 1, "{answers:?}");
    assert_eq!(store.depth(None).await.unwrap().ready, 1);
}

pub(crate) async fn key_with_another_body_is_refused(h: &mut impl Harness) {
    h.store().enqueue(claimed(b'a')).await.unwrap();
    assert_eq!(
        h.store().enqueue(claimed(b'b')).await.unwrap(),
        Enqueued::KeyReused
    );
    assert_eq!(h.store().depth(None).await.unwrap().ready, 1);
}

pub(crate) async fn forgotten_key_can_be_used_again(h: &mut impl Harness) {
    h.store().enqueue(claimed(b'a')).await.unwrap();
    assert_eq!(h.store().forget(at(0), at(0)).await.unwrap(), 0);
    assert_eq!(h.store().forget(at(1), at(1)).await.unwrap(), 1);
    let again = h.store().enqueue(claimed(b'b')).await.unwrap();
    assert!(matches!(again, Enqueued::Accepted(_)), "{again:?}");
}

pub(crate) async fn batch_beyond_the_limits_is_refused_whole(h: &mut impl Harness) {
    let nobody = letter_to(1, &[]);
    for messages in [vec![], vec![letter(1), nobody], vec![letter(1); 1_001]] {
        let refused = h.store().enqueue(intake(messages, at(0))).await;
        assert!(matches!(refused, Err(StoreError::TooMuch(_))), "{refused:?}");
    }
    assert_eq!(h.store().depth(None).await.unwrap().ready, 0);
    assert_eq!(put(h.store(), vec![letter(1); 1_000], at(0)).await.len(), 1_000);
    assert_consistent(h.store()).await;
}

pub(crate) async fn message_comes_back_as_it_was_handed_in(h: &mut impl Harness) {
    let mut given = letter_to(7, &["ada@example.test", "bob@example.test"]);
    given.parameters.smtputf8 = true;
    given.parameters.envid = Some("QQ314159".to_owned());
    given.recipients[1].notify = Some("NEVER".to_owned());
    let ids = put(h.store(), vec![given.clone()], at(0)).await;
    let loaded = h.store().load(&ids).await.unwrap().messages.remove(0);
    assert_eq!((loaded.id, loaded.sender), (ids[0], given.sender));
    assert_eq!(loaded.content, given.content);
    assert_eq!(loaded.parameters, given.parameters);
    let addresses: Vec<_> = loaded
        .pending
        .iter()
        .map(|one| (one.index, one.address.as_str()))
        .collect();
    assert_eq!(addresses, [(0, "ada@example.test"), (1, "bob@example.test")]);
    assert_eq!(loaded.pending[1].notify.as_deref(), Some("NEVER"));
    assert!(!loaded.failed_before);
}

pub(crate) async fn content_over_a_limit_is_not_loaded_but_its_size_is_told(h: &mut impl Harness) {
    let (small, mut large) = (letter(1), letter(1));
    large.content.body.len = 70_000;
    let limit = small.content.header.len + small.content.body.len;
    let ids = put(h.store(), vec![large.clone(), small.clone()], at(0)).await;
    let loaded = h.store().load_up_to(&ids, limit).await.unwrap();
    assert_eq!(loaded.messages.len(), 1);
    assert_eq!(
        (loaded.messages[0].id, &loaded.messages[0].content),
        (ids[1], &small.content)
    );
    assert_eq!(loaded.larger, [(ids[0], large.content.header.len + 70_000)]);
    assert!(
        h.store()
            .load_up_to(&ids, limit - 1)
            .await
            .unwrap()
            .messages
            .is_empty()
    );
}

pub(crate) async fn every_change_is_told_after_its_commit(h: &mut impl Harness) {
    let mut changes = h.store().changes();
    let ids = put(h.store(), vec![letter(4)], at(0)).await;
    let told = changes.try_recv().unwrap();
    let told: Vec<_> = told
        .changes
        .iter()
        .map(|change| (change.id, change.kind))
        .collect();
    assert_eq!(told, [(ids[0], ChangeKind::Added)]);
    h.store()
        .delete(&anyone(), &ids, &operator(), at(1))
        .await
        .unwrap();
    assert_eq!(changes.try_recv().unwrap().changes[0].kind, ChangeKind::Deleted);
}

pub(crate) async fn audit_entry_of_an_intake_is_in_its_transaction(h: &mut impl Harness) {
    let op = || Enqueue {
        audit: Some(AuditEntry::new(
            at(0),
            &operator(),
            AuditAction::Resend,
            "messages",
        )),
        ..claimed(1)
    };
    let mut refused = op();
    refused.messages[0].recipients.clear();
    h.store().enqueue(refused).await.unwrap_err();
    assert_eq!(resends(h).await, 0, "nothing was done");
    h.store().enqueue(op()).await.unwrap();
    h.kill().await;
    let replayed = h.store().enqueue(op()).await.unwrap();
    assert!(matches!(replayed, Enqueued::Replayed(_)), "{replayed:?}");
    assert_eq!(resends(h).await, 1, "once, as the message");
    assert_consistent(h.store()).await;
}

async fn resends(h: &impl Harness) -> usize {
    let entries = h
        .store()
        .audit_page(AuditView::Everything, None, 100)
        .await
        .unwrap();
    let resends = entries
        .iter()
        .filter(|entry| entry.entry.action == AuditAction::Resend);
    resends.count()
}

fn claimed(body: u8) -> Enqueue {
    Enqueue {
        idempotency: Some(IdempotencyClaim {
            credential: "key:7".to_owned(),
            key: "order-17".to_owned(),
            digest: [body; 32],
        }),
        ..intake(vec![letter(1)], at(0))
    }
}
