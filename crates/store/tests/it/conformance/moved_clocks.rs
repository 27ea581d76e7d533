//! What becomes of waiting mail when the clock is moved, and when no server runs for a while.

use std::time::Duration;

use postroom_domain::{MessageState, NodeSlot, Reply, RouteId, UserId};
use postroom_store::{
    ClockMove, ConfiguredLimits, EdgeWritten, Enqueued, Exhaust, NewMessage, RelayEdge, RelayTo, Store,
    Submitter, WaitingMail,
};

use super::Harness;
use crate::build::{
    SLOT, assert_consistent, at, deferred, intake, join, lease, letter, promote, put, record, row,
};

const DAY: i64 = 86_400;

pub(crate) async fn deferred_mail_has_the_rest_of_its_wait_where_a_start_finds_the_clock_set_back(
    h: &mut impl Harness,
) {
    let node = join(h.store()).await;
    let id = put(h.store(), vec![letter(1)], at(0)).await[0];
    let leased = lease(h.store(), node, 1, at(1)).await[0];
    record(h.store(), node, vec![deferred(&leased, at(1), at(61))], at(1)).await;
    h.store().heartbeat(node, at(21), Duration::ZERO).await.unwrap();
    h.reopen().await;
    h.store().join(SLOT, at(-DAY)).await.unwrap();
    let shown = row(h.store(), id).await.next_attempt_at;
    assert_eq!(shown, Some(at(40 - DAY)));
    assert_eq!(promote(h.store(), at(39 - DAY), vec![]).await.moved, 0);
    assert_eq!(promote(h.store(), at(40 - DAY), vec![]).await.moved, 1);
    assert_consistent(h.store()).await;
}

pub(crate) async fn mail_that_was_due_shows_no_time_ahead_once_the_clock_is_set_back(h: &mut impl Harness) {
    let node = join(h.store()).await;
    let id = put(h.store(), vec![letter(1)], at(0)).await[0];
    let leased = lease(h.store(), node, 1, at(1)).await[0];
    record(h.store(), node, vec![deferred(&leased, at(1), at(61))], at(1)).await;
    assert_eq!(promote(h.store(), at(61), vec![]).await.moved, 1);
    h.store().heartbeat(node, at(71), Duration::ZERO).await.unwrap();
    h.reopen().await;
    h.store().join(SLOT, at(-DAY)).await.unwrap();
    let shown = row(h.store(), id).await.next_attempt_at;
    assert_eq!(shown, Some(at(-10 - DAY)));
    assert_consistent(h.store()).await;
}

pub(crate) async fn leased_mail_shows_no_time_ahead_once_it_is_given_back_after_the_clock_is_set_back(
    h: &mut impl Harness,
) {
    let node = join(h.store()).await;
    let id = put(h.store(), vec![letter(1)], at(0)).await[0];
    let leased = lease(h.store(), node, 1, at(1)).await[0];
    record(h.store(), node, vec![deferred(&leased, at(1), at(61))], at(1)).await;
    assert_eq!(promote(h.store(), at(61), vec![]).await.moved, 1);
    lease(h.store(), node, 1, at(62)).await;
    move_clock(h.store(), -DAY, 71 - DAY, 71 - DAY).await;
    let shown = row(h.store(), id).await.next_attempt_at;
    assert_eq!(shown, Some(at(61 - DAY)));
}

