//! What was learnt of relays' limits.

use postroom_domain::{LimitValues, RelayAccount};
use postroom_store::StoredLimits;

use super::Harness;
use crate::build::at;

fn learnt(user: &str, connections: Option<u32>) -> StoredLimits {
    StoredLimits {
        account: RelayAccount {
            host: "smtp.example.com".to_owned(),
            port: 587,
            user: user.to_owned(),
        },
        values: LimitValues {
            connections,
            recipients: None,
            messages: connections,
            per_minute: Some(30),
        },
        changed_at: at(1),
    }
}

pub(crate) async fn limits_of_an_account_come_back_as_they_were_saved_last(h: &mut impl Harness) {
    let store = h.store();
    for limits in [learnt("a", Some(3)), learnt("b", None), learnt("a", Some(4))] {
        store.save_relay_limits(limits).await.unwrap();
    }
    h.reopen().await;
    let stored = h.store().relay_limits().await.unwrap();
    assert_eq!(stored, [learnt("a", Some(4)), learnt("b", None)]);
}

pub(crate) async fn account_without_limits_is_deleted(h: &mut impl Harness) {
    let store = h.store();
    store.save_relay_limits(learnt("a", Some(3))).await.unwrap();
    let none = StoredLimits {
        values: LimitValues::default(),
        ..learnt("a", None)
    };
    store.save_relay_limits(none).await.unwrap();
    assert_eq!(store.relay_limits().await.unwrap(), []);
}
