//! Who is served, in what order, and whose word counts.

use postroom_domain::{Kind, MessageId, MessageState, OfficeId, RecipientState, RouteId, UserId};
use postroom_store::{AttemptResult, LeaseRequest, NewMessage, Next, Outcome, Recorded, Want};

use super::Harness;
use crate::build::{
    SLOT, accepted, assert_consistent, at, attempt, deferred, failed, form_letter, given_back, greylisted,
    join, lease, letter, promote, put, record, row, sent, state, told,
};

pub(crate) async fn single_letter_is_not_stuck_behind_ten_thousand(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    for second in 0..10 {
        put(store, vec![form_letter(1); 1_000], at(second)).await;
    }
    lease(store, node, 32, at(10)).await;
    let single = put(store, vec![letter(2)], at(11)).await[0];
    let next: Vec<MessageId> = lease(store, node, 20, at(12))
        .await
        .iter()
        .map(|one| one.id)
        .collect();
    assert!(next.contains(&single), "not among the next 20");
    assert_consistent(store).await;
}

pub(crate) async fn flows_share_by_their_weights(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    put(store, vec![form_letter(1); 200], at(0)).await;
    let letters = put(store, vec![letter(2); 200], at(1)).await;
    let reset = NewMessage {
        kind: Kind::PasswordReset,
        ..letter(3)
    };
    let resets = put(store, vec![reset; 200], at(2)).await;
    let picked = lease(store, node, 130, at(3)).await;
    let of = |ids: &[MessageId]| picked.iter().filter(|one| ids.contains(&one.id)).count();
    // One form letter to four letters to eight password resets.
    assert!((38..=42).contains(&of(&letters)), "{} letters", of(&letters));
    assert!((78..=82).contains(&of(&resets)), "{} resets", of(&resets));
}

pub(crate) async fn sending_one_by_one_gains_nothing(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    for sender in 10..20 {
        put(store, vec![letter(sender); 50], at(0)).await;
    }
    let mut mine = Vec::new();
    let mut served = 0;
    for second in 1..=110 {
        mine.extend(put(store, vec![letter(1)], at(second)).await);
        let picked = lease(store, node, 1, at(second)).await;
        served += usize::from(mine.contains(&picked[0].id));
    }
    assert!(served <= 12, "{served} of 110 went to one of eleven senders");
}

pub(crate) async fn lane_is_served_in_the_order_of_arrival(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let ids = put(store, vec![letter(1); 40], at(0)).await;
    let picked: Vec<_> = lease(store, node, 100, at(1))
        .await
        .iter()
        .map(|one| one.id)
        .collect();
    assert_eq!(picked, ids);
    assert!(lease(store, node, 100, at(1)).await.is_empty());
}

pub(crate) async fn routes_are_served_apart(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let own = NewMessage {
        route: RouteId(5),
        ..letter(1)
    };
    let ids = put(store, vec![letter(1), own], at(0)).await;
    let wants = vec![Want {
        route: RouteId(5),
        n: 9,
    }];
    let request = LeaseRequest {
        node,
        wants,
        now: at(1),
    };
    let picked = store.lease(request).await.unwrap();
    assert_eq!(picked.len(), 1);
    assert_eq!((picked[0].id, picked[0].route), (ids[1], RouteId(5)));
    assert_eq!(store.depth(Some(RouteId(5))).await.unwrap().leased, 1);
    assert_eq!(store.depth(Some(RouteId::SERVER)).await.unwrap().ready, 1);
}

pub(crate) async fn scheduled_message_is_never_leased_before_its_time(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let later = NewMessage {
        send_at: Some(at(60)),
        ..letter(1)
    };
    let id = put(store, vec![later], at(0)).await[0];
    assert_eq!(state(store, id).await, MessageState::Scheduled);
    assert!(lease(store, node, 10, at(59)).await.is_empty());
    let early = promote(store, at(59), vec![]).await;
    assert_eq!((early.moved, early.next_due), (0, Some(at(60))));
    let due = promote(store, at(60), vec![]).await;
    assert_eq!((due.moved, due.next_due), (1, None));
    assert_eq!(state(store, id).await, MessageState::Queued);
    let leased = lease(store, node, 10, at(60)).await;
    assert_eq!((leased[0].id, leased[0].since), (id, at(60)));
    assert_consistent(store).await;
}

pub(crate) async fn leased_message_is_shown_as_sending(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let id = put(store, vec![letter(1)], at(0)).await[0];
    let mut changes = store.changes();
    let leased = lease(store, node, 1, at(1)).await;
    assert_eq!(state(store, id).await, MessageState::Sending);
    let told = changes.try_recv().unwrap().changes[0];
    assert_eq!((told.id, told.sender, told.office), (id, UserId(1), OfficeId(1)));
    record(store, node, vec![sent(&leased[0], at(2))], at(2)).await;
    let row = row(store, id).await;
    assert_eq!(
        (row.state, row.attempts, row.sent_on),
        (MessageState::Sent, 1, Some(at(2)))
    );
}

