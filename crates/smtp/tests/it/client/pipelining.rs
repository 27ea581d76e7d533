//! The next envelope with the last dot: what it saves, and what becomes of it when the session ends.

use std::time::Duration;

use postroom_smtp::client::{
    AtDot, ChunkingUse, Delivery, Outcome, PipeliningUse, RelayConfig, Session, Transaction, Untried,
};
use postroom_smtp::sink::{Act, ByAddress, Nth, Offers, Rule, SinkConfig, SinkHandle, Stage};
use tokio::io::DuplexStream;

use super::harness::*;

/// Delivers the messages as the engine does, each with the next one behind it.
async fn deliver_all(session: &mut Session<DuplexStream>, messages: Vec<Transaction>) -> Vec<Delivery> {
    let mut waiting = messages.into_iter();
    let mut current = waiting.next();
    let mut done = Vec::new();
    while let Some(transaction) = current {
        let mut delivery = session
            .deliver(&transaction, || AtDot::Write { next: waiting.next() })
            .await;
        current = delivery.next.take().or_else(|| waiting.next());
        done.push(delivery);
    }
    done
}

fn all_finished(done: Vec<Delivery>) -> Vec<u64> {
    let ids = done.iter().map(|delivery| delivery.id).collect();
    for delivery in done {
        finished(delivery);
    }
    ids
}

#[tokio::test(start_paused = true)]
async fn messages_follow_each_other_over_one_connection() {
    for (pipelining, chunking) in [
        (PipeliningUse::AcrossMessages, ChunkingUse::Never),
        (PipeliningUse::AcrossMessages, ChunkingUse::WhereOffered),
        (PipeliningUse::WithinEnvelope, ChunkingUse::Never),
        (PipeliningUse::Never, ChunkingUse::Never),
        (PipeliningUse::Never, ChunkingUse::WhereOffered),
    ] {
        let relay = RelayConfig {
            pipelining,
            chunking,
            ..relay()
        };
        let (sink, mut session) = open_with(proper(), relay).await;
        let done = deliver_all(&mut session, (1..=20).map(message).collect()).await;
        assert_eq!(all_finished(done), (1..=20).collect::<Vec<_>>());
        assert_eq!(
            (sink.count(), sink.connections(), session.answered()),
            (20, 1, 20)
        );
        assert!(
            sink.received()
                .iter()
                .all(|received| received.content == TEXT.as_bytes())
        );
        assert!(!commands(&sink).contains(&"RSET".to_owned()));
    }
}

