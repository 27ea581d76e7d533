//! Holds by people, and pauses of offices and senders.

use postroom_domain::{Kind, MessageId, MessageState, OfficeId, Rule, Scope, UserId};
use postroom_store::{ActionOutcome, Authority, ConfiguredLimits, NewMessage, PauseOf, Release, Store, Verb};

use super::Harness;
use crate::build::{
    anyone, assert_consistent, at, given_back, join, lease, letter, made, operator, promote, put, record,
    row, sent, state,
};

async fn settle(store: &dyn Store, seconds: i64) {
    while store.settle(at(seconds)).await.unwrap().more {}
}

async fn release(store: &dyn Store, ids: &[MessageId], seconds: i64) -> Vec<ActionOutcome> {
    let (who, note) = (anyone(), operator());
    let released = store.release(&who, ids, Release::WithinLimits, &note, at(seconds));
    released.await.unwrap()
}

async fn reason(store: &dyn Store, id: MessageId) -> Option<String> {
    row(store, id).await.hold.map(|hold| hold.reason)
}

pub(crate) async fn held_message_is_never_leased(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let ids = put(store, vec![letter(1), letter(1)], at(0)).await;
    let held = store
        .hold(&anyone(), &ids[..1], &operator(), at(1))
        .await
        .unwrap();
    assert_eq!(held, [ActionOutcome::Done]);
    assert_eq!(reason(store, ids[0]).await.as_deref(), Some("administrator"));
    let again = store
        .hold(&anyone(), &ids[..1], &operator(), at(1))
        .await
        .unwrap();
    assert_eq!(again, [ActionOutcome::WrongState(MessageState::Held)]);
    let leased = lease(store, node, 9, at(2)).await;
    assert_eq!(leased.iter().map(|one| one.id).collect::<Vec<_>>(), ids[1..]);
    settle(store, 90_000).await;
    assert_eq!(state(store, ids[0]).await, MessageState::Held);
    assert_eq!(release(store, &ids[..1], 3).await, [ActionOutcome::Done]);
    assert_eq!(lease(store, node, 9, at(4)).await[0].id, ids[0]);
    assert_eq!(release(store, &ids[..1], 5).await, [ActionOutcome::Sending]);
    assert_consistent(store).await;
}

pub(crate) async fn hold_and_release_are_for_those_who_may(h: &mut impl Harness) {
    let store = h.store();
    let ids = put(store, vec![letter(1)], at(0)).await;
    let own = Authority {
        see: Scope::own(UserId(1)),
        act: Scope::own(UserId(1)),
        hold: Scope::nothing(),
    };
    let note = operator();
    let refused = [ActionOutcome::NotPermitted];
    assert_eq!(store.hold(&own, &ids, &note, at(1)).await.unwrap(), refused);
    store.hold(&anyone(), &ids, &note, at(1)).await.unwrap();
    let released = store
        .release(&own, &ids, Release::WithinLimits, &note, at(2))
        .await;
    assert_eq!(released.unwrap(), refused);
    // Requeueing is no way round it.
    let requeued = store.requeue(&own, &ids, &note, at(2)).await.unwrap();
    assert_eq!(requeued, [ActionOutcome::HeldBack]);
    assert_eq!(requeued[0].rule(Verb::Requeue), Some(Rule::HoldMessage));
    assert_eq!(refused[0].rule(Verb::Requeue), Some(Rule::ActOnMessage));
    let other = Authority {
        see: Scope::own(UserId(2)),
        ..anyone()
    };
    let unknown = store.hold(&other, &ids, &note, at(2)).await.unwrap();
    assert_eq!(unknown, [ActionOutcome::NotFound]);
}

pub(crate) async fn scheduled_message_that_was_held_waits_for_its_time_again(h: &mut impl Harness) {
    let store = h.store();
    let later = NewMessage {
        send_at: Some(at(600)),
        ..letter(1)
    };
    let ids = put(store, vec![later], at(0)).await;
    store.hold(&anyone(), &ids, &operator(), at(1)).await.unwrap();
    promote(store, at(601), vec![]).await;
    assert_eq!(state(store, ids[0]).await, MessageState::Held);
    assert_eq!(release(store, &ids, 2).await, [ActionOutcome::Done]);
    assert_eq!(state(store, ids[0]).await, MessageState::Scheduled);
    promote(store, at(602), vec![]).await;
    assert_eq!(state(store, ids[0]).await, MessageState::Queued);
    assert_eq!(store.limits(at(602)).await.unwrap().system_used, 1);
    assert_consistent(store).await;
}