pub(crate) async fn outcome_of_another_generation_changes_nothing(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let id = put(store, vec![letter(1)], at(0)).await[0];
    let first = lease(store, node, 1, at(1)).await[0];
    record(store, node, vec![given_back(&first)], at(1)).await;
    let second = lease(store, node, 1, at(2)).await[0];
    assert!(second.generation > first.generation);
    assert_eq!(
        record(store, node, vec![sent(&first, at(3))], at(3)).await,
        [Recorded::Fenced]
    );
    assert_eq!(state(store, id).await, MessageState::Sending);
    assert_eq!(
        record(store, node, vec![sent(&second, at(4))], at(4)).await,
        [Recorded::Done]
    );
    assert_eq!(
        record(store, node, vec![sent(&second, at(5))], at(5)).await,
        [Recorded::Fenced]
    );
    assert_eq!(row(store, id).await.attempts, 1);
    assert_consistent(store).await;
}

pub(crate) async fn older_epoch_neither_leases_nor_writes(h: &mut impl Harness) {
    let store = h.store();
    let old = join(store).await;
    let id = put(store, vec![letter(1), letter(1)], at(0)).await[0];
    let leased = lease(store, old, 1, at(1)).await[0];
    let new = join(store).await;
    assert!(new.epoch > old.epoch);
    assert!(lease(store, old, 1, at(2)).await.is_empty());
    assert!(store.adopt(old, 10, at(9)).await.unwrap().is_empty());
    assert_eq!(
        record(store, old, vec![sent(&leased, at(2))], at(2)).await,
        [Recorded::Fenced]
    );
    assert_eq!(state(store, id).await, MessageState::Sending);
}

pub(crate) async fn adopted_lease_has_a_new_generation(h: &mut impl Harness) {
    let node = join(h.store()).await;
    let id = put(h.store(), vec![letter(1)], at(0)).await[0];
    let before = lease(h.store(), node, 1, at(1)).await[0];
    h.kill().await;
    let store = h.store();
    let node = store.join(SLOT, at(2)).await.unwrap();
    let adopted = store.adopt(node, 10, at(9)).await.unwrap();
    assert_eq!(adopted.len(), 1);
    assert_eq!(adopted[0].id, id);
    assert!(adopted[0].generation > before.generation);
    assert!(store.adopt(node, 10, at(9)).await.unwrap().is_empty());
    let uncertain = Outcome {
        attempt: Some(attempt(AttemptResult::Uncertain, greylisted(), at(1))),
        next: Next::Defer(at(2)),
        ..given_back(&adopted[0])
    };
    assert_eq!(
        record(store, node, vec![uncertain], at(2)).await,
        [Recorded::Done]
    );
    promote(store, at(2), vec![]).await;
    assert_eq!(lease(store, node, 1, at(2)).await[0].attempts, 1);
    assert_consistent(store).await;
}

pub(crate) async fn leases_are_found_by_the_time_of_their_request(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let ids = put(store, vec![letter(1); 3], at(0)).await;
    let first = lease(store, node, 2, at(1)).await;
    let second = lease(store, node, 1, at(2)).await;
    assert_eq!(store.leased_at(node, at(1)).await.unwrap(), first);
    assert_eq!(store.leased_at(node, at(2)).await.unwrap(), second);
    assert_eq!(store.leased_at(node, at(3)).await.unwrap(), []);
    record(store, node, vec![given_back(&first[0])], at(3)).await;
    assert_eq!(store.leased_at(node, at(1)).await.unwrap(), first[1..]);
    // What is returned by that answer is leased again like any other.
    let found = store.leased_at(node, at(1)).await.unwrap();
    assert_eq!(
        record(store, node, vec![given_back(&found[0])], at(3)).await,
        [Recorded::Done]
    );
    let again: Vec<_> = lease(store, node, 3, at(4)).await.iter().map(|l| l.id).collect();
    assert_eq!(again, ids[..2]);
    let later = join(store).await;
    assert_eq!(store.leased_at(later, at(4)).await.unwrap(), []);
    assert_consistent(store).await;
}

pub(crate) async fn message_given_back_keeps_its_place_and_attempts(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let ids = put(store, vec![letter(1); 3], at(0)).await;
    let first = lease(store, node, 1, at(1)).await[0];
    record(store, node, vec![given_back(&first)], at(1)).await;
    let again = lease(store, node, 3, at(2)).await;
    assert_eq!((again[0].id, again[0].attempts), (ids[0], 0));
    assert_eq!(again.len(), 3);
    assert_consistent(store).await;
}

