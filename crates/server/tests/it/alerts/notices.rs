//! Mail that Postroom itself sends (A7), and what a CRM posts.

use axum::http::{Method, StatusCode};
use postroom_domain::Clock as _;
use postroom_office::{Link, Notice, NoticeEvent, Notifier as _, Secret};
use postroom_testkit::relay;
use serde_json::json;

use super::{Member, Place};

async fn notice(place: &Place, to: &Member, event: NoticeEvent) {
    let node = place.server.running.node();
    let user = node.store.user(to.id).await.unwrap().unwrap();
    let offices = node.store.offices().await.unwrap();
    let office = offices
        .into_iter()
        .find(|office| office.id == user.office)
        .unwrap();
    let notice = Notice { user, office, event };
    node.notices.notify(notice).await.unwrap();
}

#[tokio::test]
async fn link_of_a_new_account_travels_and_is_shown_to_nobody() {
    let sink = relay::start().await;
    let place = Place::open(&sink, |config| {
        config.http.public_url = "https://mail.example.test/".to_owned();
    })
    .await;
    for event in [
        NoticeEvent::AccountCreated as fn(Link) -> _,
        NoticeEvent::PasswordReset,
    ] {
        let token = Secret::session();
        let link = format!("https://mail.example.test/password?token={}", token.reveal());
        let before = sink.count();
        let ends_at = place.clock.now();
        notice(&place, &place.case, event(Link { token, ends_at })).await;
        sink.wait_for(before + 1).await;
        let mail = sink.received().pop().unwrap();
        assert_eq!(mail.recipients, ["case@example.test"]);
        let text = String::from_utf8_lossy(&mail.content)
            .replace("=\r\n", "")
            .replace("=3D", "=")
            .replace("&#x2f;", "/");
        assert_eq!(
            text.matches(&link).count(),
            2,
            "in the text and in the HTML: {text}"
        );
        let list = place
            .ask(&place.head, Method::GET, "/api/v1/messages", None)
            .await
            .1;
        let row = &list["rows"][0];
        assert_eq!(row["body"], "", "{row}");
        let id = row["id"].as_str().unwrap();
        let (status, _) = place
            .ask(
                &place.head,
                Method::GET,
                &format!("/api/v1/messages/{id}/raw"),
                None,
            )
            .await;
        assert_ne!(status, StatusCode::OK);
        // Its office's administrator sees that it was sent; whom it went to, and another office's people, do not.
        for other in [&place.case, &place.lee] {
            let list = place.ask(other, Method::GET, "/api/v1/messages", None).await.1;
            assert_eq!(list["rows"], json!([]));
        }
    }
}

#[tokio::test]
async fn failed_sign_ins_are_told_once_a_day() {
    let sink = relay::start().await;
    let place = Place::open(&sink, |_| {}).await;
    let event = || NoticeEvent::SignInFailed {
        peer: "203.0.113.9".parse().unwrap(),
        at: place.clock.now(),
    };
    notice(&place, &place.case, event()).await;
    notice(&place, &place.case, event()).await;
    notice(&place, &place.lee, event()).await;
    sink.wait_for(2).await;
    let list = place
        .ask(
            &place.head,
            Method::GET,
            "/api/v1/messages?kind=sign_in_failed",
            None,
        )
        .await
        .1;
    let to: Vec<_> = list["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["to"].clone())
        .collect();
    assert_eq!(to.len(), 2, "{to:?}");
}

#[tokio::test]
async fn crm_posts_notifications_with_a_key_that_may() {
    let sink = relay::start().await;
    let place = Place::open(&sink, |_| {}).await;
    for kind in ["activity_created", "record_shared"] {
        let message = json!({
            "from": "chief@example.test", "to": ["case@example.test"], "subject": kind, "text": "x", "kind": kind,
        });
        let may = place.server.key(None, &["send", "post_notifications"]).await;
        let may_not = place.server.key(None, &["send"]).await;
        let (status, answer) = place
            .server
            .post("/api/v1/messages", Some(&may), message.to_string())
            .await;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        let (status, problem) = place
            .server
            .post("/api/v1/messages", Some(&may_not), message.to_string())
            .await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{problem}");
    }
    sink.wait_for(2).await;
}