pub(crate) async fn mail_that_was_overdue_for_long_waits_for_no_time_once_the_clock_is_set_back(
    h: &mut impl Harness,
) {
    let node = join(h.store()).await;
    let ids = put(h.store(), vec![letter(1), letter(2)], at(0)).await;
    let defer = async |tried: i64, due: i64| {
        let leased = lease(h.store(), node, 1, at(tried)).await[0];
        record(
            h.store(),
            node,
            vec![deferred(&leased, at(tried), at(due))],
            at(tried),
        )
        .await;
    };
    defer(1, 61).await;
    // Its relay was Down for twenty hours when the clock was set back by a day, for a minute.
    let hours_20 = 20 * 3_600;
    defer(hours_20 + 2 - DAY, hours_20 + 600 - DAY).await;
    move_clock(h.store(), -DAY, hours_20 + 1 - DAY, hours_20 + 10 - DAY).await;
    let due = async |n: usize| row(h.store(), ids[n]).await.next_attempt_at;
    assert_eq!(
        (due(0).await, due(1).await),
        (Some(at(61 - DAY)), Some(at(hours_20 + 600 - DAY))),
        "overdue as before, and the one that was tried since in its time"
    );
    for followed_at in [hours_20 + 61, hours_20 + 121] {
        move_clock(h.store(), DAY, hours_20 + 61, followed_at).await;
        assert_eq!(
            (due(0).await, due(1).await),
            (Some(at(61)), Some(at(hours_20 + 600))),
            "and no further call moves them"
        );
    }
    assert_consistent(h.store()).await;
}

pub(crate) async fn mail_tried_about_the_time_of_a_short_move_is_moved_once(h: &mut impl Harness) {
    let node = join(h.store()).await;
    let ids = put(h.store(), vec![letter(1), letter(2), letter(3)], at(0)).await;
    // The clock was set back by an hour when it showed 9,000 s.
    let defer = async |(tried, seconds): (i64, u64), written: i64, due: i64| {
        let leased = lease(h.store(), node, 1, at(tried)).await[0];
        let mut outcome = deferred(&leased, at(tried), at(due));
        if let Some(attempt) = &mut outcome.attempt {
            attempt.duration = Duration::from_secs(seconds);
        }
        record(h.store(), node, vec![outcome], at(written)).await;
    };
    defer((8_400, 1), 8_401, 12_001).await;
    // Under way at that time, and told by the clock after it.
    defer((8_995, 10), 5_405, 5_465).await;
    move_clock(h.store(), -3_600, 5_400, 5_406).await;
    // Under way at that time, too, and told by the clock before it.
    defer((8_996, 12), 5_408, 9_068).await;
    move_clock(h.store(), -3_600, 5_400, 5_410).await;
    let mut due = Vec::new();
    for id in ids {
        due.push(row(h.store(), id).await.next_attempt_at);
    }
    assert_eq!(due, [Some(at(8_401)), Some(at(5_465)), Some(at(5_468))]);
    assert_consistent(h.store()).await;
}

pub(crate) async fn clock_set_back_before_two_nodes_start_moves_mail_once(h: &mut impl Harness) {
    let node = join(h.store()).await;
    h.store().join(NodeSlot(7), at(0)).await.unwrap();
    let id = put(h.store(), vec![letter(1)], at(0)).await[0];
    let leased = lease(h.store(), node, 1, at(1)).await[0];
    record(h.store(), node, vec![deferred(&leased, at(1), at(61))], at(1)).await;
    for slot in [SLOT, NodeSlot(7)] {
        h.store().join(slot, at(-DAY)).await.unwrap();
    }
    let shown = row(h.store(), id).await.next_attempt_at.unwrap();
    assert!(
        (at(-DAY)..=at(61 - DAY)).contains(&shown),
        "{shown:?} was moved twice"
    );
}

async fn take_down(store: &dyn Store) {
    let edge = RelayEdge {
        route: RouteId::SERVER,
        place: 0,
        name: "main".to_owned(),
        epoch: 0,
        to: RelayTo::Down {
            error: Reply::none("lost"),
            mail: WaitingMail::Waits,
        },
        now: at(0),
    };
    assert_eq!(store.relay_edge(edge).await.unwrap(), EdgeWritten::Won(1));
}

