//! Offices, users, sessions and API keys.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use postroom_domain::{KeyId, OfficeId, RouteId, UserId};
use postroom_store::{
    Actor, Branches, By, KeyHash, NewApiKey, NewOffice, NewSession, NewUser, OpenKeys, Rights, SOURCE_LASTS,
    SOURCES_MAX, SignInSource, Store, StoreError, UserChange,
};

use super::Harness;
use super::world::somebody;
use crate::build::{at, made};

const HOUR: Duration = Duration::from_secs(3_600);

fn office(name: &str, parent: Option<OfficeId>) -> NewOffice {
    NewOffice {
        parent,
        name: name.to_owned(),
        route: RouteId(3),
    }
}

async fn one_user(store: &dyn Store) -> UserId {
    let office = root(store).await;
    let user = store
        .add_user(somebody(1, office.0), Branches::All, &made())
        .await;
    user.unwrap().id
}

async fn root(store: &dyn Store) -> OfficeId {
    let office = store.add_office(office("System Office", None), &made()).await;
    office.unwrap().id
}

pub(crate) async fn office_name_is_taken_once_below_a_parent(h: &mut impl Harness) {
    let store = h.store();
    let root = root(store).await;
    let north = office("North", Some(root));
    let made_north = store.add_office(north.clone(), &made()).await.unwrap();
    let below = office("North", Some(made_north.id));
    store.add_office(below, &made()).await.unwrap();
    let refused = store.add_office(north, &made()).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::Exists { what: "office", .. }),
        "{refused:?}"
    );
    let offices = store.offices().await.unwrap();
    assert_eq!(offices.len(), 3);
    assert_eq!((offices[1].parent, offices[1].route), (Some(root), RouteId(3)));
}

pub(crate) async fn user_is_found_by_login_and_by_address_in_any_case(h: &mut impl Harness) {
    let store = h.store();
    let office = root(store).await;
    let rights = Rights {
        super_user: true,
        administrator: true,
        ..Rights::default()
    };
    let case = NewUser {
        office,
        login: "Case".to_owned(),
        name: "Case Clerk".to_owned(),
        email: "Case@Office.Example.com".to_owned(),
        password_hash: "hash".to_owned(),
        rights,
    };
    let id = store.add_user(case, Branches::All, &made()).await.unwrap().id;
    for login in ["case", "CASE", "case@office.example.COM"] {
        let user = store.user_by_login(login).await.unwrap().unwrap();
        assert_eq!((user.id, user.login.as_str(), user.rights), (id, "case", rights));
        assert_eq!(user.email, "case@office.example.com");
    }
    assert!(store.user_by_login("nobody").await.unwrap().is_none());
    assert_eq!(store.user(id).await.unwrap().unwrap().name, "Case Clerk");
    assert!(store.user(UserId(77)).await.unwrap().is_none());
    assert_eq!(store.users().await.unwrap().len(), 1);
}

pub(crate) async fn login_and_address_are_taken_once(h: &mut impl Harness) {
    let store = h.store();
    one_user(store).await;
    let same_login = NewUser {
        email: "other@example.com".to_owned(),
        ..somebody(1, 1)
    };
    let same_address = NewUser {
        login: "other".to_owned(),
        ..somebody(1, 1)
    };
    let same_in_capitals = NewUser {
        login: "USER1".to_owned(),
        ..somebody(2, 1)
    };
    for twin in [same_login, same_address, same_in_capitals] {
        let refused = store.add_user(twin, Branches::All, &made()).await.unwrap_err();
        assert!(
            matches!(refused, StoreError::Exists { what: "user", .. }),
            "{refused:?}"
        );
    }
    assert_eq!(store.users().await.unwrap().len(), 1);
}

