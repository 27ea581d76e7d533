//! Everything has a limit.

use std::time::Duration;

use insta::assert_snapshot;
use postroom_smtp::server::{SessionConfig, SessionEnd, SessionLimits};

use super::support::{Talk, open_config, talk_through};

/// `ann@example.com` and her password, for AUTH PLAIN.
const ANN: &str = "AGFubkBleGFtcGxlLmNvbQBzZWNyZXQ=";

fn limited(change: impl FnOnce(&mut SessionLimits)) -> SessionConfig {
    let mut config = open_config();
    change(&mut config.limits);
    config
}

#[tokio::test(start_paused = true)]
async fn recipients_over_the_limit_wait_for_another_message() {
    let told = talk_through(
        limited(|limits| limits.recipients_max = 2),
        &[
            "MAIL FROM:<ann@example.com>",
            "RCPT TO:<a@example.test>",
            "RCPT TO:<b@example.test>",
            "RCPT TO:<c@example.test>",
            "DATA",
            "x\r\n.",
        ],
    )
    .await;
    assert_snapshot!(told.transcript);
    assert_eq!(told.received[0].envelope.recipients.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn overlong_command_is_skipped_and_the_session_goes_on() {
    let long = format!("NOOP {}", "x".repeat(40_000));
    let told = talk_through(
        open_config(),
        &[&long, "NOOP", &long[..2_046], &long[..2_047], "QUIT"],
    )
    .await;
    assert_snapshot!(told.transcript);
    assert_eq!((told.summary.end, told.summary.errors), (SessionEnd::Quit, 2));
}

#[tokio::test(start_paused = true)]
async fn endless_command_ends_the_session() {
    let mut talk = Talk::greeted(open_config()).await;
    talk.say("x".repeat(200_000)).await;
    let told = talk.end().await;
    assert_eq!(told.summary.end, SessionEnd::LineTooLong);
    assert!(
        told.transcript
            .ends_with("S: 500 5.5.2 Line too long\nS: (closed)\n")
    );
}

#[tokio::test(start_paused = true)]
async fn too_many_errors_end_the_session() {
    let told = talk_through(
        limited(|limits| limits.errors_max = 3),
        &["FOO", "NOOP", "BAR", "DATA", "NOOP"],
    )
    .await;
    assert_snapshot!(told.transcript);
    assert_eq!(
        (told.summary.end, told.summary.errors),
        (SessionEnd::TooManyErrors, 3)
    );
}

#[tokio::test(start_paused = true)]
async fn commands_without_a_message_are_counted_and_a_message_clears_the_count() {
    let config = limited(|limits| limits.commands_without_message_max = 5);
    let mut talk = Talk::open(config).await;
    talk.say("EHLO client.example.com\r\n").await;
    for _ in 0..3 {
        talk.say("MAIL FROM:<>\r\nRCPT TO:<a@example.test>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n")
            .await;
        talk.say("x\r\n.\r\nNOOP\r\n").await;
    }
    talk.transcript.clear();
    talk.say("NOOP\r\n".repeat(6)).await;
    let told = talk.end().await;
    assert_snapshot!(told.transcript);
    assert_eq!(
        (told.summary.end, told.summary.messages),
        (SessionEnd::TooManyCommands, 3)
    );
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_session_are_counted() {
    let mut talk = Talk::greeted(limited(|limits| limits.messages_max = 1)).await;
    talk.say("MAIL FROM:<>\r\nRCPT TO:<a@example.test>\r\nBDAT 3 LAST\r\nx\r\nMAIL FROM:<>\r\n")
        .await;
    let told = talk.end().await;
    assert!(
        told.transcript
            .ends_with("S: 421 4.7.0 Too many messages in one session; connect again\nS: (closed)\n")
    );
    assert_eq!(
        (told.summary.end, told.summary.messages),
        (SessionEnd::TooManyMessages, 1)
    );
}

/// Connects and signs in.
async fn signed_in(config: SessionConfig) -> Talk<tokio::io::DuplexStream> {
    let mut talk = Talk::greeted(config).await;
    talk.say(format!("AUTH PLAIN {ANN}\r\n")).await;
    assert!(talk.transcript.contains("235 "), "{}", talk.transcript);
    talk.transcript.clear();
    talk
}

async fn wait(talk: &mut Talk<tokio::io::DuplexStream>, seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
    talk.listen().await;
}

#[tokio::test(start_paused = true)]
async fn silence_ends_the_session() {
    let mut talk = signed_in(open_config()).await;
    wait(&mut talk, 299).await;
    talk.say("NOOP\r\n").await;
    wait(&mut talk, 299).await;
    assert!(!talk.transcript.contains("421"));
    wait(&mut talk, 2).await;
    let told = talk.end().await;
    assert_snapshot!(told.transcript);
    assert_eq!(told.summary.end, SessionEnd::Idle);
}

#[tokio::test(start_paused = true)]
async fn message_that_drips_is_cut_off() {
    let mut talk = Talk::greeted(open_config()).await;
    talk.say("MAIL FROM:<>\r\nRCPT TO:<a@example.test>\r\nDATA\r\n")
        .await;
    talk.transcript.clear();
    for _ in 0..7 {
        talk.say("x").await;
        wait(&mut talk, 290).await;
    }
    let told = talk.end().await;
    assert_eq!(told.summary.end, SessionEnd::TooSlow);
    assert!(
        told.transcript
            .contains("S: 421 4.4.2 Timeout: this takes too long; closing\nS: (closed)\n")
    );
}

#[tokio::test(start_paused = true)]
async fn session_has_an_end() {
    let mut talk = signed_in(limited(|limits| {
        limits.session_duration_max = Duration::from_secs(60)
    }))
    .await;
    wait(&mut talk, 50).await;
    talk.say("NOOP\r\n").await;
    wait(&mut talk, 11).await;
    assert_eq!(talk.end().await.summary.end, SessionEnd::TooSlow);
}

#[tokio::test(start_paused = true)]
async fn client_that_does_not_read_is_let_go() {
    let (mut client, theirs) = tokio::io::duplex(64);
    let config = std::sync::Arc::new(open_config());
    let session = tokio::spawn(postroom_smtp::server::serve_connection(
        theirs,
        super::support::LOOPBACK.into(),
        config,
        postroom_smtp::server::TlsMode::Off,
        super::support::House::default(),
        postroom_smtp::server::CancellationToken::new(),
    ));
    tokio::io::AsyncWriteExt::write_all(&mut client, b"EHLO client.example.com\r\n")
        .await
        .unwrap();
    assert_eq!(session.await.unwrap().end, SessionEnd::Idle);
}

/// Sends an octet of a command each twenty seconds until it is cut off for it, a minute after the first.
async fn drip(mut talk: Talk<tokio::io::DuplexStream>) {
    let began = tokio::time::Instant::now();
    for octet in "NOOP drip".chars() {
        talk.say(octet.to_string()).await;
        wait(&mut talk, 20).await;
        if talk.transcript.contains("closed") {
            break;
        }
    }
    assert!(
        began.elapsed() <= Duration::from_secs(81),
        "{:?}",
        began.elapsed()
    );
    let told = talk.end().await;
    assert_eq!(told.summary.end, SessionEnd::TooSlow);
    assert!(
        told.transcript
            .ends_with("S: 421 4.4.2 Timeout: this takes too long; closing\nS: (closed)\n"),
        "{}",
        told.transcript
    );
}

#[tokio::test(start_paused = true)]
async fn octet_each_twenty_seconds_is_cut_off() {
    drip(signed_in(open_config()).await).await;
    drip(Talk::greeted(open_config()).await).await;
}

#[tokio::test(start_paused = true)]
async fn command_in_two_parts_is_not_too_slow() {
    let mut talk = signed_in(open_config()).await;
    for _ in 0..4 {
        talk.say("NO").await;
        wait(&mut talk, 50).await;
        talk.say("OP\r\n").await;
        wait(&mut talk, 50).await;
    }
    assert_eq!(
        talk.transcript.matches("S: 250 ").count(),
        4,
        "{}",
        talk.transcript
    );
}

#[tokio::test(start_paused = true)]
async fn client_may_ask_for_the_password_before_it_signs_in() {
    let mut talk = Talk::greeted(open_config()).await;
    wait(&mut talk, 290).await;
    talk.say(format!("AUTH PLAIN {ANN}\r\n")).await;
    assert!(talk.transcript.contains("235 "), "{}", talk.transcript);
}

#[tokio::test(start_paused = true)]
async fn sign_in_has_all_of_its_time_also_where_silence_has_less() {
    let config = limited(|limits| limits.idle_max = Duration::from_secs(30));
    let mut talk = Talk::open(config).await;
    wait(&mut talk, 298).await;
    assert!(!talk.transcript.contains("421"), "{}", talk.transcript);
    wait(&mut talk, 3).await;
    assert!(talk.transcript.contains("421 4.4.2 "), "{}", talk.transcript);
}

#[tokio::test(start_paused = true)]
async fn noop_before_sign_in_does_not_keep_the_session() {
    let mut talk = Talk::greeted(open_config()).await;
    let began = tokio::time::Instant::now();
    while !talk.transcript.contains("closed") {
        talk.say("NOOP\r\n").await;
        wait(&mut talk, 20).await;
        assert!(
            began.elapsed() <= Duration::from_secs(321),
            "{:?}",
            began.elapsed()
        );
    }
    assert_eq!(talk.end().await.summary.end, SessionEnd::TooSlow);
}

#[tokio::test(start_paused = true)]
async fn commands_before_sign_in_are_counted() {
    let config = limited(|limits| limits.before_sign_in.commands_max = 3);
    let told = talk_through(config.clone(), &["NOOP", "NOOP", "NOOP"]).await;
    assert_eq!(told.summary.end, SessionEnd::TooManyCommands);
    // EHLO and AUTH are two of the three.
    let mut talk = signed_in(config).await;
    talk.say("NOOP\r\n".repeat(10)).await;
    assert_eq!(
        talk.transcript.matches("S: 250 ").count(),
        10,
        "{}",
        talk.transcript
    );
}

#[tokio::test(start_paused = true)]
async fn accepted_sender_has_the_time_of_those_who_signed_in() {
    let mut talk = Talk::greeted(open_config()).await;
    talk.say("MAIL FROM:<refused@example.com>\r\n").await;
    wait(&mut talk, 290).await;
    talk.say("MAIL FROM:<ann@example.com>\r\n").await;
    wait(&mut talk, 290).await;
    talk.say("NOOP\r\n").await;
    assert!(
        talk.transcript.ends_with("S: 250 2.0.0 OK\n"),
        "{}",
        talk.transcript
    );
}
