use std::sync::Arc;

use postroom_domain::health::{FailedAt, HealthState};
use postroom_domain::{LearntLimits, Rates, RelayAccount, UserId};
use postroom_smtp::client::LocalFault;

use super::*;
use crate::delivery::{LocalTrouble, RelayFailure};
use crate::relay::Account;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
const ROUTE: RouteId = RouteId::SERVER;
const FIRST: RelayId = RelayId(1);
const SECOND: RelayId = RelayId(2);

fn limits(id: RelayId, connections: u32) -> RelayLimits {
    RelayLimits {
        id,
        connections,
        rates: Rates::default(),
        account: account(),
    }
}

fn account() -> Arc<Account> {
    let name = RelayAccount {
        host: "smtp.example.com".to_owned(),
        port: 25,
        user: String::new(),
    };
    Arc::new(Account::new(name, LearntLimits::default()))
}

fn with(relays: &[RelayLimits]) -> Scheduler {
    let patience = Patience {
        max_wait: Duration::from_hours(24),
        early: 5,
    };
    let policy = HealthPolicy::default();
    let mut scheduler = Scheduler::new(policy, Sending::On, patience, Pace::default(), NOW);
    scheduler.set_route(ROUTE, relays, NOW);
    scheduler
}

fn scheduler() -> Scheduler {
    with(&[limits(FIRST, 10)])
}

fn grant(relay: RelayId, n: u32) -> Grant {
    Grant {
        want: Want { route: ROUTE, n },
        relay,
        suits: Suits::Any,
    }
}

fn id(n: i64) -> MessageId {
    MessageId::from_ord(n)
}

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn fail(scheduler: &mut Scheduler, n: i64, at: Timestamp) -> Option<HealthEdge> {
    fail_at(scheduler, FIRST, n, at)
}

fn fail_at(scheduler: &mut Scheduler, relay: RelayId, n: i64, at: Timestamp) -> Option<HealthEdge> {
    let failed = Signal::Failed(RelayFailure {
        sender: UserId(n),
        at: FailedAt::Session,
        reply: Reply::none("lost"),
    });
    scheduler.ended(relay, id(n), &failed, at, Chance::EVEN)
}

fn seek(behind: Option<i64>, not_of: Option<i64>) -> SeekProbe {
    SeekProbe {
        route: ROUTE,
        behind: behind.map(id),
        not_of: not_of.map(UserId),
        attempts_below: 5,
        since_before: None,
    }
}

fn take_down(scheduler: &mut Scheduler) {
    scheduler.leased(grant(FIRST, 20), &[id(1), id(2), id(3)], NOW);
    assert_eq!(fail(scheduler, 1, NOW), None);
    assert_eq!(fail(scheduler, 2, NOW), None);
    assert!(matches!(
        fail(scheduler, 3, NOW),
        Some(HealthEdge::WentDown { .. })
    ));
}

fn down() -> Scheduler {
    let mut scheduler = scheduler();
    take_down(&mut scheduler);
    scheduler
}

#[test]
fn leases_two_messages_for_each_connection_and_no_more() {
    let mut scheduler = scheduler();
    assert_eq!(scheduler.step(NOW).grants, [grant(FIRST, 20)]);
    scheduler.leased(grant(FIRST, 20), &(0..20).map(id).collect::<Vec<_>>(), NOW);
    assert_eq!(scheduler.step(NOW).grants, []);
    scheduler.ended(FIRST, id(0), &Signal::Answered, NOW, Chance::EVEN);
    assert_eq!(scheduler.step(NOW).grants, [grant(FIRST, 1)]);
}

#[test]
fn empty_queue_is_not_asked_again_before_something_came() {
    let mut scheduler = scheduler();
    scheduler.step(NOW);
    scheduler.leased(grant(FIRST, 20), &[], NOW);
    assert_eq!(scheduler.step(NOW).grants, []);
    scheduler.mail_arrived();
    assert_eq!(scheduler.step(NOW).grants.len(), 1);
}

#[test]
fn down_relay_gets_nothing_until_its_probe_is_due_and_then_one() {
    let mut scheduler = down();
    scheduler.look_anew(after(29));
    let step = scheduler.step(after(29));
    assert_eq!((step.grants, step.promote), (vec![], Some(vec![ROUTE])));
    let due = after(30);
    scheduler.look_anew(due);
    let step = scheduler.step(due);
    assert_eq!((step.grants, step.promote), (vec![grant(FIRST, 1)], Some(vec![])));
    scheduler.leased(grant(FIRST, 1), &[id(7)], due);
    assert_eq!(scheduler.step(due).grants, []);
    assert!(matches!(
        scheduler.ended(FIRST, id(7), &Signal::Answered, due, Chance::EVEN),
        Some(HealthEdge::CameUp { .. })
    ));
    // The load ramps: one connection at first.
    assert_eq!(scheduler.step(due).grants, [grant(FIRST, 2)]);
}

