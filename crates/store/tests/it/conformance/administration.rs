//! Changes of offices and people: what must not happen, and what is written about what did.

use std::time::Duration;

use postroom_domain::{OFFICES_ABOVE_MAX, OfficeId, PeopleRule, RouteId, UserId};
use postroom_store::{
    Account, Actor, Addressee, AuditAction, AuditView, Branches, By, KeyHash, NewApiKey, NewOffice, NewProxy,
    NewSession, NewToken, NewUser, OfficeChange, OfficeSecurity, OpenKeys, ProxyLevel, ProxyTerms, Rights,
    SetUp, Store, StoreError, TokenPurpose, User, UserChange,
};

mod keys;
mod sign_in;

pub(crate) use keys::{
    new_password_ends_keys_where_that_is_asked, right_that_shows_more_ends_keys,
    view_of_more_branches_ends_keys,
};
pub(crate) use sign_in::{
    new_address_ends_sessions_and_tokens, newest_links_of_a_person_work_and_the_newest_invitation,
    token_is_kept_for_the_address_that_its_mail_goes_to,
};

use super::Harness;
use super::world::somebody;
use crate::build::at;

const HOUR: Duration = Duration::from_secs(3_600);
const ADMINISTRATOR: Rights = Rights {
    super_user: false,
    enterprise_view: false,
    administrator: true,
    customize_list_layout: false,
};
const VIEWER: Rights = Rights {
    super_user: false,
    enterprise_view: true,
    administrator: false,
    customize_list_layout: false,
};

fn by() -> By {
    By::of(Actor::Operator, at(5))
}

fn office(name: &str, parent: Option<OfficeId>) -> NewOffice {
    NewOffice {
        parent,
        name: name.to_owned(),
        route: RouteId::SERVER,
    }
}

/// Root, north below it, lakeside below north.
async fn tree(store: &dyn Store) -> [OfficeId; 3] {
    let root = store
        .add_office(office("System Office", None), &by())
        .await
        .unwrap();
    let north = store
        .add_office(office("North", Some(root.id)), &by())
        .await
        .unwrap();
    let lakeside = store
        .add_office(office("Lakeside", Some(north.id)), &by())
        .await
        .unwrap();
    [root.id, north.id, lakeside.id]
}

async fn person(store: &dyn Store, n: i64, office: OfficeId, rights: Rights) -> User {
    let new = NewUser {
        rights,
        ..somebody(n, office.0)
    };
    store.add_user(new, Branches::All, &by()).await.unwrap()
}

fn rule<T: std::fmt::Debug>(result: Result<T, StoreError>) -> PeopleRule {
    match result {
        Err(StoreError::People(rule)) => rule,
        other => panic!("not a rule: {other:?}"),
    }
}

async fn entries(store: &dyn Store) -> Vec<AuditAction> {
    let page = store.audit_page(AuditView::Everything, None, 200).await.unwrap();
    page.into_iter().map(|record| record.entry.action).collect()
}

fn moved(parent: OfficeId) -> OfficeChange {
    OfficeChange {
        parent: Some(parent),
        ..OfficeChange::default()
    }
}

pub(crate) async fn office_is_renamed_and_moved_but_never_below_itself(h: &mut impl Harness) {
    let store = h.store();
    let [root, north, lakeside] = tree(store).await;
    for below in [north, lakeside] {
        let refused = store.change_office(north, 1, moved(below), &by()).await;
        assert_eq!(rule(refused), PeopleRule::Cycle);
    }
    assert_eq!(
        rule(store.change_office(root, 1, moved(north), &by()).await),
        PeopleRule::RootStays
    );
    assert_eq!(
        rule(store.add_office(office("Other", None), &by()).await),
        PeopleRule::OneRoot
    );
    let nowhere = store.change_office(lakeside, 1, moved(OfficeId(99)), &by()).await;
    assert!(
        matches!(nowhere, Err(StoreError::Missing("office"))),
        "{nowhere:?}"
    );
    let change = OfficeChange {
        name: Some("Shore".to_owned()),
        parent: Some(root),
        security: Some(OfficeSecurity::Off),
        allowed_sender_domains: Some(vec!["Example.com".parse().unwrap()]),
    };
    let after = store
        .change_office(lakeside, 1, change.clone(), &by())
        .await
        .unwrap();
    assert_eq!(
        (after.name.as_str(), after.parent, after.version),
        ("Shore", Some(root), 2)
    );
    assert_eq!(after.security, OfficeSecurity::Off);
    assert_eq!(after.allowed_sender_domains[0].as_str(), "example.com");
    let stale = store.change_office(lakeside, 1, change, &by()).await;
    assert!(matches!(stale, Err(StoreError::Stale("office"))), "{stale:?}");
    let taken = OfficeChange {
        name: Some("North".to_owned()),
        ..OfficeChange::default()
    };
    let taken = store.change_office(lakeside, 2, taken, &by()).await;
    assert!(matches!(taken, Err(StoreError::Exists { .. })), "{taken:?}");
    assert_eq!(entries(store).await[0], AuditAction::OfficeChange);
    assert_eq!(entries(store).await.len(), 4, "refusals are not written");
    let none = OfficeChange {
        allowed_sender_domains: Some(Vec::new()),
        ..OfficeChange::default()
    };
    let after = store.change_office(lakeside, 2, none, &by()).await.unwrap();
    assert!(after.allowed_sender_domains.is_empty());
    assert_eq!((after.name.as_str(), after.version), ("Shore", 3));
}

