//! Names of a scope, and whom one wrote to.

use postroom_domain::{Arm, OfficeId, RouteId, Scope, Typed, UserId};
use postroom_store::{Branches, NamesInScope, NewMessage, NewOffice, NewUser, Rights, Store};

use super::Harness;
use crate::build::{at, letter_to, made, put};

async fn office(store: &dyn Store, parent: Option<OfficeId>, name: &str) -> OfficeId {
    let office = NewOffice {
        parent,
        name: name.to_owned(),
        route: RouteId::SERVER,
    };
    store.add_office(office, &made()).await.unwrap().id
}

async fn user(store: &dyn Store, office: OfficeId, name: &str) -> UserId {
    let login = name.to_lowercase().replace(' ', ".");
    let user = NewUser {
        office,
        email: format!("{login}@example.com"),
        login,
        name: name.to_owned(),
        password_hash: String::new(),
        rights: Rights::default(),
    };
    let added = store.add_user(user, Branches::All, &made()).await;
    added.unwrap().id
}

async fn names(store: &dyn Store, scope: &Scope, typed: &str, limit: u32) -> (Vec<String>, Vec<String>) {
    let NamesInScope { senders, offices } = store.names_in(scope, &Typed::of(typed), limit).await.unwrap();
    (
        senders.into_iter().map(|(_, name)| name).collect(),
        offices.into_iter().map(|(_, name)| name).collect(),
    )
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

pub(crate) async fn names_are_those_of_the_scope_alone(h: &mut impl Harness) {
    let store = h.store();
    let root = office(store, None, "System Office").await;
    let north = office(store, Some(root), "North Office").await;
    let south = office(store, Some(root), "South Office").await;
    let clerk = user(store, north, "Case Clerk").await;
    let partner = user(store, north, "Partner").await;
    user(store, south, "Southern Clerk").await;
    user(store, root, "Administrator").await;

    let own = Scope::own(clerk);
    let with_partner = own.clone().with(Arm::Sender(partner));
    let whole = Scope::nothing().with(Arm::OfficeMail(south));
    let notices = own.clone().with(Arm::OfficeNotifications(south));
    for (what, scope, senders, offices) in [
        ("own", &own, &["Case Clerk"][..], &["North Office"][..]),
        (
            "principal",
            &with_partner,
            &["Case Clerk", "Partner"],
            &["North Office"],
        ),
        ("office", &whole, &["Southern Clerk"], &["South Office"]),
        (
            "notices",
            &notices,
            &["Case Clerk"],
            &["North Office", "South Office"],
        ),
        ("nothing", &Scope::nothing(), &[], &[]),
        (
            "everything",
            &Scope::everything(),
            &["Administrator", "Case Clerk", "Partner", "Southern Clerk"],
            &["North Office", "South Office", "System Office"],
        ),
    ] {
        let found = names(store, scope, "", 20).await;
        assert_eq!(found, (texts(senders), texts(offices)), "{what}");
    }
    let all = Scope::everything();
    let found = names(store, &all, "clerk", 20).await;
    assert_eq!(found, (texts(&["Case Clerk", "Southern Clerk"]), Vec::new()));
    let found = names(store, &all, "case.clerk@ex", 20).await;
    assert_eq!(found, (texts(&["Case Clerk"]), Vec::new()));
    let found = names(store, &all, "office", 2).await;
    assert_eq!(found, (Vec::new(), texts(&["North Office", "South Office"])));
    assert_eq!(names(store, &own, "southern", 20).await, (Vec::new(), Vec::new()));
}

fn named(sender: i64, to: &str, addresses: &[&str]) -> NewMessage {
    let mut message = letter_to(sender, addresses);
    to.clone_into(&mut message.shown.to);
    message
}

async fn written(store: &dyn Store, sender: i64, typed: &str, limit: u32) -> Vec<String> {
    let found = store
        .written_to(UserId(sender), &Typed::of(typed), limit)
        .await
        .unwrap();
    found.iter().map(ToString::to_string).collect()
}

pub(crate) async fn addresses_are_those_of_ones_own_mail_the_latest_first(h: &mut impl Harness) {
    let store = h.store();
    for (second, message) in [
        named(1, "Old Name <Ada@example.test>", &["Ada@example.test"]),
        named(1, "b@example.test", &["b@example.test", "hidden@example.test"]),
        named(1, "\"Lovelace, Ada\" <ada@example.test>", &["ada@example.test"]),
        named(2, "theirs@example.test", &["theirs@example.test"]),
    ]
    .into_iter()
    .enumerate()
    {
        put(store, vec![message], at(second as i64)).await;
    }
    let ada = "\"Lovelace, Ada\" <ada@example.test>";
    assert_eq!(
        written(store, 1, "", 8).await,
        [ada, "b@example.test", "hidden@example.test"]
    );
    assert_eq!(written(store, 1, "", 1).await, [ada]);
    assert_eq!(written(store, 1, "love", 8).await, [ada]);
    assert_eq!(written(store, 1, "ada@ex", 8).await, [ada]);
    assert!(
        written(store, 1, "old", 8).await.is_empty(),
        "the latest name counts"
    );
    assert!(written(store, 1, "theirs", 8).await.is_empty());
    let odd = [
        named(3, "Ca\u{202e}se <case@example.test>", &["case@example.test"]),
        named(3, "Other <cl\u{200b}erk@example.test>", &["clerk@example.test"]),
    ];
    put(store, odd.to_vec(), at(9)).await;
    let mut found = written(store, 3, "", 8).await;
    found.sort();
    assert_eq!(found, ["Case <case@example.test>", "clerk@example.test"]);
}

pub(crate) async fn address_of_older_mail_is_found_by_its_words(h: &mut impl Harness) {
    let store = h.store();
    put(
        store,
        vec![named(1, "client@rare.test", &["client@rare.test"])],
        at(0),
    )
    .await;
    let theirs = named(2, "client@theirs.test", &["client@theirs.test"]);
    put(store, vec![theirs], at(0)).await;
    for second in 1..=4 {
        put(
            store,
            vec![letter_to(1, &["often@example.test"]); 250],
            at(second),
        )
        .await;
    }
    while store.index_text().await.unwrap() {}
    assert_eq!(written(store, 1, "", 8).await, ["often@example.test"]);
    assert_eq!(written(store, 1, "cli", 8).await, ["client@rare.test"]);
    assert_eq!(written(store, 1, "client@ra", 8).await, ["client@rare.test"]);
    assert!(written(store, 1, "client@theirs", 8).await.is_empty());
}
