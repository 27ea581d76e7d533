//! Links for a new password, and what they do to the person's API keys.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use postroom_office::{Accounts, Link, NoticeEvent};
use postroom_store::{Actor, AuditNote, Branches, NewUser, Rights};
use serde_json::json;

use super::Told;
use crate::house::{House, PASSWORD, Person, by};
use crate::server::Server;

/// How somebody comes to a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// They have no password, and are invited.
    FirstInvitation,
    /// They have one, and are invited again.
    Invitation,
    /// They have one, and asked for another.
    Reset,
}

/// Somebody with a key, who has a password unless this is their first link.
async fn somebody(house: &House, login: &str, link: Way) -> Person {
    let passwords = house.node.authenticator.passwords();
    let password_hash = match link {
        Way::FirstInvitation => String::new(),
        Way::Invitation | Way::Reset => passwords.hash(PASSWORD).await.unwrap(),
    };
    let user = NewUser {
        office: house.root,
        login: login.to_owned(),
        name: login.to_owned(),
        email: format!("{login}@example.test"),
        password_hash,
        rights: Rights::default(),
    };
    let user = house.node.store.add_user(user, Branches::All, &by()).await;
    house.moved_in(user.unwrap()).await
}

#[tokio::test]
async fn new_password_by_a_link_ends_keys_unless_it_says_otherwise_or_is_the_first() {
    let house = House::open().await;
    let (told, mut notices) = tokio::sync::mpsc::unbounded_channel();
    let store = Arc::clone(&house.node.store);
    let notifier = Arc::new(Told(told));
    let accounts = Accounts::new(Arc::clone(&store), Arc::clone(&house.node.clock), notifier);
    let accounts = Arc::new(accounts);
    let offices = store.offices().await.unwrap();
    let root = offices.iter().find(|office| office.id == house.root).unwrap();
    for (n, (way, end_keys, works_on)) in [
        (Way::Reset, None, false),
        (Way::Reset, Some(false), true),
        (Way::Reset, Some(true), false),
        (Way::Invitation, None, false),
        (Way::FirstInvitation, None, true),
        (Way::FirstInvitation, Some(true), false),
    ]
    .into_iter()
    .enumerate()
    {
        let person = somebody(&house, &format!("clerk{n}"), way).await;
        if way == Way::Reset {
            accounts.forgot(&person.login);
        } else {
            let user = store.user(person.user).await.unwrap().unwrap();
            let note = AuditNote::by(Actor::Operator);
            accounts.invite(user, root.clone(), note).await.unwrap();
        }
        let (NoticeEvent::PasswordReset(link) | NoticeEvent::AccountCreated(link)) =
            notices.recv().await.unwrap().event
        else {
            panic!("another notice");
        };
        assert_eq!(confirm(&house, &link, end_keys).await, StatusCode::NO_CONTENT);
        let ask = house.ask(Method::GET, "/api/v1/messages").key(&person.key);
        let works = ask.send().await.status == StatusCode::OK;
        assert_eq!(works, works_on, "{way:?} {end_keys:?}");
    }
}

#[tokio::test]
async fn link_works_although_another_was_asked_for_later() {
    let house = House::open().await;
    let case = somebody(&house, "case", Way::Reset).await;
    let (told, mut notices) = tokio::sync::mpsc::unbounded_channel();
    let store = Arc::clone(&house.node.store);
    let accounts = Accounts::new(store, Arc::clone(&house.node.clock), Arc::new(Told(told)));
    let accounts = Arc::new(accounts);
    let mut links = Vec::new();
    for _ in 0..2 {
        accounts.forgot(&case.login);
        let NoticeEvent::PasswordReset(link) = notices.recv().await.unwrap().event else {
            panic!("another notice");
        };
        links.push(link);
    }
    assert_eq!(confirm(&house, &links[0], None).await, StatusCode::NO_CONTENT);
    assert_eq!(
        confirm(&house, &links[1], None).await,
        StatusCode::CONFLICT,
        "ends with the one that was used"
    );
}

#[tokio::test]
async fn operator_prints_a_link_that_works_once() {
    let server = Server::start().await;
    server.person("case").await;
    let made = server.command(&["user", "link", "case"], "", &[]).await;
    assert_eq!(made.code, Some(0), "{}", made.err);
    let (_, token) = made.out.trim().split_once("/password?token=").unwrap();
    let given = json!({"token": token, "password": "another horse battery"});
    for status in [StatusCode::NO_CONTENT, StatusCode::CONFLICT] {
        let request = Request::post("/api/v1/password-reset/confirm")
            .header("host", "mail.example.test")
            .header("content-type", "application/json")
            .body(Body::from(given.to_string()));
        assert_eq!(server.open(request.unwrap()).await.0, status);
    }
    let nobody = server.command(&["user", "link", "nobody"], "", &[]).await;
    assert_eq!(nobody.out, "");
    assert!(nobody.err.contains("there is no user"), "{}", nobody.err);
}

async fn confirm(house: &House, link: &Link, end_keys: Option<bool>) -> StatusCode {
    let mut body = json!({"token": link.token.reveal(), "password": "another horse battery"});
    if let Some(end_keys) = end_keys {
        body["end_keys"] = json!(end_keys);
    }
    let ask = house.ask(Method::POST, "/api/v1/password-reset/confirm");
    ask.json(&body).send().await.status
}
