//! The ids of other people's and offices' things: for whom they are not, they are answered as an id that nothing has,
//! and nothing changes.

use axum::http::{Method, StatusCode};
use postroom_domain::alert::{AlertKind, Link};
use postroom_domain::{MessageId, UserId};
use postroom_store::{
    Actor, AlertPage, Count, JobView, Mailing, NewDraft, NewJob, NewProxy, PauseOf, ProxyLevel, ProxyTerms,
    Raise, RaiseBatch, Rights, Verb, Which, WhichAlerts,
};

use super::routes::{
    Expected, Needs, Of, Route, Who, administers, call_from, is_administrator, is_system_administrator,
    knows, of_office, read,
};
use super::world::{Caller, World};
use crate::house::{START, by};
use crate::truth::{KeyOf, Security};

/// Something of somebody, and who may come at it.
struct Thing {
    of: Of,
    id: String,
    /// An id of the same form that nothing has.
    missing: &'static str,
    /// The office whose administrators may; `None` where the System Office's alone may.
    office: Option<&'static str>,
}

impl Thing {
    fn expected(&self, world: &World, caller: &Caller) -> Expected {
        let person = world.person(caller);
        match (self.of, self.office) {
            (Of::Draft, _) if person.key == Some(KeyOf::Office) => Expected::Refused,
            (Of::Alert | Of::Draft, _) => Expected::Hidden,
            (Of::Pause, _) if !is_administrator(person) => Expected::Refused,
            (_, Some(office)) if administers(person, office) => Expected::Let,
            (_, None) if is_system_administrator(person) => Expected::Let,
            (Of::Job | Of::Pause | Of::Key | Of::Proxy | Of::Failures, _) => Expected::Hidden,
        }
    }
}

#[tokio::test]
async fn things_of_others_are_answered_as_ids_that_nothing_has() {
    let world = World::with(Security::On).await;
    let things = things(&world).await;
    let before = kept(&world).await;
    for route in read() {
        let Some(of) = route.of else { continue };
        let mut hidden = 0;
        for thing in things.iter().filter(|thing| thing.of == of) {
            for caller in &world.callers {
                let expected = if route.by_hand && world.person(caller).key.is_some() {
                    Expected::Refused
                } else {
                    thing.expected(&world, caller)
                };
                hidden += u32::from(expected == Expected::Hidden);
                // Whoever may is let through by the walk of the routes, with an id of nothing.
                if expected != Expected::Let {
                    indistinguishable(&world, caller, &route, thing, expected).await;
                }
            }
        }
        assert!(
            of == Of::Failures || hidden > 0,
            "{} is tried by nobody",
            route.call
        );
    }
    assert_eq!(kept(&world).await, before);
}

async fn indistinguishable(world: &World, caller: &Caller, route: &Route, thing: &Thing, expected: Expected) {
    // The version that proxies have, so that nothing but the rights stands in the way.
    let version = route.if_match.as_ref().map(|_| "\"1\"");
    let answer = call_from(world, Some(caller), route, &thing.id, version).await;
    let missing = call_from(world, Some(caller), route, thing.missing, version).await;
    let said = format!(
        "{} {} ({}): {}",
        world.person(caller).id,
        route.call,
        thing.id,
        answer.text
    );
    let status = match expected {
        Expected::Refused => StatusCode::FORBIDDEN,
        Expected::Hidden | Expected::Let => StatusCode::NOT_FOUND,
    };
    assert_eq!(answer.status, status, "{said}");
    assert_eq!(answer.problem(), missing.problem(), "{said}");
}

/// A job, alerts, pauses, keys and a proxy of the South Office and of a colleague in the North Office.
async fn things(world: &World) -> Vec<Thing> {
    let (south, clerk) = (world.people["south"].user, world.people["clerk"].user);
    let mut things = vec![
        thing(Of::Job, job(world, south).await, "999999", None),
        thing(Of::Job, job(world, clerk).await, "999999", None),
        thing(Of::Alert, alert(world, south).await, "999999", None),
        thing(Of::Alert, alert(world, clerk).await, "999999", None),
        thing(Of::Draft, draft(world, south).await, "999999", None),
        thing(Of::Draft, draft(world, clerk).await, "999999", None),
    ];
    let office = world.offices["South Office"];
    for (of, missing) in [
        (PauseOf::Office(office), "office-999999"),
        (PauseOf::Sender(south), "user-999999"),
    ] {
        let store = &world.house.node.store;
        store.pause(of, String::new(), START, &by().note).await.unwrap();
        let id = match of {
            PauseOf::Office(office) => format!("office-{office}"),
            PauseOf::Sender(user) => format!("user-{user}"),
        };
        things.push(thing(Of::Pause, id, missing, Some("South Office")));
    }
    for key in world.house.node.store.keys().await.unwrap() {
        let of = match key.user {
            Some(user) if user == south => "South Office",
            Some(user) if user == clerk => "North Office",
            None if key.office == office => "South Office",
            Some(_) | None => continue,
        };
        things.push(thing(Of::Key, key.id.to_string(), "999999", Some(of)));
    }
    let id = proxy(world, south).await;
    things.push(thing(Of::Proxy, id, "999999", Some("South Office")));
    for proxy in world.house.node.store.proxies(None).await.unwrap() {
        if proxy.assistant == clerk {
            things.push(thing(
                Of::Proxy,
                proxy.id.to_string(),
                "999999",
                Some("North Office"),
            ));
        }
    }
    things
}

const fn thing(of: Of, id: String, missing: &'static str, office: Option<&'static str>) -> Thing {
    Thing {
        of,
        id,
        missing,
        office,
    }
}

