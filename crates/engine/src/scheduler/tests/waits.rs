//! What waits: for a relay, for its time, for the end of a pause.

use super::*;

#[test]
fn time_in_which_sending_was_paused_is_no_part_of_an_outage() {
    let day = 86_400;
    let mut scheduler = down();
    scheduler.set_sending(Sending::Paused, after(3_600));
    scheduler.set_sending(Sending::On, after(3 * day));
    assert_eq!(scheduler.step(after(3 * day)).exhaust, [], "it may be fit again");
    scheduler.leased(grant(FIRST, 1), &[id(9)], after(3 * day));
    fail(&mut scheduler, 9, after(3 * day));
    let over = 4 * day - 3_600;
    scheduler.leased(grant(FIRST, 1), &[id(9)], after(over - 9));
    fail(&mut scheduler, 9, after(over - 9));
    assert_eq!(scheduler.step(after(over - 1)).exhaust, []);
    assert_eq!(scheduler.step(after(over)).exhaust.len(), 1);
}

#[test]
fn step_comes_when_the_first_waiting_message_is_due_and_not_before() {
    let mut scheduler = scheduler();
    scheduler.step(NOW);
    scheduler.leased(grant(FIRST, 20), &[], NOW);
    let nothing = Promoted {
        moved: 0,
        next_due: None,
    };
    scheduler.promoted(nothing, NOW);
    scheduler.settled(Settled::default(), NOW);
    let due = NOW.plus(Duration::from_millis(400));
    assert!(scheduler.wake_at(NOW) > due);
    scheduler.falls_due(due, &BTreeSet::new());
    assert_eq!(scheduler.wake_at(NOW), due);
    assert_eq!(scheduler.step(due).promote, Some(vec![]));
}

#[test]
fn mail_of_a_route_that_was_down_is_made_ready_when_the_route_is_tried_again() {
    let mut scheduler = down();
    scheduler.look_anew(after(1));
    assert_eq!(scheduler.step(after(1)).promote, Some(vec![ROUTE]));
    let nothing = Promoted {
        moved: 0,
        next_due: None,
    };
    scheduler.leased(grant(FIRST, 1), &[], after(1));
    scheduler.promoted(nothing, after(30));
    assert_eq!(
        scheduler.step(after(30)).promote,
        Some(vec![]),
        "its probe is due"
    );
}

#[test]
fn mail_is_not_exhausted_while_a_second_relay_is_up() {
    let mut scheduler = with(&[limits(FIRST, 10), limits(SECOND, 4)]);
    take_down(&mut scheduler);
    assert!(scheduler.step(after(25 * 3_600)).exhaust.is_empty());
}

#[test]
fn mail_of_a_relay_that_stays_down_is_exhausted_after_max_wait_once_a_minute() {
    let mut scheduler = down();
    let day = NOW.plus(Duration::from_hours(24));
    let early = day.minus(Duration::from_secs(1));
    scheduler.leased(grant(FIRST, 1), &[id(4)], early);
    fail(&mut scheduler, 4, early);
    assert_eq!(scheduler.step(early).exhaust, []);
    assert_eq!(scheduler.step(day).exhaust, [(ROUTE, NOW, Reply::none("lost"))]);
    assert_eq!(scheduler.step(day).exhaust, []);
}

#[test]
fn mail_that_waited_too_long_tries_its_relay_before_it_fails() {
    let mut scheduler = down();
    let day = after(86_400);
    scheduler.step(day);
    scheduler.leased(grant(FIRST, 1), &[], day);
    let step = scheduler.step(day);
    assert_eq!(step.exhaust, [], "nothing tried the relay for hours");
    let sought = SeekProbe {
        since_before: Some(NOW),
        ..seek(None, None)
    };
    assert_eq!(step.seek_probe, [sought]);
    scheduler.leased(grant(FIRST, 1), &[id(4)], day);
    fail(&mut scheduler, 4, day);
    assert_eq!(scheduler.step(day).exhaust.len(), 1);
}

#[test]
fn held_mail_is_settled_at_the_days_start_and_while_there_is_more() {
    let mut scheduler = scheduler();
    assert!(scheduler.step(NOW).settle);
    let midnight = NOW.plus(Duration::from_millis(700));
    let waits = Settled {
        next_at: Some(midnight),
        ..Settled::default()
    };
    scheduler.settled(waits, NOW);
    let early = midnight.minus(Duration::from_millis(1));
    assert!(!scheduler.step(early).settle);
    assert!(scheduler.wake_at(early) <= midnight);
    assert!(scheduler.step(midnight).settle);
    let more = Settled { more: true, ..waits };
    scheduler.settled(more, midnight);
    assert!(scheduler.step(midnight).settle);
}

#[test]
fn paused_engine_leases_and_promotes_nothing() {
    let mut scheduler = scheduler();
    scheduler.set_sending(Sending::Paused, NOW);
    let step = scheduler.step(NOW);
    assert!(step.grants.is_empty() && step.promote.is_none());
}

#[test]
fn relay_that_was_tried_stays_tried_while_nothing_is_paused() {
    let mut scheduler = down();
    let day = NOW.plus(Duration::from_hours(24));
    let early = day.minus(Duration::from_secs(1));
    scheduler.leased(grant(FIRST, 1), &[id(4)], early);
    fail(&mut scheduler, 4, early);
    assert_eq!(scheduler.paused_for(early), Duration::ZERO);
    assert_eq!(scheduler.step(day).exhaust, [(ROUTE, NOW, Reply::none("lost"))]);
}
