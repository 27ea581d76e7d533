//! The audit log.

use postroom_domain::{OfficeId, UserId};
use postroom_store::{Actor, AuditAction, AuditEntry, AuditHead, AuditNote, AuditView, IdsDigest};

use super::Harness;
use crate::build::{anyone, at, letter, operator, put};

fn entry(n: u64, office: Option<i64>) -> AuditEntry {
    let note = AuditNote {
        actor: Actor::User(UserId(7)),
        reason: Some("moved".to_owned()),
    };
    let mut entry = AuditEntry::new(at(1), &note, AuditAction::LimitsChange, "limits").with("user", n);
    entry.office = office.map(OfficeId);
    entry
}

pub(crate) async fn action_leaves_one_entry_with_a_digest_of_what_was_done(h: &mut impl Harness) {
    let store = h.store();
    let ids = put(store, vec![letter(1), letter(1), letter(1)], at(0)).await;
    let asked = [ids[0], ids[2], postroom_domain::MessageId::from_ord(5)];
    store.delete(&anyone(), &asked, &operator(), at(3)).await.unwrap();
    let log = store.audit_page(AuditView::Everything, None, 10).await.unwrap();
    assert_eq!(log.len(), 1);
    let entry = &log[0].entry;
    assert_eq!(
        (entry.actor, entry.action),
        (Actor::Operator, AuditAction::Delete)
    );
    assert_eq!((entry.at, entry.count), (at(3), 2));
    assert_eq!(entry.ids_digest, Some(IdsDigest::of(&[ids[0], ids[2]]).0));
    assert!(
        entry.office.is_some(),
        "the office is known though the records are gone"
    );
}

pub(crate) async fn action_that_did_nothing_leaves_no_entry(h: &mut impl Harness) {
    let store = h.store();
    let unknown = [postroom_domain::MessageId::from_ord(5)];
    store
        .requeue(&anyone(), &unknown, &operator(), at(1))
        .await
        .unwrap();
    assert_eq!(
        store.audit_page(AuditView::Everything, None, 10).await.unwrap(),
        []
    );
}

pub(crate) async fn pages_go_from_new_to_old_and_an_office_has_its_own(h: &mut impl Harness) {
    let store = h.store();
    for n in 0..5 {
        store
            .append_audit(entry(n, Some(if n == 3 { 2 } else { 1 })))
            .await
            .unwrap();
    }
    store.append_audit(entry(5, None)).await.unwrap();
    let first = store.audit_page(AuditView::Everything, None, 4).await.unwrap();
    let numbers: Vec<_> = first.iter().map(|record| record.seq).collect();
    assert_eq!(numbers, [6, 5, 4, 3]);
    assert_eq!(
        first[1].entry,
        entry(4, Some(1)),
        "an entry comes back as it was written"
    );
    let rest = store.audit_page(AuditView::Everything, Some(3), 4).await.unwrap();
    assert_eq!(rest.iter().map(|record| record.seq).collect::<Vec<_>>(), [2, 1]);
    let own = store
        .audit_page(AuditView::Office(OfficeId(2)), None, 10)
        .await
        .unwrap();
    assert_eq!(own.iter().map(|record| record.seq).collect::<Vec<_>>(), [4]);
}

pub(crate) async fn chain_is_whole_after_a_kill(h: &mut impl Harness) {
    for n in 0..3 {
        h.store().append_audit(entry(n, None)).await.unwrap();
    }
    let before = h.store().verify_audit(None).await.unwrap();
    assert_eq!((before.entries, before.problems.len()), (3, 0));
    h.kill().await;
    h.store().append_audit(entry(3, None)).await.unwrap();
    let after = h.store().verify_audit(Some(before.head)).await.unwrap();
    assert_eq!((after.entries, after.problems.len()), (4, 0));
    let other = AuditHead {
        seq: 2,
        hash: [1; 32],
    };
    let report = h.store().verify_audit(Some(other)).await.unwrap();
    assert!(
        report.problems[0].contains("entry 2 is not the one"),
        "{report:?}"
    );
}
