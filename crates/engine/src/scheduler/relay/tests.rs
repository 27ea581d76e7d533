use postroom_domain::{LearntLimits, LimitValues, RelayAccount, Throttle};

use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
const FIRST: RelayId = RelayId(1);
const SECOND: RelayId = RelayId(2);

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn account(connections: Option<u32>) -> Arc<Account> {
    let name = RelayAccount {
        host: "smtp.example.com".to_owned(),
        port: 25,
        user: String::new(),
    };
    let values = LimitValues {
        connections,
        ..LimitValues::default()
    };
    Arc::new(Account::new(name, LearntLimits::stored(values, NOW)))
}

fn limits(id: RelayId, connections: u32, account: &Arc<Account>) -> RelayLimits {
    RelayLimits {
        id,
        connections,
        rates: Rates::default(),
        account: Arc::clone(account),
    }
}

fn relay(connections: u32, rates: Rates) -> Relay {
    let limits = RelayLimits {
        rates,
        ..limits(FIRST, connections, &account(None))
    };
    Relay::new(limits, HealthPolicy::default())
}

fn go_down(relay: &mut Relay, now: Timestamp) {
    let error = Reply::none("lost");
    relay.health = RelayHealth::found_down(HealthPolicy::default(), now, error, now);
}

fn one_a_minute() -> Rates {
    Rates {
        per_minute: Some(1),
        per_hour: None,
    }
}

fn no_files() -> LocalTrouble {
    LocalTrouble {
        fault: LocalFault::Resources,
        text: Reply::none("too many open files"),
    }
}

#[test]
fn relay_is_probed_only_with_connections_and_nothing_in_hand() {
    let mut without = relay(0, Rates::default());
    let mut one = relay(1, Rates::default());
    for relay in [&mut without, &mut one] {
        assert!(!relay.wants_probe(NOW), "it is Up");
        go_down(relay, NOW);
    }
    assert!(!without.wants_probe(NOW));
    assert!(one.wants_probe(NOW));
    one.took(1, NOW);
    assert!(!one.wants_probe(NOW));
    one.ended(Tried::No, NOW);
    assert!(one.wants_probe(NOW));
    one.pause(&no_files(), NOW);
    assert!(!one.wants_probe(NOW), "this machine cannot connect");
}

#[test]
fn relay_is_looked_at_again_when_its_probe_is_due_or_its_rate_allows_more() {
    let mut relay = relay(1, one_a_minute());
    assert_eq!(relay.changes_at(NOW), None);
    relay.took(1, NOW);
    let rate = relay.rates.next_at(NOW).expect("used up");
    assert_eq!(relay.changes_at(NOW), Some(rate));
    go_down(&mut relay, after(90));
    assert_eq!(relay.changes_at(after(80)), Some(after(90)), "the probe's");
    assert_eq!(
        relay.changes_at(after(90)),
        None,
        "a probe that is due waits for mail"
    );
    go_down(&mut relay, after(10));
    assert_eq!(relay.changes_at(NOW), Some(rate), "the later of both");
}

#[test]
fn relay_is_looked_at_again_when_a_pause_ends() {
    let mut relay = relay(1, Rates::default());
    relay.pause(&no_files(), NOW);
    assert_eq!(relay.changes_at(NOW), Some(after(1)));
    assert_eq!(relay.changes_at(after(1)), None);
}

#[test]
fn relay_whose_own_pace_is_used_up_is_looked_at_every_second() {
    let account = account(None);
    let relay = Relay::new(limits(FIRST, 1, &account), HealthPolicy::default());
    let slot = account.connect(FIRST);
    slot.took(NOW);
    account.refused(Throttle::Pace, 0, NOW);
    assert_eq!(relay.changes_at(NOW), Some(after(1)), "the pause ends");
    assert_eq!(relay.capacity(NOW), 0);
    assert_eq!(
        relay.changes_at(after(1)),
        Some(after(2)),
        "one a minute, and that went"
    );
    assert_eq!(relay.capacity(after(1)), 0);
    assert_eq!(
        (relay.changes_at(after(62)), relay.capacity(after(62))),
        (None, 1)
    );
}

#[test]
fn relay_is_tried_for_twice_the_longest_wait_between_probes() {
    let policy = HealthPolicy::default();
    let mut relay = relay(1, Rates::default());
    assert!(!relay.is_tried(policy, NOW));
    relay.was_tried(NOW);
    let lately = after(20 * 60);
    assert!(relay.is_tried(policy, lately));
    assert!(!relay.is_tried(policy, lately.plus(Duration::from_micros(1))));
}

#[test]
fn time_in_which_nothing_was_sent_is_left_out_of_an_outage_alone() {
    let mut relay = relay(1, Rates::default());
    let minute = Duration::from_mins(1);
    relay.was_paused(minute, after(60));
    assert_eq!(relay.unserved, Duration::ZERO, "it is Up");
    go_down(&mut relay, after(60));
    relay.was_tried(after(60));
    relay.was_paused(minute, after(90));
    assert_eq!(
        relay.unserved,
        Duration::from_secs(30),
        "it began within the pause"
    );
    assert!(!relay.is_tried(HealthPolicy::default(), after(90)));
    relay.was_paused(minute, after(300));
    assert_eq!(relay.unserved, Duration::from_secs(90));
}

#[test]
fn clock_that_is_moved_leaves_the_rest_of_what_a_relay_waits_for() {
    let hour = 3_600_000_000;
    let mut relay = relay(1, one_a_minute());
    relay.took(1, NOW);
    relay.pause(&no_files(), NOW);
    relay.was_tried(NOW);
    relay.clock_moved(hour, NOW.moved(hour));
    assert!(relay.is_tried(HealthPolicy::default(), after(1_200).moved(hour)));
    assert!(relay.rates.next_at(after(50).moved(hour)).is_some());
    assert_eq!(relay.changes_at(NOW.moved(hour)), Some(after(1).moved(hour)));
}

#[test]
fn relay_that_is_used_no_more_leaves_its_share_of_the_account() {
    let account = account(Some(4));
    let policy = HealthPolicy::default();
    let mut first = Relay::new(limits(FIRST, 20, &account), policy);
    let mut second = Relay::new(limits(SECOND, 20, &account), policy);
    first.took(1, NOW);
    second.took(1, NOW);
    assert_eq!(second.allowed(NOW), 2);
    drop(first);
    assert_eq!(second.allowed(NOW), 4);
}
