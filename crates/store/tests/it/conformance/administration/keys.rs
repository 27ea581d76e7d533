//! What ends API keys.

use postroom_domain::UserId;
use postroom_store::{
    Actor, AuditView, Branches, By, KeyHash, NewApiKey, NewSession, OpenKeys, Rights, Store, TokenPurpose,
    UserChange,
};

use super::{by, keep, person, tree};
use crate::build::at;
use crate::conformance::Harness;

/// Makes a key of somebody.
async fn key_of(store: &dyn Store, user: UserId, n: u8) {
    let known = store.user(user).await.unwrap().unwrap();
    let key = NewApiKey {
        hash: KeyHash([n; 32]),
        prefix: "pk_abc".to_owned(),
        label: String::new(),
        office: known.office,
        user: Some(user),
        scopes: Vec::new(),
        created_at: at(0),
        ends_at: None,
    };
    store.add_key(key, &by()).await.unwrap();
}

/// Begins a session of somebody.
async fn session_of(store: &dyn Store, user: UserId, n: u8) -> KeyHash {
    let session = NewSession {
        hash: KeyHash([100 + n; 32]),
        user,
        started_at: at(0),
        ends_at: at(100),
    };
    let hash = session.hash;
    store.create_session(session).await.unwrap();
    hash
}

async fn works(store: &dyn Store, n: u8) -> bool {
    store.key(&KeyHash([n; 32])).await.unwrap().is_some()
}

pub(crate) async fn new_password_ends_keys_where_that_is_asked(h: &mut impl Harness) {
    let store = h.store();
    let [root, ..] = tree(store).await;
    let user = person(store, 1, root, Rights::default()).await;
    let other = person(store, 2, root, Rights::default()).await;
    key_of(store, user.id, 1).await;
    key_of(store, other.id, 2).await;
    let change = async |keys| {
        let changed = store
            .change_password(user.id, "new".to_owned(), keys, &by())
            .await;
        changed.unwrap();
    };
    change(OpenKeys::Keep).await;
    assert!(works(store, 1).await);
    change(OpenKeys::End).await;
    assert!(!works(store, 1).await && works(store, 2).await);
    // By a link, too.
    key_of(store, user.id, 3).await;
    for (n, keys, expected) in [(4, OpenKeys::Keep, true), (5, OpenKeys::End, false)] {
        keep(store, n, TokenPurpose::PasswordReset((&user).into())).await;
        let used = store
            .use_token(&KeyHash([n; 32]), "newer".to_owned(), keys, at(6))
            .await;
        assert_eq!(used.unwrap().id, user.id);
        assert_eq!(works(store, 3).await, expected, "{keys:?}");
    }
    let log = store.audit_page(AuditView::Everything, None, 1).await.unwrap();
    assert_eq!(log[0].entry.detail["keys_ended"], 1);
}

pub(crate) async fn right_that_shows_more_ends_keys(h: &mut impl Harness) {
    let store = h.store();
    let [root, ..] = tree(store).await;
    let none = Rights::default();
    let rights = |super_user, enterprise_view, administrator, customize_list_layout| Rights {
        super_user,
        enterprise_view,
        administrator,
        customize_list_layout,
    };
    let somebody = Actor::User(UserId(999));
    // Who has what, who gives what: whether their keys go on. `None` for themself.
    let cases = [
        (none, rights(false, true, false, false), Some(somebody), false),
        (
            none,
            rights(true, false, false, false),
            Some(Actor::Operator),
            false,
        ),
        (none, rights(false, false, true, false), Some(somebody), false),
        (none, rights(false, false, false, true), Some(somebody), true),
        (
            rights(true, true, true, true),
            rights(false, true, false, false),
            Some(somebody),
            true,
        ),
        (
            rights(false, true, false, false),
            rights(false, true, false, false),
            Some(somebody),
            true,
        ),
        (none, rights(true, true, true, true), None, true),
    ];
    for (n, (before, after, who, works_on)) in (1_u8..).zip(cases) {
        let user = person(store, i64::from(n), root, before).await;
        key_of(store, user.id, n).await;
        let change = UserChange {
            rights: Some((after, Branches::All)),
            ..UserChange::default()
        };
        let session = session_of(store, user.id, n).await;
        let by = By::of(who.unwrap_or(Actor::User(user.id)), at(6));
        store
            .change_user(user.id, user.version, change, &by)
            .await
            .unwrap();
        assert_eq!(works(store, n).await, works_on, "{before:?} {after:?}");
        let goes_on = store.session(&session, at(6)).await.unwrap().is_some();
        assert_eq!(goes_on, works_on, "{before:?} {after:?}");
    }
}

pub(crate) async fn view_of_more_branches_ends_keys(h: &mut impl Harness) {
    let store = h.store();
    let [root, north, lakeside] = tree(store).await;
    let viewer = Rights {
        enterprise_view: true,
        ..Rights::default()
    };
    let user = person(store, 1, root, viewer).await;
    let mut version = user.version;
    let views = async |version, branches| {
        let change = UserChange {
            rights: Some((viewer, branches)),
            ..UserChange::default()
        };
        let by = By::of(Actor::User(UserId(999)), at(6));
        let changed = store.change_user(user.id, version, change, &by).await;
        changed.unwrap().version
    };
    version = views(version, Branches::Only(vec![north, lakeside])).await;
    for (n, branches, works_on) in [
        (1, Branches::Only(vec![lakeside]), true),
        (2, Branches::Only(vec![lakeside]), true),
        (3, Branches::Only(vec![lakeside, north]), false),
        (4, Branches::All, false),
        (5, Branches::Only(vec![north]), true),
    ] {
        key_of(store, user.id, n).await;
        version = views(version, branches.clone()).await;
        assert_eq!(works(store, n).await, works_on, "{n} {branches:?}");
    }
}
