//! What is known of relays over a stop, a pause, a moved clock and a wish to try them.

use super::*;

const HOUR: i64 = 3_600_000_000;

fn states(scheduler: &Scheduler) -> Vec<(RelayId, HealthState)> {
    scheduler
        .health()
        .map(|(_, id, health)| (id, health.state()))
        .collect()
}

#[test]
fn relay_that_was_down_at_the_last_stop_is_down_and_probed_at_once() {
    let mut scheduler = with(&[limits(FIRST, 10), limits(SECOND, 4)]);
    let unserved = Duration::from_mins(10);
    scheduler.found_down(SECOND, (NOW.moved(-HOUR), unserved), &Reply::none("lost"), NOW);
    assert_eq!(
        states(&scheduler),
        [(FIRST, HealthState::Up), (SECOND, HealthState::Down)]
    );
    assert_eq!(
        [FIRST, SECOND].map(|relay| scheduler.unserved(relay)),
        [Duration::ZERO, unserved]
    );
    assert!(scheduler.is_served(ROUTE), "by the first");
    scheduler.found_down(FIRST, (NOW, Duration::ZERO), &Reply::none("lost"), NOW);
    assert!(!scheduler.is_served(ROUTE));
    assert!(!scheduler.is_served(RouteId(7)), "there is no such route");
    // The longest due comes first; both are due now.
    assert_eq!(scheduler.step(NOW).grants, [grant(FIRST, 1), grant(SECOND, 1)]);
}

#[test]
fn route_that_is_removed_has_no_relay() {
    let mut scheduler = scheduler();
    scheduler.remove_route(ROUTE);
    assert_eq!(states(&scheduler), []);
    assert_eq!(scheduler.step(NOW).grants, []);
    assert_eq!(scheduler.connections_allowed(FIRST, NOW), 0);
}

#[test]
fn each_relay_has_its_own_connections_and_local_trouble() {
    let mut scheduler = with(&[limits(FIRST, 10), limits(SECOND, 4)]);
    let allowed = [FIRST, SECOND, RelayId(3)].map(|relay| scheduler.connections_allowed(relay, NOW));
    assert_eq!(allowed, [10, 4, 0]);
    let trouble = cannot_connect(LocalFault::Resources);
    scheduler.leased(grant(SECOND, 8), &[id(1)], NOW);
    scheduler.ended(SECOND, id(1), &trouble, NOW, Chance::EVEN);
    assert_eq!(scheduler.local_trouble(FIRST), None);
    assert_eq!(
        scheduler.local_trouble(SECOND),
        Some(&Reply::none("too many open files"))
    );
}

#[test]
fn relay_whose_mail_somebody_wants_tried_is_probed_now() {
    let mut scheduler = down();
    scheduler.step(after(5));
    scheduler.promoted(
        Promoted {
            moved: 0,
            next_due: None,
        },
        after(5),
    );
    scheduler.try_now(|route| route != ROUTE, after(5));
    assert_eq!(scheduler.step(after(5)).grants, [], "another route's");
    scheduler.try_now(|route| route == ROUTE, after(5));
    let step = scheduler.step(after(5));
    assert_eq!((step.grants, step.promote), (vec![grant(FIRST, 1)], Some(vec![])));
}

#[test]
fn relay_that_this_machine_could_not_reach_is_tried_now_where_somebody_wants_it() {
    let mut scheduler = scheduler();
    scheduler.leased(grant(FIRST, 20), &[id(1)], NOW);
    let trouble = cannot_connect(LocalFault::Resources);
    scheduler.ended(FIRST, id(1), &trouble, NOW, Chance::EVEN);
    assert_eq!(scheduler.step(NOW).grants, []);
    scheduler.try_now(|_| true, NOW);
    assert_eq!(scheduler.step(NOW).grants, [grant(FIRST, 20)]);
}

#[test]
fn relay_that_is_refused_waits_longer_and_is_never_down() {
    let mut scheduler = scheduler();
    let forbidden = cannot_connect(LocalFault::Permission);
    let mut now = NOW;
    for pause in [30, 60, 120, 240, 300, 300] {
        scheduler.leased(grant(FIRST, 20), &[id(1), id(2)], now);
        for n in 1..3 {
            assert_eq!(scheduler.ended(FIRST, id(n), &forbidden, now, Chance::EVEN), None);
        }
        let before = now.plus(Duration::from_secs(pause - 1));
        assert_eq!(scheduler.step(before).grants, [], "within {pause} s");
        now = now.plus(Duration::from_secs(pause));
        assert_eq!(scheduler.step(now).grants, [grant(FIRST, 20)], "after {pause} s");
    }
    // Its mail waits however long that lasts.
    now = now.plus(Duration::from_hours(24 * 30));
    scheduler.leased(grant(FIRST, 20), &[id(1)], now);
    scheduler.ended(FIRST, id(1), &forbidden, now, Chance::EVEN);
    let step = scheduler.step(now);
    assert_eq!((step.grants, step.exhaust), (vec![], vec![]));
    assert_eq!(states(&scheduler), [(FIRST, HealthState::Up)]);
}