pub(crate) async fn office_keeps_its_stored_name_where_something_else_changes(h: &mut impl Harness) {
    let store = h.store();
    let [root, ..] = tree(store).await;
    let stored = "No\u{ad}rth";
    let odd = store.add_office(office(stored, Some(root)), &by()).await.unwrap();
    let change = OfficeChange {
        name: Some(odd.name),
        security: Some(OfficeSecurity::Off),
        ..OfficeChange::default()
    };
    let after = store.change_office(odd.id, 1, change, &by()).await.unwrap();
    assert_eq!((after.name.as_str(), after.version), ("North", 2));
    let again = store.add_office(office(stored, Some(root)), &by()).await;
    assert!(matches!(again, Err(StoreError::Exists { .. })), "{again:?}");
}

pub(crate) async fn tree_of_offices_has_a_depth_and_no_ring(h: &mut impl Harness) {
    let store = h.store();
    let [root, ..] = tree(store).await;
    let mut chain = vec![root];
    for n in 1..=OFFICES_ABOVE_MAX {
        let below = chain.last().copied();
        let made = store
            .add_office(office(&format!("Level {n}"), below), &by())
            .await;
        chain.push(made.unwrap().id);
    }
    let (top, deepest) = (chain[1], chain[OFFICES_ABOVE_MAX]);
    let refused = store.add_office(office("Too deep", Some(deepest)), &by()).await;
    assert_eq!(rule(refused), PeopleRule::TooDeep);
    for below in [deepest, chain[OFFICES_ABOVE_MAX - 1], top] {
        let refused = store.change_office(top, 1, moved(below), &by()).await;
        assert_eq!(rule(refused), PeopleRule::Cycle);
    }
    let above = store
        .add_office(office("Above", Some(root)), &by())
        .await
        .unwrap();
    let refused = store.change_office(top, 1, moved(above.id), &by()).await;
    assert_eq!(rule(refused), PeopleRule::TooDeep, "what lies below counts");
    store
        .change_office(chain[2], 1, moved(above.id), &by())
        .await
        .unwrap();
}

pub(crate) async fn only_an_empty_office_is_removed_and_its_number_not_given_again(h: &mut impl Harness) {
    let store = h.store();
    let [root, north, lakeside] = tree(store).await;
    person(store, 1, lakeside, Rights::default()).await;
    for office in [north, lakeside] {
        assert_eq!(
            rule(store.remove_office(office, 1, &by()).await),
            PeopleRule::OfficeNotEmpty
        );
    }
    assert_eq!(
        rule(store.remove_office(root, 1, &by()).await),
        PeopleRule::RootStays
    );
    let pier = store
        .add_office(office("Pier", Some(north)), &by())
        .await
        .unwrap();
    let key = NewApiKey {
        hash: KeyHash([1; 32]),
        prefix: "pk_abc".to_owned(),
        label: String::new(),
        office: pier.id,
        user: None,
        scopes: Vec::new(),
        created_at: at(0),
        ends_at: Some(at(7)),
    };
    store.add_key(key, &by()).await.unwrap();
    let removed = store
        .remove_office(pier.id, 1, &By::of(Actor::Operator, at(6)))
        .await;
    assert_eq!(rule(removed), PeopleRule::OfficeNotEmpty);
    // A key that has ended is nobody's.
    let removed = store
        .remove_office(pier.id, 1, &By::of(Actor::Operator, at(7)))
        .await;
    removed.unwrap();
    assert!(
        store
            .offices()
            .await
            .unwrap()
            .iter()
            .all(|office| office.id != pier.id)
    );
    let again = store
        .add_office(office("Pier", Some(north)), &by())
        .await
        .unwrap();
    assert!(again.id > pier.id);
    let gone = store.remove_office(pier.id, 2, &by()).await;
    assert!(matches!(gone, Err(StoreError::Missing("office"))), "{gone:?}");
}

