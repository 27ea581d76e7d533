//! What a message may be made of, and the shapes of smuggling.

use insta::assert_snapshot;
use postroom_smtp::codec::BareLineEnd;
use postroom_smtp::server::{SessionConfig, SessionEnd, SessionLimits};

use super::support::{Talk, Told, open_config};

const ENVELOPE: &str = "MAIL FROM:<ann@example.com>\r\nRCPT TO:<bob@example.test>\r\n";

async fn send_data(config: SessionConfig, data: &str) -> Told {
    let mut talk = Talk::greeted(config).await;
    talk.say(format!("{ENVELOPE}DATA\r\n")).await;
    talk.transcript.clear();
    talk.say(data).await;
    talk.end().await
}

fn small() -> SessionConfig {
    let limits = SessionLimits {
        message_bytes_max: 100,
        ..SessionLimits::default()
    };
    SessionConfig {
        limits,
        ..open_config()
    }
}

#[tokio::test(start_paused = true)]
async fn smuggled_ends_of_data_end_the_session() {
    let inner = "MAIL FROM:<evil@example.com>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nevil\r\n.\r\n";
    for (end, what) in [
        ("\n.\r\n", BareLineEnd::LineFeed),
        ("\n.\n", BareLineEnd::LineFeed),
        ("\r\n.\n", BareLineEnd::LineFeed),
        ("\r.\r\n", BareLineEnd::CarriageReturn),
        ("\r.\r", BareLineEnd::CarriageReturn),
        ("\r\n.\r", BareLineEnd::CarriageReturn),
        ("\r\n\0.\n", BareLineEnd::LineFeed),
    ] {
        let told = send_data(open_config(), &format!("good{end}{inner}")).await;
        assert_eq!(told.summary.end, SessionEnd::BareLineEnd(what), "{end:?}");
        assert!(told.received.is_empty(), "{end:?}");
        let last =
            format!("S: 521 5.5.2 Refused: {what} received; lines end in CR LF; closing\nS: (closed)\n");
        assert!(told.transcript.ends_with(&last), "{end:?}\n{}", told.transcript);
    }
}

#[tokio::test(start_paused = true)]
async fn bare_line_ends_in_commands_end_the_session() {
    for said in ["NOOP\nNOOP\r\n", "NO\rOP\r\n", "\n", "\r\r\n"] {
        let mut talk = Talk::greeted(open_config()).await;
        talk.say(said).await;
        let told = talk.end().await;
        assert!(
            matches!(told.summary.end, SessionEnd::BareLineEnd(_)),
            "{said:?}: {:?}",
            told.summary
        );
        assert!(
            told.transcript
                .ends_with("lines end in CR LF; closing\nS: (closed)\n"),
            "{}",
            told.transcript
        );
    }
}

#[tokio::test(start_paused = true)]
async fn line_end_cut_in_the_middle_is_still_one() {
    let mut talk = Talk::greeted(open_config()).await;
    talk.say(format!("{ENVELOPE}DATA\r")).await;
    talk.say("\n").await;
    for part in ["a\r", "\n.", "\r", "\n"] {
        talk.say(part).await;
    }
    let told = talk.end().await;
    assert_eq!(told.received[0].content, b"a\r\n");
}

#[tokio::test(start_paused = true)]
async fn declared_size_over_the_limit_is_refused_at_mail() {
    let mut talk = Talk::greeted(small()).await;
    talk.say("MAIL FROM:<ann@example.com> SIZE=101\r\n").await;
    talk.say("MAIL FROM:<ann@example.com> SIZE=99999999999999999999\r\n")
        .await;
    talk.say("MAIL FROM:<ann@example.com> SIZE=100\r\n").await;
    assert_snapshot!(talk.end().await.transcript);
}

#[tokio::test(start_paused = true)]
async fn real_size_over_the_limit_is_refused_after_the_dot() {
    let told = send_data(small(), &format!("{}\r\n.\r\nNOOP\r\n", "x".repeat(99))).await;
    assert_snapshot!(told.transcript);
    assert!(told.received.is_empty());
    let told = send_data(small(), &format!("{}\r\n.\r\n", "x".repeat(98))).await;
    assert_eq!(told.received[0].content.len(), 100);
}

