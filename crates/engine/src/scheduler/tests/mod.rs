//! Leases, relays and their rates; the other tests of the scheduler are in the modules.

mod outages;
mod probes;
mod waits;
mod waking;

use std::sync::Arc;

use postroom_domain::health::{FailedAt, HealthState};
use postroom_domain::{LearntLimits, Rates, RelayAccount, UserId};
use postroom_smtp::client::LocalFault;
use postroom_store::Want;

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
