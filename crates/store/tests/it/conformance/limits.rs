//! Daily limits: who goes, who waits, and when those go.

use std::time::Duration;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use postroom_domain::{HoldReason, Kind, MessageId, MessageState, Timestamp, UserId};
use postroom_store::{
    ActionOutcome, Admitted, ConfiguredLimits, Consumer, Enqueued, Hold, LimitDetail, LimitKey, LimitsSet,
    NewMessage, Release, SetLimits, Settled, Store, Submitter, UsageOf,
};

use super::Harness;
use crate::build::{
    anyone, assert_consistent, at, failed, intake, join, lease, letter, operator, promote, record, row, state,
};

/// Sets both limits in UTC.
async fn limit(store: &dyn Store, system: u64, user: u64) {
    limit_in(store, system, user, "UTC").await;
}

async fn limit_in(store: &dyn Store, system: u64, user: u64, zone: &str) {
    let configured = ConfiguredLimits {
        system: Some(system),
        user: Some(user),
        time_zone: Some(zone.to_owned()),
        user_default: 0,
        server_zone: "UTC".to_owned(),
    };
    store.configure_limits(configured).await.unwrap();
}

/// Leaves limits for people to set.
async fn unpin(store: &dyn Store) {
    let configured = ConfiguredLimits {
        server_zone: "UTC".to_owned(),
        ..ConfiguredLimits::default()
    };
    store.configure_limits(configured).await.unwrap();
}

fn change(system: Option<u64>, user: Option<u64>, now: Timestamp) -> SetLimits {
    SetLimits {
        system,
        user,
        time_zone: None,
        version: None,
        now,
    }
}

/// Takes one letter of each sender in, in this order.
async fn send(store: &dyn Store, senders: &[i64], now: Timestamp) -> Vec<Admitted> {
    let mut admitted = Vec::new();
    for &sender in senders {
        admitted.push(take(store, letter(sender), now).await);
    }
    admitted
}

async fn take(store: &dyn Store, message: NewMessage, now: Timestamp) -> Admitted {
    match store.enqueue(intake(vec![message], now)).await.unwrap() {
        Enqueued::Accepted(mut admitted) => admitted.remove(0),
        other @ (Enqueued::Replayed(_) | Enqueued::KeyReused) => panic!("not accepted: {other:?}"),
    }
}

fn reasons(admitted: &[Admitted]) -> Vec<&str> {
    let reason = |one: &Admitted| -> &'static str {
        match one.hold.as_ref().map(|hold| hold.reason.clone()).as_deref() {
            None => "goes",
            Some("user_limit") => "user",
            Some("system_limit") => "system",
            Some(_) => "?",
        }
    };
    admitted.iter().map(reason).collect()
}

/// Settles until nothing is left to do; answers how many became ready.
async fn settle(store: &dyn Store, now: Timestamp) -> u32 {
    let mut released = 0;
    for _ in 0..1_000 {
        let Settled {
            released: n, more, ..
        } = store.settle(now).await.unwrap();
        released += n;
        if !more {
            return released;
        }
    }
    panic!("settling does not end");
}

/// Leases everything that is ready, one by one; answers whose it is, in order.
async fn leave(store: &dyn Store, now: Timestamp) -> Vec<MessageId> {
    let node = store.join(crate::build::SLOT, now).await.unwrap();
    let mut left = Vec::new();
    loop {
        let leased = lease(store, node, 1, now).await;
        let Some(one) = leased.first() else {
            return left;
        };
        left.push(one.id);
        record(store, node, vec![crate::build::sent(one, now)], now).await;
    }
}

async fn senders(store: &dyn Store, ids: &[MessageId]) -> Vec<i64> {
    let mut found = Vec::new();
    for &id in ids {
        found.push(row(store, id).await.sender.0.0);
    }
    found
}

/// The start of a day in a zone.
fn midnight(zone: &str, day: Date) -> Timestamp {
    let zone = TimeZone::get(zone).unwrap();
    let start = day.to_zoned(zone).unwrap().start_of_day().unwrap();
    start.timestamp().into()
}

