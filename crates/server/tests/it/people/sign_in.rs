//! Who changes whose login and address, and what ends with the old ones (V10).

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use postroom_office::{Accounts, NoticeEvent};
use postroom_store::Rights;
use postroom_store::sqlite::{SqliteOptions, WriteFault, WriteFaults, WriteOperation};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{ADMINISTRATOR, Told, cookie, send, sign_in};
use crate::house::{House, PASSWORD};
use crate::truth::{Truth, rights};

#[tokio::test]
async fn table_of_who_changes_whose_address_holds() {
    let truth = Truth::read();
    let house = House::open().await;
    let north = house.office(house.root, "North Office").await;
    let south = house.office(house.root, "South Office").await;
    for (row, changer) in truth.changer.iter().enumerate() {
        let office = match changer.office.as_str() {
            "North Office" => north,
            "South Office" => south,
            _ => house.root,
        };
        let login = format!("changer{row}");
        let who = house.person(&login, office, rights(&changer.rights)).await;
        for (column, target) in truth.target.iter().enumerate() {
            let login = format!("target{row}x{column}");
            let id = house.person(&login, north, rights(&target.rights)).await.user;
            let address = json!({"email": format!("new.{login}@example.test")});
            let login = format!("given{row}x{column}");
            let given = house.person(&login, north, Rights::default()).await.user;
            let expected = changer.answer(target);
            let grant = match expected {
                "change_sign_in" => format!("grant_{}", target.id),
                other => other.to_owned(),
            };
            for (call, version, body, expected) in [
                (format!("PATCH /users/{id}"), Some(1), address, expected),
                (
                    format!("POST /users/{id}/invitation"),
                    None,
                    Value::Null,
                    expected,
                ),
                (
                    format!("PUT /users/{given}/rights"),
                    Some(1),
                    json!({"rights": target.rights}),
                    grant.as_str(),
                ),
            ] {
                let answer = send(&house, &who, &call, version, &body).await;
                let said = match answer.status {
                    StatusCode::OK | StatusCode::ACCEPTED => "yes".to_owned(),
                    StatusCode::NOT_FOUND => "-".to_owned(),
                    _ => answer.json()["rule"].as_str().unwrap_or_default().to_owned(),
                };
                assert_eq!(said, expected, "{call} by {changer:?}: {}", answer.text);
            }
        }
    }
}

#[tokio::test]
async fn address_of_somebody_with_more_rights_is_changed_by_the_system_office_alone() {
    let house = House::open().await;
    let north = house.office(house.root, "North Office").await;
    let system = house.person("system", house.root, ADMINISTRATOR).await;
    let local = house.person("local", north, ADMINISTRATOR).await;
    let viewer = Rights {
        enterprise_view: true,
        ..Rights::default()
    };
    let viewer = house.person("viewer", north, viewer).await;
    let clerk = house.person("clerk", north, Rights::default()).await;
    let address = json!({"email": "mine@example.test"});
    let call = format!("PATCH /users/{}", viewer.user);
    let invite = format!("POST /users/{}/invitation", viewer.user);
    for (call, version, body) in [(&call, Some(1), &address), (&invite, None, &Value::Null)] {
        let refused = send(&house, &local, call, version, body).await;
        assert_eq!(
            refused.json()["rule"],
            "change_sign_in",
            "{call}: {}",
            refused.text
        );
    }
    // What does not decide where links go is the office's own business.
    let same = json!({"name": "Viewer", "email": "VIEWER@example.test"});
    let done = send(&house, &local, &call, Some(1), &same).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let ahead = send(&house, &local, &call, Some(3), &address).await;
    assert_eq!(
        ahead.code(),
        "stale",
        "rights of one version do not decide about another"
    );
    let done = send(&house, &system, &call, Some(2), &address).await;
    assert_eq!(done.json()["email"], "mine@example.test", "{}", done.text);
    let done = send(&house, &system, &invite, None, &Value::Null).await;
    assert_eq!(done.status, StatusCode::ACCEPTED, "{}", done.text);
    let plain = json!({"email": "new.clerk@example.test"});
    let done = send(
        &house,
        &local,
        &format!("PATCH /users/{}", clerk.user),
        Some(1),
        &plain,
    )
    .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
}

