//! MAIL, RCPT and DATA: what is sent, and who refuses what.

use postroom_smtp::client::{
    Cause, Content, Notify, Outcome, Phase, PipeliningUse, Recipient, RelayConfig, ReturnContent,
    Transaction, Unsendable, Untried, Verdict,
};
use postroom_smtp::sink::{Act, ByAddress, Nth, Offers, Plan, Rule, SinkConfig, Stage};

use super::harness::*;

fn by_address() -> SinkConfig {
    let stall = std::time::Duration::from_secs(30);
    SinkConfig {
        by_address: ByAddress::On { stall },
        ..proper()
    }
}

#[tokio::test(start_paused = true)]
async fn mixed_recipients_get_each_their_own_answer() {
    for pipelining in [PipeliningUse::AcrossMessages, PipeliningUse::Never] {
        let relay = RelayConfig {
            pipelining,
            ..relay()
        };
        let (sink, mut session) = open_with(by_address(), relay).await;
        let names = [
            "anna@a.test",
            "fail@a.test",
            "full@a.test",
            "defer@a.test",
            "grey@a.test",
            "stall@a.test",
        ];
        let answers = finished(deliver(&mut session, &to(1, &names)).await);
        let codes: Vec<u16> = answers.recipients.iter().map(|reply| reply.code).collect();
        assert_eq!(codes, [250, 550, 552, 451, 450, 250]);
        assert!(matches!(answers.verdict(0), Verdict::Accepted(reply) if reply.text == "Ok, kept"));
        assert!(matches!(answers.verdict(1), Verdict::Refused(Phase::Rcpt, reply) if reply.code == 550));
        assert_eq!(sink.received()[0].recipients, ["anna@a.test", "stall@a.test"]);
    }
}