#[tokio::test(start_paused = true)]
async fn data_without_end_is_cut_off() {
    let told = send_data(small(), &"x".repeat(70_000)).await;
    assert_eq!(told.summary.end, SessionEnd::TooMuchData);
    assert!(
        told.transcript
            .ends_with("S: 552 5.3.4 Message is too big: the limit is 100 bytes\nS: (closed)\n")
    );
}

#[tokio::test(start_paused = true)]
async fn chunks_make_a_message() {
    let mut talk = Talk::greeted(open_config()).await;
    talk.say(ENVELOPE).await;
    talk.say("BDAT 7\r\nfirst\r\n").await;
    talk.say("BDAT 0\r\nBDAT 10 LAST\r\n.\r\nQUIT\r\n\r").await;
    talk.say("\nNOOP\r\n").await;
    let told = talk.end().await;
    assert_snapshot!(told.transcript);
    assert!(
        told.received.is_empty(),
        "a message that ends in a lone CR is refused"
    );
    assert_eq!(
        told.summary.end,
        SessionEnd::BareLineEnd(BareLineEnd::CarriageReturn)
    );
}

#[tokio::test(start_paused = true)]
async fn pipelined_chunk_is_answered_in_one_batch() {
    let mut talk = Talk::greeted(open_config()).await;
    let chunk = "BDAT 12 LAST\r\n.\r\n.\r\nQUIT\r\n";
    talk.say(format!("{ENVELOPE}{chunk}{ENVELOPE}{chunk}QUIT\r\n"))
        .await;
    let told = talk.end().await;
    assert_snapshot!(told.transcript);
    assert_eq!(told.received.len(), 2);
    assert_eq!(told.received[1].content, b".\r\n.\r\nQUIT\r\n");
}

#[tokio::test(start_paused = true)]
async fn chunks_and_data_do_not_mix() {
    let mut talk = Talk::greeted(open_config()).await;
    talk.say("BDAT 6 LAST\r\nNOOP\r\n").await;
    talk.say("MAIL FROM:<ann@example.com>\r\nBDAT 6 LAST\r\nNOOP\r\n")
        .await;
    talk.say("RCPT TO:<bob@example.test>\r\nBDAT 3\r\na\r\n").await;
    for said in [
        "DATA\r\n",
        "RCPT TO:<carol@example.test>\r\n",
        "MAIL FROM:<>\r\n",
        "NOOP\r\n",
        "RSET\r\n",
    ] {
        talk.say(said).await;
    }
    talk.say("BDAT 3 LAST\r\nb\r\n").await;
    let told = talk.end().await;
    assert_snapshot!(told.transcript);
    assert!(told.received.is_empty());
}

#[tokio::test(start_paused = true)]
async fn chunks_over_the_limit_are_thrown_away() {
    let mut talk = Talk::greeted(small()).await;
    talk.say(ENVELOPE).await;
    let chunk = format!("{}\r\n", "x".repeat(58));
    talk.say(format!("BDAT 60\r\n{chunk}")).await;
    talk.say(format!("BDAT 60 LAST\r\n{chunk}")).await;
    talk.say("NOOP\r\n").await;
    talk.say(format!("{ENVELOPE}BDAT 5000000000\r\n")).await;
    let told = talk.end().await;
    assert_snapshot!(told.transcript);
    assert_eq!(told.summary.end, SessionEnd::TooMuchData);
}

#[tokio::test(start_paused = true)]
async fn chunk_of_unreadable_length_ends_the_session() {
    for length in ["", "x", "-1", "1 2", "1 LAST now", "99999999999999999999999"] {
        let mut talk = Talk::greeted(open_config()).await;
        talk.say(format!("{ENVELOPE}BDAT {length}\r\nNOOP\r\n")).await;
        let told = talk.end().await;
        assert_eq!(told.summary.end, SessionEnd::ChunkSize, "{length:?}");
        assert!(told.transcript.contains("501 5.5.4"), "{}", told.transcript);
    }
}

#[tokio::test(start_paused = true)]
async fn bare_line_end_in_a_chunk_ends_the_session() {
    let mut talk = Talk::greeted(open_config()).await;
    talk.say(format!("{ENVELOPE}BDAT 6 LAST\r\na\nb\r\n\r\n")).await;
    let told = talk.end().await;
    assert_eq!(told.summary.end, SessionEnd::BareLineEnd(BareLineEnd::LineFeed));
}
