//! What nodes measured of themselves.

use std::time::Duration;

use postroom_domain::{Figures, NodeSlot, Span, Step};
use postroom_store::{NewMessage, StoreError};

use super::Harness;
use crate::build::{anyone, at, deferred, join, lease, letter, operator, put, record};

const NODE: NodeSlot = NodeSlot(3);

fn step(seconds: i64, sent: u64) -> Step {
    Step {
        at: at(seconds),
        figures: Figures {
            waiting: 7,
            oldest: (sent > 1).then_some(Duration::from_millis(1_500)),
            accepted: 3,
            sent,
            failed: 1,
            latencies: [(40, sent), (200, 1)].into_iter().collect(),
        },
    }
}

pub(crate) async fn measured_steps_come_back_as_they_were_kept_last(h: &mut impl Harness) {
    let store = h.store();
    assert!(store.measured(NODE).await.unwrap().is_empty());
    let first = vec![
        (Span::Week, step(0, 1)),
        (Span::Hour, step(0, 1)),
        (Span::Hour, step(10, 2)),
    ];
    store.keep_measured(NODE, first, at(20)).await.unwrap();
    store
        .keep_measured(NodeSlot(4), vec![(Span::Hour, step(0, 9))], at(20))
        .await
        .unwrap();
    store
        .keep_measured(NODE, vec![(Span::Week, step(0, 5))], at(30))
        .await
        .unwrap();
    h.reopen().await;
    let expected = [
        (Span::Hour, step(0, 1)),
        (Span::Hour, step(10, 2)),
        (Span::Week, step(0, 5)),
    ];
    assert_eq!(h.store().measured(NODE).await.unwrap(), expected);
    let many = vec![(Span::Hour, step(0, 1)); 257];
    let refused = h.store().keep_measured(NODE, many, at(30)).await;
    assert!(matches!(refused, Err(StoreError::TooMuch(_))), "{refused:?}");
}

pub(crate) async fn steps_older_than_their_span_are_forgotten(h: &mut impl Harness) {
    let store = h.store();
    let old = vec![(Span::Hour, step(0, 1)), (Span::Day, step(0, 1))];
    store.keep_measured(NODE, old, at(10)).await.unwrap();
    let new = (Span::Hour, step(3_610, 2));
    store
        .keep_measured(NODE, vec![new.clone()], at(3_620))
        .await
        .unwrap();
    assert_eq!(
        store.measured(NODE).await.unwrap(),
        [new, (Span::Day, step(0, 1))]
    );
}

pub(crate) async fn longest_waiting_is_neither_held_nor_scheduled(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    assert_eq!(store.longest_waiting().await.unwrap(), None);
    let held = put(store, vec![letter(1)], at(1)).await;
    store.hold(&anyone(), &held, &operator(), at(2)).await.unwrap();
    let later = NewMessage {
        send_at: Some(at(9_000)),
        ..letter(1)
    };
    put(store, vec![later], at(3)).await;
    assert_eq!(store.longest_waiting().await.unwrap(), None);
    put(store, vec![letter(1)], at(4)).await;
    put(store, vec![letter(1)], at(5)).await;
    assert_eq!(store.longest_waiting().await.unwrap(), Some(at(4)));
    // On its way, and then put off: it waits all the same.
    let leased = lease(store, node, 1, at(6)).await;
    assert_eq!(store.longest_waiting().await.unwrap(), Some(at(4)));
    record(store, node, vec![deferred(&leased[0], at(7), at(60))], at(7)).await;
    assert_eq!(store.longest_waiting().await.unwrap(), Some(at(4)));
}
