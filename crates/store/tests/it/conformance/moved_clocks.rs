//! What becomes of waiting mail when the clock is moved, and when no server runs for a while.

use std::time::Duration;

use postroom_domain::{NodeSlot, Reply, RouteId};
use postroom_store::{EdgeWritten, Exhaust, RelayEdge, RelayTo, Store, WaitingMail};

use super::Harness;
use crate::build::{SLOT, assert_consistent, at, deferred, join, lease, letter, promote, put, record, row};

const DAY: i64 = 86_400;

pub(crate) async fn deferred_mail_has_the_rest_of_its_wait_where_a_start_finds_the_clock_set_back(
    h: &mut impl Harness,
) {
    let node = join(h.store()).await;
    let id = put(h.store(), vec![letter(1)], at(0)).await[0];
    let leased = lease(h.store(), node, 1, at(1)).await[0];
    record(h.store(), node, vec![deferred(&leased, at(1), at(61))], at(1)).await;
    h.store().heartbeat(node, at(21)).await.unwrap();
    h.reopen().await;
    h.store().join(SLOT, at(-DAY)).await.unwrap();
    let shown = row(h.store(), id).await.next_attempt_at;
    assert_eq!(shown, Some(at(40 - DAY)));
    assert_eq!(promote(h.store(), at(39 - DAY), vec![]).await.moved, 0);
    assert_eq!(promote(h.store(), at(40 - DAY), vec![]).await.moved, 1);
    assert_consistent(h.store()).await;
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
    h.store().heartbeat(node, at(100)).await.unwrap();
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

pub(crate) async fn node_that_starts_for_the_first_time_moves_nothing(h: &mut impl Harness) {
    let node = join(h.store()).await;
    put(h.store(), vec![letter(1)], at(0)).await;
    let leased = lease(h.store(), node, 1, at(1)).await[0];
    record(h.store(), node, vec![deferred(&leased, at(1), at(61))], at(1)).await;
    h.store().join(NodeSlot(7), at(-DAY)).await.unwrap();
    assert_eq!(promote(h.store(), at(60), vec![]).await.moved, 0);
    assert_eq!(promote(h.store(), at(61), vec![]).await.moved, 1);
}
