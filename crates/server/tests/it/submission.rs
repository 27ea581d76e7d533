//! Mail coming in by SMTP, from the client's first line into the store and out to the relay.

mod refusals;
mod signing_in;
mod smuggling;
mod strangers;

use postroom_domain::Kind;
use postroom_server::config::Trusted;

use crate::server::{GOOD, Server};

#[tokio::test]
async fn message_arrives_at_the_relay_as_it_was_but_for_what_postroom_adds_and_takes() {
    let server = Server::start().await;
    server.person("case").await;
    let message = "From: Case <case@example.test>\r\nTo: client@example.com\r\nBcc: secret@example.com\r\n\
        X-Postroom-Kind: form_letter\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n..two dots\r\nline\r\n";
    let mut dialogue = server.signed_in().await;
    let reply = dialogue
        .send("case", &["client@example.com", "secret@example.com"], message)
        .await;
    reply.expect(250);
    let id = reply.text.strip_prefix("2.0.0 Queued as ").unwrap();

    server.relay.wait_for(1).await;
    let received = server.relay.received();
    assert_eq!(received[0].mail_from, "case@example.test");
    assert_eq!(
        received[0].recipients,
        ["client@example.com", "secret@example.com"]
    );
    let content = String::from_utf8(received[0].content.to_vec()).unwrap();
    let (header, body) = content.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, ".two dots\r\nline\r\n");
    let names: Vec<_> = header
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(names, ["Received", "Date", "Message-ID", "From", "To", "Subject"]);
    assert!(!content.contains("secret@"), "{content}");

    let rows = server.rows().await;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].id.to_string().as_str(), rows[0].kind),
        (id, Kind::FormLetter)
    );
    assert_eq!(rows[0].subject, "Grüße");
    assert_eq!(rows[0].bcc, "secret@example.com");
}

#[tokio::test]
async fn one_session_carries_many_messages_also_in_chunks() {
    let server = Server::start().await;
    server.person("case").await;
    let mut dialogue = server.signed_in().await;
    for _ in 0..3 {
        let reply = dialogue.send("case", &["client@example.com"], GOOD).await;
        reply.expect(250);
    }
    let (first, second) = GOOD.split_at(40);
    let pipelined = format!(
        "MAIL FROM:<case@example.test> SIZE=200 BODY=8BITMIME\r\nRCPT TO:<client@example.com>\r\nBDAT {}\r\n{first}BDAT {} LAST\r\n{second}QUIT\r\n",
        first.len(),
        second.len()
    );
    dialogue.write(pipelined.as_bytes()).await;
    for code in [250, 250, 250, 250, 221] {
        dialogue.reply().await.expect(code);
    }
    assert_eq!(dialogue.next_reply().await, None);
    assert_eq!(server.kept().await, 4);
}

#[tokio::test]
async fn trusted_network_needs_no_sign_in_and_acts_as_its_user() {
    let server = Server::with(|config, _| {
        config.submission.trusted = vec![Trusted {
            network: "127.0.0.0/8".parse().unwrap(),
            login: "printer".to_owned(),
        }];
    })
    .await;
    server.person("case").await;
    let mut early = server.greeted().await;
    let reply = early.ask("MAIL FROM:<printer@example.test>").await;
    assert_eq!(
        (reply.code, reply.enhanced()),
        (530, "5.7.0"),
        "its user is missing"
    );

    let printer = server.person("printer").await;
    let mut dialogue = server.greeted().await;
    let scan = GOOD.replace("case@", "printer@");
    dialogue
        .send("printer", &["client@example.com"], &scan)
        .await
        .expect(250);
    assert_eq!(server.rows().await[0].sender.0, printer);
    let reply = dialogue.ask("MAIL FROM:<case@example.test>").await;
    assert_eq!((reply.code, reply.enhanced()), (550, "5.7.1"));
}

#[tokio::test]
async fn disabled_queue_takes_nothing_in_by_smtp_nor_http() {
    let server = Server::with(|config, _| config.queue.enabled = false).await;
    let key = server.with_case().await;
    let mut dialogue = server.signed_in().await;
    let reply = dialogue.ask("MAIL FROM:<case@example.test>").await;
    assert_eq!((reply.code, reply.enhanced()), (451, "4.3.2"));
    assert!(
        reply.text.contains("disabled in the server configuration"),
        "{reply:?}"
    );
    let body = serde_json::json!({"from": "case@example.test", "to": ["a@example.com"], "text": "x"});
    let (status, problem) = server
        .post("/api/v1/messages", Some(&key), body.to_string())
        .await;
    assert_eq!(
        (status.as_u16(), problem["code"].as_str()),
        (503, Some("queue_disabled"))
    );
    assert_eq!(server.kept().await, 0);
}