#[test]
fn due_probe_that_finds_nothing_ready_seeks_a_deferred_message_once() {
    let mut scheduler = down();
    let due = after(30);
    scheduler.look_anew(due);
    assert_eq!(scheduler.step(due).grants, [grant(FIRST, 1)]);
    scheduler.leased(grant(FIRST, 1), &[], due);
    let step = scheduler.step(due);
    assert_eq!(step.seek_probe, [seek(None, None)]);
    let nothing = Promoted {
        moved: 0,
        next_due: None,
    };
    scheduler.promoted(nothing, due);
    scheduler.settled(Settled::default(), due);
    let again = scheduler.step(due);
    assert_eq!(again.seek_probe, []);
    assert!(scheduler.wake_at(due) > due, "nothing to do is no reason to spin");
    // What was found probes; where it fails, the next probe seeks the message behind it.
    scheduler.look_anew(due);
    scheduler.leased(grant(FIRST, 1), &[id(2)], due);
    fail(&mut scheduler, 2, due);
    let next = after(30 + 61);
    scheduler.look_anew(next);
    scheduler.step(next);
    scheduler.leased(grant(FIRST, 1), &[], next);
    assert_eq!(scheduler.step(next).seek_probe, [seek(Some(2), None)]);
}

#[test]
fn mail_that_begins_to_wait_is_sought_though_nothing_was_found_before() {
    let mut scheduler = down();
    let due = after(30);
    scheduler.step(due);
    scheduler.leased(grant(FIRST, 1), &[], due);
    assert_eq!(scheduler.step(due).seek_probe, [seek(None, None)]);
    assert_eq!(scheduler.step(due).seek_probe, []);
    scheduler.falls_due(after(90), &BTreeSet::from([ROUTE]));
    assert_eq!(scheduler.step(due).seek_probe, [], "not at every commit");
    let later = after(40);
    assert!(scheduler.wake_at(due) <= later);
    scheduler.step(later);
    scheduler.leased(grant(FIRST, 1), &[], later);
    assert_eq!(scheduler.step(later).seek_probe, [seek(None, None)]);
    assert_eq!(scheduler.step(later).seek_probe, []);
}

#[test]
fn relays_that_are_all_down_are_probed_in_turn() {
    let mut scheduler = with(&[limits(FIRST, 10), limits(SECOND, 10)]);
    take_down(&mut scheduler);
    scheduler.leased(grant(SECOND, 20), &[id(4), id(5), id(6)], NOW);
    for n in 4..=6 {
        fail_at(&mut scheduler, SECOND, n, NOW);
    }
    let due = after(300);
    scheduler.mail_arrived();
    let grants = [grant(FIRST, 1), grant(SECOND, 1)];
    assert_eq!(scheduler.step(due).grants, grants);
    scheduler.leased(grant(FIRST, 1), &[id(9)], due);
    fail(&mut scheduler, 9, due);
    let next = after(600);
    scheduler.mail_arrived();
    assert_eq!(
        scheduler.step(next).grants,
        [grants[1], grants[0]],
        "whose probe is due for longest"
    );
}

#[test]
fn probe_behind_one_senders_mail_is_another_senders_where_there_is_one() {
    let mut scheduler = down();
    let due = after(30);
    scheduler.leased(grant(FIRST, 1), &[id(4)], due);
    let hangs_up = Signal::Failed(RelayFailure {
        sender: UserId(4),
        at: FailedAt::Content,
        reply: Reply::none("lost"),
    });
    scheduler.ended(FIRST, id(4), &hangs_up, due, Chance::EVEN);
    let next = after(30 + 61);
    scheduler.look_anew(next);
    let step = scheduler.step(next);
    assert_eq!(step.seek_probe, [seek(Some(4), Some(4))]);
    assert_eq!(step.grants, [], "what is ready would come first");
    // Found or not, the probe starts: there may be nobody else's mail.
    assert_eq!(scheduler.step(next).seek_probe, []);
    assert_eq!(scheduler.step(next).grants, [grant(FIRST, 1)]);
    scheduler.leased(grant(FIRST, 1), &[], next);
    let step = scheduler.step(next);
    assert_eq!(step.seek_probe, [seek(Some(4), None)], "the same sender's, then");
    assert_eq!(scheduler.step(next).seek_probe, []);
}

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
fn relay_that_is_up_seeks_no_probe() {
    let mut scheduler = scheduler();
    scheduler.leased(grant(FIRST, 20), &[], NOW);
    assert_eq!(scheduler.step(NOW).seek_probe, []);
}