pub(crate) async fn pause_of_a_sender_counts_from_its_commit(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    for _ in 0..3 {
        put(store, (0..300).map(|_| letter(1)).collect(), at(0)).await;
    }
    let other = put(store, vec![letter(2)], at(0)).await;
    let whom = PauseOf::Sender(UserId(1));
    store
        .pause(whom, "a wrong merge".to_owned(), at(1), &operator())
        .await
        .unwrap();
    // Nothing was swept yet.
    let leased = lease(store, node, 20, at(1)).await;
    assert_eq!(leased.iter().map(|one| one.id).collect::<Vec<_>>(), other);
    let new = put(store, vec![letter(1)], at(2)).await;
    assert_eq!(reason(store, new[0]).await.as_deref(), Some("paused"));
    settle(store, 3).await;
    let depth = store.depth(None).await.unwrap();
    assert_eq!((depth.ready, depth.held), (0, 901));
    assert_eq!(lease(store, node, 20, at(4)).await.len(), 0);
    let requeued = store.requeue(&anyone(), &new, &operator(), at(4)).await.unwrap();
    assert_eq!(requeued, [ActionOutcome::Paused]);
    assert_eq!(release(store, &new, 4).await, [ActionOutcome::Paused]);
    assert_consistent(store).await;

    let pause = store.resume(whom, at(5), &operator()).await.unwrap().unwrap();
    assert_eq!((pause.reason.as_str(), pause.since), ("a wrong merge", at(1)));
    settle(store, 5).await;
    let order = lease(store, node, 256, at(6)).await;
    assert!(order.len() == 256 && order.is_sorted_by_key(|one| one.id));
    assert_eq!(store.depth(None).await.unwrap().held, 0);
    assert_eq!(store.resume(whom, at(7), &operator()).await.unwrap(), None);
    assert_consistent(store).await;
}

pub(crate) async fn pause_of_20000_messages_is_swept_in_steps_between_which_mail_comes_and_goes(
    h: &mut impl Harness,
) {
    const MANY: u64 = 20_000;
    /// Messages that one step, which is one transaction of the writer, may touch.
    const STEP: u64 = 256;
    let store = h.store();
    let node = join(store).await;
    for _ in 0..MANY / 1_000 {
        put(store, vec![letter(1); 1_000], at(0)).await;
    }
    let whom = PauseOf::Sender(UserId(1));
    for (way, from, to) in [("pause", 0, MANY), ("resume", MANY, 0)] {
        if way == "pause" {
            store
                .pause(whom, String::new(), at(1), &operator())
                .await
                .unwrap();
        } else {
            store.resume(whom, at(1), &operator()).await.unwrap();
        }
        let (mut held, mut steps) = (from, 0);
        loop {
            let more = store.settle(at(2)).await.unwrap().more;
            steps += 1;
            let now = store.depth(None).await.unwrap().held;
            assert!(held.abs_diff(now) <= STEP, "{way}, step {steps}: {held} to {now}");
            held = now;
            if !more {
                break;
            }
            // Between two steps somebody else's letter comes in and leaves, within the time of a few.
            if steps % 16 == 1 {
                let other = put(store, vec![letter(2)], at(2)).await;
                let leased = lease(store, node, 8, at(2)).await;
                assert!(leased.iter().any(|one| one.id == other[0]), "{way}, step {steps}");
                let outcomes = leased.iter().map(|one| {
                    if one.id == other[0] {
                        sent(one, at(2))
                    } else {
                        given_back(one)
                    }
                });
                record(store, node, outcomes.collect(), at(2)).await;
            }
        }
        assert_eq!(held, to, "{way}");
        assert!(steps >= MANY / STEP, "{way} took {steps} steps");
    }
    let first = lease(store, node, 256, at(3)).await;
    assert!(first.len() == 256 && first.is_sorted_by_key(|one| one.id));
}

