//! Drafts: their owner's alone.

use postroom_domain::{Timestamp, UserId};
use postroom_store::{DRAFTS_MAX, DraftId, NewDraft, StoreError};

use super::Harness;

const MINE: UserId = UserId(7);
const OTHER: UserId = UserId(8);

const fn at(second: i64) -> Timestamp {
    Timestamp::from_micros((1_795_000_000 + second) * 1_000_000)
}

fn draft(subject: &str) -> NewDraft {
    NewDraft {
        subject: subject.to_owned(),
        to: "client@example.com".to_owned(),
        body: format!("{{\"subject\":\"{subject}\"}}"),
    }
}

pub(crate) async fn draft_comes_back_as_it_was_kept(h: &mut impl Harness) {
    let store = h.store();
    let first = store
        .add_draft(MINE, draft("first"), at(1))
        .await
        .unwrap()
        .unwrap();
    let second = store
        .add_draft(MINE, draft("second"), at(2))
        .await
        .unwrap()
        .unwrap();
    let version = store.change_draft(MINE, first, 1, draft("changed"), at(3)).await;
    assert_eq!(version.unwrap(), 2);
    h.reopen().await;
    let store = h.store();
    let rows = store.drafts(MINE).await.unwrap();
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (row.id, row.subject.as_str(), row.updated_at, row.size_bytes))
        .collect();
    assert_eq!(
        shown,
        [(first, "changed", at(3), 21), (second, "second", at(2), 20)],
        "the latest first"
    );
    let kept = store.draft(MINE, first).await.unwrap().unwrap();
    assert_eq!(
        (kept.body.as_str(), kept.version),
        ("{\"subject\":\"changed\"}", 2)
    );
    assert!(store.remove_draft(MINE, first).await.unwrap());
    assert!(!store.remove_draft(MINE, first).await.unwrap());
    assert_eq!(store.draft(MINE, first).await.unwrap(), None);
}

pub(crate) async fn draft_of_another_is_like_none(h: &mut impl Harness) {
    let store = h.store();
    let mine = store
        .add_draft(MINE, draft("mine"), at(1))
        .await
        .unwrap()
        .unwrap();
    for id in [mine, DraftId(999)] {
        assert_eq!(store.draft(OTHER, id).await.unwrap(), None);
        assert!(!store.remove_draft(OTHER, id).await.unwrap());
        let changed = store.change_draft(OTHER, id, 1, draft("theirs"), at(2)).await;
        assert!(
            matches!(changed, Err(StoreError::Missing("draft"))),
            "{changed:?}"
        );
    }
    assert!(store.drafts(OTHER).await.unwrap().is_empty());
    let kept = store.draft(MINE, mine).await.unwrap().unwrap();
    assert_eq!((kept.body, kept.version), (draft("mine").body, 1));
}

pub(crate) async fn draft_made_from_another_version_changes_nothing(h: &mut impl Harness) {
    let store = h.store();
    let mine = store
        .add_draft(MINE, draft("mine"), at(1))
        .await
        .unwrap()
        .unwrap();
    for from in [0, 2] {
        let stale = store.change_draft(MINE, mine, from, draft("stale"), at(2)).await;
        assert!(matches!(stale, Err(StoreError::Stale("draft"))), "{stale:?}");
    }
    assert_eq!(store.drafts(MINE).await.unwrap()[0].updated_at, at(1));
    assert_eq!(
        store.draft(MINE, mine).await.unwrap().unwrap().body,
        draft("mine").body
    );
}

pub(crate) async fn person_keeps_a_hundred_drafts_and_no_more(h: &mut impl Harness) {
    let store = h.store();
    let mut first = None;
    for _ in 0..DRAFTS_MAX {
        let id = store.add_draft(MINE, draft("one"), at(1)).await.unwrap().unwrap();
        first.get_or_insert(id);
    }
    assert_eq!(
        store.add_draft(MINE, draft("too many"), at(2)).await.unwrap(),
        None
    );
    assert!(
        store
            .add_draft(OTHER, draft("theirs"), at(2))
            .await
            .unwrap()
            .is_some()
    );
    assert!(store.remove_draft(MINE, first.unwrap()).await.unwrap());
    let next = store
        .add_draft(MINE, draft("fits"), at(3))
        .await
        .unwrap()
        .unwrap();
    assert_ne!(Some(next), first, "a number is never given twice");
}