#[test]
fn second_relay_takes_over_while_the_first_is_down_and_gives_back() {
    let mut scheduler = with(&[limits(FIRST, 10), limits(SECOND, 4)]);
    assert_eq!(scheduler.step(NOW).grants, [grant(FIRST, 20)]);
    take_down(&mut scheduler);
    let step = scheduler.step(NOW);
    assert_eq!(
        (step.grants, step.promote),
        (vec![grant(SECOND, 8)], Some(vec![]))
    );
    scheduler.look_anew(after(31));
    let probe = Grant {
        suits: Suits::Untried,
        ..grant(FIRST, 1)
    };
    assert_eq!(
        scheduler.step(after(31)).grants,
        [probe, grant(SECOND, 8)],
        "the first's probe comes first"
    );
    scheduler.leased(grant(FIRST, 1), &[id(9)], after(31));
    scheduler.ended(FIRST, id(9), &Signal::Answered, after(31), Chance::EVEN);
    assert_eq!(scheduler.step(after(31)).grants, [grant(FIRST, 2)]);
}

#[test]
fn relay_is_not_probed_while_the_one_that_serves_can_take_nothing() {
    let mut scheduler = with(&[limits(FIRST, 10), limits(SECOND, 1)]);
    take_down(&mut scheduler);
    scheduler.leased(grant(SECOND, 2), &[id(4), id(5)], NOW);
    scheduler.look_anew(after(31));
    assert_eq!(
        scheduler.step(after(31)).grants,
        [],
        "what suits no probe could go nowhere"
    );
    scheduler.ended(SECOND, id(4), &Signal::Answered, after(31), Chance::EVEN);
    let grants = scheduler.step(after(31)).grants;
    assert_eq!(
        grants.iter().map(|grant| grant.relay).collect::<Vec<_>>(),
        [FIRST, SECOND]
    );
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
fn rates_limit_what_is_leased_and_free_it_again() {
    let rates = Rates {
        per_minute: Some(3),
        per_hour: None,
    };
    let mut scheduler = with(&[RelayLimits {
        rates,
        ..limits(FIRST, 10)
    }]);
    assert_eq!(scheduler.step(NOW).grants, [grant(FIRST, 3)]);
    scheduler.leased(grant(FIRST, 3), &[id(1), id(2), id(3)], NOW);
    for n in 1..=3 {
        scheduler.ended(FIRST, id(n), &Signal::Answered, NOW, Chance::EVEN);
    }
    assert_eq!(scheduler.step(after(59)).grants, []);
    assert_eq!(scheduler.step(after(61)).grants, [grant(FIRST, 3)]);
}

#[test]
fn message_given_back_untried_costs_no_rate() {
    let rates = Rates {
        per_minute: Some(1),
        per_hour: None,
    };
    let mut scheduler = with(&[RelayLimits {
        rates,
        ..limits(FIRST, 10)
    }]);
    scheduler.leased(grant(FIRST, 1), &[id(1)], NOW);
    scheduler.ended(FIRST, id(1), &Signal::Untried, NOW, Chance::EVEN);
    assert_eq!(scheduler.step(NOW).grants, [grant(FIRST, 1)]);
}

#[test]
fn changed_relay_that_was_down_is_probed_at_once_and_comes_up_once() {
    let mut scheduler = down();
    scheduler.set_route(ROUTE, &[limits(SECOND, 10)], NOW);
    assert_eq!(scheduler.step(NOW).grants, [grant(SECOND, 1)]);
    scheduler.leased(grant(SECOND, 1), &[id(7)], NOW);
    assert_eq!(
        scheduler.ended(FIRST, id(3), &Signal::Answered, NOW, Chance::EVEN),
        None,
        "what the old relay's connections still say is nothing about the new one"
    );
    let edge = scheduler.ended(SECOND, id(7), &Signal::Answered, NOW, Chance::EVEN);
    assert!(matches!(edge, Some(HealthEdge::CameUp { down_since: NOW, .. })));
}

#[test]
fn changed_relay_that_was_up_stays_up() {
    let mut scheduler = scheduler();
    scheduler.set_route(ROUTE, &[limits(SECOND, 5)], NOW);
    let health: Vec<_> = scheduler
        .health()
        .map(|(_, id, health)| (id, health.state()))
        .collect();
    assert_eq!(health, [(SECOND, HealthState::Up)]);
    assert_eq!(scheduler.step(NOW).grants, [grant(SECOND, 10)]);
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
fn relay_without_connections_gets_nothing() {
    let mut scheduler = with(&[limits(FIRST, 0)]);
    assert_eq!(scheduler.step(NOW).grants, []);
}

fn cannot_connect(fault: LocalFault) -> Signal {
    Signal::Local(LocalTrouble {
        fault,
        text: Reply::none("too many open files"),
    })
}

#[test]
fn local_fault_pauses_the_relay_and_touches_no_health() {
    let mut scheduler = scheduler();
    let mut now = NOW;
    let no_files = cannot_connect(LocalFault::Resources);
    for pause in [1, 2, 4, 8, 16, 30, 30] {
        scheduler.leased(grant(FIRST, 20), &[id(1), id(2), id(3), id(4)], now);
        for n in 1..5 {
            assert_eq!(scheduler.ended(FIRST, id(n), &no_files, now, Chance::EVEN), None);
        }
        let step = scheduler.step(now);
        assert_eq!(step.grants, []);
        assert!(scheduler.local_trouble(FIRST).is_some());
        now = now.plus(Duration::from_secs(pause));
        assert_eq!(scheduler.step(now).grants, [grant(FIRST, 20)], "after {pause} s");
    }
    scheduler.leased(grant(FIRST, 20), &[id(1)], now);
    scheduler.ended(FIRST, id(1), &Signal::Answered, now, Chance::EVEN);
    assert_eq!(scheduler.local_trouble(FIRST), None);
    scheduler.mail_arrived();
    assert_eq!(scheduler.step(now).grants, [grant(FIRST, 20)]);
}

#[test]
fn network_that_is_missing_for_long_is_told_as_an_outage() {
    let mut scheduler = scheduler();
    let no_network = cannot_connect(LocalFault::Network);
    let mut gone = |minutes: u64, n: i64| {
        let now = NOW.plus(Duration::from_mins(minutes));
        scheduler.leased(grant(FIRST, 20), &[id(n)], now);
        scheduler.ended(FIRST, id(n), &no_network, now, Chance::EVEN)
    };
    assert!((0..10).all(|minute| gone(minute, 1).is_none()));
    assert!(gone(10, 1).is_none() && gone(10, 2).is_none());
    assert!(matches!(gone(11, 3), Some(HealthEdge::WentDown { .. })));
}

#[test]
fn smallest_step_has_room_for_a_probe_beside_the_relay_that_serves() {
    let mut scheduler = with(&[limits(FIRST, 10), limits(SECOND, 10)]);
    scheduler.pace.step = 1;
    take_down(&mut scheduler);
    let due = after(60);
    scheduler.look_anew(due);
    let grants = scheduler.step(due).grants;
    let relays: Vec<_> = grants.iter().map(|grant| grant.relay).collect();
    assert_eq!(relays, [FIRST, SECOND], "the first is Down and its probe is due");
}

#[test]
fn relay_that_is_down_is_not_probed_while_the_one_that_serves_has_no_room() {
    let mut scheduler = with(&[limits(FIRST, 10), limits(SECOND, 1)]);
    take_down(&mut scheduler);
    let due = after(60);
    scheduler.look_anew(due);
    let grants = scheduler.step(due).grants;
    let suits: Vec<_> = grants.iter().map(|grant| grant.suits).collect();
    assert_eq!(suits, [Suits::Untried, Suits::Any]);
    // Only mail that was tried: all of it is the serving relay's.
    scheduler.leased(grants[0], &[], due);
    scheduler.leased(grants[1], &[id(4), id(5), id(6)], due);
    assert_eq!(scheduler.step(due).grants, []);
    scheduler.ended(SECOND, id(4), &Signal::Answered, due, Chance::EVEN);
    assert_eq!(
        scheduler.step(due).grants,
        [],
        "it has two for its one connection"
    );
    scheduler.ended(SECOND, id(5), &Signal::Answered, due, Chance::EVEN);
    assert_eq!(
        scheduler.step(due).grants.len(),
        2,
        "and goes on without a notice"
    );
}