pub(crate) async fn time_without_a_server_is_left_out_of_waits_for_a_relay_that_was_down(
    h: &mut impl Harness,
) {
    let node = join(h.store()).await;
    put(h.store(), vec![letter(1)], at(0)).await;
    take_down(h.store()).await;
    h.store().heartbeat(node, at(100), Duration::ZERO).await.unwrap();
    h.reopen().await;
    h.store().join(SLOT, at(DAY)).await.unwrap();
    let outage = &h.store().relay_states().await.unwrap()[0];
    assert_eq!((outage.since, outage.unserved.as_secs()), (at(0), 86_300));
    let expired = |since_before| Exhaust {
        route: RouteId::SERVER,
        after: None,
        since_before,
        reply: Reply::none("lost"),
        now: at(DAY).plus(Duration::from_secs(1)),
    };
    let before = h.store().exhaust(expired(at(DAY - 100))).await.unwrap();
    assert_eq!(before.changed, 0);
    let after = h.store().exhaust(expired(at(DAY - 99))).await.unwrap();
    assert_eq!(after.changed, 1);
    assert_consistent(h.store()).await;
}

pub(crate) async fn pause_of_sending_is_left_out_of_the_outages_that_it_fell_into(h: &mut impl Harness) {
    let node = join(h.store()).await;
    take_down(h.store()).await;
    // The last pause had begun before the outage.
    for (second, paused, left_out) in [(100, 60, 60), (160, 60, 120), (170, 0, 120), (180, 1_000, 180)] {
        let paused = Duration::from_secs(paused);
        h.store().heartbeat(node, at(second), paused).await.unwrap();
        let outage = &h.store().relay_states().await.unwrap()[0];
        assert_eq!((outage.since, outage.unserved.as_secs()), (at(0), left_out));
    }
}

pub(crate) async fn node_that_starts_for_the_first_time_moves_nothing(h: &mut impl Harness) {
    let node = join(h.store()).await;
    put(h.store(), vec![letter(1)], at(0)).await;
    let leased = lease(h.store(), node, 1, at(1)).await[0];
    record(h.store(), node, vec![deferred(&leased, at(1), at(61))], at(1)).await;
    h.store().join(NodeSlot(7), at(-DAY)).await.unwrap();
    assert_eq!(promote(h.store(), at(60), vec![]).await.moved, 0);
    assert_eq!(promote(h.store(), at(61), vec![]).await.moved, 1);
}

async fn limited(store: &dyn Store, user_daily: u64) {
    let configured = ConfiguredLimits {
        system: None,
        user: Some(user_daily),
        time_zone: None,
        user_default: 0,
        server_zone: "UTC".to_owned(),
    };
    store.configure_limits(configured).await.unwrap();
}

/// Hands in `n` messages of user 1; returns how many were not held.
async fn send(store: &dyn Store, n: usize, second: i64) -> usize {
    let Enqueued::Accepted(admitted) = store
        .enqueue(intake((0..n).map(|_| letter(1)).collect(), at(second)))
        .await
        .unwrap()
    else {
        panic!("not accepted");
    };
    admitted.iter().filter(|one| one.hold.is_none()).count()
}

pub(crate) async fn day_begun_while_the_clock_stood_ahead_is_corrected_with_what_was_used_on_it(
    h: &mut impl Harness,
) {
    limited(h.store(), 3).await;
    let today = h.store().limits(at(0)).await.unwrap();
    assert_eq!(send(h.store(), 1, 0).await, 1);
    assert_eq!(send(h.store(), 1, 31 * DAY).await, 1);
    h.reopen().await;
    h.store().settle(at(100)).await.unwrap();
    let now = h.store().limits(at(100)).await.unwrap();
    assert_eq!((now.day, now.day_ends), (today.day, today.day_ends));
    assert_eq!(send(h.store(), 2, 100).await, 1, "two were used, on whatever day");
    let tomorrow = (today.day_ends.as_micros() - at(0).as_micros()) / 1_000_000 + 1;
    assert_eq!(h.store().settle(at(tomorrow)).await.unwrap().released, 1);
    // The day that was ahead comes in its time, with nothing used on it.
    assert_eq!(send(h.store(), 3, 31 * DAY).await, 3);
    assert_consistent(h.store()).await;
}

pub(crate) async fn mail_held_while_the_clock_stood_ahead_leaves_with_the_next_day(h: &mut impl Harness) {
    limited(h.store(), 1).await;
    let today = h.store().limits(at(0)).await.unwrap();
    assert_eq!(send(h.store(), 2, 31 * DAY).await, 1);
    h.store().settle(at(0)).await.unwrap();
    let next = h.store().settle(at(0)).await.unwrap().next_at;
    assert_eq!(next, Some(today.day_ends));
    assert_eq!(h.store().settle(today.day_ends).await.unwrap().released, 1);
    assert_consistent(h.store()).await;
}

