//! Offices that send form letters from their own mail program (SPEC I7), and the kinds of mail by SMTP (I9).

use axum::http::{Method, StatusCode};
use postroom_domain::{Kind, OfficeId};
use postroom_store::{Actor, AuditNote, FormLetters, Rights, Store};
use serde_json::json;

use crate::house::House;
use crate::server::{GOOD, Server};

const BANNER: &str = "This office is set to send e-mail locally through Outlook/Lotus Notes. Form letters sent as e-mail do not appear in the E-mail Queue.";

async fn send_locally(store: &dyn Store, office: OfficeId) {
    let at = postroom_domain::Timestamp::from_micros(1_795_000_000_000_000);
    let note = AuditNote::by(Actor::Operator);
    store
        .set_form_letters(office, FormLetters::Local, at, note)
        .await
        .unwrap();
}

#[tokio::test]
async fn form_letters_of_a_local_office_are_refused_and_other_mail_queues() {
    let house = House::open().await;
    let child = house.office(house.root, "North").await;
    send_locally(&*house.node.store, child).await;
    let case = house.person("case", child, Rights::default()).await;
    let other = house.person("other", house.root, Rights::default()).await;
    let letter = |login: &str, kind: &str| json!({"from": format!("{login}@example.test"), "to": ["client@example.com"], "subject": "s", "text": "t", "kind": kind});
    for (who, kind, status) in [
        (&case, "form_letter", StatusCode::CONFLICT),
        (&case, "direct", StatusCode::ACCEPTED),
        (&other, "form_letter", StatusCode::ACCEPTED),
    ] {
        let ask = house.ask(Method::POST, "/api/v1/messages").key(&who.key);
        let answer = ask.json(&letter(&who.login, kind)).send().await;
        assert_eq!(answer.status, status, "{}", answer.text);
        if status == StatusCode::CONFLICT {
            assert_eq!(answer.code(), "office_sends_locally");
        }
    }
    let batch = json!({"messages": [letter("case", "form_letter"), letter("case", "direct")]});
    let answer = house
        .ask(Method::POST, "/api/v1/messages/batch")
        .key(&case.key)
        .json(&batch)
        .send()
        .await;
    assert_eq!(
        (
            answer.json()["accepted"].as_u64(),
            answer.json()["refused"].as_u64()
        ),
        (Some(1), Some(1))
    );

    for path in ["/api/v1/messages", "/api/v1/messages?sort=size", "/api/v1/status"] {
        let banners = |key: &str| house.ask(Method::GET, path).key(key).send();
        let shown = banners(&case.key).await.json();
        assert_eq!(
            shown["banners"],
            json!([{"kind": "office_sends_locally", "text": BANNER}]),
            "{path}"
        );
        assert_eq!(banners(&other.key).await.json()["banners"], json!([]), "{path}");
    }
}

#[tokio::test]
async fn form_letters_are_rendered_as_files_and_nothing_is_queued() {
    let house = House::open().await;
    send_locally(&*house.node.store, house.root).await;
    let case = house.person("case", house.root, Rights::default()).await;
    let letter = json!({"from": "Case <case@example.test>", "to": ["client@example.com"], "bcc": ["boss@example.com"],
        "subject": "Your policy", "text": "Dear client,\nFrom now on\n", "kind": "form_letter"});
    let render = |body: serde_json::Value| {
        house
            .ask(Method::POST, "/api/v1/messages/render")
            .key(&case.key)
            .json(&body)
            .send()
    };

    let one = render(letter.clone()).await;
    assert_eq!(
        (one.status, one.header("content-type")),
        (StatusCode::OK, "message/rfc822")
    );
    assert!(one.header("content-disposition").contains("message.eml"));
    assert!(
        one.text
            .starts_with("X-Unsent: 1\r\nBcc: boss@example.com\r\nDate: "),
        "{}",
        one.text
    );
    assert!(one.text.contains("Subject: Your policy\r\n"), "{}", one.text);

    let many = render(json!({"messages": [letter, letter]})).await;
    assert_eq!(
        (many.status, many.header("content-type")),
        (StatusCode::OK, "application/mbox")
    );
    let separators = many.text.lines().filter(|line| line.starts_with("From ")).count();
    assert_eq!(separators, 2, "{}", many.text);
    assert!(many.text.contains("\n>From now on\n") && !many.text.contains('\r'));

    let bad =
        render(json!({"messages": [letter, {"from": "case@example.test", "to": ["a@@b"], "text": "x"}]}))
            .await;
    assert_eq!(
        (bad.status, bad.json()["field"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("messages[1].to[0]")),
        "{}",
        bad.text
    );
    let strange = render(json!({"from": "other@example.test", "to": ["a@example.com"], "text": "x"})).await;
    assert_eq!(strange.status, StatusCode::FORBIDDEN, "{}", strange.text);
    assert_eq!(house.kept().await, 0);
}

#[tokio::test]
async fn form_letter_of_a_local_office_is_refused_by_smtp() {
    let server = Server::start().await;
    server.person("case").await;
    send_locally(&*server.running.node().store, server.root).await;
    server.running.node().senders.refresh().await.unwrap();
    let mut dialogue = server.signed_in().await;
    let letter = format!("X-Postroom-Kind: form_letter\r\n{GOOD}");
    let reply = dialogue.send("case", &["client@example.com"], &letter).await;
    assert_eq!((reply.code, reply.enhanced()), (550, "5.7.1"), "{reply:?}");
    dialogue
        .send("case", &["client@example.com"], GOOD)
        .await
        .expect(250);
    assert_eq!(server.rows().await.len(), 1);
}

#[tokio::test]
async fn kind_by_smtp_comes_from_the_header_else_from_the_recipients() {
    let server = Server::start().await;
    server.person("case").await;
    server.person("boss").await;
    let mut dialogue = server.signed_in().await;
    let letter = format!("X-Postroom-Kind: form_letter\r\n{GOOD}");
    for (recipients, message, kind) in [
        (
            &["boss@example.test", "case@example.test"][..],
            GOOD,
            Kind::IntraOffice,
        ),
        (&["boss@example.test", "client@example.com"], GOOD, Kind::Direct),
        (&["boss@example.test"], &letter, Kind::FormLetter),
    ] {
        dialogue.send("case", recipients, message).await.expect(250);
        assert_eq!(server.rows().await[0].kind, kind, "{recipients:?}");
    }
    let alert = format!("X-Postroom-Kind: alert\r\n{GOOD}");
    let reply = dialogue.send("case", &["boss@example.test"], &alert).await;
    assert_eq!((reply.code, reply.enhanced()), (550, "5.7.1"), "{reply:?}");
    let unknown = format!("X-Postroom-Kind: postcard\r\n{GOOD}");
    let reply = dialogue.send("case", &["boss@example.test"], &unknown).await;
    assert!(reply.code >= 500, "{reply:?}");
    assert_eq!(server.rows().await.len(), 3);
}
