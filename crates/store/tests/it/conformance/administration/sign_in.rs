//! What ends with a login or an address, and which links work.

use std::time::Duration;

use postroom_domain::PeopleRule;
use postroom_store::{
    Addressee, AuditAction, AuditView, KeyHash, NewSession, NewToken, OpenKeys, RESET_LINKS_MAX, Rights,
    StoreError, TokenPurpose, UserChange,
};

use super::{HOUR, by, keep, person, rule, token, tree};
use crate::build::at;
use crate::conformance::Harness;

pub(crate) async fn new_address_ends_sessions_and_tokens(h: &mut impl Harness) {
    let store = h.store();
    let [root, ..] = tree(store).await;
    let user = person(store, 1, root, Rights::default()).await;
    let session = NewSession {
        hash: KeyHash([1; 32]),
        user: user.id,
        started_at: at(0),
        ends_at: at(0).plus(HOUR),
    };
    store.create_session(session).await.unwrap();
    keep(store, 2, TokenPurpose::Invitation((&user).into())).await;
    let change = |name: &str, email: &str| UserChange {
        name: Some(name.to_owned()),
        email: Some(email.to_owned()),
        ..UserChange::default()
    };
    let session = || async { store.session(&KeyHash([1; 32]), at(6)).await.unwrap() };
    let renamed = change("Another Name", &user.email);
    let user = store.change_user(user.id, 1, renamed, &by()).await.unwrap();
    assert!(session().await.is_some(), "a name opens nothing");
    keep(store, 3, TokenPurpose::PasswordReset((&user).into())).await;
    let moved = change("Another Name", "elsewhere@example.com");
    store.change_user(user.id, 2, moved, &by()).await.unwrap();
    assert!(session().await.is_none());
    // Before the next one takes its place.
    let used = store
        .use_token(&KeyHash([3; 32]), "new".to_owned(), OpenKeys::Keep, at(6))
        .await;
    assert_eq!(rule(used), PeopleRule::TokenInvalid);
    let user = store.user(user.id).await.unwrap().unwrap();
    let another = NewSession {
        hash: KeyHash([1; 32]),
        user: user.id,
        started_at: at(0),
        ends_at: at(0).plus(HOUR),
    };
    store.create_session(another).await.unwrap();
    keep(store, 4, TokenPurpose::PasswordReset((&user).into())).await;
    let login = UserChange {
        login: Some("another".to_owned()),
        ..UserChange::default()
    };
    store.change_user(user.id, 3, login, &by()).await.unwrap();
    assert!(session().await.is_none());
    for n in [2, 4] {
        let used = store
            .use_token(&KeyHash([n; 32]), "new".to_owned(), OpenKeys::Keep, at(6))
            .await;
        assert_eq!(rule(used), PeopleRule::TokenInvalid, "{n}");
    }
    let page = store.audit_page(AuditView::Everything, None, 1).await.unwrap();
    let entry = &page[0].entry;
    assert_eq!(entry.action, AuditAction::UserChange);
    let facts = format!("{entry:?}");
    assert!(
        facts.contains("login_changed") && !facts.contains("another"),
        "{facts}"
    );
}

pub(crate) async fn token_is_kept_for_the_address_that_its_mail_goes_to(h: &mut impl Harness) {
    let store = h.store();
    let [root, ..] = tree(store).await;
    let before = person(store, 1, root, Rights::default()).await;
    let moved = UserChange {
        email: Some("elsewhere@example.com".to_owned()),
        ..UserChange::default()
    };
    store.change_user(before.id, 1, moved, &by()).await.unwrap();
    for purpose in [TokenPurpose::Invitation, TokenPurpose::PasswordReset] {
        let late = token(1, purpose((&before).into()));
        let refused = store.keep_token(late, &by()).await;
        assert!(matches!(refused, Err(StoreError::Stale("user"))), "{refused:?}");
    }
    let used = store
        .use_token(&KeyHash([1; 32]), "new".to_owned(), OpenKeys::Keep, at(6))
        .await;
    assert_eq!(rule(used), PeopleRule::TokenInvalid);
}

pub(crate) async fn newest_links_of_a_person_work_and_the_newest_invitation(h: &mut impl Harness) {
    let store = h.store();
    let [root, ..] = tree(store).await;
    let to = Addressee::from(&person(store, 1, root, Rights::default()).await);
    let works = |n: u8| async move { store.token_works(&KeyHash([n; 32]), at(6)).await.unwrap() };
    let max = u8::try_from(RESET_LINKS_MAX).unwrap();
    for n in 1..=max + 2 {
        let link = NewToken {
            ends_at: by().at.plus(HOUR).plus(Duration::from_secs(n.into())),
            ..token(n, TokenPurpose::PasswordReset(to))
        };
        store.keep_token(link, &by()).await.unwrap();
    }
    for n in 1..=max + 2 {
        assert_eq!(works(n).await, n > 2, "{n}");
    }
    keep(store, 101, TokenPurpose::Invitation(to)).await;
    keep(store, 102, TokenPurpose::Invitation(to)).await;
    assert!(!works(101).await && works(102).await && works(max).await);
}
