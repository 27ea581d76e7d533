//! The Alert Center's routes.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use postroom_domain::alert::{AlertKind, Link};
use postroom_domain::{Clock as _, UserId};
use postroom_store::{Count, Mailing, Raise, RaiseBatch};
use postroom_testkit::relay;
use serde_json::json;

use super::Place;
use crate::events::Events;

async fn raise(place: &Place, person: UserId, key: &str) {
    let raise = Raise {
        person,
        key: key.to_owned(),
        kind: AlertKind::Undeliverable,
        title: format!("alert {key}"),
        text: "what happened".to_owned(),
        advice: "what to do".to_owned(),
        link: Link::Limits,
        at: place.clock.now(),
        count: Count::Once,
        mail: Mailing::No,
    };
    let batch = RaiseBatch {
        raises: vec![raise],
        passed: None,
    };
    place.server.running.node().store.raise(batch).await.unwrap();
}

#[tokio::test]
async fn alerts_are_paged_read_and_dismissed_by_their_owner_alone() {
    let sink = relay::start().await;
    let place = Place::open(&sink, |_| {}).await;
    for key in ["1", "2", "3"] {
        place.clock.advance(std::time::Duration::from_secs(1));
        raise(&place, place.case.id, key).await;
    }
    let get = async |who, path: &str| place.ask(who, Method::GET, path, None).await;
    let post = async |who, path: &str| place.ask(who, Method::POST, path, None).await.0;
    let (_, page) = get(&place.case, "/api/v1/alerts?limit=2").await;
    assert_eq!(
        (&page["unread"], &page["alerts"][0]["title"]),
        (&json!(3), &json!("alert 3"))
    );
    let next = page["next"].as_str().unwrap();
    let (_, rest) = get(&place.case, &format!("/api/v1/alerts?limit=2&cursor={next}")).await;
    assert_eq!(
        (&rest["alerts"][0]["title"], &rest["next"]),
        (&json!("alert 1"), &json!(null))
    );
    let id = page["alerts"][0]["id"].as_i64().unwrap();
    // Rights over others' mail are none over their alerts.
    for other in [&place.chief, &place.head, &place.lee] {
        assert_eq!(get(other, "/api/v1/alerts").await.1["alerts"], json!([]));
        assert_eq!(
            post(other, &format!("/api/v1/alerts/{id}/read")).await,
            StatusCode::NOT_FOUND
        );
    }
    assert_eq!(
        post(&place.case, &format!("/api/v1/alerts/{id}/read")).await,
        StatusCode::NO_CONTENT
    );
    let (_, unread) = get(&place.case, "/api/v1/alerts?unread=true").await;
    assert_eq!(
        (&unread["unread"], unread["alerts"].as_array().unwrap().len()),
        (&json!(2), 2)
    );
    assert_eq!(
        post(&place.case, &format!("/api/v1/alerts/{id}/dismiss")).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        post(&place.case, &format!("/api/v1/alerts/{id}/dismiss")).await,
        StatusCode::NOT_FOUND
    );
    let upto = json!({"upto": rest["alerts"][0]["id"]});
    let (_, read) = place
        .ask(&place.case, Method::POST, "/api/v1/alerts/read-all", Some(upto))
        .await;
    assert_eq!(read, json!({"read": 1}));
    let (_, count) = get(&place.case, "/api/v1/alerts/unread").await;
    assert_eq!(
        (&count["unread"], &count["newest"]["title"]),
        (&json!(1), &json!("alert 2"))
    );
    let (_, read) = place
        .ask(&place.case, Method::POST, "/api/v1/alerts/read-all", None)
        .await;
    assert_eq!(read, json!({"read": 1}));
}

#[tokio::test]
async fn parameters_that_cannot_be_used_are_named() {
    let sink = relay::start().await;
    let place = Place::open(&sink, |_| {}).await;
    for (path, field) in [
        ("/api/v1/alerts?limit=0", "limit"),
        ("/api/v1/alerts?cursor=x", "cursor"),
        ("/api/v1/alerts?sort=title", "sort"),
    ] {
        let (status, problem) = place.ask(&place.case, Method::GET, path, None).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert_eq!(problem["field"], field, "{problem}");
    }
    let office = place.server.key(None, &["read"]).await;
    let (status, _) = place
        .ask(
            &super::Member {
                id: UserId(0),
                login: "office",
                key: office,
            },
            Method::GET,
            "/api/v1/alerts",
            None,
        )
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND, "an office's key is nobody");
}

#[tokio::test]
async fn stream_tells_a_person_of_their_own_alerts_at_once() {
    let sink = relay::start().await;
    let place = Place::open(&sink, |_| {}).await;
    let request = Request::builder()
        .uri("/api/v1/events")
        .header("host", "mail.example.test")
        .header("authorization", format!("Bearer {}", place.case.key));
    let (status, body) = place.server.open(request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    let mut events = Events::over(body);
    assert_eq!(
        events.next("alerts").await.unwrap(),
        json!({"unread": 0, "newest": null})
    );
    raise(&place, place.lee.id, "not hers").await;
    raise(&place, place.case.id, "hers").await;
    let told = events.next("alerts").await.unwrap();
    assert_eq!(
        (&told["unread"], &told["newest"]["title"]),
        (&json!(1), &json!("alert hers"))
    );
    let id = told["newest"]["id"].as_i64().unwrap();
    let read = format!("/api/v1/alerts/{id}/read");
    assert_eq!(
        place.ask(&place.case, Method::POST, &read, None).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        events.next("alerts").await.unwrap(),
        json!({"unread": 0, "newest": null})
    );
}
