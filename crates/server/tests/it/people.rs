//! Offices, people, proxies, keys and passwords over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use postroom_domain::Clock as _;
use postroom_office::{Accounts, NoticeEvent};
use postroom_store::Rights;
use serde_json::{Value, json};

use crate::house::{Answer, House, PASSWORD, Person, START};

mod keys;
mod legible;
mod links;
mod own_address;
mod sign_in;

const ADMINISTRATOR: Rights = Rights {
    super_user: false,
    enterprise_view: false,
    administrator: true,
    customize_list_layout: false,
};

async fn send(house: &House, who: &Person, call: &str, version: Option<i64>, body: &Value) -> Answer {
    let (method, path) = call.split_once(' ').unwrap();
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let mut ask = house.ask(method, &format!("/api/v1{path}")).by_hand(who);
    if let Some(version) = version {
        ask = ask.header("if-match", &format!("\"{version}\""));
    }
    if !body.is_null() {
        ask = ask.json(body);
    }
    ask.send().await
}

async fn sign_in(house: &House, login: &str, password: &str) -> Answer {
    let given = json!({"login": login, "password": password});
    let ask = house.ask(Method::POST, "/api/v1/session");
    ask.json(&given).send().await
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn edits_name_their_version() {
    let house = House::open().await;
    let admin = house.person("admin", house.root, ADMINISTRATOR).await;
    let office = format!("/offices/{}", house.root);
    let rename = json!({"name": "Head Office"});
    let call = format!("PATCH {office}");
    let none = send(&house, &admin, &call, None, &rename).await;
    assert_eq!(
        (none.status.as_u16(), none.code()),
        (428, "precondition_required".to_owned())
    );
    let stale = send(&house, &admin, &call, Some(7), &rename).await;
    assert_eq!((stale.status.as_u16(), stale.code()), (412, "stale".to_owned()));
    let done = send(&house, &admin, &call, Some(1), &rename).await;
    assert_eq!(
        (done.status, done.header("etag")),
        (StatusCode::OK, "\"2\""),
        "{}",
        done.text
    );
    let read = send(&house, &admin, &format!("GET {office}"), None, &Value::Null).await;
    assert_eq!(
        (read.json()["name"].as_str(), read.header("etag")),
        (Some("Head Office"), "\"2\"")
    );
}

#[tokio::test]
async fn rules_of_offices_and_people_are_named() {
    let house = House::open().await;
    let admin = house.person("admin", house.root, ADMINISTRATOR).await;
    let north = house.office(house.root, "North Office").await;
    let lakeside = house.office(north, "Lakeside").await;
    let clerk = house.person("clerk", north, Rights::default()).await;
    let lake = house.person("lake", lakeside, Rights::default()).await;
    let root = house.root;
    let (administrator, clerk, lake) = (admin.user, clerk.user, lake.user);
    let changes = [
        (
            format!("PATCH /offices/{north}"),
            json!({"parent": lakeside}),
            "office_cycle",
        ),
        (
            format!("PATCH /offices/{north}"),
            json!({"parent": north}),
            "office_cycle",
        ),
        (
            format!("DELETE /offices/{lakeside}"),
            Value::Null,
            "office_not_empty",
        ),
        (
            format!("DELETE /offices/{root}"),
            Value::Null,
            "system_office_stays",
        ),
        (
            format!("PATCH /users/{administrator}"),
            json!({"disabled": true}),
            "last_administrator",
        ),
        (
            format!("PUT /users/{administrator}/rights"),
            json!({"rights": []}),
            "last_administrator",
        ),
        (
            format!("PUT /users/{lake}/rights"),
            json!({"rights": ["enterprise_view"], "branches": [north]}),
            "branch_outside",
        ),
    ];
    for (call, body, code) in changes {
        refused(&house, &admin, &call, Some(1), &body, code).await;
    }
    for (principal, code) in [(clerk, "proxy_for_oneself"), (lake, "proxy_across_offices")] {
        let proxy = json!({"assistant": clerk, "principal": principal, "level": "view"});
        refused(&house, &admin, "POST /proxies", None, &proxy, code).await;
    }
    let look = format!("GET /offices/{north}");
    let office = send(&house, &admin, &look, None, &Value::Null).await;
    assert_eq!(office.json()["version"], 1, "nothing changed");
}

/// Sends `call` and looks that it is refused with `code`.
async fn refused(house: &House, who: &Person, call: &str, version: Option<i64>, body: &Value, code: &str) {
    let answer = send(house, who, call, version, body).await;
    assert_eq!(answer.code(), code, "{call}: {}", answer.text);
    assert!(answer.status.is_client_error(), "{call}");
}

#[tokio::test]
async fn assistant_sees_with_the_next_request_and_no_longer() {
    let house = House::open().await;
    let partner = house.person("partner", house.root, Rights::default()).await;
    let assistant = house.person("assistant", house.root, Rights::default()).await;
    let id = house.letter(&partner, "a@example.com", "ours").await;
    let path = format!("GET /messages/{id}");
    let look = async || send(&house, &assistant, &path, None, &Value::Null).await.status;
    assert_eq!(look().await, StatusCode::NOT_FOUND);
    let until = postroom_domain::Clock::now(&*house.clock).plus(Duration::from_secs(60));
    let new = json!({"assistant": assistant.user, "level": "view", "until": until});
    let given = send(&house, &partner, "POST /proxies", None, &new).await;
    assert_eq!(given.status, StatusCode::CREATED, "{}", given.text);
    assert_eq!(look().await, StatusCode::OK, "the next request");
    house.clock.advance(Duration::from_secs(58));
    assert_eq!(look().await, StatusCode::OK);
    house.clock.advance(Duration::from_secs(2));
    assert_eq!(
        look().await,
        StatusCode::NOT_FOUND,
        "its time is over, whatever is remembered"
    );
    let id = given.json()["id"].clone();
    let mine = send(&house, &assistant, "GET /proxies", None, &Value::Null)
        .await
        .json();
    assert_eq!(
        (&mine["proxies"][0]["id"], &mine["proxies"][0]["active"]),
        (&id, &json!(false))
    );
    let theirs = send(
        &house,
        &assistant,
        &format!("PUT /proxies/{id}"),
        Some(1),
        &json!({"level": "manage"}),
    )
    .await;
    assert_eq!(
        theirs.json()["rule"],
        "give_proxy",
        "an assistant does not widen their own proxy"
    );
    let given_up = send(
        &house,
        &assistant,
        &format!("DELETE /proxies/{id}"),
        None,
        &Value::Null,
    )
    .await;
    assert_eq!(given_up.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn manage_proxy_sends_as_the_principal_and_a_view_proxy_does_not() {
    let house = House::open().await;
    let partner = house.person("partner", house.root, Rights::default()).await;
    let assistant = house.person("assistant", house.root, Rights::default()).await;
    let letter =
        json!({"from": "partner@example.test", "to": ["a@example.com"], "subject": "s", "text": "t"});
    let post = async || send(&house, &assistant, "POST /messages", None, &letter).await;
    assert_eq!(post().await.code(), "from_not_permitted");
    let new = json!({"assistant": assistant.user, "level": "view"});
    let id = send(&house, &partner, "POST /proxies", None, &new).await.json()["id"].clone();
    assert_eq!(post().await.code(), "from_not_permitted");
    let call = format!("PUT /proxies/{id}");
    send(&house, &partner, &call, Some(1), &json!({"level": "manage"})).await;
    let sent = post().await;
    assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.text);
    let id = sent.json()["id"].as_str().unwrap().to_owned();
    let detail = send(
        &house,
        &partner,
        &format!("GET /messages/{id}"),
        None,
        &Value::Null,
    )
    .await
    .json();
    assert_eq!(
        detail["sender"]["id"], partner.user.0,
        "it is the principal's mail"
    );
    assert_eq!(
        detail["submitted_by"], "assistant of the house",
        "and the record says who handed it in"
    );
    let mine = send(&house, &assistant, "GET /messages?mine=true", None, &Value::Null)
        .await
        .json();
    assert_eq!(mine["rows"], json!([]));
}

#[tokio::test]
async fn manage_proxy_sends_from_its_first_moment_to_its_last() {
    let house = House::open().await;
    let partner = house.person("partner", house.root, Rights::default()).await;
    let assistant = house.person("assistant", house.root, Rights::default()).await;
    let letter =
        json!({"from": "partner@example.test", "to": ["a@example.com"], "subject": "s", "text": "t"});
    let second = Duration::from_secs(1);
    let new = json!({"assistant": assistant.user, "level": "manage",
        "from": START.plus(second), "until": START.plus(second * 2)});
    let given = send(&house, &partner, "POST /proxies", None, &new).await;
    assert_eq!(given.status, StatusCode::CREATED, "{}", given.text);
    for expected in [StatusCode::FORBIDDEN, StatusCode::ACCEPTED, StatusCode::FORBIDDEN] {
        let sent = send(&house, &assistant, "POST /messages", None, &letter).await;
        assert_eq!(sent.status, expected, "{} {}", house.clock.now(), sent.text);
        house.clock.advance(second);
    }
}

#[tokio::test]
async fn disabled_person_is_out_with_the_next_request() {
    let house = House::open().await;
    let admin = house.person("admin", house.root, ADMINISTRATOR).await;
    let clerk = house.person("clerk", house.root, Rights::default()).await;
    let session = cookie(&sign_in(&house, "clerk", PASSWORD).await);
    let with_cookie = async || {
        let ask = house.ask(Method::GET, "/api/v1/messages");
        ask.header("cookie", &session).send().await.status
    };
    let with_key = async || {
        let ask = house.ask(Method::GET, "/api/v1/messages");
        ask.key(&clerk.key).send().await.status
    };
    assert_eq!(
        (with_cookie().await, with_key().await),
        (StatusCode::OK, StatusCode::OK)
    );
    let call = format!("PATCH /users/{}", clerk.user);
    let done = send(&house, &admin, &call, Some(1), &json!({"disabled": true})).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let out = StatusCode::UNAUTHORIZED;
    assert_eq!((with_cookie().await, with_key().await), (out, out));
    assert_eq!(sign_in(&house, "clerk", PASSWORD).await.status, out);
}

#[tokio::test]
async fn office_administrator_gives_no_right_that_shows_more_and_none_elsewhere() {
    let house = House::open().await;
    let north = house.office(house.root, "North Office").await;
    let local = house.person("local", north, ADMINISTRATOR).await;
    let clerk = house.person("clerk", north, Rights::default()).await;
    let elsewhere = house.person("elsewhere", house.root, Rights::default()).await;
    let call = |user| format!("PUT /users/{user}/rights");
    let view = json!({"rights": ["enterprise_view"]});
    let refused = send(&house, &local, &call(clerk.user), Some(1), &view).await;
    assert_eq!(refused.json()["rule"], "grant_enterprise_view");
    // Neither to themself, nor to a new account that could be theirs.
    let super_user = json!({"rights": ["super_user", "administrator"]});
    let new = json!({"login": "new", "name": "New", "email": "new@example.test", "rights": ["super_user"]});
    for (call, version, body) in [
        (call(clerk.user), Some(1), &super_user),
        (call(local.user), Some(1), &super_user),
        ("POST /users".to_owned(), None, &new),
    ] {
        let refused = send(&house, &local, &call, version, body).await;
        assert_eq!(refused.json()["rule"], "grant_super_user", "{call}");
    }
    let fine = json!({"rights": ["customize_list_layout"]});
    let done = send(&house, &local, &call(clerk.user), Some(1), &fine).await;
    assert_eq!(done.json()["rights"], json!(["customize_list_layout"]));
    let hidden = send(&house, &local, &call(elsewhere.user), Some(1), &fine).await;
    let unknown = send(&house, &local, "PUT /users/999/rights", Some(1), &fine).await;
    assert_eq!(hidden.problem(), unknown.problem());
}

#[tokio::test]
async fn key_is_shown_once_and_opens_no_session() {
    let house = House::open().await;
    let clerk = house.person("clerk", house.root, Rights::default()).await;
    let made = send(&house, &clerk, "POST /keys", None, &json!({"label": "scanner"})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    let list = send(&house, &clerk, "GET /keys", None, &Value::Null).await;
    assert!(
        list.text.contains("scanner") && !list.text.contains(&secret),
        "{}",
        list.text
    );
    let refused = sign_in(&house, "clerk", &secret).await;
    assert_eq!(refused.code(), "invalid_credentials", "it would outlive the key");
    let id = made.json()["id"].clone();
    let gone = send(&house, &clerk, &format!("DELETE /keys/{id}"), None, &Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let ask = house.ask(Method::GET, "/api/v1/messages").key(&secret);
    assert_eq!(ask.send().await.status, StatusCode::UNAUTHORIZED);
    let office = json!({"office": house.root, "scopes": ["read"]});
    let refused = send(&house, &clerk, "POST /keys", None, &office).await;
    assert_eq!(refused.json()["rule"], "administer_office");
}

#[tokio::test]
async fn new_server_is_set_up_by_its_secret_once() {
    let house = House::open().await;
    let secret = house.node.accounts.draw_setup_secret().await.unwrap().unwrap();
    let give = async |secret: &str| {
        let given = json!({"secret": secret, "login": "admin", "name": "Administrator",
                           "email": "admin@example.test", "password": PASSWORD});
        house.ask(Method::POST, "/api/v1/setup").json(&given).send().await
    };
    let needed = async || house.ask(Method::GET, "/api/v1/setup").send().await.json()["needed"].clone();
    assert_eq!(needed().await, true);
    assert_eq!(give("wrong").await.code(), "token_invalid");
    let done = give(secret.reveal()).await;
    assert_eq!(done.status, StatusCode::CREATED, "{}", done.text);
    assert_eq!(needed().await, false);
    assert_eq!(give(secret.reveal()).await.code(), "set_up_already");
    assert!(house.node.accounts.draw_setup_secret().await.unwrap().is_none());
    let session = sign_in(&house, "admin", PASSWORD).await;
    assert_eq!(session.json()["system_administrator"], true);
}

#[tokio::test]
async fn forgotten_password_is_answered_the_same_for_everybody() {
    let house = House::open().await;
    house.person("clerk", house.root, Rights::default()).await;
    let forgot = async |login: &str| {
        let ask = house.ask(Method::POST, "/api/v1/password-reset");
        ask.json(&json!({"login": login})).send().await
    };
    let (known, unknown) = (forgot("clerk").await, forgot("nobody").await);
    assert_eq!((known.status, &known.text), (unknown.status, &unknown.text));
    assert_eq!(known.status, StatusCode::ACCEPTED);
    for _ in 0..9 {
        forgot("nobody").await;
    }
    assert_eq!(forgot("nobody").await.code(), "too_many_attempts");
}

#[tokio::test]
async fn link_sets_a_password_once_and_ends_sessions() {
    let house = House::open().await;
    let clerk = house.person("clerk", house.root, Rights::default()).await;
    let (told, mut notices) = tokio::sync::mpsc::unbounded_channel();
    let node = &house.node;
    let notifier = Arc::new(Told(told));
    let accounts = Accounts::new(Arc::clone(&node.store), Arc::clone(&node.clock), notifier);
    let accounts = Arc::new(accounts);
    let session = cookie(&sign_in(&house, "clerk", PASSWORD).await);
    accounts.forgot("Clerk@Example.test");
    let notice = notices.recv().await.unwrap();
    assert_eq!(notice.user.id, clerk.user);
    let NoticeEvent::PasswordReset(link) = notice.event else {
        panic!("another notice");
    };
    let confirm = async |password: &str| {
        let ask = house.ask(Method::POST, "/api/v1/password-reset/confirm");
        let body = json!({"token": link.token.reveal(), "password": password});
        ask.json(&body).send().await
    };
    assert_eq!(confirm("short").await.json()["field"], "password");
    let done = confirm("another horse battery").await;
    assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", done.text);
    assert_eq!(confirm("yet another battery").await.code(), "token_invalid");
    let ask = house
        .ask(Method::GET, "/api/v1/session")
        .header("cookie", &session);
    assert_eq!(ask.send().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        sign_in(&house, "clerk", "another horse battery").await.status,
        StatusCode::OK
    );
}

/// Hands notices to the test.
#[derive(Debug)]
struct Told(tokio::sync::mpsc::UnboundedSender<postroom_office::Notice>);

#[async_trait::async_trait]
impl postroom_office::Notifier for Told {
    async fn notify(&self, notice: postroom_office::Notice) -> Result<(), postroom_office::NotifyError> {
        self.0.send(notice).unwrap();
        Ok(())
    }
}

#[tokio::test]
async fn person_is_told_of_wrong_passwords_by_mail_once_the_pause_begins() {
    let house = House::open().await;
    let admin = house.person("admin", house.root, ADMINISTRATOR).await;
    house.person("clerk", house.root, Rights::default()).await;
    let mut changes = house.node.store.changes();
    for n in 0..10 {
        let wrong = sign_in(&house, "clerk", &format!("wrong horse battery {n}")).await;
        assert_eq!(wrong.code(), "invalid_credentials");
    }
    changes.recv().await.unwrap();
    let path = "GET /messages?kind=sign_in_failed";
    let rows = send(&house, &admin, path, None, &Value::Null).await.json();
    assert_eq!(rows["rows"][0]["to"], "clerk of the house <clerk@example.test>");
    assert_eq!(rows["rows"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn invitation_is_mail_whose_body_is_shown_to_nobody() {
    let house = House::open().await;
    let admin = house.person("admin", house.root, ADMINISTRATOR).await;
    let new = json!({"login": "new", "name": "New Clerk", "email": "new@example.test"});
    let made = send(&house, &admin, "POST /users", None, &new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let path = "GET /messages?kind=account_created";
    let rows = send(&house, &admin, path, None, &Value::Null).await.json();
    let row = &rows["rows"][0];
    assert_eq!(
        (&row["to"], &row["body"]),
        (&json!("New Clerk <new@example.test>"), &json!(""))
    );
    let raw = format!("GET /messages/{}/raw", row["id"].as_str().unwrap());
    let refused = send(&house, &admin, &raw, None, &Value::Null).await;
    assert_eq!(refused.json()["rule"], "secret_body");
}