pub(crate) async fn three_users_in_turn_meet_the_user_limit_and_then_the_systems(h: &mut impl Harness) {
    let store = h.store();
    limit(store, 8, 5).await;
    let turns = [1, 2, 3, 1, 2, 3, 1, 1, 1, 2, 1, 3];
    let admitted = send(store, &turns, at(0)).await;
    // 1 2 3 1 2 3 1 1 are the system's eight: nobody has used up five of their own before.
    assert_eq!(reasons(&admitted)[..8], ["goes"; 8]);
    assert_eq!(reasons(&admitted)[8..], ["system"; 4]);
    let limits = store.limits(at(0)).await.unwrap();
    assert_eq!(
        (limits.system_used, limits.user_used_most, limits.held),
        (8, 4, 4)
    );
    let until = admitted[11].hold.as_ref().unwrap().until.unwrap();
    assert_eq!(until, limits.day_ends);
    let shown = row(store, admitted[11].id).await;
    assert_eq!(shown.state, MessageState::Held);
    assert_eq!(
        shown.hold,
        Some(Hold {
            reason: "system_limit".to_owned(),
            until: Some(until)
        })
    );
    assert_consistent(store).await;
}

pub(crate) async fn message_after_the_last_that_fits_is_held_by_its_own_limit(h: &mut impl Harness) {
    let store = h.store();
    limit(store, 8, 5).await;
    let admitted = send(store, &[1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 1], at(0)).await;
    let expected = [
        "goes", "goes", "goes", "goes", "goes", "user", "goes", "goes", "goes", "system", "system",
    ];
    assert_eq!(reasons(&admitted), expected);
}

pub(crate) async fn held_mail_leaves_at_midnight_by_turns(h: &mut impl Harness) {
    let store = h.store();
    limit(store, 8, 5).await;
    // 8 of others go; then 4 of user 1, 2 of user 2 and 5 of user 3 wait, in no fair order.
    send(store, &[4, 5, 6, 7, 4, 5, 6, 7], at(0)).await;
    let held = send(store, &[1, 1, 1, 1, 3, 3, 3, 3, 3, 2, 2], at(1)).await;
    assert_eq!(reasons(&held), ["system"; 11]);
    leave(store, at(2)).await;
    let ends = store.limits(at(2)).await.unwrap().day_ends;
    let early = ends.minus(Duration::from_micros(1));
    assert_eq!(settle(store, early).await, 0);
    // New mail of the new day does not overtake what waited, although the limits are untouched.
    let new = send(store, &[9], ends).await;
    assert_eq!(reasons(&new), ["system"]);
    assert_eq!(settle(store, ends).await, 8);
    let order = leave(store, ends).await;
    assert_eq!(senders(store, &order).await, [1, 2, 3, 9, 1, 2, 3, 1]);
    // First-in first-out within each.
    for sender in [1, 2, 3] {
        let mut own = Vec::new();
        for &id in &order {
            if row(store, id).await.sender.0 == UserId(sender) {
                own.push(id);
            }
        }
        assert!(own.is_sorted(), "{own:?}");
    }
    // What is left got the next day.
    let rest = row(store, held[8].id).await;
    let next = store.limits(ends).await.unwrap();
    assert_eq!(rest.hold.unwrap().until, Some(next.day_ends));
    assert_eq!((next.system_used, next.held), (8, 4));
    assert_consistent(store).await;
    assert_eq!(settle(store, next.day_ends).await, 4);
}

pub(crate) async fn day_begins_at_the_zones_midnight_over_every_change_of_the_clocks(h: &mut impl Harness) {
    let store = h.store();
    let days = [
        ("Europe/Berlin", date(2026, 3, 28)),
        ("Europe/Berlin", date(2026, 3, 29)),
        ("Europe/Berlin", date(2026, 10, 24)),
        ("Europe/Berlin", date(2026, 10, 25)),
        ("America/Sao_Paulo", date(2018, 11, 3)),
        ("America/Sao_Paulo", date(2018, 11, 4)),
        ("Asia/Beirut", date(2024, 3, 30)),
        ("Asia/Beirut", date(2024, 3, 31)),
    ];
    let mut days = days.map(|(zone, day)| (midnight(zone, day), zone, day));
    days.sort_unstable();
    for (sender, (starts, zone, day)) in (1..).zip(days) {
        limit_in(store, 0, 2, zone).await;
        let ends = midnight(zone, day.tomorrow().unwrap());
        let last = ends.minus(Duration::from_micros(1));
        let first = send(store, &[sender, sender, sender, sender], starts).await;
        assert_eq!(reasons(&first), ["goes", "goes", "user", "user"], "{zone} {day}");
        assert_eq!(first[3].hold.as_ref().unwrap().until, Some(ends), "{zone} {day}");
        assert_eq!(settle(store, last).await, 0, "{zone} {day}");
        assert_eq!(settle(store, ends).await, 2, "{zone} {day}");
        let more = send(store, &[sender], ends).await;
        assert_eq!(reasons(&more), ["user"], "{zone} {day}");
        let note = operator();
        store.delete(&anyone(), &[more[0].id], &note, ends).await.unwrap();
    }
    assert_consistent(store).await;
}

