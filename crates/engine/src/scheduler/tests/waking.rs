//! When the scheduler steps again, and what is made ready, released and leased then.

use super::*;

const OTHER: RouteId = RouteId(7);

fn nothing_moved(next_due: Option<Timestamp>) -> Promoted {
    Promoted { moved: 0, next_due }
}

/// A scheduler whose queue was found empty.
fn idle() -> Scheduler {
    let mut scheduler = scheduler();
    scheduler.step(NOW);
    scheduler.leased(grant(FIRST, 20), &[], NOW);
    scheduler.promoted(nothing_moved(None), NOW);
    scheduler.settled(Settled::default(), NOW);
    scheduler
}

fn look_every() -> Duration {
    Pace::default().look_every
}

#[test]
fn held_mail_is_released_though_sending_is_paused() {
    let mut scheduler = scheduler();
    scheduler.set_sending(Sending::Paused, NOW);
    assert!(scheduler.step(NOW).settle);
    let midnight = NOW.plus(Duration::from_millis(300));
    let waits = Settled {
        next_at: Some(midnight),
        ..Settled::default()
    };
    scheduler.settled(waits, NOW);
    assert!(!scheduler.step(NOW).settle);
    assert_eq!(scheduler.wake_at(NOW), midnight);
    assert!(scheduler.step(midnight).settle);
    assert_eq!(scheduler.wake_at(after(9)), after(9));
}

#[test]
fn idle_scheduler_looks_by_itself_once_in_a_while() {
    let mut scheduler = idle();
    let look = NOW.plus(look_every());
    assert_eq!(scheduler.wake_at(NOW), look);
    let before = look.minus(Duration::from_micros(1));
    assert_eq!(scheduler.step(before).grants, []);
    let step = scheduler.step(look);
    assert_eq!(
        (step.grants, step.promote, step.settle),
        (vec![grant(FIRST, 20)], Some(vec![]), true)
    );
}

#[test]
fn step_follows_at_once_while_there_is_something_to_lease() {
    let scheduler = scheduler();
    assert_eq!(scheduler.wake_at(after(3)), after(3));
}

#[test]
fn step_follows_at_once_where_a_probe_lacks_a_message() {
    let mut scheduler = down();
    let due = after(30);
    scheduler.step(due);
    scheduler.leased(grant(FIRST, 1), &[], due);
    scheduler.promoted(nothing_moved(None), due);
    scheduler.settled(Settled::default(), due);
    assert_eq!(scheduler.wake_at(due), due);
    scheduler.step(due);
    assert!(scheduler.wake_at(due) > due, "it was sought");
}

#[test]
fn expiry_of_mail_wakes_it_and_a_search_that_it_waits_for_is_no_reason_to_spin() {
    let mut scheduler = down();
    let day = NOW.plus(Duration::from_hours(24));
    let early = day.minus(look_every() / 2);
    scheduler.step(early);
    scheduler.leased(grant(FIRST, 1), &[], early);
    scheduler.promoted(nothing_moved(None), early);
    scheduler.settled(Settled::default(), early);
    scheduler.step(early);
    assert_eq!(scheduler.wake_at(early), day);
    assert_eq!(scheduler.step(day).exhaust, [], "nothing tried the relay lately");
    assert!(scheduler.wake_at(day) > day);
}

#[test]
fn mail_that_returns_is_leased_on_its_own_route() {
    let mut scheduler = idle();
    scheduler.mail_returned(&BTreeSet::from([OTHER]));
    assert_eq!(scheduler.step(NOW).grants, []);
    scheduler.mail_returned(&BTreeSet::from([ROUTE]));
    assert_eq!(scheduler.step(NOW).grants, [grant(FIRST, 20)]);
}

#[test]
fn held_mail_that_may_be_released_sooner_is_released_sooner() {
    let mut scheduler = idle();
    let soon = NOW.plus(look_every() / 4);
    scheduler.settles_at(soon);
    scheduler.settles_at(NOW.plus(look_every() / 2));
    assert_eq!(scheduler.wake_at(NOW), soon);
    assert!(scheduler.step(soon).settle);
}

#[test]
fn released_mail_is_leased() {
    for (released, grants) in [(0, vec![]), (1, vec![grant(FIRST, 20)])] {
        let mut scheduler = idle();
        let some = Settled {
            released,
            ..Settled::default()
        };
        scheduler.settled(some, NOW);
        assert_eq!(scheduler.step(NOW).grants, grants);
    }
}

#[test]
fn promoted_mail_is_leased_and_a_full_step_is_followed_by_another() {
    let full = Pace::default().step;
    for (moved, again, leases) in [(0, false, 0), (1, false, 1), (full, true, 1)] {
        let mut scheduler = idle();
        let next_due = Some(after(60));
        scheduler.promoted(Promoted { moved, next_due }, NOW);
        let step = scheduler.step(NOW);
        assert_eq!(
            (step.promote.is_some(), step.grants.len()),
            (again, leases),
            "{moved}"
        );
    }
}

#[test]
fn next_promotion_comes_when_mail_is_due_and_no_later_than_the_next_look() {
    let due = NOW.plus(look_every() / 2);
    let late = NOW.plus(look_every() * 2);
    for (next_due, at) in [
        (due, due),
        (late, NOW.plus(look_every())),
        (NOW.minus(look_every()), NOW),
    ] {
        let mut scheduler = idle();
        scheduler.promoted(nothing_moved(Some(next_due)), NOW);
        assert_eq!(scheduler.wake_at(NOW), at);
        if at > NOW {
            let before = at.minus(Duration::from_micros(1));
            assert_eq!(scheduler.step(before).promote, None);
        }
        assert_eq!(scheduler.step(at).promote, Some(vec![]));
    }
}

#[test]
fn step_is_shared_by_the_routes() {
    let mut scheduler = scheduler();
    scheduler.set_route(OTHER, &[limits(SECOND, 10)], NOW);
    scheduler.pace.step = 30;
    let of_other = Grant {
        want: Want { route: OTHER, n: 10 },
        ..grant(SECOND, 10)
    };
    assert_eq!(scheduler.step(NOW).grants, [grant(FIRST, 20), of_other]);
    scheduler.pace.step = 20;
    assert_eq!(scheduler.step(NOW).grants, [grant(FIRST, 20)]);
}

#[test]
fn search_is_made_again_at_once_where_the_store_failed_and_later_where_changes_were_missed() {
    let due = after(30);
    let sought = || {
        let mut scheduler = down();
        scheduler.step(due);
        scheduler.leased(grant(FIRST, 1), &[], due);
        assert_eq!(scheduler.step(due).seek_probe, [seek(None, None)]);
        scheduler.promoted(nothing_moved(None), due);
        assert_eq!(scheduler.step(due).promote, None);
        scheduler
    };
    let seeks = |scheduler: &mut Scheduler, at| {
        scheduler.step(at);
        scheduler.leased(grant(FIRST, 1), &[], at);
        scheduler.step(at).seek_probe
    };
    let mut failed = sought();
    failed.not_done(due);
    assert_eq!(failed.wake_at(due), due);
    assert_eq!(failed.step(due).promote, Some(vec![]));
    assert_eq!(seeks(&mut failed, due), [seek(None, None)]);
    let mut missed = sought();
    missed.missed_changes(due);
    assert_eq!(missed.step(due).promote, Some(vec![]));
    assert_eq!(seeks(&mut missed, due), []);
    assert_eq!(seeks(&mut missed, due.plus(SEARCH_EVERY)), [seek(None, None)]);
}
