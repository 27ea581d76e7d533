//! Whole conversations, as both sides said them.

use insta::assert_snapshot;
use postroom_smtp::server::{AuthPolicy, Body, Notify, Ret, SessionConfig, SessionEnd, TlsMode};

use super::support::{FOREIGN, Talk, open_config, talk_through};

#[tokio::test(start_paused = true)]
async fn message_is_taken_step_by_step() {
    let mut talk = Talk::open(open_config()).await;
    for said in [
        "EHLO client.example.com\r\n",
        "MAIL FROM:<ann@example.com> SIZE=40\r\n",
        "RCPT TO:<bob@example.test>\r\n",
        "RCPT TO:<nobody@example.com>\r\n",
        "RCPT TO:<carol@example.test>\r\n",
        "DATA\r\n",
        "Subject: hello\r\n\r\n..dots\r\nbye\r\n.\r\n",
        "QUIT\r\n",
    ] {
        talk.say(said).await;
    }
    let told = talk.end().await;
    assert_snapshot!(told.transcript);
    assert_eq!(told.summary.end, SessionEnd::Quit);
    let [message] = told.received.as_slice() else {
        panic!("{:?}", told.received)
    };
    assert_eq!(message.content, b"Subject: hello\r\n\r\n.dots\r\nbye\r\n");
    let recipients: Vec<_> = message
        .envelope
        .recipients
        .iter()
        .map(|rcpt| rcpt.address.as_str())
        .collect();
    assert_eq!(recipients, ["bob@example.test", "carol@example.test"]);
    assert_eq!(message.protocol, "ESMTP");
}

#[tokio::test(start_paused = true)]
async fn next_envelope_may_come_together_with_the_dot() {
    let mut talk = Talk::greeted(open_config()).await;
    let envelope = "MAIL FROM:<ann@example.com>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n";
    talk.say(envelope).await;
    talk.say(format!("one\r\n.\r\n{envelope}")).await;
    talk.say(format!("two\r\n.\r\n{envelope}")).await;
    talk.say("three\r\n.\r\nQUIT\r\n").await;
    let told = talk.end().await;
    assert_snapshot!(told.transcript);
    let contents: Vec<_> = told
        .received
        .iter()
        .map(|message| message.content.as_slice())
        .collect();
    assert_eq!(contents, [b"one\r\n".as_slice(), b"two\r\n", b"three\r\n"]);
}

#[tokio::test(start_paused = true)]
async fn small_commands_are_answered() {
    let told = talk_through(
        open_config(),
        &[
            "NOOP anything",
            "noop",
            "HELP",
            "VRFY ann",
            "VRFY",
            "RSET",
            "EXPN list",
            "HELO old.example.com",
            "QUIT",
        ],
    )
    .await;
    assert_snapshot!(told.transcript);
}

#[tokio::test(start_paused = true)]
async fn misplaced_and_malformed_commands_are_named() {
    let mut talk = Talk::open(open_config()).await;
    for said in [
        "MAIL FROM:<ann@example.com>",
        "EHLO",
        "EHLO client.example.com",
        "RCPT TO:<bob@example.test>",
        "DATA",
        "FROBNICATE now",
        "DATA now",
        "MAIL ann@example.com",
        "MAIL FROM:ann@example.com",
        "MAIL FROM:<ann@@example.com>",
        "MAIL FROM:<ann@example.com> MT-PRIORITY=3",
        "MAIL FROM:<ann@example.com> SIZE=big",
        "MAIL FROM:<>",
        "MAIL FROM:<ann@example.com>",
        "RCPT TO:<bob>",
        "RCPT TO:<>",
        "RCPT TO:<bob@example.test> NOTIFY=NEVER,DELAY",
        "STARTTLS",
    ] {
        talk.say(format!("{said}\r\n")).await;
    }
    assert_snapshot!(talk.end().await.transcript);
}

#[tokio::test(start_paused = true)]
async fn handler_refusals_reach_the_client() {
    let mut talk = Talk::greeted(open_config()).await;
    talk.say("MAIL FROM:<refused@example.com>\r\n").await;
    talk.say("MAIL FROM:<>\r\nRCPT TO:<nobody@example.com>\r\nDATA\r\n")
        .await;
    talk.say("RSET\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n")
        .await;
    talk.say("Full\r\n.\r\n").await;
    talk.say("MAIL FROM:<busy@example.com>\r\nNOOP\r\n").await;
    let told = talk.end().await;
    assert_snapshot!(told.transcript);
    assert_eq!(told.summary.end, SessionEnd::Handler);
    assert_eq!(told.summary.messages, 0);
}