pub(crate) async fn clock_set_back_grants_nothing_twice(h: &mut impl Harness) {
    let store = h.store();
    limit(store, 0, 2).await;
    let tomorrow = store.limits(at(0)).await.unwrap().day_ends;
    send(store, &[1, 1], at(0)).await;
    assert_eq!(
        reasons(&send(store, &[1, 1, 1], tomorrow).await),
        ["goes", "goes", "user"]
    );
    assert_eq!(reasons(&send(store, &[1], at(5)).await), ["user"]);
    assert_eq!(settle(store, at(5)).await, 0);
    h.reopen().await;
    let store = h.store();
    assert_eq!(
        reasons(&send(store, &[2, 2, 2], at(5)).await),
        ["goes", "goes", "user"]
    );
    assert_eq!(settle(store, tomorrow).await, 0);
}

pub(crate) async fn numbers_survive_a_kill(h: &mut impl Harness) {
    limit(h.store(), 8, 5).await;
    let admitted = send(h.store(), &[1, 1, 1, 1, 1, 1, 2, 2], at(0)).await;
    h.kill().await;
    let limits = h.store().limits(at(1)).await.unwrap();
    assert_eq!(
        (limits.system, limits.user, limits.system_used, limits.held),
        (8, 5, 7, 1)
    );
    let more = send(h.store(), &[1, 2, 2], at(1)).await;
    assert_eq!(reasons(&more), ["user", "goes", "system"]);
    h.kill().await;
    let store = h.store();
    assert_eq!(settle(store, limits.day_ends).await, 3);
    assert_eq!(state(store, admitted[5].id).await, MessageState::Queued);
    assert_consistent(store).await;
}

pub(crate) async fn clients_at_once_get_exactly_what_is_left(h: &mut impl Harness) {
    let store = h.store();
    limit(store, 1_000_000, 0).await;
    let mut now = at(0);
    // 100 days: on each, 64 clients at once find room for ten.
    for round in 0..100 {
        let day_ends = store.limits(now).await.unwrap().day_ends;
        limit(store, 10, 0).await;
        let all = (0..64).map(|n| take(store, letter(1 + n % 7), now));
        let admitted = futures_util::future::join_all(all).await;
        let went = admitted.iter().filter(|one| one.hold.is_none()).count();
        assert_eq!(went, 10, "round {round}");
        let ids: Vec<_> = admitted.iter().map(|one| one.id).collect();
        store.delete(&anyone(), &ids, &operator(), now).await.unwrap();
        assert_eq!(store.limits(now).await.unwrap().held, 0);
        now = day_ends;
    }
    assert_consistent(store).await;
}

pub(crate) async fn notification_is_exempt(h: &mut impl Harness) {
    let store = h.store();
    limit(store, 1, 1).await;
    send(store, &[1, 1], at(0)).await;
    let alert = NewMessage {
        kind: Kind::Alert,
        ..letter(1)
    };
    assert_eq!(take(store, alert, at(0)).await.hold, None);
    assert_eq!(store.limits(at(0)).await.unwrap().system_used, 1);
}

pub(crate) async fn who_submitted_is_charged_and_for_a_key_the_sender(h: &mut impl Harness) {
    let store = h.store();
    limit(store, 0, 1).await;
    let by = |submitted_by| NewMessage {
        submitted_by,
        ..letter(2)
    };
    let assistant = Submitter::User(UserId(5));
    assert_eq!(take(store, by(assistant), at(0)).await.hold, None);
    assert!(take(store, by(assistant), at(0)).await.hold.is_some());
    let key = Submitter::Key(postroom_domain::KeyId(9));
    assert_eq!(take(store, by(key), at(0)).await.hold, None);
    assert!(take(store, by(key), at(0)).await.hold.is_some());
    let day = store.limits(at(0)).await.unwrap().day;
    let used = store.usage(UsageOf::EveryUser, day, day).await.unwrap();
    let used: Vec<_> = used.iter().map(|one| (one.user, one.used)).collect();
    assert_eq!(used, [(Some(UserId(2)), 1), (Some(UserId(5)), 1)]);
}

