//! Layouts of people and offices (Q2).

use postroom_domain::{Layout, OfficeId, SortKey, SortOrder, Timestamp, UserId};
use postroom_store::{Actor, AuditAction, AuditNote, AuditView, LayoutOf, StoreError};

use super::Harness;

const AT: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);

fn layout(width_px: u32) -> Layout {
    Layout::new(
        [("subject", width_px), ("date", 90)],
        ("size", SortOrder::Ascending),
    )
    .unwrap()
}

fn note() -> AuditNote {
    AuditNote::by(Actor::User(UserId(7)))
}

pub(crate) async fn layout_comes_back_as_it_was_kept(h: &mut impl Harness) {
    let mine = LayoutOf::Person(UserId(7));
    let offices = LayoutOf::Office(OfficeId(7));
    let store = h.store();
    assert_eq!(store.layout(mine).await.unwrap(), None);
    assert_eq!(
        store.set_layout(mine, layout(100), 0, AT, note()).await.unwrap(),
        1
    );
    assert_eq!(store.layout(offices).await.unwrap(), None);
    assert_eq!(
        store.set_layout(mine, layout(200), 1, AT, note()).await.unwrap(),
        2
    );
    h.reopen().await;
    let kept = h.store().layout(mine).await.unwrap().unwrap();
    assert_eq!((kept.layout.clone(), kept.version), (layout(200), 2));
    assert_eq!(kept.layout.sort(), (SortKey::Size, SortOrder::Ascending));
    assert!(h.store().clear_layout(mine).await.unwrap());
    assert!(!h.store().clear_layout(mine).await.unwrap());
    assert_eq!(h.store().layout(mine).await.unwrap(), None);
}

pub(crate) async fn layout_made_from_another_version_changes_nothing(h: &mut impl Harness) {
    let mine = LayoutOf::Person(UserId(7));
    let store = h.store();
    store.set_layout(mine, layout(100), 0, AT, note()).await.unwrap();
    for from in [0, 2] {
        let stale = store.set_layout(mine, layout(300), from, AT, note()).await;
        assert!(matches!(stale, Err(StoreError::Stale("layout"))), "{stale:?}");
    }
    assert_eq!(store.layout(mine).await.unwrap().unwrap().layout, layout(100));
}

pub(crate) async fn layout_of_an_office_is_audited_and_a_persons_is_not(h: &mut impl Harness) {
    let store = h.store();
    let person = LayoutOf::Person(UserId(7));
    store
        .set_layout(person, layout(100), 0, AT, note())
        .await
        .unwrap();
    let office = LayoutOf::Office(OfficeId(3));
    store
        .set_layout(office, layout(100), 0, AT, note())
        .await
        .unwrap();
    let entries = store.audit_page(AuditView::Everything, None, 10).await.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].entry.action, AuditAction::LayoutChange);
    assert_eq!(entries[0].entry.office, Some(OfficeId(3)));
}