#[tokio::test(start_paused = true)]
async fn dsn_parameters_reach_the_handler() {
    let told = talk_through(
        open_config(),
        &[
            "MAIL FROM:<ann@example.com> RET=HDRS ENVID=QQ314159+3D BODY=8BITMIME AUTH=<>",
            "RCPT TO:<bob@example.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob+2Bx@example.test",
            "RCPT TO:<carol@example.test> NOTIFY=NEVER",
            "DATA",
            "x\r\n.",
        ],
    )
    .await;
    let envelope = &told.received[0].envelope;
    assert_eq!(
        (envelope.mail.ret, envelope.mail.body),
        (Some(Ret::Headers), Body::EightBitMime)
    );
    assert_eq!(envelope.mail.envelope_id.as_deref(), Some("QQ314159+3D"));
    assert_eq!(envelope.mail.auth.as_deref(), Some("<>"));
    let [bob, carol] = envelope.recipients.as_slice() else {
        panic!("{envelope:?}")
    };
    assert_eq!(
        bob.notify,
        Some(Notify::On {
            success: true,
            failure: true,
            delay: false
        })
    );
    assert_eq!(
        bob.original_recipient.as_deref(),
        Some("rfc822;bob+2Bx@example.test")
    );
    assert_eq!(carol.notify, Some(Notify::Never));
}

#[tokio::test(start_paused = true)]
async fn utf8_addresses_need_smtputf8() {
    let told = talk_through(
        open_config(),
        &[
            "MAIL FROM:<grüße@bücher.example>",
            "MAIL FROM:<ann@example.com>",
            "RCPT TO:<用户@例子.test>",
            "RSET",
            "MAIL FROM:<grüße@bücher.example> SMTPUTF8",
            "RCPT TO:<用户@例子.test>",
            "DATA",
            "Subject: ünï\r\n\r\n.",
        ],
    )
    .await;
    assert_snapshot!(told.transcript);
    let envelope = &told.received[0].envelope;
    assert!(envelope.mail.smtp_utf8);
    assert_eq!(envelope.recipients[0].address.as_str(), "用户@例子.test");
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_not_utf8_are_refused() {
    let mut talk = Talk::greeted(open_config()).await;
    talk.say(b"MAIL FROM:<\xff@example.com>\r\n").await;
    talk.say("MAIL FROM:<a\0b@example.com>\r\n").await;
    assert_snapshot!(talk.end().await.transcript);
}

#[tokio::test(start_paused = true)]
async fn submission_asks_to_sign_in_first() {
    let config = SessionConfig::submission("mail.example.com");
    assert_eq!(config.auth, AuthPolicy::Required);
    let told = talk_through(
        config,
        &["MAIL FROM:<ann@example.com>", "RCPT TO:<bob@example.test>"],
    )
    .await;
    assert_snapshot!(told.transcript);
}

#[tokio::test(start_paused = true)]
async fn shutdown_is_told_before_the_next_command_and_never_inside_a_message() {
    let mut talk = Talk::greeted(open_config()).await;
    talk.say("MAIL FROM:<ann@example.com>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n")
        .await;
    talk.say("one\r\n").await;
    talk.shutdown.cancel();
    talk.listen().await;
    talk.say("two\r\n.\r\nMAIL FROM:<ann@example.com>\r\n").await;
    let told = talk.end().await;
    assert_snapshot!(told.transcript);
    assert_eq!(
        (told.summary.end, told.summary.messages),
        (SessionEnd::Shutdown, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_a_session_that_waits() {
    let mut talk = Talk::greeted(open_config()).await;
    talk.shutdown.cancel();
    talk.listen().await;
    let told = talk.end().await;
    assert_eq!(
        told.transcript,
        "S: 421 4.3.2 Service is shutting down; try again later\nS: (closed)\n"
    );
}

#[tokio::test(start_paused = true)]
async fn abandoned_envelopes_are_forgotten_by_the_handler() {
    let mut talk = Talk::greeted(open_config()).await;
    talk.say("MAIL FROM:<ann@example.com>\r\nRSET\r\nRSET\r\nMAIL FROM:<>\r\nEHLO again.example.com\r\n")
        .await;
    talk.say("MAIL FROM:<ann@example.com>\r\n").await;
    let house = talk.house.clone();
    let told = talk.end().await;
    assert_eq!(*house.resets.lock().unwrap(), 3);
    assert_eq!(told.summary.end, SessionEnd::Disconnected);
}

#[tokio::test(start_paused = true)]
async fn passwords_do_not_travel_in_the_clear_over_the_network() {
    let config = SessionConfig::submission("mail.example.com");
    let mut talk = Talk::connect(config, TlsMode::Off, FOREIGN);
    talk.listen().await;
    talk.say("EHLO client.example.com\r\n").await;
    talk.say("AUTH PLAIN AGFubkBleGFtcGxlLmNvbQBzZWNyZXQ=\r\n").await;
    assert_snapshot!(talk.end().await.transcript);
}