pub(crate) async fn names_and_addresses_are_one_space(h: &mut impl Harness) {
    let store = h.store();
    let office = root(store).await;
    let person = |login: &str, email: &str| NewUser {
        login: login.to_owned(),
        email: email.to_owned(),
        ..somebody(1, office.0)
    };
    let by = made();
    let add = |new| store.add_user(new, Branches::All, &by);
    let one = add(person("one", "one@example.com")).await.unwrap();
    let two = add(person("two@example.com", "two@elsewhere.example"))
        .await
        .unwrap();
    let same = add(person("same@example.com", "same@example.com")).await.unwrap();
    let taken = |result: Result<_, StoreError>| {
        let exists = matches!(&result, Err(StoreError::Exists { what: "user", .. }));
        assert!(exists, "{result:?}");
    };
    for (login, email) in [
        ("One@Example.com", "new@example.com"),
        ("new", "TWO@example.com"),
        ("same@example.com", "new@example.com"),
    ] {
        taken(add(person(login, email)).await);
    }
    let login = |login: &str| UserChange {
        login: Some(login.to_owned()),
        ..UserChange::default()
    };
    let email = |email: &str| UserChange {
        email: Some(email.to_owned()),
        ..UserChange::default()
    };
    for change in [
        login("TWO@elsewhere.example"),
        login("same@example.com"),
        email("Two@Example.com"),
    ] {
        taken(store.change_user(one.id, 1, change, &made()).await);
    }
    let change = login("Two");
    let two = store.change_user(two.id, 1, change, &made()).await.unwrap();
    assert_eq!(two.login, "two");
    let change = email("two@example.com");
    let one = store.change_user(one.id, 1, change, &made()).await.unwrap();
    assert_eq!(one.email, "two@example.com", "the name is free again");
    let change = login("other");
    store.change_user(same.id, 1, change, &made()).await.unwrap();
    for (name, whose) in [
        ("one", Some(one.id)),
        ("two", Some(two.id)),
        ("one@example.com", None),
    ] {
        let found = store.user_by_login(name).await.unwrap();
        assert_eq!(found.map(|user| user.id), whose, "{name}");
    }
    assert!(store.sign_in_clashes().await.unwrap().is_empty());
}

pub(crate) async fn session_ends_by_time_by_hand_and_by_a_new_password(h: &mut impl Harness) {
    let store = h.store();
    let user = one_user(store).await;
    let session = |n: u8| NewSession {
        hash: KeyHash([n; 32]),
        user,
        started_at: at(0),
        ends_at: at(0).plus(HOUR),
    };
    for n in 1..=3 {
        store.create_session(session(n)).await.unwrap();
    }
    let open = |n: u8, now| async move { store.session(&KeyHash([n; 32]), now).await.unwrap() };
    assert_eq!(open(1, at(1)).await.unwrap().user.id, user);
    assert!(open(1, at(0).plus(HOUR)).await.is_none(), "over");
    assert!(open(9, at(1)).await.is_none(), "unknown");
    store.end_session(&KeyHash([1; 32])).await.unwrap();
    assert!(open(1, at(1)).await.is_none(), "ended");
    assert!(open(2, at(1)).await.is_some());
    let changed = store
        .change_password(user, "new".to_owned(), OpenKeys::Keep, &made())
        .await;
    changed.unwrap();
    assert!(open(2, at(1)).await.is_none() && open(3, at(1)).await.is_none());
    assert_eq!(store.user(user).await.unwrap().unwrap().password_hash, "new");
}

pub(crate) async fn key_is_found_by_its_hash_until_it_is_revoked(h: &mut impl Harness) {
    let store = h.store();
    let user = one_user(store).await;
    let key = |n: u8, user| NewApiKey {
        hash: KeyHash([n; 32]),
        prefix: "pk_abc".to_owned(),
        label: "billing".to_owned(),
        office: OfficeId(1),
        user,
        scopes: vec!["send".to_owned(), "read".to_owned()],
        created_at: at(0),
        ends_at: None,
    };
    let id = store.add_key(key(1, Some(user)), &made()).await.unwrap();
    let other = store.add_key(key(2, None), &made()).await.unwrap();
    let found = store.key(&KeyHash([1; 32])).await.unwrap().unwrap();
    assert_eq!((found.id, found.user, found.created_at), (id, Some(user), at(0)));
    assert_eq!(found.scopes, ["send", "read"]);
    assert_eq!(
        (found.made_by, found.ends_at, found.last_used_at),
        (None, None, None)
    );
    assert!(store.end_key(id, &made()).await.unwrap());
    assert!(!store.end_key(id, &made()).await.unwrap());
    assert!(!store.end_key(KeyId(99), &made()).await.unwrap());
    assert!(store.key(&KeyHash([1; 32])).await.unwrap().is_none());
    let keys = store.keys().await.unwrap();
    assert_eq!(keys.iter().map(|key| key.id).collect::<Vec<_>>(), [other]);
}