pub(crate) async fn attempt_that_goes_on_keeps_its_lease_and_what_was_accepted(h: &mut impl Harness) {
    let node = join(h.store()).await;
    let mut two = letter(1);
    let other = two.recipients[0].clone();
    two.recipients.push(other);
    let id = put(h.store(), vec![two], at(0)).await[0];
    let leased = lease(h.store(), node, 1, at(1)).await[0];
    let part = Outcome {
        recipients: vec![told(0, RecipientState::Sent, accepted())],
        next: Next::Continue,
        ..given_back(&leased)
    };
    assert_eq!(record(h.store(), node, vec![part], at(2)).await, [Recorded::Done]);
    assert_eq!(state(h.store(), id).await, MessageState::Sending);
    assert_consistent(h.store()).await;
    // A crash now sends nothing again to whom the relay has accepted already.
    h.kill().await;
    let store = h.store();
    let node = store.join(SLOT, at(3)).await.unwrap();
    let adopted = store.adopt(node, 10, at(9)).await.unwrap();
    assert_eq!(adopted[0].attempts, 0);
    let pending = &store.load(&[id]).await.unwrap().messages[0].pending;
    assert_eq!(pending.iter().map(|p| p.index).collect::<Vec<_>>(), [1]);
    let rest = Outcome {
        recipients: vec![told(1, RecipientState::Sent, accepted())],
        ..sent(&adopted[0], at(4))
    };
    assert_eq!(record(store, node, vec![rest], at(4)).await, [Recorded::Done]);
    assert_eq!(state(store, id).await, MessageState::Sent);
    assert_consistent(store).await;
}

pub(crate) async fn retry_joins_the_end_of_its_lane(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let ids = put(store, vec![letter(1); 2], at(0)).await;
    let first = lease(store, node, 1, at(1)).await[0];
    record(store, node, vec![deferred(&first, at(1), at(61))], at(1)).await;
    assert_eq!(row(store, ids[0]).await.next_attempt_at, Some(at(61)));
    let third = put(store, vec![letter(1)], at(30)).await[0];
    promote(store, at(61), vec![]).await;
    assert_eq!(state(store, ids[0]).await, MessageState::Deferred);
    let order: Vec<_> = lease(store, node, 9, at(61))
        .await
        .iter()
        .map(|one| one.id)
        .collect();
    assert_eq!(order, [ids[1], third, ids[0]]);
    assert_consistent(store).await;
}

pub(crate) async fn waiting_mail_of_a_blocked_route_stays(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let id = put(store, vec![letter(1)], at(0)).await[0];
    let first = lease(store, node, 1, at(1)).await[0];
    record(store, node, vec![deferred(&first, at(1), at(61))], at(1)).await;
    let blocked = promote(store, at(100), vec![RouteId::SERVER]).await;
    assert_eq!((blocked.moved, blocked.next_due), (0, None));
    assert!(lease(store, node, 1, at(100)).await.is_empty());
    assert_eq!(promote(store, at(100), vec![]).await.moved, 1);
    assert_eq!(lease(store, node, 1, at(100)).await[0].id, id);
}

pub(crate) async fn scheduled_mail_of_a_blocked_route_is_queued_at_its_time(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let mut later = letter(1);
    later.send_at = Some(at(50));
    let ids = put(store, vec![letter(1), later], at(0)).await;
    let first = lease(store, node, 1, at(1)).await[0];
    record(store, node, vec![deferred(&first, at(1), at(40))], at(1)).await;
    let early = promote(store, at(45), vec![RouteId::SERVER]).await;
    assert_eq!((early.moved, early.next_due), (0, Some(at(50))));
    let due = promote(store, at(60), vec![RouteId::SERVER]).await;
    assert_eq!((due.moved, due.next_due), (1, None));
    assert_eq!(state(store, ids[1]).await, MessageState::Queued);
    assert_eq!(state(store, ids[0]).await, MessageState::Deferred);
    assert_eq!(lease(store, node, 9, at(60)).await[0].id, ids[1]);
    assert_consistent(store).await;
}

pub(crate) async fn depth_counts_every_phase(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let ids = put(store, vec![letter(1); 5], at(0)).await;
    let leased = lease(store, node, 3, at(1)).await;
    record(
        store,
        node,
        vec![sent(&leased[0], at(2)), deferred(&leased[1], at(2), at(60))],
        at(2),
    )
    .await;
    let depth = store.depth(None).await.unwrap();
    assert_eq!(
        (depth.ready, depth.waiting, depth.held, depth.leased),
        (2, 1, 0, 1)
    );
    assert_eq!(depth.oldest, Some(ids[1]));
    assert_eq!(store.depth(Some(RouteId(9))).await.unwrap().oldest, None);
    record(store, node, vec![failed(&leased[2], at(3))], at(3)).await;
    assert_eq!(store.depth(None).await.unwrap().leased, 0);
}
