//! The content, its final dot, and what is known when the line is lost around it.

use std::cell::Cell;

use postroom_smtp::client::{
    AtDot, Cause, ChunkingUse, Connector, Content, Outcome, Phase, RelayConfig, Untried, Verdict,
};
use postroom_smtp::reply::Severity;
use postroom_smtp::sink::{Act, ByAddress, Sink, SinkConfig, Stage};

use super::harness::*;

#[tokio::test(start_paused = true)]
async fn content_arrives_as_it_was() {
    let (sink, mut session) = open(proper()).await;
    let answers = finished(deliver(&mut session, &message(1)).await);
    assert!(matches!(answers.verdict(0), Verdict::Accepted(_)));
    assert_eq!(&sink.received()[0].content[..], TEXT.as_bytes());
    assert_eq!(sink.received()[0].message_id, "<one@example.test>");
}

#[tokio::test(start_paused = true)]
async fn empty_and_large_contents_arrive_by_data_and_by_bdat() {
    for chunking in [ChunkingUse::Never, ChunkingUse::WhereOffered] {
        let (sink, mut session) = open_with(proper(), RelayConfig { chunking, ..relay() }).await;
        for text in ["", ".\r\n", &".line\r\n".repeat(50_000)] {
            let mut transaction = message(1);
            transaction.content = Content::new(text.to_owned());
            finished(deliver(&mut session, &transaction).await);
            assert_eq!(sink.received().last().unwrap().content.len(), text.len());
            assert_eq!(sink.received().last().unwrap().content, text.as_bytes());
        }
        let uses_bdat = commands(&sink).iter().any(|line| line.starts_with("BDAT"));
        assert_eq!(uses_bdat, chunking == ChunkingUse::WhereOffered);
    }
}

