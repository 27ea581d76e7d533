//! How far limits that were learnt are raised, and when.

use super::*;

fn learnt(throttle: Throttle, worked: u32) -> LearntLimits {
    let mut limits = LearntLimits::default();
    limits.refused(throttle, worked, START);
    limits.answered(START);
    limits
}

#[test]
fn pace_that_is_used_up_is_raised_by_a_tenth_after_two_quiet_minutes() {
    let mut limits = learnt(Throttle::Pace, 40);
    let mut use_up = |n, at| {
        limits.used(Throttle::Pace, n, None, after(at));
        limits.values().per_minute
    };
    assert_eq!(use_up(40, 119), Some(40));
    assert_eq!(use_up(39, 120), Some(40), "it is not used up");
    assert_eq!(use_up(40, 120), Some(44));
    assert_eq!(use_up(44, 239), Some(44));
    assert_eq!(use_up(44, 240), Some(48));
    let mut slow = learnt(Throttle::Pace, 9);
    slow.used(Throttle::Pace, 9, None, after(120));
    assert_eq!(slow.values().per_minute, Some(10), "by one at least");
}

#[test]
fn limit_of_recipients_is_forgotten_at_a_thousand_and_any_other_at_what_is_configured() {
    let hour = after(3_600);
    let mut many = learnt(Throttle::Recipients, 999);
    let mut fewer = learnt(Throttle::Recipients, 998);
    many.used(Throttle::Recipients, 999, Some(5), hour);
    fewer.used(Throttle::Recipients, 998, Some(5), hour);
    assert_eq!(
        (many.values().recipients, fewer.values().recipients),
        (None, Some(999))
    );
    let mut session = learnt(Throttle::Messages, 9);
    session.used(Throttle::Messages, 9, Some(10), hour);
    assert_eq!(session.values().messages, None);
    let mut unlimited = learnt(Throttle::Messages, 9);
    unlimited.used(Throttle::Messages, 9, None, hour);
    assert_eq!(unlimited.values().messages, Some(10));
}

#[test]
fn quiet_time_of_a_limit_that_stands_grows_to_an_hour() {
    let mut limits = learnt(Throttle::Connections, 3);
    let mut at = START;
    let mut waits = Vec::new();
    for _ in 0..12 {
        let mut seconds = 0;
        while limits.connections(20) == 3 {
            seconds += 5;
            limits.used(
                Throttle::Connections,
                3,
                Some(20),
                at.plus(Duration::from_secs(seconds)),
            );
        }
        at = at.plus(Duration::from_secs(seconds));
        waits.push(seconds);
        limits.refused(Throttle::Connections, 3, at);
        limits.answered(at);
    }
    assert_eq!(
        waits,
        [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600]
    );
}

#[test]
fn clock_that_is_moved_leaves_the_rest_of_each_wait() {
    let hour = 3_600_000_000;
    let mut limits = learnt(Throttle::Connections, 3);
    limits.refused(Throttle::Pace, 40, START);
    let moved = START.moved(-hour);
    limits.clock_moved(-hour, moved);
    assert_eq!(limits.paused_until(moved), Some(after(1).moved(-hour)));
    let use_up = |limits: &mut LearntLimits, seconds| {
        limits.used(Throttle::Connections, 3, Some(20), after(seconds).moved(-hour));
        limits.connections(20)
    };
    assert_eq!(use_up(&mut limits, 4), 3);
    assert_eq!(use_up(&mut limits, 5), 4);
}

#[test]
fn pause_noted_by_the_moved_clock_ends_no_later_than_one_that_begins_now() {
    let hour = 3_600_000_000;
    let moved = START.moved(hour);
    let mut limits = LearntLimits::default();
    limits.refused(Throttle::Pace, 40, moved);
    limits.clock_moved(hour, moved);
    assert_eq!(limits.paused_until(moved), Some(after(1).moved(hour)));
}