#[test]
fn second_relay_serves_while_the_first_is_refused() {
    let mut scheduler = with(&[limits(FIRST, 10), limits(SECOND, 4)]);
    let forbidden = cannot_connect(LocalFault::Permission);
    scheduler.leased(grant(FIRST, 20), &[id(1)], NOW);
    scheduler.ended(FIRST, id(1), &forbidden, NOW, Chance::EVEN);
    assert_eq!(scheduler.step(NOW).grants, [grant(SECOND, 8)]);
    // The name of the first may have another address by then.
    assert_eq!(scheduler.step(after(30)).grants, [grant(FIRST, 20)]);
    scheduler.leased(grant(FIRST, 20), &[id(1)], after(30));
    scheduler.ended(FIRST, id(1), &Signal::Answered, after(30), Chance::EVEN);
    scheduler.mail_arrived();
    assert_eq!(scheduler.step(after(30)).grants, [grant(FIRST, 20)]);
}

/// The first relay is Down, and connections to the second are refused.
fn down_and_refused() -> Scheduler {
    let mut scheduler = with(&[limits(FIRST, 10), limits(SECOND, 4)]);
    take_down(&mut scheduler);
    scheduler.leased(grant(SECOND, 8), &[id(4)], NOW);
    let forbidden = cannot_connect(LocalFault::Permission);
    scheduler.ended(SECOND, id(4), &forbidden, NOW, Chance::EVEN);
    scheduler
}

#[test]
fn refused_second_relay_serves_nobody_while_the_first_is_down() {
    let mut scheduler = down_and_refused();
    assert!(!scheduler.is_served(ROUTE));
    let step = scheduler.step(after(1));
    assert_eq!((step.grants, step.promote), (vec![], Some(vec![ROUTE])));
    // Its pause is over: it is tried again, and the first one's probe is due.
    let tried: Vec<_> = scheduler
        .step(after(30))
        .grants
        .iter()
        .map(|grant| grant.relay)
        .collect();
    assert_eq!(tried, [FIRST, SECOND]);
}

#[test]
fn mail_of_a_relay_that_is_down_is_exhausted_though_a_refused_second_relay_is_up() {
    let mut scheduler = down_and_refused();
    let day = NOW.plus(Duration::from_hours(24));
    let early = day.minus(Duration::from_secs(1));
    scheduler.leased(grant(FIRST, 1), &[id(5)], early);
    fail(&mut scheduler, 5, early);
    assert_eq!(scheduler.step(early).exhaust, []);
    assert_eq!(scheduler.step(day).exhaust, [(ROUTE, NOW, Reply::none("lost"))]);
}

#[test]
fn outage_begins_when_the_second_relay_is_refused_that_served_until_then() {
    let mut scheduler = with(&[limits(FIRST, 10), limits(SECOND, 4)]);
    take_down(&mut scheduler);
    let later = after(20 * 3_600);
    scheduler.leased(grant(SECOND, 8), &[id(4)], later);
    let forbidden = cannot_connect(LocalFault::Permission);
    scheduler.ended(SECOND, id(4), &forbidden, later, Chance::EVEN);
    let day = after(86_400);
    scheduler.leased(grant(FIRST, 1), &[id(5)], day);
    fail(&mut scheduler, 5, day);
    assert_eq!(scheduler.step(day).exhaust, []);
    let over = later.plus(Duration::from_hours(24));
    scheduler.leased(grant(FIRST, 1), &[id(5)], over);
    fail(&mut scheduler, 5, over);
    assert_eq!(scheduler.step(over).exhaust.len(), 1);
}

#[test]
fn refusal_is_known_until_a_connection_is_made() {
    let mut scheduler = scheduler();
    let forbidden = cannot_connect(LocalFault::Permission);
    assert_eq!(scheduler.refusal(FIRST), None);
    for seconds in [0, 30] {
        scheduler.leased(grant(FIRST, 20), &[id(1)], after(seconds));
        scheduler.ended(FIRST, id(1), &forbidden, after(seconds), Chance::EVEN);
        assert_eq!(scheduler.refusal(FIRST).map(|(since, _)| since), Some(NOW));
    }
    scheduler.leased(grant(FIRST, 20), &[id(1)], after(90));
    scheduler.ended(FIRST, id(1), &Signal::Answered, after(90), Chance::EVEN);
    assert_eq!(scheduler.refusal(FIRST), None);
}