/// Counts round trips: a relay that answers each read a second late needs one second for each.
async fn seconds_for_twenty(pipelining: PipeliningUse) -> u64 {
    let (sink, mut session) = open_with(
        proper(),
        RelayConfig {
            pipelining,
            ..relay()
        },
    )
    .await;
    sink.set_mode(postroom_smtp::sink::Mode::Tarpit(Duration::from_secs(1)))
        .await;
    let started = tokio::time::Instant::now();
    all_finished(deliver_all(&mut session, (1..=20).map(message).collect()).await);
    started.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn envelope_with_the_dot_costs_one_round_trip_a_message() {
    assert_eq!(seconds_for_twenty(PipeliningUse::AcrossMessages).await, 21);
    assert_eq!(seconds_for_twenty(PipeliningUse::WithinEnvelope).await, 40);
    assert_eq!(seconds_for_twenty(PipeliningUse::Never).await, 80);
}

#[tokio::test(start_paused = true)]
async fn relay_that_does_not_offer_pipelining_gets_none() {
    let offers = Offers {
        pipelining: false,
        ..Offers::default()
    };
    let (sink, mut session) = open(SinkConfig { offers, ..proper() }).await;
    sink.set_mode(postroom_smtp::sink::Mode::Tarpit(Duration::from_secs(1)))
        .await;
    let started = tokio::time::Instant::now();
    all_finished(deliver_all(&mut session, (1..=5).map(message).collect()).await);
    assert_eq!(
        started.elapsed().as_secs(),
        20,
        "four round trips for each message"
    );
}

#[tokio::test(start_paused = true)]
async fn mixed_envelopes_keep_replies_and_messages_together() {
    let stall = Duration::from_secs(1);
    let config = SinkConfig {
        by_address: ByAddress::On { stall },
        ..proper()
    };
    let (sink, mut session) = open(config).await;
    let lists: [&[&str]; 6] = [
        &["anna@a.test", "fail@a.test"],
        &["fail@a.test"],
        &["defer@a.test", "bert@a.test", "full@a.test"],
        &["fail@a.test", "fail2@a.test"],
        &["fail@a.test"],
        &["carl@a.test"],
    ];
    let messages = lists.iter().zip(1..).map(|(list, id)| to(id, list)).collect();
    let done = deliver_all(&mut session, messages).await;
    let codes: Vec<Vec<u16>> = done
        .into_iter()
        .map(|delivery| {
            finished(delivery)
                .recipients
                .iter()
                .map(|reply| reply.code)
                .collect()
        })
        .collect();
    assert_eq!(
        codes,
        [
            vec![250, 550],
            vec![550],
            vec![451, 250, 552],
            vec![550, 550],
            vec![550],
            vec![250]
        ]
    );
    let received: Vec<Vec<String>> = sink.received().into_iter().map(|kept| kept.recipients).collect();
    assert_eq!(received, [["anna@a.test"], ["bert@a.test"], ["carl@a.test"]]);
}

#[tokio::test(start_paused = true)]
async fn refused_dot_does_not_touch_the_envelope_behind_it() {
    let refusal = Rule::at(Stage::FinalDot, Act::Reply(reply(554))).on_message(Nth::Only(1));
    let (sink, mut session) = open(planned(refusal)).await;
    let done = deliver_all(&mut session, vec![message(1), message(2)]).await;
    all_finished(done);
    assert_eq!(sink.count(), 1);
}

/// Delivers two messages of which the first dot meets this act; the second envelope went with that dot.
async fn second_behind(act: Act) -> (SinkHandle, Session<DuplexStream>, Delivery, Delivery) {
    let rule = Rule::at(Stage::FinalDot, act).on_message(Nth::Only(1));
    let (sink, mut session) = open(planned(rule)).await;
    let mut first = deliver_before(&mut session, &message(1), message(2)).await;
    let next = first.next.take().unwrap();
    let second = deliver(&mut session, &next).await;
    (sink, session, first, second)
}

#[tokio::test(start_paused = true)]
async fn envelope_behind_a_dot_that_gets_421_is_untried() {
    let (sink, _session, first, second) = second_behind(Act::ReplyThenClose(reply(421))).await;
    assert_eq!(failed(first).reply().map(|reply| reply.code), Some(421));
    assert!(matches!(second.outcome, Outcome::Untried(_)));
    assert_eq!(sink.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn envelope_behind_a_dot_that_gets_a_close_is_untried() {
    let (_sink, _session, first, second) = second_behind(Act::Close).await;
    uncertain(first);
    assert!(matches!(second.outcome, Outcome::Untried(_)));
}

#[tokio::test(start_paused = true)]
async fn relay_that_takes_a_message_and_closes_leaves_the_next_untried() {
    for ended in [Act::ReplyThenClose(reply(421)), Act::Close, Act::Cut] {
        let rule = Rule::at(Stage::Mail, ended).on_message(Nth::Only(2));
        let (sink, mut session) = open(planned(rule)).await;
        let done = deliver_all(&mut session, vec![message(1), message(2)]).await;
        assert!(matches!(done[0].outcome, Outcome::Finished(_)));
        assert!(
            matches!(done[1].outcome, Outcome::Untried(Untried::SessionEnded)),
            "{:?}",
            done[1]
        );
        assert_eq!(sink.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn idle_session_that_the_relay_closed_leaves_the_message_untried() {
    let rule = Rule::at(Stage::FinalDot, Act::ReplyThenClose(reply(250)));
    let (_sink, mut session) = open(planned(rule)).await;
    finished(deliver(&mut session, &message(1)).await);
    let second = deliver(&mut session, &message(2)).await;
    assert!(
        matches!(second.outcome, Outcome::Untried(Untried::SessionEnded)),
        "{second:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn relay_that_loses_input_behind_a_dot_is_found_out_and_not_pipelined_again() {
    let offers = Offers {
        drops_input_behind_dot: true,
        ..Offers::default()
    };
    let (sink, mut session) = open(SinkConfig { offers, ..proper() }).await;
    let started = tokio::time::Instant::now();
    let done = deliver_all(&mut session, vec![message(1), message(2)]).await;
    assert!(matches!(done[0].outcome, Outcome::Finished(_)));
    assert!(matches!(
        done[1].outcome,
        Outcome::Untried(Untried::PipeliningBroken)
    ));
    assert_eq!(
        started.elapsed().as_secs(),
        20,
        "the short bound, not MAIL's five minutes"
    );
    assert_eq!(
        (session.pipelining(), session.is_open()),
        (PipeliningUse::WithinEnvelope, false)
    );

    let careful = RelayConfig {
        pipelining: session.pipelining(),
        ..relay()
    };
    let (ours, theirs) = tokio::io::duplex(4_096);
    let serving = sink.clone();
    tokio::spawn(async move { serving.serve(theirs).await });
    let mut session = postroom_smtp::client::Connector::new(careful)
        .unwrap()
        .open(ours)
        .await
        .unwrap();
    all_finished(deliver_all(&mut session, vec![message(2), message(3)]).await);
    assert_eq!(sink.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn relay_that_answers_a_pipelined_mail_with_bad_sequence_is_not_pipelined_again() {
    let rule = Rule::at(Stage::Mail, Act::Reply(reply(503))).on_message(Nth::Only(2));
    let (_sink, mut session) = open(planned(rule)).await;
    let done = deliver_all(&mut session, vec![message(1), message(2)]).await;
    assert!(matches!(
        done[1].outcome,
        Outcome::Untried(Untried::PipeliningBroken)
    ));
    assert_eq!(session.pipelining(), PipeliningUse::WithinEnvelope);
}

#[tokio::test(start_paused = true)]
async fn message_that_cannot_be_sent_does_not_go_ahead_and_does_not_harm() {
    let offers = Offers {
        smtputf8: false,
        ..Offers::default()
    };
    let (sink, mut session) = open(SinkConfig { offers, ..proper() }).await;
    let messages = vec![message(1), to(2, &["ü@a.test"]), message(3)];
    let done = deliver_all(&mut session, messages).await;
    assert!(matches!(done[1].outcome, Outcome::Unsendable(_)));
    assert!(matches!(done[2].outcome, Outcome::Finished(_)));
    assert_eq!(sink.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn another_message_than_the_one_ahead_is_not_sent_in_its_place() {
    let (sink, mut session) = open(proper()).await;
    finished(deliver_before(&mut session, &message(1), message(2)).await);
    let wrong = deliver(&mut session, &message(3)).await;
    assert!(matches!(wrong.outcome, Outcome::Untried(Untried::OutOfOrder)));
    assert_eq!((sink.count(), session.is_open()), (1, false));
}

#[tokio::test(start_paused = true)]
async fn message_ahead_is_not_sent_with_other_recipients_than_it_was_announced_with() {
    let (sink, mut session) = open(proper()).await;
    let (many, fewer) = (to(2, &["a@a.test", "b@a.test", "c@a.test"]), to(2, &["a@a.test"]));
    finished(deliver_before(&mut session, &message(1), many).await);
    assert!(session.has_sent(fewer.id));
    let wrong = deliver(&mut session, &fewer).await;
    assert!(matches!(wrong.outcome, Outcome::Untried(Untried::OutOfOrder)));
    assert_eq!((sink.count(), session.is_open()), (1, false));
}

#[tokio::test(start_paused = true)]
async fn quitting_with_an_envelope_ahead_just_closes() {
    let (sink, mut session) = open(proper()).await;
    finished(deliver_before(&mut session, &message(1), message(2)).await);
    let started = tokio::time::Instant::now();
    session.quit().await;
    assert_eq!(
        started.elapsed().as_secs(),
        0,
        "QUIT behind DATA would be content and get no answer"
    );
    assert_eq!(sink.count(), 1);
}