pub(crate) async fn key_says_who_made_it_when_it_ends_and_when_it_was_used(h: &mut impl Harness) {
    let store = h.store();
    let user = one_user(store).await;
    let key = NewApiKey {
        hash: KeyHash([1; 32]),
        prefix: "pk_abc".to_owned(),
        label: String::new(),
        office: OfficeId(1),
        user: Some(user),
        scopes: Vec::new(),
        created_at: at(0),
        ends_at: Some(at(60)),
    };
    let by = By::of(Actor::User(user), at(0));
    let id = store.add_key(key, &by).await.unwrap();
    let rights = store.rights_as_of().await.unwrap();
    store
        .keys_used(vec![(id, at(9)), (KeyId(99), at(9))])
        .await
        .unwrap();
    h.reopen().await;
    let found = h.store().keys().await.unwrap().remove(0);
    assert_eq!(
        (found.made_by, found.ends_at, found.last_used_at),
        (Some(user), Some(at(60)), Some(at(9)))
    );
    let now = h.store().rights_as_of().await.unwrap();
    assert_eq!(now, rights, "a use changes nobody's rights");
}

pub(crate) async fn sources_of_sign_ins_are_known_until_they_are_old_or_too_many(h: &mut impl Harness) {
    let store = h.store();
    let user = one_user(store).await;
    let device = SignInSource::Device(KeyHash([1; 32]));
    let network = |n: u32| SignInSource::Network(IpAddr::V4(Ipv4Addr::from_bits(n)));
    let v6 = SignInSource::Network("2001:db8::".parse().unwrap());
    store
        .note_sources(user, vec![device, network(1)], at(5))
        .await
        .unwrap();
    store.note_sources(user, vec![v6, device], at(9)).await.unwrap();
    h.reopen().await;
    let store = h.store();
    let seen = async |user, source| store.source_seen(user, source).await.unwrap();
    assert_eq!(seen(user, device).await, Some(at(9)));
    assert_eq!(seen(user, network(1)).await, Some(at(5)));
    assert_eq!(seen(user, v6).await, Some(at(9)));
    assert_eq!(seen(user, network(2)).await, None);
    assert_eq!(seen(UserId(77), device).await, None);

    let late = at(9).plus(SOURCE_LASTS);
    while store.forget(at(0), late).await.unwrap() > 0 {}
    assert_eq!(seen(user, network(1)).await, None);
    assert_eq!(seen(user, device).await, Some(at(9)), "not a moment too soon");

    for n in 0..SOURCES_MAX {
        let source = network(100 + n);
        store
            .note_sources(user, vec![source], late.plus(HOUR))
            .await
            .unwrap();
    }
    assert_eq!(seen(user, v6).await, None, "the oldest network");
    assert_eq!(
        seen(user, device).await,
        Some(at(9)),
        "networks push out no device"
    );
    for n in 0..SOURCES_MAX {
        let source = SignInSource::Device(KeyHash([100 + u8::try_from(n).unwrap(); 32]));
        let later = late.plus(HOUR * 2);
        store.note_sources(user, vec![source], later).await.unwrap();
    }
    assert_eq!(seen(user, device).await, None, "the oldest device");
    let first = network(100);
    assert_eq!(
        seen(user, first).await,
        Some(late.plus(HOUR)),
        "devices push out no network"
    );
}

pub(crate) async fn people_survive_reopening(h: &mut impl Harness) {
    let user = one_user(h.store()).await;
    h.reopen().await;
    assert_eq!(h.store().user(user).await.unwrap().unwrap().login, "user1");
}