pub(crate) async fn clock_set_back_a_month_and_right_again_grants_nothing_twice(h: &mut impl Harness) {
    limited(h.store(), 3).await;
    assert_eq!(send(h.store(), 2, 0).await, 2);
    h.store().settle(at(-31 * DAY)).await.unwrap();
    assert_eq!(send(h.store(), 2, 60 - 31 * DAY).await, 1);
    h.reopen().await;
    h.store().settle(at(120)).await.unwrap();
    assert_eq!(send(h.store(), 1, 120).await, 0);
    assert_consistent(h.store()).await;
}

pub(crate) async fn clock_that_stands_ahead_twice_counts_nothing_twice(h: &mut impl Harness) {
    limited(h.store(), 10).await;
    assert_eq!(send(h.store(), 1, 0).await, 1);
    for _ in 0..2 {
        h.store().settle(at(31 * DAY)).await.unwrap();
        assert_eq!(send(h.store(), 1, 31 * DAY).await, 1);
        h.reopen().await;
        h.store().settle(at(100)).await.unwrap();
        assert_eq!(send(h.store(), 1, 100).await, 1);
    }
    let limits = h.store().limits(at(200)).await.unwrap();
    assert_eq!((limits.system_used, limits.user_used_most), (5, 5));
    assert_consistent(h.store()).await;
}

pub(crate) async fn what_others_submit_moves_with_the_day_that_it_is_charged_on(h: &mut impl Harness) {
    limited(h.store(), 10).await;
    let for_another = || NewMessage {
        submitted_by: Submitter::User(UserId(2)),
        ..letter(1)
    };
    assert_eq!(send(h.store(), 1, 31 * DAY).await, 1);
    h.store().settle(at(0)).await.unwrap();
    put(h.store(), vec![for_another()], at(0)).await;
    h.reopen().await;
    h.store().settle(at(31 * DAY)).await.unwrap();
    assert_consistent(h.store()).await;
    h.store().settle(at(100)).await.unwrap();
    assert_consistent(h.store()).await;
}

pub(crate) async fn clock_that_stood_ahead_over_midnight_leaves_the_counts_right(h: &mut impl Harness) {
    limited(h.store(), 10).await;
    assert_eq!(send(h.store(), 3, 31 * DAY).await, 3);
    assert_eq!(send(h.store(), 1, 32 * DAY).await, 1);
    h.reopen().await;
    h.store().settle(at(0)).await.unwrap();
    assert_consistent(h.store()).await;
    let limits = h.store().limits(at(0)).await.unwrap();
    assert_eq!(limits.system_used, 1, "of the day that counted");
}

pub(crate) async fn date_is_right_again_with_the_clock_and_ids_still_ascend(h: &mut impl Harness) {
    let ahead = put(h.store(), vec![letter(1)], at(31 * DAY)).await[0];
    let after = put(h.store(), vec![letter(1)], at(5)).await[0];
    assert!(after > ahead);
    assert_eq!(row(h.store(), ahead).await.date, at(31 * DAY));
    assert_eq!(row(h.store(), after).await.date, at(5));
}

pub(crate) async fn mail_whose_id_runs_ahead_expires_in_its_time(h: &mut impl Harness) {
    put(h.store(), vec![letter(1)], at(31 * DAY)).await;
    let id = put(h.store(), vec![letter(1)], at(5)).await[0];
    let expired = Exhaust {
        route: RouteId::SERVER,
        after: None,
        since_before: at(6),
        reply: Reply::none("lost"),
        now: at(DAY),
    };
    assert_eq!(h.store().exhaust(expired).await.unwrap().changed, 1);
    assert_eq!(row(h.store(), id).await.state, MessageState::Failed);
}

