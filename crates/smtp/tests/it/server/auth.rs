//! Signing in.

use insta::assert_snapshot;
use postroom_smtp::server::{AuthPolicy, SessionConfig, SessionEnd};

use super::support::{Talk, talk_through};

/// `\0ann@example.com\0secret`, and with the password `wrong`.
const GOOD: &str = "AGFubkBleGFtcGxlLmNvbQBzZWNyZXQ=";
const WRONG: &str = "AGFubkBleGFtcGxlLmNvbQB3cm9uZw==";

fn submission() -> SessionConfig {
    SessionConfig::submission("mail.example.com")
}

#[tokio::test(start_paused = true)]
async fn plain_with_initial_response_signs_in() {
    let mut talk = Talk::greeted(submission()).await;
    talk.say(format!("AUTH PLAIN {GOOD}\r\n")).await;
    talk.say("MAIL FROM:<ann@example.com>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n")
        .await;
    talk.say("hello\r\n.\r\nEHLO again.example.com\r\n").await;
    let told = talk.end().await;
    assert_snapshot!(told.transcript);
    assert_eq!(told.received[0].username.as_deref(), Some("ann@example.com"));
    assert_eq!(told.received[0].protocol, "ESMTPA");
}

#[tokio::test(start_paused = true)]
async fn plain_without_initial_response_signs_in() {
    assert_snapshot!(talk_through(submission(), &["auth plain", GOOD]).await.transcript);
}

#[tokio::test(start_paused = true)]
async fn login_signs_in() {
    let name = "YW5uQGV4YW1wbGUuY29t";
    let told = talk_through(submission(), &["AUTH LOGIN", name, "c2VjcmV0", "RSET"]).await;
    assert_snapshot!(told.transcript);
    let told = talk_through(submission(), &[&format!("AUTH LOGIN {name}"), "c2VjcmV0"]).await;
    assert!(
        told.transcript
            .ends_with("S: 235 2.7.0 Authentication succeeded\n"),
        "{}",
        told.transcript
    );
}

#[tokio::test(start_paused = true)]
async fn exchanges_that_go_wrong_are_named() {
    let told = talk_through(
        submission(),
        &[
            "AUTH CRAM-MD5",
            "AUTH",
            "AUTH PLAIN x y",
            "AUTH PLAIN",
            "*",
            "AUTH PLAIN not-base64",
            "AUTH PLAIN =",
            "AUTH PLAIN Ym9iAGFubgBzZWNyZXQ=",
            &format!("AUTH PLAIN {GOOD}"),
            &format!("AUTH PLAIN {GOOD}"),
        ],
    )
    .await;
    assert_snapshot!(told.transcript);
}

#[tokio::test(start_paused = true)]
async fn third_failed_sign_in_ends_the_session() {
    let wrong = format!("AUTH PLAIN {WRONG}");
    let told = talk_through(submission(), &[&wrong, &wrong, &wrong]).await;
    assert_snapshot!(told.transcript);
    assert_eq!(
        (told.summary.end, told.summary.auth_failures),
        (SessionEnd::TooManyAuthFailures, 3)
    );
}

#[tokio::test(start_paused = true)]
async fn auth_needs_ehlo_and_no_open_envelope() {
    let mut talk = Talk::open(SessionConfig {
        auth: AuthPolicy::Optional,
        ..submission()
    })
    .await;
    for said in [
        "AUTH PLAIN =",
        "EHLO client.example.com",
        "MAIL FROM:<>",
        "AUTH PLAIN =",
    ] {
        talk.say(format!("{said}\r\n")).await;
    }
    assert_snapshot!(talk.end().await.transcript);
}

#[tokio::test(start_paused = true)]
async fn auth_that_is_off_is_neither_offered_nor_taken() {
    let mut talk = Talk::open(SessionConfig {
        auth: AuthPolicy::Off,
        ..submission()
    })
    .await;
    talk.say("EHLO client.example.com\r\n").await;
    talk.say(format!("AUTH PLAIN {GOOD}\r\n")).await;
    let told = talk.end().await;
    assert!(!told.transcript.contains("250 AUTH"), "{}", told.transcript);
    assert!(
        told.transcript
            .ends_with("S: 502 5.5.1 Authentication is not offered here\n")
    );
}

#[tokio::test(start_paused = true)]
async fn overlong_response_is_refused() {
    let long = "A".repeat(13_000);
    let told = talk_through(submission(), &["AUTH PLAIN", &long, "NOOP"]).await;
    assert_snapshot!(told.transcript);
}