async fn job(world: &World, owner: UserId) -> String {
    let job = NewJob {
        owner: Actor::User(owner),
        office: None,
        verb: Verb::Hold,
        which: Which::default(),
        as_of: MessageId::MIN,
        total: 1,
        now: START,
    };
    world.house.node.store.start_job(job).await.unwrap().0.to_string()
}

async fn alert(world: &World, person: UserId) -> String {
    let raise = Raise {
        person,
        key: "one".to_owned(),
        kind: AlertKind::Undeliverable,
        title: "An alert".to_owned(),
        text: "what happened".to_owned(),
        advice: "what to do".to_owned(),
        link: Link::Limits,
        at: START,
        count: Count::Once,
        mail: Mailing::No,
    };
    let batch = RaiseBatch {
        raises: vec![raise],
        passed: None,
    };
    world.house.node.store.raise(batch).await.unwrap();
    let alerts = alerts(world, person).await;
    alerts.first().unwrap().id.0.to_string()
}

async fn draft(world: &World, owner: UserId) -> String {
    let draft = NewDraft {
        subject: "unfinished".to_owned(),
        to: String::new(),
        body: "{\"subject\":\"unfinished\"}".to_owned(),
    };
    let store = &world.house.node.store;
    let id = store.add_draft(owner, draft, START).await.unwrap().unwrap();
    id.0.to_string()
}

async fn alerts(world: &World, person: UserId) -> Vec<postroom_store::Alert> {
    let page = AlertPage {
        which: WhichAlerts::Open,
        after: None,
        limit: 200,
    };
    world.house.node.store.alerts(person, page).await.unwrap()
}

async fn proxy(world: &World, principal: UserId) -> String {
    let office = world.offices["South Office"];
    let assistant = world.house.person("south2", office, Rights::default()).await;
    let proxy = NewProxy {
        assistant: assistant.user,
        principal,
        terms: ProxyTerms {
            level: ProxyLevel::View,
            from: None,
            until: None,
        },
    };
    let made = world.house.node.store.add_proxy(proxy, &by()).await.unwrap();
    made.id.to_string()
}

/// All that the calls could change.
async fn kept(world: &World) -> String {
    let store = &world.house.node.store;
    let people = &world.people;
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        store.jobs(JobView::Everything).await.unwrap(),
        alerts(world, people["south"].user).await,
        alerts(world, people["clerk"].user).await,
        store.pauses().await.unwrap(),
        store.keys().await.unwrap(),
        store.proxies(None).await.unwrap(),
        store.drafts(people["south"].user).await.unwrap(),
        store.drafts(people["clerk"].user).await.unwrap(),
    )
}

#[tokio::test]
async fn groups_of_others_failures_are_answered_as_groups_of_nothing() {
    let world = World::with(Security::On).await;
    let failed = world.house.deliver(1, 1).await;
    let failed = failed.first().unwrap().to_string();
    let routes = read();
    let route = routes
        .iter()
        .find(|route| route.of == Some(Of::Failures))
        .unwrap();
    let mut tried = 0;
    for caller in &world.callers {
        if world.seen(caller).contains(&failed) {
            continue;
        }
        let group = call_from(&world, Some(caller), route, "0-auth", None).await;
        let nothing = call_from(&world, Some(caller), route, "0-tls", None).await;
        let name = &world.person(caller).id;
        assert_eq!(group.status, StatusCode::OK, "{name}: {}", group.text);
        assert_eq!(group.json(), nothing.json(), "{name}");
        tried += 1;
    }
    assert!(tried > 0);
    let everything = postroom_domain::Scope::everything();
    let groups = world.house.node.store.failures(&everything, 10).await.unwrap();
    assert_eq!(groups.groups.len(), 1, "it is still failed");
}

#[tokio::test]
async fn other_offices_and_people_stay_as_they_are_even_with_their_version() {
    let world = World::with(Security::On).await;
    let administers_all = |caller: &&Caller| is_system_administrator(world.person(caller));
    let root = world.callers.iter().find(administers_all).unwrap();
    for route in read().iter().filter(|route| route.if_match.is_some()) {
        let (office, id) = match route.who {
            Who::Office => ("South Office", world.offices["South Office"].to_string()),
            Who::User => ("South Office", world.people["south"].user.to_string()),
            Who::Anyone
            | Who::SignedIn
            | Who::Person
            | Who::Administrator
            | Who::SystemAdministrator
            | Who::CustomizeListLayout
            | Who::Message => continue,
        };
        let path = route.call.split_once(' ').unwrap().1;
        let path = path.trim_end_matches("/rights").replace("{id}", &id);
        let before = world.ask(root, Method::GET, &path).send().await;
        assert_eq!(before.status, StatusCode::OK, "{path}: {}", before.text);
        let version = before.header("etag").to_owned();
        assert!(!version.is_empty(), "{path} has a version");
        for caller in &world.callers {
            let person = world.person(caller);
            let known = if route.who == Who::User {
                person.office == office || is_system_administrator(person)
            } else {
                knows(person, office)
            };
            let needs = route.needs.unwrap_or(Needs::Know);
            let expected = if route.by_hand && person.key.is_some() {
                Expected::Refused
            } else {
                of_office(person, office, needs, known)
            };
            if expected == Expected::Let {
                continue;
            }
            let answer = call_from(&world, Some(caller), route, &id, Some(&version)).await;
            let missing = call_from(&world, Some(caller), route, "999999", Some(&version)).await;
            let said = format!("{} {}: {}", person.id, route.call, answer.text);
            if expected == Expected::Hidden {
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{said}");
                assert_eq!(answer.problem(), missing.problem(), "{said}");
            } else {
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{said}");
            }
        }
        let after = world.ask(root, Method::GET, &path).send().await;
        assert_eq!(
            (after.header("etag"), after.text.as_str()),
            (version.as_str(), before.text.as_str()),
            "{path}"
        );
    }
}