#[test]
fn network_that_is_missing_after_a_refusal_is_missing_since_then() {
    let mut scheduler = scheduler();
    let mut ends = |fault, at: u64| {
        scheduler.leased(grant(FIRST, 20), &[id(1)], after(at));
        scheduler.ended(FIRST, id(1), &cannot_connect(fault), after(at), Chance::EVEN);
    };
    ends(LocalFault::Permission, 0);
    ends(LocalFault::Network, 3_600);
    assert_eq!(scheduler.refusal(FIRST), None);
    // Had it been missing since the refusal, three messages now would take the relay Down.
    for n in 2..5 {
        scheduler.leased(grant(FIRST, 20), &[id(n)], after(3_601));
        let none = cannot_connect(LocalFault::Network);
        assert_eq!(
            scheduler.ended(FIRST, id(n), &none, after(3_601), Chance::EVEN),
            None
        );
    }
    assert_eq!(states(&scheduler), [(FIRST, HealthState::Up)]);
}

#[test]
fn pause_is_counted_until_now_and_from_where_the_store_holds_it() {
    let mut scheduler = down();
    let seconds = |scheduler: &mut Scheduler, at| scheduler.paused_for(after(at)).as_secs();
    assert_eq!(seconds(&mut scheduler, 5), 0, "mail is sent");
    scheduler.set_sending(Sending::Paused, after(10));
    assert_eq!(seconds(&mut scheduler, 40), 30);
    assert_eq!(seconds(&mut scheduler, 50), 40);
    scheduler.pause_recorded();
    assert_eq!(seconds(&mut scheduler, 55), 5);
    scheduler.set_sending(Sending::On, after(60));
    assert_eq!(seconds(&mut scheduler, 99), 10);
    assert_eq!(scheduler.unserved(FIRST), Duration::from_secs(50));
}

#[test]
fn start_while_sending_is_paused_counts_from_the_start() {
    let patience = scheduler().patience;
    let policy = HealthPolicy::default();
    let mut paused = Scheduler::new(policy, Sending::Paused, patience, Pace::default(), NOW);
    assert_eq!(paused.paused_for(after(7)), Duration::from_secs(7));
}

#[test]
fn relay_that_came_up_starts_its_next_outage_with_no_time_left_out() {
    let mut scheduler = scheduler();
    scheduler.found_down(FIRST, (NOW, Duration::from_mins(10)), &Reply::none("lost"), NOW);
    scheduler.leased(grant(FIRST, 1), &[id(1)], NOW);
    scheduler.ended(FIRST, id(1), &Signal::Answered, NOW, Chance::EVEN);
    assert_eq!(scheduler.unserved(FIRST), Duration::ZERO);
}

#[test]
fn probe_and_pause_come_after_the_rest_of_their_wait_where_the_clock_is_moved() {
    let mut scheduler = down();
    scheduler.clock_moved(HOUR, after(10).moved(HOUR));
    scheduler.look_anew(after(29).moved(HOUR));
    assert_eq!(scheduler.step(after(29).moved(HOUR)).grants, []);
    assert_eq!(scheduler.step(after(30).moved(HOUR)).grants, [grant(FIRST, 1)]);
    scheduler.set_sending(Sending::Paused, NOW);
    scheduler.clock_moved(HOUR, after(10).moved(HOUR));
    let paused = scheduler.paused_for(after(10).moved(HOUR));
    assert_eq!(paused, Duration::from_secs(10));
}

#[test]
fn clock_set_back_puts_off_neither_a_step_nor_a_search() {
    let mut scheduler = down();
    let due = after(30);
    scheduler.step(due);
    scheduler.leased(grant(FIRST, 1), &[], due);
    assert_eq!(scheduler.step(due).seek_probe.len(), 1);
    let back = due.moved(-HOUR);
    scheduler.clock_moved(-HOUR, back);
    let step = scheduler.step(back);
    assert_eq!((step.promote, step.settle), (Some(vec![]), true));
    scheduler.falls_due(back, &BTreeSet::from([ROUTE]));
    let again = back.plus(SEARCH_EVERY);
    scheduler.step(again);
    scheduler.leased(grant(FIRST, 1), &[], again);
    assert_eq!(scheduler.step(again).seek_probe.len(), 1);
}

#[test]
fn mail_of_another_sender_is_sought_whatever_attempts_it_had_where_one_senders_alone_failed() {
    let mut scheduler = scheduler();
    let hangs_up = Signal::Failed(RelayFailure {
        sender: UserId(4),
        at: FailedAt::Content,
        reply: Reply::none("lost"),
    });
    for (n, seconds) in [(1, 0), (2, 0), (3, 3_600)] {
        scheduler.leased(grant(FIRST, 20), &[id(n)], after(seconds));
        scheduler.ended(FIRST, id(n), &hangs_up, after(seconds), Chance::EVEN);
    }
    let due = after(3_630);
    scheduler.look_anew(due);
    let any_attempts = SeekProbe {
        attempts_below: u32::MAX,
        ..seek(None, Some(4))
    };
    assert_eq!(scheduler.step(due).seek_probe, [any_attempts]);
    scheduler.leased(grant(FIRST, 1), &[], due);
    assert_eq!(
        scheduler.step(due).seek_probe,
        [seek(None, None)],
        "of anybody, then"
    );
}
