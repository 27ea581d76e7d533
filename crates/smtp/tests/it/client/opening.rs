//! From the first byte to the first message: greeting, EHLO, HELO.

use std::time::Duration;

use postroom_smtp::client::{Cause, Phase, RelayConfig};
use postroom_smtp::reply::{ReplyError, Severity};
use postroom_smtp::sink::{Act, Offers, SinkConfig, Stage};

use super::harness::*;

#[tokio::test(start_paused = true)]
async fn refusing_greeting_is_told_in_the_relays_words() {
    let error = refused_to_open(doing(Stage::Greeting, Act::ReplyThenClose(reply(554)))).await;
    assert_eq!(
        (error.phase, error.severity()),
        (Phase::Greeting, Severity::Permanent)
    );
    assert_eq!(
        error.to_string(),
        "greeting: the relay said: 554 5.3.2 as scripted"
    );
}

#[tokio::test(start_paused = true)]
async fn busy_greeting_is_transient() {
    let error = refused_to_open(doing(Stage::Greeting, Act::ReplyThenClose(reply(421)))).await;
    assert_eq!(
        (error.phase, error.severity()),
        (Phase::Greeting, Severity::Transient)
    );
    assert!(error.is_close());
}

#[tokio::test(start_paused = true)]
async fn silent_relay_times_out_after_five_minutes() {
    let started = tokio::time::Instant::now();
    let error = refused_to_open(doing(Stage::Greeting, Act::Silence)).await;
    assert!(matches!(error.cause, Cause::Timeout(limit) if limit == Duration::from_secs(300)));
    assert_eq!(
        error.to_string(),
        "greeting: the relay did not answer within 300 s"
    );
    assert_eq!(started.elapsed().as_secs(), 300);
}

#[tokio::test(start_paused = true)]
async fn dripping_greeting_is_read_within_the_limit_and_not_beyond() {
    let slow = |pause| doing(Stage::Greeting, Act::Drip(Duration::from_secs(pause)));
    assert!(try_open(slow(1), relay()).await.1.is_ok());
    let error = refused_to_open(slow(60)).await;
    assert!(matches!(
        (error.phase, error.cause),
        (Phase::Greeting, Cause::Timeout(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn relay_that_closes_at_once_is_told_apart_from_one_that_refuses() {
    let error = refused_to_open(doing(Stage::Greeting, Act::Close)).await;
    assert!(matches!(
        (error.phase, &error.cause),
        (Phase::Greeting, Cause::Closed)
    ));
    assert_eq!(error.reply(), None);
}

#[tokio::test(start_paused = true)]
async fn half_a_reply_is_a_close() {
    let error = refused_to_open(doing(Stage::Greeting, Act::SayThenClose(b"220 hal".to_vec()))).await;
    assert!(matches!(
        (error.phase, error.cause),
        (Phase::Greeting, Cause::Closed)
    ));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_smtp_is_named() {
    let greeting = Act::Say(b"HTTP/1.1 400 Bad Request\r\n".to_vec());
    let error = refused_to_open(doing(Stage::Greeting, greeting)).await;
    assert!(matches!(
        error.cause,
        Cause::Garbage(ReplyError::NotAReply { .. })
    ));
    assert!(error.to_string().contains("HTTP/1.1 400"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn endless_greeting_line_is_cut_off() {
    let error = refused_to_open(doing(Stage::Greeting, Act::Say(b"220 ".repeat(20_000)))).await;
    assert!(
        matches!(error.cause, Cause::Garbage(ReplyError::TooLong)),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn endless_greeting_is_cut_off() {
    let error = refused_to_open(doing(Stage::Greeting, Act::Say(b"220-more\r\n".repeat(10_000)))).await;
    assert!(
        matches!(error.cause, Cause::Garbage(ReplyError::TooLong)),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn reply_with_two_codes_is_refused() {
    let ehlo = Act::Say(b"250-sink.test\r\n550 PIPELINING\r\n".to_vec());
    let error = refused_to_open(doing(Stage::Ehlo, ehlo)).await;
    assert_eq!(error.phase, Phase::Ehlo);
    assert!(matches!(
        error.cause,
        Cause::Garbage(ReplyError::CodeChanged {
            first: 250,
            then: 550
        })
    ));
}

#[tokio::test(start_paused = true)]
async fn success_with_a_code_that_makes_no_sense_is_no_success() {
    let error = refused_to_open(doing(Stage::Greeting, Act::Reply(reply(250)))).await;
    assert!(matches!(
        (error.phase, error.cause),
        (Phase::Greeting, Cause::Unexpected(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn relay_without_ehlo_is_greeted_with_helo_and_gets_no_parameters() {
    let offers = Offers {
        ehlo: false,
        ..Offers::default()
    };
    let (sink, mut session) = open(SinkConfig { offers, ..proper() }).await;
    let mut transaction = message(1);
    transaction.envid = Some("id".into());
    let answers = finished(deliver(&mut session, &transaction).await);
    assert!(answers.data.unwrap().1.is_success());
    session.quit().await;
    assert_eq!(
        commands(&sink),
        [
            "EHLO localhost",
            "HELO localhost",
            "MAIL FROM:<a@example.test>",
            "RCPT TO:<b@example.test>",
            "DATA",
            "QUIT"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn ehlo_refused_for_now_is_not_followed_by_helo() {
    let error = refused_to_open(doing(Stage::Ehlo, Act::Reply(reply(451)))).await;
    assert_eq!(
        (error.phase, error.severity()),
        (Phase::Ehlo, Severity::Transient)
    );
}

#[tokio::test(start_paused = true)]
async fn ehlo_answered_with_421_ends_the_session() {
    let error = refused_to_open(doing(Stage::Ehlo, Act::ReplyThenClose(reply(421)))).await;
    assert_eq!((error.phase, error.is_close()), (Phase::Ehlo, true));
}

#[tokio::test(start_paused = true)]
async fn our_name_is_the_configured_one() {
    let named = RelayConfig {
        ehlo_name: "mail.example.test".into(),
        ..relay()
    };
    let (sink, session) = open_with(proper(), named).await;
    session.quit().await;
    assert_eq!(commands(&sink), ["EHLO mail.example.test", "QUIT"]);
}
