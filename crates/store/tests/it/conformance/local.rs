//! Offices that send form letters from their own mail program (I7).

use postroom_domain::{OfficeId, RouteId, Timestamp};
use postroom_store::{Actor, AuditNote, AuditView, FormLetters, NewOffice, StoreError};

use super::Harness;
use crate::build::made;

const AT: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);

pub(crate) async fn office_that_sends_locally_is_kept_and_audited(h: &mut impl Harness) {
    let note = || AuditNote::by(Actor::Operator);
    let office = NewOffice {
        parent: None,
        name: "System Office".to_owned(),
        route: RouteId::SERVER,
    };
    let office = h.store().add_office(office, &made()).await.unwrap().id;
    assert!(h.store().offices_sending_locally().await.unwrap().is_empty());
    for _ in 0..2 {
        let set = h.store().set_form_letters(office, FormLetters::Local, AT, note());
        set.await.unwrap();
    }
    h.reopen().await;
    assert_eq!(h.store().offices_sending_locally().await.unwrap(), [office]);
    // Setting what is set already is no change.
    let entries = h
        .store()
        .audit_page(AuditView::Office(office), None, 10)
        .await
        .unwrap();
    assert_eq!(entries.len(), 2, "that it was made, and that it was set");
    let back = h
        .store()
        .set_form_letters(office, FormLetters::Queued, AT, note());
    back.await.unwrap();
    assert!(h.store().offices_sending_locally().await.unwrap().is_empty());
    let missing = h
        .store()
        .set_form_letters(OfficeId(99), FormLetters::Local, AT, note())
        .await;
    assert!(
        matches!(missing, Err(StoreError::Missing("office"))),
        "{missing:?}"
    );
}
