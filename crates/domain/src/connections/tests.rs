//! Who is let in and who makes room, by examples and for all sequences.

use proptest::prelude::*;

use super::*;

type Table = ConnectionTable<u32>;

fn from(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

/// Lets a stranger in; the connections that were closed for it.
fn stranger(table: &mut Table, address: &str, value: u32) -> (ConnectionId, Vec<u32>) {
    let entered = table.enter(from(address), ConnectionClass::Stranger, value);
    let entered = entered.unwrap();
    (entered.id, entered.evicted)
}

/// Lets somebody in who signs in at once and begins a request.
fn worker(table: &mut Table, address: &str, value: u32) -> ConnectionId {
    let (id, _) = stranger(table, address, value);
    table.signed_in(id);
    table.set_activity(id, Activity::Busy);
    id
}

#[test]
fn shares_of_the_usual_places() {
    let limits = ConnectionLimits::of(4_096);
    let share = |connections_max, strangers_max| ConnectionShare {
        connections_max,
        strangers_max,
    };
    assert_eq!(limits.address, share(2_048, 1_024));
    assert_eq!(limits.network, share(3_072, 2_048));
    assert_eq!(limits.total, share(4_096, 3_072));
    let one = ConnectionLimits::of(0);
    assert_eq!([one.address, one.network, one.total], [share(1, 1); 3]);
    // Half of the largest number is not half of what it is times two.
    assert_eq!(
        ConnectionLimits::of(usize::MAX).address.connections_max,
        usize::MAX / 2
    );
}

#[test]
fn newcomer_takes_the_place_of_the_stranger_that_was_idle_longest() {
    let mut table = Table::new(ConnectionLimits::of(8));
    let (first, _) = stranger(&mut table, "192.0.2.1", 1);
    let (second, none) = stranger(&mut table, "192.0.2.1", 2);
    assert!(none.is_empty());
    // The first was served later, so the second has been idle longer.
    table.set_activity(second, Activity::Idle);
    table.set_activity(first, Activity::Idle);
    assert_eq!(stranger(&mut table, "192.0.2.1", 3).1, [2]);
}

#[test]
fn newcomer_without_a_request_yet_is_not_behind_older_requests() {
    let mut table = Table::new(ConnectionLimits::of(16));
    let slow = [1, 2, 3, 4].map(|value| stranger(&mut table, "192.0.2.1", value).0);
    for id in slow {
        table.set_activity(id, Activity::Busy);
    }
    let (newcomer, evicted) = stranger(&mut table, "192.0.2.1", 5);
    assert_eq!(evicted, [1]);
    // More requests that never end: the oldest of them make room, and the newcomer has time for its handshake.
    for (value, oldest) in [(6, 2), (7, 3), (8, 4)] {
        let (id, evicted) = stranger(&mut table, "192.0.2.1", value);
        table.set_activity(id, Activity::Busy);
        assert_eq!(evicted, [oldest]);
    }
    // Its first request begins: it has been here since it came.
    table.set_activity(newcomer, Activity::Busy);
    assert_eq!(stranger(&mut table, "192.0.2.1", 9).1, [5]);
}

#[test]
fn busy_stranger_makes_room_only_where_none_is_idle() {
    let mut table = Table::new(ConnectionLimits::of(8));
    stranger(&mut table, "192.0.2.1", 1);
    let (idle, _) = stranger(&mut table, "192.0.2.1", 2);
    table.set_activity(idle, Activity::Idle);
    assert_eq!(stranger(&mut table, "192.0.2.1", 3).1, [2]);
    assert_eq!(
        table.leave(idle),
        None,
        "it was forgotten when it had to make room"
    );
    assert_eq!(
        stranger(&mut table, "192.0.2.1", 5).1,
        [1],
        "where none is idle, the oldest makes room"
    );
    let (third, none) = stranger(&mut table, "198.51.100.1", 4);
    assert!(none.is_empty(), "another address has places of its own");
    assert_eq!(table.leave(third), Some(4));
    assert_eq!(table.count(ConnectionClass::Stranger), 2);
}

#[test]
fn strangers_of_one_address_leave_room_for_those_who_signed_in_from_there() {
    let mut table = Table::new(ConnectionLimits::of(40));
    for value in 0..100 {
        stranger(&mut table, "192.0.2.1", value);
    }
    assert_eq!(table.count(ConnectionClass::Stranger), 10);
    for value in 100..110 {
        worker(&mut table, "192.0.2.1", value);
    }
    for value in 200..300 {
        stranger(&mut table, "192.0.2.1", value);
    }
    assert_eq!(
        table.count(ConnectionClass::SignedIn),
        10,
        "nobody was closed for a stranger"
    );
}

#[test]
fn addresses_of_one_network_share_its_places() {
    let mut table = Table::new(ConnectionLimits::of(40));
    let evicted: usize = (0..40)
        .map(|n| stranger(&mut table, &format!("192.0.2.{n}"), n).1.len())
        .sum();
    assert_eq!((evicted, table.count(ConnectionClass::Stranger)), (20, 20));
    assert!(stranger(&mut table, "192.0.3.1", 100).1.is_empty());
    for n in 0..60 {
        stranger(&mut table, &format!("2001:db8:1:{n:x}::1"), n);
    }
    assert_eq!(
        table.count(ConnectionClass::Stranger),
        30,
        "a /48 has 20 of them, strangers in all have 30"
    );
}

#[test]
fn addresses_of_one_ipv6_network_count_as_one() {
    let mut table = Table::new(ConnectionLimits::of(4));
    stranger(&mut table, "2001:db8:1:2::1", 1);
    assert_eq!(stranger(&mut table, "2001:db8:1:2:ffff::9", 2).1, [1]);
    stranger(&mut table, "192.0.2.1", 3);
    assert_eq!(stranger(&mut table, "::ffff:192.0.2.1", 4).1, [3]);
}

#[test]
fn only_those_who_are_signed_in_and_busy_keep_somebody_out() {
    let mut table = Table::new(ConnectionLimits::of(8));
    let workers = [1, 2, 3, 4].map(|value| worker(&mut table, "192.0.2.1", value));
    let full = |table: &mut Table, address| table.enter(from(address), ConnectionClass::Stranger, 9).err();
    assert_eq!(full(&mut table, "192.0.2.1"), Some(ConnectionsFull::Address));
    worker(&mut table, "192.0.2.2", 5);
    worker(&mut table, "192.0.2.2", 6);
    assert_eq!(full(&mut table, "192.0.2.3"), Some(ConnectionsFull::Network));
    worker(&mut table, "198.51.100.1", 7);
    worker(&mut table, "198.51.100.1", 8);
    assert_eq!(full(&mut table, "203.0.113.1"), Some(ConnectionsFull::Total));
    let by_proxy = table.enter(None, ConnectionClass::SignedIn, 9);
    assert_eq!(by_proxy.unwrap_err(), ConnectionsFull::Total);
    table.set_activity(workers[2], Activity::Idle);
    assert_eq!(
        stranger(&mut table, "203.0.113.1", 9).1,
        [3],
        "one that is idle makes room"
    );
}

#[test]
fn clients_behind_a_proxy_are_not_one_address() {
    let mut table = Table::new(ConnectionLimits::of(8));
    for value in 0..8 {
        let entered = table.enter(None, ConnectionClass::SignedIn, value).unwrap();
        assert!(entered.evicted.is_empty());
    }
}

#[derive(Debug, Clone)]
enum Step {
    Enter(u8, ConnectionClass),
    SignIn(usize),
    Busy(usize),
    Idle(usize),
    Leave(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0u8..32).prop_map(|address| Step::Enter(address, ConnectionClass::Stranger)),
        1 => (0u8..32).prop_map(|address| Step::Enter(address, ConnectionClass::SignedIn)),
        4 => any::<usize>().prop_map(Step::SignIn),
        4 => any::<usize>().prop_map(Step::Busy),
        1 => any::<usize>().prop_map(Step::Idle),
        1 => any::<usize>().prop_map(Step::Leave),
    ];
    proptest::collection::vec(step, 1..200)
}