pub(crate) async fn pause_of_an_office_survives_a_kill_and_stops_no_notification(h: &mut impl Harness) {
    let user = |n: i64, office| NewMessage {
        office: OfficeId(office),
        ..letter(n)
    };
    people(h.store()).await;
    let ids = put(h.store(), vec![user(1, 1), user(2, 1), user(3, 2)], at(0)).await;
    let whom = PauseOf::Office(OfficeId(1));
    h.store()
        .pause(whom, String::new(), at(1), &operator())
        .await
        .unwrap();
    h.kill().await;
    let store = h.store();
    let node = join(store).await;
    assert_eq!(store.pauses().await.unwrap().len(), 1);
    let reset = NewMessage {
        kind: Kind::PasswordReset,
        ..user(1, 1)
    };
    let reset = put(store, vec![reset], at(2)).await;
    let leased: Vec<_> = lease(store, node, 20, at(2))
        .await
        .iter()
        .map(|one| one.id)
        .collect();
    assert!(leased.len() == 2 && leased.contains(&ids[2]) && leased.contains(&reset[0]));
    settle(store, 3).await;
    assert_eq!(reason(store, ids[0]).await.as_deref(), Some("paused"));

    // One of the office's senders stays paused when the office is resumed.
    let one = PauseOf::Sender(UserId(2));
    store.pause(one, String::new(), at(4), &operator()).await.unwrap();
    store.resume(whom, at(5), &operator()).await.unwrap();
    settle(store, 5).await;
    assert_eq!(state(store, ids[0]).await, MessageState::Queued);
    assert_eq!(reason(store, ids[1]).await.as_deref(), Some("paused"));
    assert_consistent(store).await;
}

pub(crate) async fn what_is_under_way_at_a_pause_finishes_or_is_kept(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let ids = put(store, vec![letter(1), letter(1)], at(0)).await;
    let leased = lease(store, node, 2, at(1)).await;
    let whom = PauseOf::Sender(UserId(1));
    store
        .pause(whom, String::new(), at(2), &operator())
        .await
        .unwrap();
    let outcomes = vec![sent(&leased[0], at(3)), given_back(&leased[1])];
    record(store, node, outcomes, at(3)).await;
    assert_eq!(state(store, ids[0]).await, MessageState::Sent);
    assert_eq!(reason(store, ids[1]).await.as_deref(), Some("paused"));
    assert_eq!(lease(store, node, 2, at(4)).await.len(), 0);
    assert_consistent(store).await;
}

pub(crate) async fn mail_taken_in_during_a_pause_is_charged_when_it_goes(h: &mut impl Harness) {
    let store = h.store();
    let configured = ConfiguredLimits {
        user: Some(2),
        server_zone: "UTC".to_owned(),
        ..ConfiguredLimits::default()
    };
    store.configure_limits(configured).await.unwrap();
    let whom = PauseOf::Sender(UserId(1));
    store
        .pause(whom, String::new(), at(0), &operator())
        .await
        .unwrap();
    let ids = put(store, vec![letter(1), letter(1), letter(1)], at(1)).await;
    assert_eq!(store.limits(at(1)).await.unwrap().system_used, 0);
    store.resume(whom, at(2), &operator()).await.unwrap();
    settle(store, 2).await;
    assert_eq!(store.limits(at(2)).await.unwrap().system_used, 2);
    assert_eq!(state(store, ids[1]).await, MessageState::Queued);
    assert_eq!(reason(store, ids[2]).await.as_deref(), Some("user_limit"));
    assert_consistent(store).await;
}

async fn people(store: &dyn Store) {
    use postroom_store::{Branches, NewOffice, NewUser, Rights};
    for (office, parent) in [(1, None), (2, Some(OfficeId(1)))] {
        let office = NewOffice {
            parent,
            name: format!("Office {office}"),
            route: postroom_domain::RouteId::SERVER,
        };
        store.add_office(office, &made()).await.unwrap();
    }
    for (n, office) in [(1, 1), (2, 1), (3, 2)] {
        let user = NewUser {
            office: OfficeId(office),
            login: format!("user{n}"),
            name: format!("Clerk {n}"),
            email: format!("user{n}@example.com"),
            password_hash: String::new(),
            rights: Rights::default(),
        };
        let added = store.add_user(user, Branches::All, &made()).await.unwrap();
        assert_eq!(added.id, UserId(n));
    }
}