pub(crate) async fn system_office_keeps_an_administrator(h: &mut impl Harness) {
    let store = h.store();
    let [root, north, _] = tree(store).await;
    let first = person(store, 1, root, ADMINISTRATOR).await;
    person(store, 2, north, ADMINISTRATOR).await;
    let disable = UserChange {
        account: Some(Account::Disabled),
        ..UserChange::default()
    };
    let demote = UserChange {
        rights: Some((Rights::default(), Branches::All)),
        ..UserChange::default()
    };
    for change in [&disable, &demote] {
        let refused = store.change_user(first.id, 1, change.clone(), &by()).await;
        assert_eq!(rule(refused), PeopleRule::LastAdministrator);
    }
    assert_eq!(
        store.user(first.id).await.unwrap().unwrap(),
        first,
        "nothing changed"
    );
    let second = person(store, 3, root, ADMINISTRATOR).await;
    store.change_user(first.id, 1, disable, &by()).await.unwrap();
    let refused = store.change_user(second.id, 1, demote, &by()).await;
    assert_eq!(rule(refused), PeopleRule::LastAdministrator);
}

pub(crate) async fn disabling_ends_sessions_tokens_and_keys(h: &mut impl Harness) {
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
    let key = NewApiKey {
        hash: KeyHash([2; 32]),
        prefix: "pk_abc".to_owned(),
        label: String::new(),
        office: root,
        user: Some(user.id),
        scopes: Vec::new(),
        created_at: at(0),
        ends_at: None,
    };
    store.add_key(key.clone(), &by()).await.unwrap();
    keep(store, 3, TokenPurpose::PasswordReset((&user).into())).await;
    let change = |account| UserChange {
        account: Some(account),
        ..UserChange::default()
    };
    store
        .change_user(user.id, 1, change(Account::Disabled), &by())
        .await
        .unwrap();
    store
        .change_user(user.id, 2, change(Account::Enabled), &by())
        .await
        .unwrap();
    assert!(store.session(&KeyHash([1; 32]), at(6)).await.unwrap().is_none());
    assert!(store.key(&KeyHash([2; 32])).await.unwrap().is_none());
    let used = store
        .use_token(&KeyHash([3; 32]), "new".to_owned(), OpenKeys::Keep, at(6))
        .await;
    assert_eq!(rule(used), PeopleRule::TokenInvalid);
    store
        .change_user(user.id, 3, change(Account::Disabled), &by())
        .await
        .unwrap();
    assert_eq!(rule(store.add_key(key, &by()).await), PeopleRule::Disabled);
}

pub(crate) async fn branches_lie_below_and_go_with_enterprise_view(h: &mut impl Harness) {
    let store = h.store();
    let [root, north, lakeside] = tree(store).await;
    let south = store
        .add_office(office("South", Some(root)), &by())
        .await
        .unwrap();
    let user = person(store, 1, north, Rights::default()).await;
    let set = |rights, offices: &[OfficeId]| UserChange {
        rights: Some((rights, Branches::Only(offices.to_vec()))),
        ..UserChange::default()
    };
    for outside in [south.id, north, root] {
        let refused = store
            .change_user(user.id, 1, set(VIEWER, &[outside]), &by())
            .await;
        assert_eq!(rule(refused), PeopleRule::BranchOutside);
    }
    let refused = store
        .change_user(user.id, 1, set(Rights::default(), &[lakeside]), &by())
        .await;
    assert_eq!(rule(refused), PeopleRule::BranchWithoutView);
    let after = store
        .change_user(user.id, 1, set(VIEWER, &[lakeside]), &by())
        .await
        .unwrap();
    assert_eq!(after.branches, Branches::Only(vec![lakeside]));
    h.reopen().await;
    assert_eq!(h.store().user(user.id).await.unwrap().unwrap(), after);
}