#[tokio::test(start_paused = true)]
async fn refused_sender_is_told_once_and_the_session_goes_on() {
    let refusal = Rule::at(Stage::Mail, Act::Reply(reply(550))).on_message(Nth::Only(1));
    for pipelining in [PipeliningUse::AcrossMessages, PipeliningUse::Never] {
        let relay = RelayConfig {
            pipelining,
            ..relay()
        };
        let (sink, mut session) = open_with(planned(refusal.clone()), relay).await;
        let answers = finished(deliver(&mut session, &to(1, &["b@a.test", "c@a.test"])).await);
        assert!(answers.recipients.is_empty() && answers.data.is_none());
        assert!(matches!(answers.verdict(1), Verdict::Refused(Phase::Mail, reply) if reply.code == 550));
        finished(deliver(&mut session, &message(2)).await);
        assert_eq!(sink.count(), 1);
        assert!(
            !commands(&sink).contains(&"RSET".to_owned()),
            "nothing to reset after a refused MAIL"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn all_recipients_refused_leaves_no_data_and_the_session_usable() {
    for pipelining in [PipeliningUse::AcrossMessages, PipeliningUse::Never] {
        let relay = RelayConfig {
            pipelining,
            ..relay()
        };
        let (sink, mut session) = open_with(by_address(), relay).await;
        let answers = finished(deliver(&mut session, &to(1, &["fail1@a.test", "fail2@a.test"])).await);
        assert_eq!(answers.data, None);
        finished(deliver(&mut session, &message(2)).await);
        assert_eq!(sink.count(), 1);
        let resets = commands(&sink).iter().filter(|line| *line == "RSET").count();
        assert_eq!(
            resets, 1,
            "the half-open transaction is cleared before the next MAIL"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn data_accepted_for_nobody_gets_a_lone_dot() {
    let plan = Plan::default().with(Rule::at(Stage::Data, Act::Reply(reply(354))).on_message(Nth::Only(1)));
    let (sink, mut session) = open(SinkConfig { plan, ..by_address() }).await;
    let answers = finished(deliver(&mut session, &to(1, &["fail@a.test"])).await);
    assert_eq!((answers.recipients[0].code, answers.data), (550, None));
    finished(deliver(&mut session, &message(2)).await);
    assert_eq!(sink.received().len(), 1);
    assert_eq!(sink.received()[0].recipients, ["b@example.test"]);
}

#[tokio::test(start_paused = true)]
async fn refused_data_is_the_answer_for_those_whom_rcpt_accepted() {
    let refusal = Rule::at(Stage::Data, Act::Reply(reply(451))).on_message(Nth::Only(1));
    for pipelining in [PipeliningUse::AcrossMessages, PipeliningUse::Never] {
        let relay = RelayConfig {
            pipelining,
            ..relay()
        };
        let (sink, mut session) = open_with(planned(refusal.clone()), relay).await;
        let answers = finished(deliver(&mut session, &message(1)).await);
        assert!(matches!(answers.verdict(0), Verdict::Refused(Phase::Data, reply) if reply.code == 451));
        finished(deliver(&mut session, &message(2)).await);
        assert_eq!(sink.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_421_ends_the_session_wherever_it_comes() {
    for (stage, phase) in [
        (Stage::Mail, Phase::Mail),
        (Stage::Rcpt, Phase::Rcpt),
        (Stage::Data, Phase::Data),
    ] {
        for pipelining in [PipeliningUse::AcrossMessages, PipeliningUse::Never] {
            let relay = RelayConfig {
                pipelining,
                ..relay()
            };
            let (sink, mut session) = open_with(doing(stage, Act::ReplyThenClose(reply(421))), relay).await;
            let error = failed(deliver(&mut session, &message(1)).await);
            assert_eq!(
                (error.phase, error.reply().map(|reply| reply.code)),
                (phase, Some(421))
            );
            assert!(!session.is_open());
            let again = deliver(&mut session, &message(2)).await;
            assert!(matches!(again.outcome, Outcome::Untried(Untried::SessionClosed)));
            assert_eq!(sink.count(), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn silence_at_each_command_ends_in_its_own_time() {
    for (stage, phase, seconds) in [
        (Stage::Mail, Phase::Mail, 300),
        (Stage::Rcpt, Phase::Rcpt, 300),
        (Stage::Data, Phase::Data, 120),
        (Stage::FinalDot, Phase::FinalDot, 600),
    ] {
        let (_sink, mut session) = open(doing(stage, Act::Silence)).await;
        let started = tokio::time::Instant::now();
        let (Outcome::Failed(error) | Outcome::Uncertain(error)) =
            deliver(&mut session, &message(1)).await.outcome
        else {
            panic!("silence at {stage:?} is no answer");
        };
        assert!(matches!(error.cause, Cause::Timeout(_)));
        assert_eq!((error.phase, started.elapsed().as_secs()), (phase, seconds));
    }
}

#[tokio::test(start_paused = true)]
async fn garbage_at_each_command_is_a_failure_of_the_relay() {
    for (stage, phase) in [
        (Stage::Mail, Phase::Mail),
        (Stage::Rcpt, Phase::Rcpt),
        (Stage::Data, Phase::Data),
    ] {
        let (_sink, mut session) = open(doing(stage, Act::Say(b"%%!PS-Adobe\r\n".to_vec()))).await;
        let error = failed(deliver(&mut session, &message(1)).await);
        assert!(matches!(error.cause, Cause::Garbage(_)));
        assert_eq!((error.phase, session.is_open()), (phase, false));
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_make_no_sense_are_not_taken_for_success() {
    for (stage, code) in [(Stage::Mail, 354), (Stage::Rcpt, 334), (Stage::Data, 250)] {
        let (sink, mut session) = open(doing(stage, Act::Reply(reply(code)))).await;
        let error = failed(deliver(&mut session, &message(1)).await);
        assert!(matches!(error.cause, Cause::Unexpected(_)), "{error}");
        assert_eq!(sink.count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn parameters_travel_where_offered() {
    let mut transaction = message(1);
    transaction.content = Content::new("Subject: grüße\r\n\r\nx\r\n".as_bytes());
    transaction.ret = Some(ReturnContent::Full);
    transaction.envid = Some("q 7".into());
    transaction.recipients = vec![Recipient {
        notify: Some(Notify::Never),
        orcpt: Some("rfc822;ü@example.test".into()),
        ..Recipient::new("ü@example.test")
    }];
    let (sink, mut session) = open(proper()).await;
    finished(deliver(&mut session, &transaction).await);
    let received = &sink.received()[0];
    assert_eq!(
        received.mail_parameters,
        "SIZE=23 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=q+207"
    );
    assert_eq!(
        received.recipient_parameters,
        ["NOTIFY=NEVER ORCPT=rfc822;+C3+BC@example.test"]
    );
}

fn plain_relay() -> SinkConfig {
    let offers = Offers {
        eight_bit_mime: false,
        smtputf8: false,
        dsn: false,
        size_bytes: Some(100),
        ..Offers::default()
    };
    SinkConfig { offers, ..proper() }
}

#[tokio::test(start_paused = true)]
async fn what_the_relay_cannot_take_is_told_before_anything_is_sent() {
    let address = |text: &str| to(1, &[text]);
    let mut large = message(1);
    large.content = Content::new(vec![b'x'; 101]);
    let mut utf8_header = message(1);
    utf8_header.utf8_headers = true;
    let cases: [(Transaction, Unsendable); 5] = [
        (address("ü@example.test"), Unsendable::SmtpUtf8NotOffered),
        (utf8_header, Unsendable::SmtpUtf8NotOffered),
        (
            large,
            Unsendable::TooLarge {
                size_bytes: 103,
                limit_bytes: 100,
            },
        ),
        (to(1, &[]), Unsendable::NoRecipients),
        (
            address("a@b.test>\r\nRCPT TO:<c@d.test"),
            Unsendable::BadAddress {
                address: "a@b.test>\\r\\nRCPT TO:<c@d.test".into(),
            },
        ),
    ];
    let (sink, mut session) = open(plain_relay()).await;
    for (transaction, wanted) in cases {
        let delivery = deliver(&mut session, &transaction).await;
        assert!(
            matches!(&delivery.outcome, Outcome::Unsendable(reason) if *reason == wanted),
            "{delivery:?}"
        );
        assert!(session.is_open());
    }
    session.quit().await;
    assert_eq!(commands(&sink), ["EHLO localhost", "QUIT"]);
}

#[tokio::test(start_paused = true)]
async fn eight_bit_content_is_sent_all_the_same_where_8bitmime_is_not_offered() {
    let mut transaction = message(1);
    transaction.content = Content::new("Subject: x\r\n\r\ngrüße\r\n".as_bytes());
    let (sink, mut session) = open(plain_relay()).await;
    finished(deliver(&mut session, &transaction).await);
    assert_eq!(sink.received()[0].mail_parameters, "SIZE=23");
    assert_eq!(
        &sink.received()[0].content[..],
        "Subject: x\r\n\r\ngrüße\r\n".as_bytes()
    );
}

#[tokio::test(start_paused = true)]
async fn five_thousand_recipients_do_not_block_the_pipe() {
    let names: Vec<String> = (0..5_000)
        .map(|n| format!("recipient-number-{n}@example.test"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (sink, mut session) = open(proper()).await;
    let answers = finished(deliver(&mut session, &to(1, &names)).await);
    assert_eq!(answers.recipients.len(), 5_000);
    assert_eq!(sink.received()[0].recipients.len(), 5_000);
}

#[tokio::test(start_paused = true)]
async fn reply_that_nothing_asked_for_is_never_taken_for_the_answer_to_the_dot() {
    let twice = Act::Say(b"354 go ahead\r\n250 2.0.0 Ok, kept\r\n".to_vec());
    for pipelining in [PipeliningUse::AcrossMessages, PipeliningUse::Never] {
        let relay = RelayConfig {
            pipelining,
            ..relay()
        };
        let (_sink, mut session) = open_with(doing(Stage::Data, twice.clone()), relay).await;
        let error = failed(deliver(&mut session, &message(1)).await);
        assert!(
            matches!(
                (error.phase, &error.cause),
                (Phase::Content, Cause::Unexpected(_))
            ),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn session_out_of_step_is_left_before_the_next_message() {
    let twice = Act::Say(b"250 2.0.0 Ok\r\n250 2.0.0 Ok\r\n".to_vec());
    let (_sink, mut session) = open(doing(Stage::Kept, twice)).await;
    finished(deliver(&mut session, &message(1)).await);
    let second = deliver(&mut session, &message(2)).await;
    assert!(
        matches!(second.outcome, Outcome::Untried(Untried::SessionEnded)),
        "{second:?}"
    );
}