pub(crate) async fn mail_of_a_clock_that_stood_ahead_expires_in_its_time_once_the_clock_has_passed_it(
    h: &mut impl Harness,
) {
    join(h.store()).await;
    put(h.store(), vec![letter(1)], at(3_600)).await;
    move_clock(h.store(), -3_600, 10, 10).await;
    assert_eq!(expire(h.store(), 0).await, 0);
    assert_eq!(expire(h.store(), 1).await, 1, "its id says an hour later");
}

/// The clock was moved by so many seconds and showed `seconds` then.
async fn move_clock(store: &dyn Store, by: i64, seconds: i64, now: i64) {
    let op = ClockMove {
        micros: by * 1_000_000,
        at: at(seconds),
        now: at(now),
    };
    store.clock_moved(op).await.unwrap();
}

async fn expire(store: &dyn Store, since_before: i64) -> u32 {
    let expired = Exhaust {
        route: RouteId::SERVER,
        after: None,
        since_before: at(since_before),
        reply: Reply::none("lost"),
        now: at(7 * DAY),
    };
    store.exhaust(expired).await.unwrap().changed
}

pub(crate) async fn wait_of_an_hour_lasts_an_hour_whatever_the_clock_was_moved_by(h: &mut impl Harness) {
    join(h.store()).await;
    put(h.store(), vec![letter(1)], at(0)).await;
    // Back by an hour when it has waited for longer than that, and right again twenty minutes later.
    move_clock(h.store(), -3_600, 400, 401).await;
    move_clock(h.store(), 3_600, 5_200, 5_201).await;
    put(h.store(), vec![letter(1)], at(5_300)).await;
    // Followed once more, as after an answer that was lost.
    move_clock(h.store(), 3_600, 5_200, 5_310).await;
    assert_eq!(expire(h.store(), 0).await, 0);
    assert_eq!(expire(h.store(), 1).await, 1);
    assert_eq!(expire(h.store(), 5_300).await, 0);
    assert_eq!(expire(h.store(), 5_301).await, 1);
}

pub(crate) async fn start_behind_a_followed_move_does_not_follow_it_again(h: &mut impl Harness) {
    let node = join(h.store()).await;
    put(h.store(), vec![letter(1)], at(50)).await;
    h.store().heartbeat(node, at(100), Duration::ZERO).await.unwrap();
    move_clock(h.store(), -DAY, 110 - DAY, 110 - DAY).await;
    h.reopen().await;
    h.store().join(SLOT, at(120 - DAY)).await.unwrap();
    assert_eq!(expire(h.store(), 50 - DAY).await, 0);
    assert_eq!(expire(h.store(), 51 - DAY).await, 1);
}

pub(crate) async fn cycle_that_began_by_the_clock_before_it_was_set_back_is_moved_late(h: &mut impl Harness) {
    join(h.store()).await;
    move_clock(h.store(), -DAY, 100 - DAY, 100 - DAY).await;
    put(h.store(), vec![letter(1)], at(99)).await;
    move_clock(h.store(), -DAY, 100 - DAY, 110 - DAY).await;
    assert_eq!(expire(h.store(), 99 - DAY).await, 0);
    assert_eq!(expire(h.store(), 100 - DAY).await, 1);
}

pub(crate) async fn moved_clock_moves_what_waits_once_and_nothing_written_since(h: &mut impl Harness) {
    let node = join(h.store()).await;
    let ids = put(h.store(), vec![letter(1), letter(2)], at(0)).await;
    let defer = async |due: i64| {
        let leased = lease(h.store(), node, 1, at(1)).await[0];
        record(h.store(), node, vec![deferred(&leased, at(1), at(due))], at(1)).await;
    };
    defer(61).await;
    move_clock(h.store(), -DAY, 31 - DAY, 31 - DAY).await;
    defer(90 - DAY).await;
    move_clock(h.store(), -DAY, 31 - DAY, 41 - DAY).await;
    let due = async |n: usize| row(h.store(), ids[n]).await.next_attempt_at;
    assert_eq!(
        (due(0).await, due(1).await),
        (Some(at(61 - DAY)), Some(at(90 - DAY)))
    );
    assert_consistent(h.store()).await;
}
