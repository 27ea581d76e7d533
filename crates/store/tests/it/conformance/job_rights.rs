//! Steps of a job that were prepared before somebody's rights were taken.

use postroom_domain::{RouteId, Scope, UserId};
use postroom_store::{
    Account, Actor, Branches, By, Filter, JobState, KeyHash, NewApiKey, NewOffice, NewProxy, NewUser,
    OfficeChange, OfficeSecurity, ProxyLevel, ProxyTerms, Rights, Store, UserChange, Verb,
};

use super::Harness;
use super::bulk::{all, counts, prepared, start};
use crate::build::{anyone, at, letter, put};

/// Changes of people, each by its own, that take rights away.
#[expect(
    clippy::too_many_lines,
    reason = "a list: each change is a few lines of its own"
)]
async fn takings(store: &dyn Store) -> Vec<(&'static str, Taking<'_>)> {
    let by = || By::of(Actor::Operator, at(5));
    let office = NewOffice {
        parent: None,
        name: "System Office".to_owned(),
        route: RouteId::SERVER,
    };
    let office = store.add_office(office, &by()).await.unwrap().id;
    let mut people = Vec::new();
    for login in ["boss", "case", "left"] {
        let user = NewUser {
            office,
            login: login.to_owned(),
            name: login.to_owned(),
            email: format!("{login}@example.com"),
            password_hash: String::new(),
            rights: Rights {
                super_user: true,
                ..Rights::default()
            },
        };
        let added = store.add_user(user, Branches::All, &by()).await.unwrap();
        people.push(added.id);
    }
    let terms = ProxyTerms {
        level: ProxyLevel::Manage,
        from: None,
        until: None,
    };
    let proxy = NewProxy {
        assistant: people[0],
        principal: people[1],
        terms,
    };
    let proxy = store.add_proxy(proxy, &by()).await.unwrap();
    let key = NewApiKey {
        hash: KeyHash([7; 32]),
        prefix: "pk_7".to_owned(),
        label: String::new(),
        office,
        user: None,
        scopes: vec!["manage".to_owned()],
        created_at: at(0),
        ends_at: None,
    };
    let key = store.add_key(key, &by()).await.unwrap();
    let (rights, disabled) = (people[0], people[2]);
    let taken = UserChange {
        rights: Some((Rights::default(), Branches::All)),
        ..UserChange::default()
    };
    let ended = UserChange {
        account: Some(Account::Disabled),
        ..UserChange::default()
    };
    let unsafe_office = OfficeChange {
        security: Some(OfficeSecurity::Off),
        ..OfficeChange::default()
    };
    let viewing = ProxyTerms {
        level: ProxyLevel::View,
        ..terms
    };
    vec![
        (
            "rights",
            Box::pin(async move { drop(store.change_user(rights, 1, taken, &by()).await.unwrap()) }),
        ),
        (
            "disabling",
            Box::pin(async move { drop(store.change_user(disabled, 1, ended, &by()).await.unwrap()) }),
        ),
        (
            "security",
            Box::pin(async move {
                drop(
                    store
                        .change_office(office, 1, unsafe_office, &by())
                        .await
                        .unwrap(),
                )
            }),
        ),
        (
            "narrowed proxy",
            Box::pin(async move {
                assert_eq!(
                    store
                        .change_proxy(proxy.id, 1, viewing, &by())
                        .await
                        .unwrap()
                        .terms,
                    viewing
                )
            }),
        ),
        (
            "ended proxy",
            Box::pin(async move { assert!(store.remove_proxy(proxy.id, &by()).await.unwrap()) }),
        ),
        (
            "ended key",
            Box::pin(async move { assert!(store.end_key(key, &by()).await.unwrap()) }),
        ),
    ]
}

type Taking<'s> = std::pin::Pin<Box<dyn Future<Output = ()> + 's>>;

pub(crate) async fn step_prepared_before_rights_were_taken_touches_nothing(h: &mut impl Harness) {
    let store = h.store();
    put(store, (0..4).map(|_| letter(1)).collect(), at(0)).await;
    let takings = takings(store).await;
    let job = start(store, &anyone(), Verb::Delete, all()).await;
    for (what, taking) in takings {
        let step = prepared(store, &job, &anyone(), 2).await;
        taking.await;
        assert!(!store.step(step).await.unwrap(), "{what}");
        let job = store.job(job.id).await.unwrap().unwrap();
        assert_eq!(
            (job.state, counts(&job)),
            (JobState::Running, (0, 0, 0)),
            "{what}"
        );
        let left = store
            .counts(&Scope::everything(), &Filter::default())
            .await
            .unwrap();
        assert_eq!(left.total, 4, "{what}");
    }
    // With the rights of now the step is done; a name is no right.
    let step = prepared(store, &job, &anyone(), 2).await;
    let renamed = UserChange {
        name: Some("Another".to_owned()),
        ..UserChange::default()
    };
    let by = By::of(Actor::Operator, at(6));
    store.change_user(UserId(2), 1, renamed, &by).await.unwrap();
    assert!(store.step(step).await.unwrap());
}
