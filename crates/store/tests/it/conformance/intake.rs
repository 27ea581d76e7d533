//! Mail coming in.

use postroom_domain::{MessageState, Scope};

use super::Harness;
use crate::build::{assert_consistent, at, lease, letter, put, record, sent};

pub(crate) async fn acknowledged_message_survives_reopening(h: &mut impl Harness) {
    let ids = put(h.store(), vec![letter(1), letter(2)], at(0)).await;
    h.reopen().await;
    for id in ids {
        assert!(
            h.store()
                .detail(&Scope::everything(), id)
                .await
                .unwrap()
                .is_some()
        );
    }
    assert_consistent(h.store()).await;
}

pub(crate) async fn acknowledged_message_survives_a_kill(h: &mut impl Harness) {
    let ids = put(h.store(), vec![letter(1), letter(2)], at(0)).await;
    let node = h.store().join(crate::build::SLOT, at(0)).await.unwrap();
    let leased = lease(h.store(), node, 1, at(0)).await;
    record(h.store(), node, vec![sent(&leased[0], at(1))], at(1)).await;
    h.kill().await;
    let first = h
        .store()
        .detail(&Scope::everything(), ids[0])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(first.row.state, MessageState::Sent);
    assert!(
        h.store()
            .detail(&Scope::everything(), ids[1])
            .await
            .unwrap()
            .is_some()
    );
    assert_consistent(h.store()).await;
}

pub(crate) async fn ids_ascend_in_the_order_of_commits(h: &mut impl Harness) {
    let first = put(h.store(), vec![letter(1), letter(2)], at(5)).await;
    // The clock goes back; ids do not, even over a restart.
    let second = put(h.store(), vec![letter(1)], at(0)).await;
    h.reopen().await;
    let third = put(h.store(), vec![letter(1)], at(0)).await;
    let all = [first, second, third].concat();
    assert!(all.is_sorted() && all.len() == 4, "{all:?}");
}
