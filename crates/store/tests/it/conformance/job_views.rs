//! Whose jobs are whose: a person's API keys are that person (V6).

use postroom_domain::{KeyId, MessageId, OfficeId, RouteId, UserId};
use postroom_store::{
    Actor, Branches, By, JobId, JobView, KeyHash, NewApiKey, NewJob, NewOffice, NewUser, Rights, Store,
    StoreError, Verb, Which,
};

use super::Harness;
use crate::build::at;

fn by() -> By {
    By::of(Actor::Operator, at(0))
}

async fn office(store: &dyn Store) -> OfficeId {
    let office = NewOffice {
        parent: None,
        name: "System Office".to_owned(),
        route: RouteId::SERVER,
    };
    store.add_office(office, &by()).await.unwrap().id
}

async fn user(store: &dyn Store, office: OfficeId, login: &str) -> UserId {
    let user = NewUser {
        office,
        login: login.to_owned(),
        name: login.to_owned(),
        email: format!("{login}@example.com"),
        password_hash: String::new(),
        rights: Rights::default(),
    };
    store.add_user(user, Branches::All, &by()).await.unwrap().id
}

async fn key(store: &dyn Store, office: OfficeId, user: Option<UserId>, n: u8) -> KeyId {
    let key = NewApiKey {
        hash: KeyHash([n; 32]),
        prefix: format!("pk_{n}"),
        label: String::new(),
        office,
        user,
        scopes: Vec::new(),
        created_at: at(0),
        ends_at: None,
    };
    store.add_key(key, &by()).await.unwrap()
}

async fn start(store: &dyn Store, owner: Actor) -> Result<JobId, StoreError> {
    let job = NewJob {
        owner,
        office: None,
        verb: Verb::Hold,
        which: Which::default(),
        as_of: MessageId::MIN,
        total: 1,
        now: at(1),
    };
    store.start_job(job).await
}

/// The jobs of a view, oldest first; each is found by its id too, and no other is.
async fn seen(store: &dyn Store, view: JobView, all: &[JobId]) -> Vec<JobId> {
    let mut listed: Vec<JobId> = store.jobs(view).await.unwrap().iter().map(|job| job.id).collect();
    listed.sort_unstable();
    for id in all {
        let found = store.job_in(view, *id).await.unwrap();
        assert_eq!(
            found.map(|job| job.id),
            listed.contains(id).then_some(*id),
            "{view:?}"
        );
    }
    listed
}

pub(crate) async fn persons_jobs_are_those_of_their_keys_too(h: &mut impl Harness) {
    let store = h.store();
    let office = office(store).await;
    let case = user(store, office, "case").await;
    let lee = user(store, office, "lee").await;
    let cases = key(store, office, Some(case), 1).await;
    let offices = key(store, office, None, 2).await;
    let mut all = Vec::new();
    for owner in [
        Actor::User(case),
        Actor::Key(cases),
        Actor::User(lee),
        Actor::Key(offices),
        Actor::Operator,
    ] {
        all.push(start(store, owner).await.unwrap());
    }
    store.end_key(cases, &by()).await.unwrap();
    for (view, expected) in [
        (JobView::Everything, &all[..]),
        (JobView::Person(case), &all[..2]),
        (JobView::Person(lee), &all[2..3]),
        (JobView::Actor(Actor::Key(offices)), &all[3..4]),
        (JobView::Actor(Actor::Operator), &all[4..]),
    ] {
        assert_eq!(seen(store, view, &all).await, expected, "{view:?}");
    }
}

pub(crate) async fn person_and_their_keys_have_ten_jobs_under_way_in_all(h: &mut impl Harness) {
    let store = h.store();
    let office = office(store).await;
    let case = user(store, office, "case").await;
    let first = key(store, office, Some(case), 1).await;
    let second = key(store, office, Some(case), 2).await;
    let offices = key(store, office, None, 3).await;
    for owner in [Actor::User(case), Actor::Key(first)] {
        for _ in 0..5 {
            start(store, owner).await.unwrap();
        }
    }
    for owner in [Actor::User(case), Actor::Key(first), Actor::Key(second)] {
        let refused = start(store, owner).await;
        assert!(
            matches!(refused, Err(StoreError::TooMuch(_))),
            "{owner}: {refused:?}"
        );
    }
    start(store, Actor::Key(offices)).await.unwrap();
}