#[tokio::test]
async fn changed_address_ends_links_and_sessions_and_is_told_to_the_old_one() {
    let house = House::open().await;
    let admin = house.person("admin", house.root, ADMINISTRATOR).await;
    let clerk = house.person("clerk", house.root, Rights::default()).await;
    let (told, mut notices) = tokio::sync::mpsc::unbounded_channel();
    let node = &house.node;
    let accounts = Accounts::new(
        Arc::clone(&node.store),
        Arc::clone(&node.clock),
        Arc::new(Told(told)),
    );
    Arc::new(accounts).forgot("clerk");
    let NoticeEvent::PasswordReset(link) = notices.recv().await.unwrap().event else {
        panic!("another notice");
    };
    let session = cookie(&sign_in(&house, "clerk", PASSWORD).await);
    let call = format!("PATCH /users/{}", clerk.user);
    let address = json!({"email": "clerk@elsewhere.test"});
    let done = send(&house, &admin, &call, Some(1), &address).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let ask = house.ask(Method::POST, "/api/v1/password-reset/confirm");
    let body = json!({"token": link.token.reveal(), "password": "another horse battery"});
    assert_eq!(ask.json(&body).send().await.code(), "token_invalid");
    let ask = house
        .ask(Method::GET, "/api/v1/session")
        .header("cookie", &session);
    assert_eq!(ask.send().await.status, StatusCode::UNAUTHORIZED);
    let path = "GET /messages?kind=alert";
    let rows = send(&house, &admin, path, None, &Value::Null).await.json();
    let rows = rows["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["to"], "clerk of the house <clerk@example.test>");
    let body = rows[0]["body"].as_str().unwrap();
    assert!(!body.contains("elsewhere.test"), "{body}");
}

#[tokio::test]
async fn office_administrator_cannot_take_anothers_address_as_a_login() {
    let house = House::open().await;
    let north = house.office(house.root, "North Office").await;
    let south = house.office(house.root, "South Office").await;
    let local = house.person("local", north, ADMINISTRATOR).await;
    let system = house.person("system", house.root, ADMINISTRATOR).await;
    house.person("victim", south, Rights::default()).await;
    let clerk = house.person("clerk", north, Rights::default()).await;
    let new = json!({"login": "Victim@example.test", "name": "New", "email": "new@example.test"});
    let refused = send(&house, &local, "POST /users", None, &new).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code()),
        (409, "exists".to_owned())
    );
    assert_eq!(
        sign_in(&house, "victim@example.test", PASSWORD).await.status,
        StatusCode::OK
    );
    let call = format!("PATCH /users/{}", clerk.user);
    let login = json!({"login": "clerk2"});
    let refused = send(&house, &local, &call, Some(1), &login).await;
    assert_eq!(refused.json()["rule"], "administer_system");
    let taken = json!({"login": "victim@example.test"});
    let refused = send(&house, &system, &call, Some(1), &taken).await;
    assert_eq!(refused.code(), "exists");
    let done = send(&house, &system, &call, Some(1), &login).await;
    assert_eq!(done.json()["login"], "clerk2", "{}", done.text);
    assert_eq!(sign_in(&house, "clerk2", PASSWORD).await.status, StatusCode::OK);
    assert_eq!(
        sign_in(&house, "clerk", PASSWORD).await.code(),
        "invalid_credentials"
    );
}

/// Tells that somebody is about to be changed, and delays the change.
#[derive(Debug, Default)]
struct SlowChanges(Notify);

impl WriteFaults for SlowChanges {
    fn on_operation(&self, operation: WriteOperation) -> WriteFault {
        if operation.name == "change_user" {
            self.0.notify_one();
            WriteFault::Delay(Duration::from_millis(200))
        } else {
            WriteFault::None
        }
    }
}

#[tokio::test]
async fn old_address_is_told_also_where_nobody_waits_for_the_answer() {
    let slow = Arc::new(SlowChanges::default());
    let options = SqliteOptions {
        faults: Some(Arc::clone(&slow) as _),
        ..SqliteOptions::default()
    };
    let house = House::on(options, |_| {}).await;
    let admin = house.person("admin", house.root, ADMINISTRATOR).await;
    let clerk = house.person("clerk", house.root, Rights::default()).await;
    let mut changes = house.node.store.changes();
    let call = format!("PATCH /users/{}", clerk.user);
    let address = json!({"email": "clerk@elsewhere.test"});
    let request = send(&house, &admin, &call, Some(1), &address);
    tokio::select! {
        biased;
        () = slow.0.notified() => {}
        answer = request => panic!("{}", answer.text),
    }
    // The connection is closed.
    let told = async {
        while house.kept().await == 0 {
            let _again = changes.recv().await;
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(30), told).await;
    assert!(told.is_ok(), "what follows the commit was not done");
}
