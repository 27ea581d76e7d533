//! What is refused by SMTP: code, enhanced code and words, nothing kept, and the next message is taken.

use crate::dialogue::Said;
use crate::server::{GOOD, Server};

#[track_caller]
fn says(reply: &Said, code: u16, enhanced: &str, words: &str) {
    assert_eq!((reply.code, reply.enhanced()), (code, enhanced), "{reply:?}");
    assert!(reply.text.contains(words), "{words:?} is not in {reply:?}");
}

#[tokio::test]
async fn address_of_somebody_else_is_refused_in_the_envelope_and_in_the_header() {
    let server = Server::start().await;
    server.person("case").await;
    server.person("lee").await;
    let rule = "people send from the address of their own account, and as those whose assistant they are";
    let mut dialogue = server.signed_in().await;
    let reply = dialogue.ask("MAIL FROM:<lee@example.test>").await;
    says(
        &reply,
        550,
        "5.7.1",
        &format!("you may not send as lee@example.test: {rule}"),
    );
    for forged in [
        GOOD.replace("case@", "lee@"),
        GOOD.replace("From: Case <case@", "From : Case <lee@"),
        GOOD.replace("From: Case <case@", "FROM:\r\n Case\r\n\t<lee@"),
        GOOD.replace(
            "<case@example.test>",
            "<case@example.test>, Lee <lee@example.test>",
        ),
        format!("Sender: lee@example.test\r\n{GOOD}"),
    ] {
        let reply = dialogue.send("case", &["client@example.com"], &forged).await;
        says(&reply, 550, "5.7.1", "you may not send as lee@example.test");
    }
    assert_eq!(server.kept().await, 0);
    server.still_takes_mail().await;
}

#[tokio::test]
async fn malformed_addresses_are_refused_at_once_and_the_envelope_goes_on() {
    let server = Server::start().await;
    server.person("case").await;
    let mut dialogue = server.signed_in().await;
    let reply = dialogue.ask("MAIL FROM:case@example.test").await;
    says(&reply, 501, "5.1.7", "angle brackets");
    let reply = dialogue.ask("MAIL FROM:<case@@example.test>").await;
    says(&reply, 501, "5.1.7", "bad sender address");
    dialogue.ask("MAIL FROM:<case@example.test>").await.expect(250);
    for bad in [
        "",
        "a",
        "@b.test",
        "a@",
        "a@b@c.test",
        "a b@c.test",
        "a..b@c.test",
        ".a@c.test",
        "a@c..test",
        "a@-c.test",
        "a@[300.1.1.1]",
        "\"a@c.test",
        "a@c.test\u{7f}",
        "a@exa mple.com",
        "<a@c.test",
        "a,b@c.test",
    ] {
        let reply = dialogue.ask(&format!("RCPT TO:<{bad}>")).await;
        assert!((500..=553).contains(&reply.code), "{bad:?}: {reply:?}");
        assert!(!reply.enhanced().is_empty(), "{bad:?}: {reply:?}");
        assert!(reply.text.len() > 12, "{bad:?}: {reply:?}");
    }
    let long = format!("RCPT TO:<{}@example.com>", "a".repeat(65));
    let reply = dialogue.ask(&long).await;
    assert_eq!((reply.code, reply.enhanced()), (501, "5.1.3"), "{reply:?}");
    dialogue.ask("RCPT TO:<client@example.com>").await.expect(250);
    dialogue.ask("DATA").await.expect(354);
    dialogue.write(format!("{GOOD}.\r\n").as_bytes()).await;
    dialogue.reply().await.expect(250);
    assert_eq!(server.kept().await, 1);
    assert_eq!(server.rows().await[0].recipients, 1);
}

#[tokio::test]
async fn message_over_the_size_limit_is_refused_declared_or_not() {
    let server = Server::with(|config, _| config.submission.max_message_size_bytes = 10_000).await;
    server.person("case").await;
    let mut dialogue = server.signed_in().await;
    let reply = dialogue.ask("MAIL FROM:<case@example.test> SIZE=10001").await;
    says(&reply, 552, "5.3.4", "the limit is 10000 bytes");
    let big = format!("{GOOD}{}", "yours again.\r\n".repeat(1_000));
    let reply = dialogue.send("case", &["client@example.com"], &big).await;
    says(&reply, 552, "5.3.4", "the limit is 10000 bytes");
    dialogue.ask("MAIL FROM:<case@example.test>").await.expect(250);
    dialogue.ask("RCPT TO:<client@example.com>").await.expect(250);
    dialogue
        .write(format!("BDAT {} LAST\r\n{big}", big.len()).as_bytes())
        .await;
    says(&dialogue.reply().await, 552, "5.3.4", "the limit is 10000 bytes");
    assert_eq!(server.kept().await, 0);
    dialogue
        .send("case", &["client@example.com"], GOOD)
        .await
        .expect(250);
}

