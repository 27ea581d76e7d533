//! Every route of the API × every person: `docs/access/routes.toml` says who may call it.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use serde::Deserialize;

use super::world::{Caller, World};
use crate::house::Answer;
use crate::truth::{KeyOf, Person, Security};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/access/routes.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    route: Vec<Route>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    pub(super) call: String,
    pub(super) who: Who,
    #[serde(default)]
    pub(super) of: Option<Of>,
    #[serde(default)]
    verb: Option<String>,
    #[serde(default)]
    pub(super) needs: Option<Needs>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    pub(super) if_match: Option<String>,
    #[serde(default)]
    answers: Vec<u16>,
    #[serde(default)]
    stream: bool,
    /// Whether it is for people who signed in, and for no key.
    #[serde(default)]
    pub(super) by_hand: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Who {
    Anyone,
    SignedIn,
    Person,
    Administrator,
    SystemAdministrator,
    CustomizeListLayout,
    Message,
    Office,
    User,
}

/// What the {id} of a route names, where it is no message, office or user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Of {
    Job,
    Alert,
    Draft,
    Pause,
    Key,
    Proxy,
    Failures,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Needs {
    Know,
    Administer,
    System,
}

/// What the table expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Let,
    Refused,
    Hidden,
}

pub(super) fn read() -> Vec<Route> {
    let text = std::fs::read_to_string(TABLE).unwrap();
    toml::from_str::<Table>(&text).unwrap().route
}

/// What follows the id in the routes that read a message, and the verb of each.
pub(super) fn reading() -> Vec<(String, String)> {
    read()
        .into_iter()
        .filter_map(|route| {
            let tail = route.call.strip_prefix("GET /api/v1/messages/{id}")?;
            let tail = tail.replace("{index}", "0").replace("{part}", "text");
            Some((route.verb?, tail))
        })
        .collect()
}

#[test]
fn table_names_every_route_of_the_description() {
    let document = serde_json::to_value(postroom_server::http::openapi()).unwrap();
    let described: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let named: BTreeSet<String> = read().into_iter().map(|route| route.call).collect();
    let missing: Vec<_> = described.difference(&named).collect();
    let unknown: Vec<_> = named.difference(&described).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "docs/access/routes.toml: add {missing:?}, remove {unknown:?}"
    );
    for route in read() {
        assert_eq!(route.verb.is_some(), route.who == Who::Message, "{}", route.call);
        let named = matches!(route.who, Who::Office | Who::User);
        assert_eq!(route.needs.is_some(), named, "{}", route.call);
        let other = route.call.contains("{id}") && !named && route.who != Who::Message;
        assert_eq!(route.of.is_some(), other, "{}", route.call);
    }
}

#[tokio::test]
async fn strangers_get_nothing_but_the_door() {
    let world = World::with(Security::On).await;
    for route in read() {
        let answer = call(&world, None, &route, "1").await;
        if route.who == Who::Anyone {
            let code = answer.json_code();
            assert_ne!(code.as_deref(), Some("not_signed_in"), "{}", route.call);
        } else {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", route.call);
        }
    }
}

#[tokio::test]
async fn every_route_answers_every_person_as_the_tables_say() {
    let world = World::with(Security::On).await;
    for route in read().into_iter().filter(|route| !route.stream) {
        for caller in &world.callers {
            let person = world.person(caller);
            let name = &person.id;
            if route.by_hand && person.key.is_some() {
                let answer = call(&world, Some(caller), &route, "1").await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name} {}", route.call);
                assert_eq!(answer.json()["rule"], "by_hand", "{name} {}", route.call);
                continue;
            }
            match route.who {
                // The matrix of messages walks these.
                Who::Anyone | Who::Message => {}
                Who::SignedIn => expect(&world, caller, &route, "1", Expected::Let).await,
                Who::Person if person.key == Some(KeyOf::Office) => {
                    let answer = call(&world, Some(caller), &route, "1").await;
                    assert!(
                        matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND),
                        "{name} {}: {}",
                        route.call,
                        answer.text
                    );
                }
                Who::Person => expect(&world, caller, &route, "1", Expected::Let).await,
                Who::Administrator => {
                    let expected = let_if(is_administrator(person));
                    expect(&world, caller, &route, "1", expected).await;
                }
                Who::CustomizeListLayout => {
                    let expected = let_if(has(person, "customize_list_layout"));
                    expect(&world, caller, &route, "1", expected).await;
                }
                Who::SystemAdministrator => {
                    let expected = let_if(is_system_administrator(person));
                    expect(&world, caller, &route, "1", expected).await;
                }
                Who::Office => {
                    for (office, id) in &world.offices {
                        let expected = of_office(person, office, route.needs.unwrap(), knows(person, office));
                        expect(&world, caller, &route, &id.to_string(), expected).await;
                    }
                    expect(&world, caller, &route, "999999", Expected::Hidden).await;
                }
                Who::User => {
                    for (login, office) in [
                        ("partner", "North Office"),
                        ("lakeside", "Lakeside"),
                        ("south", "South Office"),
                        ("system", "System Office"),
                    ] {
                        let known = person.office == office || is_system_administrator(person);
                        let expected = of_office(person, office, route.needs.unwrap(), known);
                        let id = world.people[login].user.to_string();
                        expect(&world, caller, &route, &id, expected).await;
                    }
                    expect(&world, caller, &route, "999999", Expected::Hidden).await;
                }
            }
        }
    }
}

