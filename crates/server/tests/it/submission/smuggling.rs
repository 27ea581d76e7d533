//! Line ends that mean different things to different servers (SMTP smuggling): refused, the session closed.

use crate::server::{GOOD, Server};

/// Ends that some server somewhere takes for the end of a message, and that are none.
const FALSE_ENDS: [&str; 9] = [
    "\n.\n",
    "\n.\r\n",
    "\r\n.\n",
    "\r.\r",
    "\r.\r\n",
    "\r\n.\r",
    "\n\n.\r\n",
    "\r\n.\r\r\n",
    "\r\n\0.\n",
];

#[tokio::test]
async fn false_end_of_a_message_smuggles_nothing_in() {
    let server = Server::start().await;
    server.person("case").await;
    server.person("lee").await;
    for end in FALSE_ENDS {
        let mut dialogue = server.signed_in().await;
        dialogue.begin("case", &["client@example.com"]).await;
        let smuggled = format!(
            "{GOOD}text{end}MAIL FROM:<lee@example.test>\r\nRCPT TO:<victim@example.com>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n"
        );
        dialogue.write(smuggled.as_bytes()).await;
        let reply = dialogue.reply().await;
        assert_eq!(
            (reply.code, reply.enhanced()),
            (521, "5.5.2"),
            "{end:?}: {reply:?}"
        );
        assert!(reply.text.contains("lines end in CR LF"), "{reply:?}");
        assert_eq!(dialogue.next_reply().await, None, "{end:?}");
        assert_eq!(server.kept().await, 0, "{end:?}");
    }
    server.still_takes_mail().await;
}

#[tokio::test]
async fn bare_line_end_in_chunks_and_commands_ends_the_session() {
    let server = Server::start().await;
    server.person("case").await;
    for bare in [
        "Subject: x\n\ntext\r\n",
        "Subject: x\r\n\r\ntext\rmore\r\n",
        "Subject: x\r\n\r\ntext\r",
    ] {
        let mut dialogue = server.signed_in().await;
        dialogue.ask("MAIL FROM:<case@example.test>").await.expect(250);
        dialogue.ask("RCPT TO:<client@example.com>").await.expect(250);
        dialogue
            .write(format!("BDAT {} LAST\r\n{bare}", bare.len()).as_bytes())
            .await;
        let reply = dialogue.reply().await;
        assert_eq!((reply.code, reply.enhanced()), (521, "5.5.2"), "{bare:?}");
        assert_eq!(dialogue.next_reply().await, None);
    }
    for bare in [
        "NOOP\n",
        "NOOP\rNOOP\r\n",
        "MAIL FROM:<case@example.test>\nRCPT TO:<a@example.com>\r\n",
    ] {
        let mut dialogue = server.signed_in().await;
        dialogue.write(bare.as_bytes()).await;
        let reply = dialogue.reply().await;
        assert_eq!(reply.code / 100, 5, "{bare:?}: {reply:?}");
        assert_eq!(dialogue.next_reply().await, None, "{bare:?}");
    }
    assert_eq!(server.kept().await, 0);
    server.still_takes_mail().await;
}

#[tokio::test]
async fn client_that_leaves_in_a_message_leaves_nothing_behind() {
    let server = Server::start().await;
    server.person("case").await;
    for part in [
        "",
        "Subject: x",
        GOOD,
        "Subject: x\r\n\r\n.",
        "Subject: x\r\n\r\n\r\n.\r",
    ] {
        let mut dialogue = server.signed_in().await;
        dialogue.begin("case", &["client@example.com"]).await;
        dialogue.write(part.as_bytes()).await;
    }
    server.still_takes_mail().await;
    assert_eq!(server.kept().await, 1);
}