#[tokio::test]
async fn one_recipient_too_many_is_refused_and_the_others_have_the_message() {
    let server = Server::with(|config, _| config.submission.max_recipients = 3).await;
    server.person("case").await;
    let mut dialogue = server.signed_in().await;
    dialogue.ask("MAIL FROM:<case@example.test>").await.expect(250);
    for n in 0..3 {
        dialogue
            .ask(&format!("RCPT TO:<c{n}@example.com>"))
            .await
            .expect(250);
    }
    let reply = dialogue.ask("RCPT TO:<c3@example.com>").await;
    says(&reply, 452, "4.5.3", "a message may have 3");
    dialogue.ask("DATA").await.expect(354);
    dialogue.write(format!("{GOOD}.\r\n").as_bytes()).await;
    dialogue.reply().await.expect(250);
    assert_eq!(server.rows().await[0].recipients, 3);
}

#[tokio::test]
async fn content_that_cannot_travel_is_refused_with_its_place() {
    let server = Server::start().await;
    server.person("case").await;
    let with = |line: &str| GOOD.replace("Subject: Your policy", line);
    let table = [
        (with("Subject: a\r\nno field at all"), "no header field"),
        (with("Subject: a\0b"), "NUL"),
        (
            with("From: case@example.test\r\nSubject: two authors' fields"),
            "From",
        ),
        (with("X-Postroom-Kind: urgent"), "urgent"),
        (with(&format!("Subject: {}", "x".repeat(1_100))), "line 3"),
        (format!("{GOOD}{}\r\n", "y".repeat(65_537)), "line 7"),
        (
            GOOD.replace("<case@example.test>", "<case@@example.test>"),
            "From",
        ),
    ];
    let mut dialogue = server.signed_in().await;
    for (message, words) in table {
        let reply = dialogue.send("case", &["client@example.com"], &message).await;
        assert!((550..=554).contains(&reply.code), "{words}: {reply:?}");
        assert!(!reply.enhanced().is_empty(), "{reply:?}");
        assert!(reply.text.contains(words), "{words:?} is not in {reply:?}");
        assert_eq!(server.kept().await, 0, "{reply:?}");
    }
    dialogue
        .send("case", &["client@example.com"], GOOD)
        .await
        .expect(250);
}

#[tokio::test]
async fn hidden_characters_in_names_travel_and_are_left_out_where_they_are_shown() {
    let server = Server::start().await;
    server.person("case").await;
    let message = GOOD.replace("From: Case", "From: Ca\u{202e}se");
    let mut dialogue = server.signed_in().await;
    dialogue
        .send("case", &["client@example.com"], &message)
        .await
        .expect(250);
    assert_eq!(server.rows().await[0].from, "Case <case@example.test>");
}

#[tokio::test]
async fn nul_in_a_body_and_a_hidden_character_in_an_address_are_refused_by_name() {
    let server = Server::start().await;
    server.person("case").await;
    let mut dialogue = server.signed_in().await;
    let reply = dialogue
        .send("case", &["client@example.com"], &format!("{GOOD}a\0b\r\n"))
        .await;
    says(&reply, 554, "5.6.0", "line 7");
    dialogue
        .ask("MAIL FROM:<case@example.test> SMTPUTF8")
        .await
        .expect(250);
    let reply = dialogue.ask("RCPT TO:<\u{202a}x@example.com>").await;
    says(&reply, 553, "5.1.3", "U+202A");
    dialogue.ask("RSET").await.expect(250);
    dialogue.ask("MAIL FROM:<case@example.test>").await.expect(250);
    dialogue.ask("RCPT TO:<client@example.com>").await.expect(250);
    let octets = format!("{GOOD}a\0b\r\n");
    dialogue
        .write(format!("BDAT {} LAST\r\n{octets}", octets.len()).as_bytes())
        .await;
    says(&dialogue.reply().await, 554, "5.6.0", "line 7");
    assert_eq!(server.kept().await, 0);
}

#[tokio::test]
async fn kind_of_a_notification_takes_a_key_that_may_post_them() {
    let server = Server::start().await;
    server.person("case").await;
    let message = format!("X-Postroom-Kind: record_shared\r\n{GOOD}");
    let mut dialogue = server.signed_in().await;
    let reply = dialogue.send("case", &["client@example.com"], &message).await;
    says(&reply, 550, "5.7.1", "post_notifications");
    let key = server.key(None, &["send", "post_notifications"]).await;
    let mut crm = server.greeted().await;
    crm.sign_in("crm", &key).await.expect(235);
    crm.send("case", &["client@example.com"], &message)
        .await
        .expect(250);
    let mut reader = server.greeted().await;
    reader
        .sign_in("crm", &server.key(None, &["read"]).await)
        .await
        .expect(235);
    let reply = reader.ask("MAIL FROM:<case@example.test>").await;
    says(&reply, 550, "5.7.1", "was not given the scope \"send\"");
}