/// A connection as the test believes it to be.
#[derive(Debug, Clone, Copy)]
struct Believed {
    id: ConnectionId,
    address: u8,
    class: ConnectionClass,
    activity: Activity,
}

/// Strangers are opening, others have nothing under way.
fn at_first(class: ConnectionClass) -> Activity {
    match class {
        ConnectionClass::Stranger => Activity::Busy,
        ConnectionClass::SignedIn => Activity::Idle,
    }
}

/// Eight addresses in each of four networks; the last stands for a proxy.
fn address_of(n: u8) -> Option<IpAddr> {
    (n < 31).then(|| IpAddr::from([198, 51, n / 8, n % 8]))
}

fn counts(open: &HashMap<u32, Believed>, belongs: impl Fn(u8) -> bool) -> (usize, usize) {
    let here = || open.values().filter(|one| belongs(one.address));
    let strangers = here().filter(|one| one.class == ConnectionClass::Stranger);
    (here().count(), strangers.count())
}

proptest! {
    #[test]
    fn no_share_is_ever_exceeded_and_nobody_is_closed_out_of_turn(max in 1usize..40, steps in steps()) {
        let limits = ConnectionLimits::of(max);
        let mut table = Table::new(limits);
        let mut open: HashMap<u32, Believed> = HashMap::new();
        for (n, step) in (0u32..).zip(steps) {
            let mut named: Vec<u32> = open.keys().copied().collect();
            named.sort_unstable();
            let pick = |i: usize, named: &[u32]| named.get(i % named.len().max(1)).copied();
            match step {
                Step::Enter(address, class) => match table.enter(address_of(address), class, n) {
                    Ok(Entered { id, evicted }) => {
                        prop_assert!(evicted.len() <= 3);
                        for gone in evicted {
                            let was = open.remove(&gone).unwrap();
                            let makes_room = was.class == ConnectionClass::Stranger || was.activity == Activity::Idle;
                            prop_assert!(makes_room);
                        }
                        open.insert(n, Believed { id, address, class, activity: at_first(class) });
                    }
                    Err(_) => {
                        let groups: [(usize, &dyn Fn(u8) -> bool); 3] = [
                            (limits.address.connections_max, &|other| address < 31 && other == address),
                            (limits.network.connections_max, &|other| {
                                address < 31 && other < 31 && other / 8 == address / 8
                            }),
                            (limits.total.connections_max, &|_| true),
                        ];
                        let is_full = |(most, belongs): &(usize, &dyn Fn(u8) -> bool)| {
                            let mut here = open.values().filter(|one| belongs(one.address));
                            let busy = |one: &Believed| {
                                (one.class, one.activity) == (ConnectionClass::SignedIn, Activity::Busy)
                            };
                            here.clone().count() == *most && here.all(busy)
                        };
                        prop_assert!(groups.iter().any(is_full), "refused though somebody could make room");
                    }
                },
                Step::SignIn(i) => if let Some(one) = pick(i, &named).and_then(|name| open.get_mut(&name)) {
                    table.signed_in(one.id);
                    one.class = ConnectionClass::SignedIn;
                },
                Step::Busy(i) => if let Some(one) = pick(i, &named).and_then(|name| open.get_mut(&name)) {
                    table.set_activity(one.id, Activity::Busy);
                    one.activity = Activity::Busy;
                },
                Step::Idle(i) => if let Some(one) = pick(i, &named).and_then(|name| open.get_mut(&name)) {
                    table.set_activity(one.id, Activity::Idle);
                    one.activity = Activity::Idle;
                },
                Step::Leave(i) => if let Some(name) = pick(i, &named) {
                    let left = open.remove(&name).map(|one| table.leave(one.id));
                    prop_assert!(left.is_none_or(|left| left == Some(name)));
                },
            }
            let (all, strangers) = counts(&open, |_| true);
            prop_assert_eq!(table.count(ConnectionClass::Stranger), strangers);
            prop_assert_eq!(table.count(ConnectionClass::SignedIn), all - strangers);
            prop_assert!(all <= limits.total.connections_max && strangers <= limits.total.strangers_max);
            for address in 0..31 {
                let (all, strangers) = counts(&open, |other| other == address);
                let share = limits.address;
                prop_assert!(all <= share.connections_max && strangers <= share.strangers_max);
                let (all, strangers) = counts(&open, |other| other < 31 && other / 8 == address / 8);
                let share = limits.network;
                prop_assert!(all <= share.connections_max && strangers <= share.strangers_max);
            }
        }
        for one in open.values() {
            table.leave(one.id);
        }
        prop_assert!(table.open.is_empty() && table.groups.is_empty());
    }
}
