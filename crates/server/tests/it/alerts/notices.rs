//! Mail that Postroom itself sends (A7), and what a CRM posts.

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use postroom_domain::Clock as _;
use postroom_office::{Link, Notice, NoticeEvent, Notifier as _, Secret};
use postroom_testkit::relay;
use serde_json::json;

use super::{Member, Place};
use crate::server::Server;

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
async fn mail_with_a_link_leaves_through_the_servers_relay_whatever_the_offices_is() {
    let (servers, own) = (relay::start().await, relay::start().await);
    let place = Place::open(&servers, |_| {}).await;
    let at = json!({ "host": "127.0.0.1", "port": own.addr().port(), "tls": "none" });
    place.give_relay(at).await;
    let link = || Link {
        token: Secret::session(),
        ends_at: place.clock.now(),
    };
    let changed = NoticeEvent::SignInChanged {
        at: place.clock.now(),
    };
    for event in [
        NoticeEvent::AccountCreated(link()),
        NoticeEvent::PasswordReset(link()),
        changed,
    ] {
        notice(&place, &place.case, event).await;
    }
    servers.wait_for(3).await;
    place.letter(&place.case, "client@example.com").await;
    own.wait_for(1).await;
    assert_eq!((own.count(), servers.count()), (1, 3));

    // No copy of a link is sent, and nobody is offered to.
    for kind in ["account_created", "password_reset"] {
        let path = format!("/api/v1/messages?kind={kind}");
        let list = place.ask(&place.head, Method::GET, &path, None).await.1;
        let id = list["rows"][0]["id"].as_str().unwrap().to_owned();
        place.until_state(&place.head, &id, "sent", 1).await;
        let path = format!("/api/v1/messages/{id}");
        let detail = place.ask(&place.head, Method::GET, &path, None).await.1;
        let actions = detail["actions"].as_array().unwrap();
        assert!(!actions.contains(&json!("resend")), "{actions:?}");
        let path = "/api/v1/messages/actions";
        let again = json!({ "action": "resend", "ids": [id] });
        let (status, report) = place.ask(&place.head, Method::POST, path, Some(again)).await;
        assert_eq!(status, StatusCode::OK, "{report}");
        let item = &report["items"][0];
        assert_eq!(
            (&item["outcome"], &item["rule"]),
            (&json!("refused"), &json!("secret_body")),
            "{item}"
        );
    }
    assert_eq!((own.count(), servers.count()), (1, 3));
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

/// A message of `kind` by `server`'s ways in, each with whether it was taken.
async fn posted(server: &Server, key: &str, kind: Option<&str>) -> Vec<(&'static str, bool, String)> {
    let mut json = json!({
        "from": "chief@example.test", "to": ["case@example.test"], "subject": "s", "text": "x",
    });
    if let Some(kind) = kind {
        json["kind"] = json!(kind);
    }
    let raw = kind.map_or_else(String::new, |kind| format!("X-Postroom-Kind: {kind}\r\n"))
        + "From: chief@example.test\r\nTo: case@example.test\r\nSubject: s\r\n\r\nx\r\n";
    let mut taken = Vec::new();
    for (way, media_type, body) in [
        ("/api/v1/messages", "application/json", json.to_string()),
        ("/api/v1/messages/render", "application/json", json.to_string()),
        ("/api/v1/messages/raw", "message/rfc822", raw.clone()),
    ] {
        let request = Request::post(way)
            .header("host", "mail.example.test")
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", media_type)
            .body(Body::from(body))
            .unwrap();
        let (status, body) = server.open(request).await;
        let body = to_bytes(body, 1 << 20).await.unwrap();
        taken.push((
            way,
            status.is_success(),
            String::from_utf8_lossy(&body).into_owned(),
        ));
    }
    let batch = json!({ "messages": [json] });
    let (_, answer) = server
        .post("/api/v1/messages/batch", Some(key), batch.to_string())
        .await;
    let one = &answer["items"][0];
    assert!(one.is_object(), "{answer}");
    taken.push(("batch", one["id"].is_string(), one.to_string()));
    let mut dialogue = server.greeted().await;
    dialogue.sign_in("crm", key).await.expect(235);
    let reply = dialogue.send("chief", &["case@example.test"], &raw).await;
    taken.push(("smtp", reply.code == 250, reply.text));
    taken
}

#[tokio::test]
async fn key_posts_the_crms_two_kinds_and_no_other() {
    let sink = relay::start().await;
    let place = Place::open(&sink, |_| {}).await;
    let server = &place.server;
    let crm = server.key(None, &["post_notifications"]).await;
    let both = server.key(None, &["send", "post_notifications"]).await;
    let sender = server.key(None, &["send"]).await;
    let crms = ["activity_created", "record_shared"];
    let own = ["account_created", "password_reset", "sign_in_failed", "alert"];
    let users = [None, Some("direct")];
    let kinds = users.into_iter().chain(crms.into_iter().chain(own).map(Some));
    for kind in kinds {
        let is_crms = kind.is_some_and(|kind| crms.contains(&kind));
        let is_users = users.contains(&kind);
        for (key, expected, scope) in [
            (&crm, is_crms, "send"),
            (&both, is_crms || is_users, "?"),
            (&sender, is_users, "post_notifications"),
        ] {
            for (way, taken, said) in posted(server, key, kind).await {
                assert_eq!(taken, expected, "{kind:?} {scope:?} by {way}: {said}");
                if !taken && (is_crms || is_users) {
                    assert!(
                        said.contains(&format!("scope {scope}")),
                        "{kind:?} by {way}: {said}"
                    );
                }
            }
        }
    }
}