#[tokio::test(start_paused = true)]
async fn refused_content_is_the_answer_for_every_accepted_recipient() {
    for code in [554, 452] {
        let (sink, mut session) = open(doing(Stage::FinalDot, Act::Reply(reply(code)))).await;
        let answers = finished(deliver(&mut session, &message(1)).await);
        assert!(matches!(answers.verdict(0), Verdict::Refused(Phase::FinalDot, reply) if reply.code == code));
        assert!(session.is_open());
        assert_eq!(sink.count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn line_cut_in_the_content_is_a_failure_and_not_uncertain() {
    let stall = std::time::Duration::ZERO;
    let config = SinkConfig {
        by_address: ByAddress::On { stall },
        ..proper()
    };
    let (sink, mut session) = open(config).await;
    let mut transaction = to(1, &["drop@example.test"]);
    transaction.content = Content::new("x\r\n".repeat(200_000));
    let error = failed(deliver(&mut session, &transaction).await);
    assert_eq!(error.phase, Phase::Content);
    assert!(error.is_close());
    assert_eq!(sink.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn relay_that_says_why_and_closes_in_the_content_is_quoted() {
    let (_sink, mut session) = open(doing(Stage::Content, Act::ReplyThenClose(reply(552)))).await;
    let mut transaction = message(1);
    transaction.content = Content::new("x\r\n".repeat(200_000));
    let error = failed(deliver(&mut session, &transaction).await);
    assert_eq!(
        (error.phase, error.severity()),
        (Phase::Content, Severity::Permanent)
    );
    assert_eq!(error.reply().map(|reply| reply.code), Some(552));
}

#[tokio::test(start_paused = true)]
async fn relay_that_stops_reading_in_the_content_times_out() {
    let late = std::time::Duration::from_secs(100_000);
    let (_sink, mut session) = open(doing(Stage::Content, Act::Stall(late))).await;
    let mut transaction = message(1);
    transaction.content = Content::new("x\r\n".repeat(200_000));
    let error = failed(deliver(&mut session, &transaction).await);
    assert!(
        matches!((error.phase, error.cause), (Phase::Content, Cause::Timeout(limit)) if limit.as_secs() == 180)
    );
}

#[tokio::test(start_paused = true)]
async fn line_lost_after_the_dot_is_uncertain_whether_kept_or_not() {
    for (stage, kept) in [(Stage::FinalDot, 0), (Stage::Kept, 1)] {
        for act in [
            Act::Close,
            Act::Cut,
            Act::Silence,
            Act::SayThenClose(b"25".to_vec()),
        ] {
            let (sink, mut session) = open(doing(stage, act)).await;
            let error = uncertain(deliver(&mut session, &message(1)).await);
            assert_eq!(
                (error.phase, session.is_open(), sink.count()),
                (Phase::FinalDot, false, kept)
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn garbage_and_go_aheads_after_the_dot_are_uncertain() {
    for act in [Act::Say(b"\x00\x01\x02\x03\r\n".to_vec()), Act::Reply(reply(354))] {
        let (_sink, mut session) = open(doing(Stage::FinalDot, act)).await;
        let error = uncertain(deliver(&mut session, &message(1)).await);
        assert!(matches!(error.cause, Cause::Garbage(_) | Cause::Unexpected(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn success_in_untidy_words_after_the_dot_is_a_success() {
    let long = [b"250 2.0.0 Ok ".as_slice(), &[b'x'; 9_000], b"\r\n"].concat();
    let many = [b"250-more\r\n".repeat(500).as_slice(), b"250 Ok\r\n"].concat();
    for said in [
        &b"250-2.0.0 queued\r\n251 2.1.5 forwarded\r\n"[..],
        b"251-forwarded\r\n250-\r\n250\r\n",
        b"250-2.0.0 queued\n250 as \x00 \xe9\xff\n",
        b"250 Ok\r\r\n",
        b"250\r\r\n",
        &long,
        &many,
    ] {
        let (_sink, mut session) = open(doing(Stage::FinalDot, Act::Say(said.to_vec()))).await;
        let answers = finished(deliver(&mut session, &message(1)).await);
        assert!(matches!(answers.verdict(0), Verdict::Accepted(_)), "{answers:?}");
        assert!(session.is_open());
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_of_both_kinds_after_the_dot_are_transient() {
    for said in [
        &b"450-busy\r\n550 no\r\n"[..],
        b"550-5.7.1 no\r\n450 4.2.1 busy\r\n",
    ] {
        let (_sink, mut session) = open(doing(Stage::FinalDot, Act::Say(said.to_vec()))).await;
        let answers = finished(deliver(&mut session, &message(1)).await);
        assert!(matches!(answers.verdict(0), Verdict::Refused(Phase::FinalDot, reply) if reply.code == 450));
    }
}

#[tokio::test(start_paused = true)]
async fn yes_and_no_in_one_reply_after_the_dot_is_uncertain() {
    for said in [
        &b"250-queued\r\n550 no\r\n"[..],
        b"450-no\r\n250 queued\r\n",
        b"250-queued\r\n354 go on\r\n",
    ] {
        let (_sink, mut session) = open(doing(Stage::FinalDot, Act::Say(said.to_vec()))).await;
        let error = uncertain(deliver(&mut session, &message(1)).await);
        assert!(matches!(error.cause, Cause::Garbage(_)), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_421_after_the_dot_says_that_the_message_was_not_taken() {
    let (_sink, mut session) = open(doing(Stage::FinalDot, Act::ReplyThenClose(reply(421)))).await;
    let error = failed(deliver(&mut session, &message(1)).await);
    assert_eq!(
        (error.phase, error.severity()),
        (Phase::FinalDot, Severity::Transient)
    );
    assert!(!session.is_open());
}

#[tokio::test(start_paused = true)]
async fn withdrawn_message_gets_no_dot() {
    for chunking in [ChunkingUse::Never, ChunkingUse::WhereOffered] {
        for lines in [10, 100_000] {
            let (sink, mut session) = open_with(proper(), RelayConfig { chunking, ..relay() }).await;
            let mut transaction = message(1);
            transaction.content = Content::new("x\r\n".repeat(lines));
            let delivery = session.deliver(&transaction, || AtDot::Withdraw).await;
            assert!(matches!(delivery.outcome, Outcome::Untried(Untried::Withdrawn)));
            assert!(!session.is_open());
            session.quit().await;
            assert_eq!(sink.count(), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn permission_is_asked_only_when_there_is_a_dot_to_write() {
    let stall = std::time::Duration::ZERO;
    let config = SinkConfig {
        by_address: ByAddress::On { stall },
        ..proper()
    };
    let (_sink, mut session) = open(config).await;
    let asked = Cell::new(0);
    let ask = || {
        asked.set(asked.get() + 1);
        AtDot::Write { next: None }
    };
    session.deliver(&to(1, &["fail@example.test"]), ask).await;
    assert_eq!(asked.get(), 0);
    session.deliver(&to(2, &["anna@example.test"]), ask).await;
    assert_eq!(asked.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn dropped_delivery_closes_the_session() {
    let late = std::time::Duration::from_secs(60);
    let (_sink, mut session) = open(doing(Stage::Mail, Act::Stall(late))).await;
    let short = std::time::Duration::from_secs(1);
    assert!(
        tokio::time::timeout(short, deliver(&mut session, &message(1)))
            .await
            .is_err()
    );
    assert!(!session.is_open());
}

/// Delivers over a line that breaks after this many bytes of content, dot and next envelope.
async fn broken_after(bytes: usize, chunking: ChunkingUse) -> Outcome {
    let sink = Sink::detached(proper()).unwrap();
    let (pipe, theirs) = tokio::io::duplex(16_384);
    let serving = sink.clone();
    tokio::spawn(async move { serving.serve(theirs).await });
    let before = match chunking {
        ChunkingUse::Never => {
            "EHLO localhost\r\nMAIL FROM:<a@example.test> SIZE=61\r\nRCPT TO:<b@example.test>\r\nDATA\r\n"
        }
        ChunkingUse::WhereOffered => {
            "EHLO localhost\r\nMAIL FROM:<a@example.test> SIZE=61\r\nRCPT TO:<b@example.test>\r\nBDAT 61 LAST\r\n"
        }
    };
    let stream = Breaking {
        pipe,
        bytes_left: before.len() + bytes,
    };
    let config = RelayConfig { chunking, ..relay() };
    let mut session = Connector::new(config).unwrap().open(stream).await.unwrap();
    let behind = || AtDot::Write {
        next: Some(message(2)),
    };
    session.deliver(&message(1), behind).await.outcome
}

#[tokio::test(start_paused = true)]
async fn first_byte_of_the_dot_divides_failed_from_uncertain() {
    assert_eq!(TEXT.len(), 61);
    // One line starts with a dot, which is doubled.
    let content = 62;
    for bytes in [0, 1, content - 1, content] {
        let outcome = broken_after(bytes, ChunkingUse::Never).await;
        assert!(
            matches!(&outcome, Outcome::Failed(error) if error.phase == Phase::Content),
            "{bytes}: {outcome:?}"
        );
    }
    for bytes in [content + 1, content + 2] {
        let outcome = broken_after(bytes, ChunkingUse::Never).await;
        assert!(matches!(&outcome, Outcome::Uncertain(_)), "{bytes}: {outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn last_byte_of_bdat_divides_failed_from_finished() {
    let outcome = broken_after(60, ChunkingUse::WhereOffered).await;
    assert!(matches!(&outcome, Outcome::Failed(_)), "{outcome:?}");
    let outcome = broken_after(61, ChunkingUse::WhereOffered).await;
    assert!(matches!(&outcome, Outcome::Finished(_)), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn answer_to_a_whole_dot_counts_though_the_next_envelope_could_not_be_written() {
    for bytes in [65, 66, 80] {
        let outcome = broken_after(bytes, ChunkingUse::Never).await;
        assert!(matches!(&outcome, Outcome::Finished(_)), "{bytes}: {outcome:?}");
    }
}