pub(crate) async fn retries_and_requeues_are_free_and_a_deletion_gives_nothing_back(h: &mut impl Harness) {
    let store = h.store();
    limit(store, 0, 2).await;
    let node = join(store).await;
    let ids: Vec<_> = send(store, &[1, 1], at(0))
        .await
        .iter()
        .map(|one| one.id)
        .collect();
    let leased = lease(store, node, 1, at(1)).await[0];
    record(store, node, vec![failed(&leased, at(1))], at(1)).await;
    let done = store.requeue(&anyone(), &ids, &operator(), at(2)).await.unwrap();
    assert_eq!(done, [ActionOutcome::Done; 2]);
    assert_eq!(store.limits(at(2)).await.unwrap().system_used, 2);
    store.delete(&anyone(), &ids, &operator(), at(3)).await.unwrap();
    assert_eq!(reasons(&send(store, &[1], at(4)).await), ["user"]);
    assert_consistent(store).await;
}

pub(crate) async fn scheduled_message_is_charged_when_it_falls_due(h: &mut impl Harness) {
    let store = h.store();
    limit(store, 0, 1).await;
    let later = |seconds| NewMessage {
        send_at: Some(at(seconds)),
        ..letter(1)
    };
    let first = take(store, later(60), at(0)).await;
    let second = take(store, later(60), at(0)).await;
    assert_eq!(store.limits(at(0)).await.unwrap().system_used, 0);
    promote(store, at(61), vec![]).await;
    assert_eq!(state(store, first.id).await, MessageState::Queued);
    assert_eq!(state(store, second.id).await, MessageState::Held);
    let limits = store.limits(at(61)).await.unwrap();
    assert_eq!((limits.system_used, limits.held), (1, 1));
    assert_eq!(settle(store, limits.day_ends).await, 1);
    assert_consistent(store).await;
}

pub(crate) async fn raised_limit_lets_mail_go_at_once(h: &mut impl Harness) {
    let store = h.store();
    unpin(store).await;
    store
        .set_limits(change(Some(2), Some(2), at(0)), &operator())
        .await
        .unwrap();
    let admitted = send(store, &[1, 2, 1, 1, 2], at(0)).await;
    assert_eq!(reasons(&admitted), ["goes", "goes", "system", "system", "system"]);
    let set = store
        .set_limits(change(Some(10), None, at(1)), &operator())
        .await
        .unwrap();
    assert!(matches!(set, LimitsSet::Done(_)), "{set:?}");
    // Until what waited has gone, nothing overtakes it.
    assert_eq!(reasons(&send(store, &[1], at(1)).await), ["system"]);
    assert_eq!(settle(store, at(1)).await, 2);
    // The rest waits for its person's limit alone, and so does nobody else.
    let rest = row(store, admitted[3].id).await.hold.unwrap();
    assert_eq!(rest.reason, HoldReason::UserLimit.name());
    assert_eq!(reasons(&send(store, &[3, 1], at(2)).await), ["goes", "user"]);
    assert_consistent(store).await;
}