async fn expect(world: &World, caller: &Caller, route: &Route, id: &str, expected: Expected) {
    let answer = call(world, Some(caller), route, id).await;
    let said = format!(
        "{} {} ({id}): {} {}",
        world.person(caller).id,
        route.call,
        answer.status,
        answer.text
    );
    match expected {
        Expected::Let => {
            let fine = route.answers.contains(&answer.status.as_u16());
            let stopped = matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
            assert!(fine || !stopped, "{said}");
            if matches!(route.who, Who::Office | Who::User) {
                assert_ne!(answer.status, StatusCode::NOT_FOUND, "{said}");
            }
            assert!(!answer.status.is_server_error(), "{said}");
        }
        Expected::Refused => {
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{said}");
            assert!(answer.json()["rule"].is_string(), "{said}");
        }
        Expected::Hidden => {
            let unknown = call(world, Some(caller), route, "999999").await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{said}");
            assert_eq!(answer.problem(), unknown.problem(), "{said}");
        }
    }
}

async fn call(world: &World, caller: Option<&Caller>, route: &Route, id: &str) -> Answer {
    call_from(world, caller, route, id, route.if_match.as_deref()).await
}

/// Calls a route with another version than the table's.
pub(super) async fn call_from(
    world: &World,
    caller: Option<&Caller>,
    route: &Route,
    id: &str,
    version: Option<&str>,
) -> Answer {
    let (method, path) = route.call.split_once(' ').unwrap();
    let path = path
        .replace("{id}", id)
        .replace("{index}", "0")
        .replace("{part}", "text");
    let mut ask = world
        .house
        .ask(Method::from_bytes(method.as_bytes()).unwrap(), &path);
    if let Some(caller) = caller {
        ask = caller.sign(ask);
    }
    if let Some(version) = version {
        ask = ask.header("if-match", version);
    }
    if let Some(body) = &route.body {
        ask = ask.raw("application/json", body.clone());
    }
    ask.send().await
}

const fn let_if(may: bool) -> Expected {
    if may { Expected::Let } else { Expected::Refused }
}

pub(super) fn of_office(person: &Person, office: &str, needs: Needs, known: bool) -> Expected {
    if !known {
        return Expected::Hidden;
    }
    match needs {
        Needs::Know => Expected::Let,
        Needs::Administer => let_if(administers(person, office)),
        Needs::System => let_if(is_system_administrator(person)),
    }
}

fn has(person: &Person, right: &str) -> bool {
    person.key != Some(KeyOf::Office) && person.rights.iter().any(|known| known == right)
}

pub(super) fn is_administrator(person: &Person) -> bool {
    has(person, "administrator")
}

pub(super) fn is_system_administrator(person: &Person) -> bool {
    is_administrator(person) && person.office == "System Office"
}

pub(super) fn administers(person: &Person, office: &str) -> bool {
    is_system_administrator(person) || (is_administrator(person) && person.office == office)
}

/// Whether somebody knows of an office: their own, those that Enterprise View reaches, all for the System Office's
/// administrators.
pub(super) fn knows(person: &Person, office: &str) -> bool {
    let below_north = ["Lakeside", "Hillside", "Pier Desk"];
    let reached: Vec<&str> = match (person.office.as_str(), &person.branches) {
        (_, Some(_)) => vec!["Lakeside", "Pier Desk"],
        ("System Office", None) => [&["North Office", "South Office"][..], &below_north].concat(),
        _ => below_north.to_vec(),
    };
    person.office == office
        || is_system_administrator(person)
        || (has(person, "enterprise_view") && reached.contains(&office))
}

impl Answer {
    fn json_code(&self) -> Option<String> {
        let found: serde_json::Value = serde_json::from_str(&self.text).ok()?;
        Some(found["code"].as_str()?.to_owned())
    }
}