pub(crate) async fn proxy_is_for_another_of_the_same_office(h: &mut impl Harness) {
    let store = h.store();
    let [root, north, _] = tree(store).await;
    let one = person(store, 1, north, Rights::default()).await.id;
    let two = person(store, 2, north, Rights::default()).await.id;
    let elsewhere = person(store, 3, root, Rights::default()).await.id;
    let terms = ProxyTerms {
        level: ProxyLevel::View,
        from: None,
        until: Some(at(9)),
    };
    let proxy = |assistant, principal| NewProxy {
        assistant,
        principal,
        terms,
    };
    assert_eq!(
        rule(store.add_proxy(proxy(one, one), &by()).await),
        PeopleRule::ProxyForOneself
    );
    for (assistant, principal) in [(one, elsewhere), (elsewhere, one)] {
        let refused = store.add_proxy(proxy(assistant, principal), &by()).await;
        assert_eq!(rule(refused), PeopleRule::ProxyAcrossOffices);
    }
    let nobody = store.add_proxy(proxy(one, UserId(99)), &by()).await;
    assert!(matches!(nobody, Err(StoreError::Missing("user"))), "{nobody:?}");
    let made = store.add_proxy(proxy(one, two), &by()).await.unwrap();
    let twice = store.add_proxy(proxy(one, two), &by()).await;
    assert!(
        matches!(twice, Err(StoreError::Exists { what: "proxy", .. })),
        "{twice:?}"
    );
    assert_eq!(store.proxies(Some(one)).await.unwrap(), [made]);
    assert!(store.proxies(Some(two)).await.unwrap().is_empty(), "one way");
    let backwards = ProxyTerms {
        from: Some(at(9)),
        ..terms
    };
    let refused = store.change_proxy(made.id, 1, backwards, &by()).await;
    assert_eq!(rule(refused), PeopleRule::ProxyEndsFirst);
    let manage = ProxyTerms {
        level: ProxyLevel::Manage,
        ..terms
    };
    let after = store.change_proxy(made.id, 1, manage, &by()).await.unwrap();
    assert_eq!((after.terms, after.version), (manage, 2));
    let stale = store.change_proxy(made.id, 1, terms, &by()).await;
    assert!(matches!(stale, Err(StoreError::Stale("proxy"))), "{stale:?}");
    assert!(store.remove_proxy(made.id, &by()).await.unwrap());
    assert!(!store.remove_proxy(made.id, &by()).await.unwrap());
}

fn token(n: u8, purpose: TokenPurpose) -> NewToken {
    NewToken {
        hash: KeyHash([n; 32]),
        purpose,
        ends_at: by().at.plus(HOUR),
    }
}

async fn keep(store: &dyn Store, n: u8, purpose: TokenPurpose) {
    store.keep_token(token(n, purpose), &by()).await.unwrap();
}

pub(crate) async fn token_sets_a_password_once_within_its_time(h: &mut impl Harness) {
    let store = h.store();
    let [root, ..] = tree(store).await;
    let user = person(store, 1, root, Rights::default()).await;
    let to = Addressee::from(&user);
    let user = user.id;
    let take = |n: u8, now| async move {
        let (hash, password) = (KeyHash([n; 32]), format!("hash {n}"));
        store.use_token(&hash, password, OpenKeys::Keep, now).await
    };
    keep(store, 1, TokenPurpose::PasswordReset(to)).await;
    keep(store, 2, TokenPurpose::PasswordReset(to)).await;
    let works = |n: u8, now| async move { store.token_works(&KeyHash([n; 32]), now).await.unwrap() };
    assert!(works(1, at(6)).await && works(2, at(6)).await && !works(2, by().at.plus(HOUR)).await);
    assert_eq!(
        rule(take(2, by().at.plus(HOUR)).await),
        PeopleRule::TokenInvalid,
        "over"
    );
    let session = NewSession {
        hash: KeyHash([9; 32]),
        user,
        started_at: at(0),
        ends_at: at(0).plus(HOUR),
    };
    store.create_session(session).await.unwrap();
    assert_eq!(take(1, at(6)).await.unwrap().password_hash, "hash 1");
    assert!(store.session(&KeyHash([9; 32]), at(6)).await.unwrap().is_none());
    assert_eq!(rule(take(1, at(6)).await), PeopleRule::TokenInvalid, "used");
    assert_eq!(
        rule(take(2, at(6)).await),
        PeopleRule::TokenInvalid,
        "ends with the other"
    );
    assert!(!works(1, at(6)).await && !works(2, at(6)).await);
    keep(store, 3, TokenPurpose::SetUp).await;
    assert_eq!(
        rule(take(3, at(6)).await),
        PeopleRule::TokenInvalid,
        "for something else"
    );
}

pub(crate) async fn server_is_set_up_once(h: &mut impl Harness) {
    let store = h.store();
    let setup = |token: Option<u8>| SetUp {
        token: token.map(|n| KeyHash([n; 32])),
        office: "System Office".to_owned(),
        login: "Admin".to_owned(),
        name: "Administrator".to_owned(),
        email: "admin@example.com".to_owned(),
        password_hash: "hash".to_owned(),
    };
    keep(store, 1, TokenPurpose::SetUp).await;
    assert_eq!(
        rule(store.set_up(setup(Some(2)), &by()).await),
        PeopleRule::TokenInvalid
    );
    assert!(store.users().await.unwrap().is_empty() && store.offices().await.unwrap().is_empty());
    let user = store.set_up(setup(Some(1)), &by()).await.unwrap();
    assert!(user.rights.administrator && user.login == "admin");
    assert_eq!(store.offices().await.unwrap().len(), 1);
    for again in [Some(1), None] {
        assert_eq!(
            rule(store.set_up(setup(again), &by()).await),
            PeopleRule::SetUpAlready
        );
    }
    assert_eq!(entries(store).await, [AuditAction::Setup]);
}
