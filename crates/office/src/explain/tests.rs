//! What is said of relays and of who holds mail back.

use std::time::Duration;

use postroom_domain::health::HealthState;
use postroom_domain::{Reply, RouteId, Timestamp};
use postroom_engine::{Place, RelayStatus};
use postroom_store::Waits;

use super::Holder;
use super::held::held_by;
use super::waiting::{gives_up_at, load, next_try, outage};

const NOON: Timestamp = Timestamp::from_micros(1_795_003_200_000_000);
const HOUR: Duration = Duration::from_hours(1);

fn relay(state: HealthState, since: Option<Timestamp>) -> RelayStatus {
    RelayStatus {
        route: RouteId::SERVER,
        place: Place::First,
        name: "main".to_owned(),
        address: "smtp.example.com:587".to_owned(),
        state,
        since,
        last_error: None,
        refused_since: None,
        next_probe_at: None,
        unserved: Duration::ZERO,
        full_load_at: None,
        connections: 3,
        limits: postroom_domain::LimitValues::default(),
        paused_until: None,
    }
}

fn waits(since: Timestamp) -> Waits {
    Waits {
        since,
        ahead: None,
        under_way_since: None,
    }
}

#[test]
fn wait_ends_counted_from_the_later_of_the_mail_and_the_outage() {
    let down = [relay(HealthState::Down, Some(NOON))];
    let day = HOUR * 24;
    assert_eq!(gives_up_at(waits(NOON.minus(HOUR)), &down, day), NOON.plus(day));
    assert_eq!(
        gives_up_at(waits(NOON.plus(HOUR)), &down, day),
        NOON.plus(HOUR + day)
    );
    // While one of two relays was up, mail did not wait for the other.
    let both = [
        relay(HealthState::Down, Some(NOON)),
        relay(HealthState::Probing, Some(NOON.plus(HOUR))),
    ];
    assert_eq!(gives_up_at(waits(NOON), &both, day), NOON.plus(HOUR + day));
    // Nor while the second could be connected to, whenever it had come up.
    let mut refused = relay(HealthState::Up, Some(NOON.minus(HOUR)));
    refused.refused_since = Some(NOON.plus(HOUR * 2));
    let both = [relay(HealthState::Down, Some(NOON)), refused];
    assert_eq!(gives_up_at(waits(NOON), &both, day), NOON.plus(HOUR * 2 + day));
}

#[test]
fn relay_that_is_down_says_since_when_why_and_when_it_is_tried() {
    let mut down = relay(HealthState::Down, Some(NOON));
    down.last_error = Some(Reply {
        code: 421,
        enhanced: None,
        text: "closing".to_owned(),
    });
    down.next_probe_at = Some(NOON.plus(HOUR));
    assert_eq!(
        outage(&down, NOON),
        [
            format!("the relay main is down since {NOON}: 421 closing"),
            format!("nothing tries the relay main before {}", NOON.plus(HOUR)),
        ]
    );
    let probing = outage(&relay(HealthState::Probing, Some(NOON)), NOON);
    assert_eq!(
        probing.last().map(String::as_str),
        Some("one message is trying the relay main right now")
    );
}

#[test]
fn time_without_a_server_moves_the_end_of_the_wait() {
    let mut down = relay(HealthState::Down, Some(NOON));
    down.unserved = HOUR * 5;
    assert_eq!(gives_up_at(waits(NOON), &[down], HOUR * 24), NOON.plus(HOUR * 29));
}

#[test]
fn next_try_is_the_earliest_probe_of_the_route() {
    let probed_at = |at| {
        let mut down = relay(HealthState::Down, Some(NOON));
        down.next_probe_at = Some(at);
        down
    };
    let both = [probed_at(NOON.plus(HOUR * 2)), probed_at(NOON.plus(HOUR))];
    assert_eq!(next_try(&both, NOON).1, Some(NOON.plus(HOUR)));
    assert_eq!(
        next_try(&both, NOON.plus(HOUR)),
        ("One message tries the server next", None)
    );
    let under_way = [
        probed_at(NOON.plus(HOUR)),
        relay(HealthState::Probing, Some(NOON)),
    ];
    assert_eq!(
        next_try(&under_way, NOON),
        ("One message is trying the server right now", None)
    );
}

#[test]
fn relay_that_came_up_says_until_when_its_load_grows() {
    let mut up = relay(HealthState::Up, Some(NOON));
    up.full_load_at = Some(NOON.plus(HOUR));
    assert_eq!(
        load(&up, NOON),
        format!(
            "the relay main is up again: its load grows until {}, with 3 connections open now",
            NOON.plus(HOUR)
        )
    );
    assert_eq!(
        load(&up, NOON.plus(HOUR)),
        "the relay main is up, with 3 connections open"
    );
}

#[test]
fn relay_that_this_server_cannot_connect_to_says_why() {
    let mut up = relay(HealthState::Up, None);
    up.last_error = Some(Reply::none("connections to 10.1.2.3 are not allowed"));
    assert_eq!(
        load(&up, NOON),
        "the relay main is not used at the moment: connections to 10.1.2.3 are not allowed"
    );
}

#[test]
fn holder_is_named_only_where_one_knows_them() {
    let named = held_by(&Holder::Person("Office Manager".to_owned()), NOON);
    assert_eq!(named, format!("held by Office Manager since {NOON}"));
    let unnamed = held_by(&Holder::Administrator, NOON);
    assert_eq!(unnamed, format!("held by an administrator since {NOON}"));
}