pub(crate) async fn limit_below_todays_use_is_refused(h: &mut impl Harness) {
    let store = h.store();
    unpin(store).await;
    send(store, &[1, 1, 1, 2], at(0)).await;
    let below = |key, used| LimitsSet::BelowUse { key, used };
    let note = operator();
    let set = |system, user| store.set_limits(change(system, user, at(1)), &note);
    assert_eq!(set(Some(3), None).await.unwrap(), below(LimitKey::System, 4));
    assert_eq!(set(None, Some(2)).await.unwrap(), below(LimitKey::User, 3));
    assert!(matches!(set(Some(4), Some(3)).await.unwrap(), LimitsSet::Done(_)));
    assert!(matches!(set(Some(0), Some(0)).await.unwrap(), LimitsSet::Done(_)));
    let before = store.limits(at(1)).await.unwrap();
    let stale = SetLimits {
        version: Some(before.version - 1),
        ..change(Some(100), None, at(1))
    };
    assert_eq!(
        store.set_limits(stale, &operator()).await.unwrap(),
        LimitsSet::Stale
    );
    let zone = SetLimits {
        time_zone: Some("Europe/Nowhere".to_owned()),
        ..change(None, None, at(1))
    };
    let no_zone = LimitsSet::NoSuchZone("Europe/Nowhere".to_owned());
    assert_eq!(store.set_limits(zone, &operator()).await.unwrap(), no_zone);
    limit(store, 50, 5).await;
    assert_eq!(
        set(Some(60), None).await.unwrap(),
        LimitsSet::Pinned(LimitKey::System)
    );
    assert_eq!(store.limits(at(1)).await.unwrap().system, 50);
}

pub(crate) async fn held_mail_goes_past_a_limit_only_where_that_is_asked(h: &mut impl Harness) {
    let store = h.store();
    limit(store, 0, 1).await;
    let ids: Vec<_> = send(store, &[1, 1, 1], at(0))
        .await
        .iter()
        .map(|one| one.id)
        .collect();
    let until = store.limits(at(0)).await.unwrap().day_ends;
    let over = ActionOutcome::OverLimit { until };
    let (who, note) = (anyone(), operator());
    assert_eq!(
        store.requeue(&who, &ids[1..2], &note, at(1)).await.unwrap(),
        [over]
    );
    let within = store
        .release(&who, &ids[1..2], Release::WithinLimits, &note, at(1))
        .await;
    assert_eq!(within.unwrap(), [over]);
    let past = store
        .release(&who, &ids[1..2], Release::PastLimits, &note, at(1))
        .await;
    assert_eq!(past.unwrap(), [ActionOutcome::Done]);
    assert_eq!(state(store, ids[1]).await, MessageState::Queued);
    let limits = store.limits(at(1)).await.unwrap();
    assert_eq!((limits.system_used, limits.held), (1, 1));
    let log = store
        .audit_page(postroom_store::AuditView::Everything, None, 1)
        .await
        .unwrap();
    assert_eq!(log[0].entry.action.name(), "messages.release_past_limit");
    assert_consistent(store).await;
}

pub(crate) async fn first_message_held_that_day_is_told_once_a_person(h: &mut impl Harness) {
    limit(h.store(), 0, 1).await;
    send(h.store(), &[1, 1, 1, 2], at(0)).await;
    h.kill().await;
    let store = h.store();
    send(store, &[1, 2], at(1)).await;
    let facts = store.facts(Consumer::Alerts, 256).await.unwrap();
    let told: Vec<_> = facts
        .iter()
        .map(|fact| (fact.person, fact.detail::<LimitDetail>().unwrap().most))
        .collect();
    assert_eq!(told, [(Some(UserId(1)), 1), (Some(UserId(2)), 1)]);
}

pub(crate) async fn standing_tells_what_waits_before_new_mail(h: &mut impl Harness) {
    let store = h.store();
    limit(store, 4, 2).await;
    send(store, &[1, 1, 1, 2, 3, 3, 2], at(0)).await;
    let standing = store.standing(UserId(1), at(0)).await.unwrap();
    assert_eq!((standing.system.used, standing.user.used), (4, 2));
    assert_eq!(standing.ahead.own, 1);
    assert_eq!(standing.ahead.others, [1, 1]);
    assert!(standing.ahead.system_line);
}

pub(crate) async fn thousand_held_messages_settle_in_steps(h: &mut impl Harness) {
    let store = h.store();
    limit(store, 0, 1).await;
    for sender in 1..=3 {
        let many = (0..400).map(|_| letter(sender)).collect();
        store.enqueue(intake(many, at(0))).await.unwrap();
    }
    limit(store, 0, 300).await;
    let step = store.settle(at(1)).await.unwrap();
    assert!(step.released <= 256 && step.more, "{step:?}");
    settle(store, at(1)).await;
    let limits = store.limits(at(1)).await.unwrap();
    assert_eq!(
        (limits.system_used, limits.user_used_most, limits.held),
        (900, 300, 300)
    );
    assert_consistent(store).await;
}
