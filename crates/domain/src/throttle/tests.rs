mod learnt;

use super::*;
use crate::clock::Timestamp;
use crate::outcome::EnhancedCode;

const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn after(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

/// Reads `432 4.3.2 Concurrent …`, with or without an enhanced code.
fn reply(line: &str) -> Reply {
    let (code, rest) = line.split_once(' ').expect("a code and a text");
    let (first, others) = rest.split_once(' ').unwrap_or((rest, ""));
    let numbers: Vec<u16> = first.split('.').filter_map(|n| n.parse().ok()).collect();
    let (enhanced, text) = match numbers[..] {
        [class, subject, detail] => {
            let class = u8::try_from(class).expect("a class");
            (Some(EnhancedCode(class, subject, detail)), others)
        }
        _ => (None, rest),
    };
    Reply {
        code: code.parse().expect("a code"),
        enhanced,
        text: text.to_owned(),
    }
}

/// A session in full swing: another message was carried, recipients were accepted, other sessions work.
const WORKING: Progress = Progress {
    accepted: 5,
    carried: 3,
    witness: Witness::OtherSessions,
    others: Others::Open,
};

const FRESH: Progress = Progress {
    accepted: 0,
    carried: 0,
    witness: Witness::OtherSessions,
    others: Others::Open,
};

const REPLIES: &[(SmtpPhase, &str, Throttle)] = &[
    (
        SmtpPhase::Mail,
        "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending",
        Throttle::Connections,
    ),
    (
        SmtpPhase::Content,
        "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
        Throttle::Connections,
    ),
    (
        SmtpPhase::Greeting,
        "421 4.3.2 The maximum number of concurrent connections has exceeded a limit, closing transmission channel",
        Throttle::Connections,
    ),
    (
        SmtpPhase::Mail,
        "421 4.4.2 Message submission rate for this client has exceeded the configured limit",
        Throttle::Pace,
    ),
    (
        SmtpPhase::Content,
        "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (AS761)",
        Throttle::Pace,
    ),
    (
        SmtpPhase::Greeting,
        "421 RP-003 The mail server IP connecting to Outlook.com server has exceeded the connection limit allowed.",
        Throttle::Connections,
    ),
    (
        SmtpPhase::Mail,
        "421 RP-001 The mail server IP connecting to Outlook.com server has exceeded the rate limit allowed.",
        Throttle::Pace,
    ),
    (
        SmtpPhase::Greeting,
        "421 4.7.0 mx.example.net Error: too many connections from 192.0.2.1",
        Throttle::Connections,
    ),
    (
        SmtpPhase::Greeting,
        "421 4.3.2 All server ports are busy",
        Throttle::Connections,
    ),
    (
        SmtpPhase::Mail,
        "450 4.7.1 Error: too much mail from 192.0.2.1",
        Throttle::Pace,
    ),
    (
        SmtpPhase::Rcpt,
        "450 4.7.1 Error: too many recipients from 192.0.2.1",
        Throttle::Pace,
    ),
    (
        SmtpPhase::Rcpt,
        "452 4.5.3 Error: too many recipients",
        Throttle::Recipients,
    ),
    (SmtpPhase::Rcpt, "452 too many recipients", Throttle::Recipients),
    (SmtpPhase::Rcpt, "552 too many recipients", Throttle::Recipients),
    (
        SmtpPhase::Rcpt,
        "552 5.5.3 Too many recipients",
        Throttle::Recipients,
    ),
    (
        SmtpPhase::Rcpt,
        "550 5.5.3 Too many recipients",
        Throttle::Recipients,
    ),
    (
        SmtpPhase::Rcpt,
        "451 4.5.3 Domain policy: try this recipient in a separate transaction",
        Throttle::Recipients,
    ),
    (
        SmtpPhase::Data,
        "554 5.5.3 Too many recipients",
        Throttle::Recipients,
    ),
    (
        SmtpPhase::Content,
        "550 5.5.3 RESOLVER.ADR.RecipLimit; too many recipients",
        Throttle::Recipients,
    ),
    (
        SmtpPhase::Greeting,
        "421 mx.example.net: Too many concurrent SMTP connections; please try again later.",
        Throttle::Connections,
    ),
    (
        SmtpPhase::Greeting,
        "421 Too many concurrent SMTP connections from this IP address; please try again later.",
        Throttle::Connections,
    ),
    (
        SmtpPhase::Mail,
        "421 too many messages in this connection",
        Throttle::Messages,
    ),
    (
        SmtpPhase::Mail,
        "450 4.7.1 too many messages in this session",
        Throttle::Messages,
    ),
    (
        SmtpPhase::Mail,
        "421 4.7.0 Maximum number of messages per session reached",
        Throttle::Messages,
    ),
    (
        SmtpPhase::Greeting,
        "421 4.3.2 Too many open connections.",
        Throttle::Connections,
    ),
    (
        SmtpPhase::Greeting,
        "421 4.3.2 Connection rate limit exceeded.",
        Throttle::Pace,
    ),
    (
        SmtpPhase::Greeting,
        "421 4.4.5 Service unavailable, concurrency limit reached",
        Throttle::Connections,
    ),
    (
        SmtpPhase::Content,
        "421 4.7.28 Our system has detected an unusual rate of unsolicited mail",
        Throttle::Pace,
    ),
    (SmtpPhase::Content, "421 4.7.28 Try again later", Throttle::Pace),
    (
        SmtpPhase::Mail,
        "450 4.2.1 Peak SMTP relay limit exceeded for customer. This is a temporary error.",
        Throttle::Pace,
    ),
    (
        SmtpPhase::Auth,
        "454 4.7.0 Too many login attempts, please try again later",
        Throttle::Pace,
    ),
    (
        SmtpPhase::Content,
        "454 Throttling failure: Maximum sending rate exceeded.",
        Throttle::Pace,
    ),
    (
        SmtpPhase::Auth,
        "421 Too many SMTP sessions for this host",
        Throttle::Connections,
    ),
    (
        SmtpPhase::Greeting,
        "421 4.3.2 Service not available, closing channel",
        Throttle::Connections,
    ),
    (
        SmtpPhase::Mail,
        "450 Too many messages, slow down",
        Throttle::Pace,
    ),
];

#[test]
fn replies_of_real_servers_state_their_limits() {
    use SmtpPhase::{Auth, Greeting};
    for &(phase, line, expected) in REPLIES {
        let progress = if matches!(phase, Greeting | Auth) {
            FRESH
        } else {
            WORKING
        };
        assert_eq!(
            throttle(phase, Some(&reply(line)), progress),
            Some(expected),
            "{phase:?} {line}"
        );
    }
}

#[test]
fn limits_are_named_in_logs_and_metrics() {
    use Throttle::{Connections, Messages, Pace, Recipients};
    let names = [Connections, Recipients, Messages, Pace].map(Throttle::name);
    assert_eq!(names, ["connections", "recipients", "messages", "pace"]);
}

#[test]
fn failures_are_no_limits() {
    use SmtpPhase::{Content, Greeting, Mail, Rcpt};
    for (phase, line) in [
        (Rcpt, "552 5.2.2 The mailbox is full"),
        (
            Rcpt,
            "452 4.2.2 The email account that you tried to reach is over quota",
        ),
        (
            Rcpt,
            "552 Requested mail action aborted: exceeded storage allocation",
        ),
        (Rcpt, "452 Insufficient system storage"),
        (
            Rcpt,
            "450 4.2.1 The user you are trying to contact is receiving mail too quickly.",
        ),
        (Rcpt, "450 4.7.1 Greylisted, try again later"),
        (Rcpt, "450 Greylisted, try again later"),
        (SmtpPhase::Data, "452 Try again later"),
        (Rcpt, "550 5.1.1 No such user"),
        (Rcpt, "452 4.5.3 Too many invalid recipients"),
        (Rcpt, "421 4.7.0 mx.example.net Error: too many errors"),
        (Mail, "452 4.3.1 Insufficient system storage"),
        (Mail, "550 5.7.1 Daily SMTP relay limit exceeded for user"),
        (Content, "454 Throttling failure: Daily message quota exceeded."),
        (Content, "552 5.2.3 Message size exceeds fixed limit"),
        (Content, "554 5.7.1 Message contains spam"),
        (Content, "421 4.3.0 Temporary System Problem. Try again later"),
        (Mail, "451 4.3.0 Mail server temporarily rejected message"),
        (Greeting, "554 5.7.1 No SMTP service here"),
    ] {
        assert_eq!(
            throttle(phase, Some(&reply(line)), WORKING),
            None,
            "{phase:?} {line}"
        );
    }
}

#[test]
fn limit_counts_only_where_something_shows_that_the_relay_works() {
    use SmtpPhase::{Connect, Content, Data, Ehlo, Greeting, Mail, Rcpt, Tls};
    let alone = Progress::default();
    let lately = Progress {
        witness: Witness::Lately,
        ..alone
    };
    let connections = reply("421 4.7.0 too many connections");
    let session = reply("450 4.7.1 too many messages in this session");
    let recipients = reply("452 4.5.3 too many recipients");
    let fast = reply("450 4.7.1 Error: too much mail from 192.0.2.1");
    for progress in [alone, lately] {
        assert_eq!(throttle(Greeting, Some(&connections), progress), None);
        assert_eq!(throttle(Greeting, None, progress), None);
    }
    let open = Progress {
        others: Others::Open,
        ..alone
    };
    let named = Some(Throttle::Connections);
    assert_eq!(throttle(Greeting, Some(&connections), open), named);
    assert_eq!(throttle(Mail, Some(&reply("432 4.3.2 busy")), open), named);
    assert_eq!(
        throttle(Greeting, Some(&reply("421 4.3.0 no service")), open),
        None
    );
    assert_eq!(throttle(Greeting, None, open), None);
    assert_eq!(
        throttle(Mail, Some(&fast), open),
        None,
        "that has no pace to show"
    );
    assert_eq!(throttle(Mail, Some(&fast), alone), None);
    assert_eq!(throttle(Mail, Some(&fast), lately), Some(Throttle::Pace));
    assert_eq!(
        throttle(Rcpt, Some(&recipients), FRESH),
        None,
        "not even the first is taken"
    );
    let one = Progress { accepted: 1, ..alone };
    assert_eq!(throttle(Rcpt, Some(&recipients), one), Some(Throttle::Recipients));
    assert_eq!(throttle(Data, Some(&recipients), one), None);
    assert_eq!(
        throttle(Mail, Some(&session), FRESH),
        Some(Throttle::Pace),
        "the first of its session"
    );
    for phase in [Connect, Tls, Greeting, Ehlo, Mail] {
        assert_eq!(
            throttle(phase, None, FRESH),
            Some(Throttle::Connections),
            "{phase:?}"
        );
    }
    assert_eq!(throttle(Mail, None, WORKING), None, "this session has worked");
    assert_eq!(throttle(Content, None, FRESH), None);
}

#[test]
fn refusals_lower_to_what_works_and_a_quiet_time_raises_by_one() {
    let mut limits = LearntLimits::default();
    assert_eq!(limits.connections(20), 20);
    for left in (3..20).rev() {
        limits.refused(Throttle::Connections, left, START);
    }
    limits.answered(START);
    assert_eq!(limits.connections(20), 3);
    let used = |limits: &mut LearntLimits, n, at| limits.used(Throttle::Connections, n, Some(20), after(at));
    used(&mut limits, 3, 4);
    used(&mut limits, 2, 5);
    assert_eq!(
        limits.connections(20),
        3,
        "neither quiet for long enough nor used up"
    );
    used(&mut limits, 3, 5);
    assert_eq!(limits.connections(20), 4);
    limits.refused(Throttle::Connections, 3, after(6));
    limits.answered(after(6));
    used(&mut limits, 3, 15);
    assert_eq!(
        limits.connections(20),
        3,
        "a raise that was refused doubles the quiet time"
    );
    used(&mut limits, 3, 16);
    assert_eq!(limits.connections(20), 4);
}

#[test]
fn limit_that_has_grown_to_the_configured_number_is_forgotten() {
    let values = LimitValues {
        connections: Some(2),
        ..LimitValues::default()
    };
    let mut limits = LearntLimits::stored(values, START);
    limits.used(Throttle::Connections, 2, Some(3), after(5));
    assert_eq!(limits.values(), LimitValues::default());
}

#[test]
fn refusals_that_no_answer_follows_teach_nothing() {
    let mut limits = LearntLimits::default();
    limits.refused(Throttle::Connections, 6, START);
    limits.answered(START);
    limits.refused(Throttle::Connections, 5, after(1));
    limits.refused(Throttle::Connections, 1, after(1));
    limits.nothing_works();
    assert_eq!(limits.connections(20), 6);
    limits.nothing_works();
    assert_eq!(limits.connections(20), 6);
}

#[test]
fn one_connection_is_always_allowed() {
    let mut limits = LearntLimits::default();
    limits.refused(Throttle::Connections, 0, START);
    assert_eq!(limits.connections(20), 1);
}

#[test]
fn mail_that_comes_too_fast_pauses_ever_longer_until_a_message_is_taken() {
    let mut limits = LearntLimits::default();
    let mut at = START;
    let mut pauses = Vec::new();
    for _ in 0..8 {
        limits.refused(Throttle::Pace, 40, at);
        limits.refused(Throttle::Pace, 40, at);
        let until = limits.paused_until(at).expect("paused");
        pauses.push(until.since(at).as_secs());
        at = until;
        assert_eq!(limits.paused_until(at), None);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(
        limits.values().per_minute,
        Some(4),
        "a quarter less each time: 40, 30, 22 …"
    );
    limits.answered(at);
    limits.refused(Throttle::Pace, 40, at);
    let until = limits.paused_until(at).expect("paused");
    assert_eq!(until.since(at).as_secs(), 1);
}

#[test]
fn recipients_are_raised_by_a_transaction_that_uses_them_up() {
    let mut limits = LearntLimits::default();
    limits.refused(Throttle::Recipients, 5, START);
    let hour = after(3_600);
    limits.used(Throttle::Recipients, 4, None, hour);
    assert_eq!(limits.values().recipients, Some(5));
    limits.used(Throttle::Recipients, 5, None, hour);
    assert_eq!(limits.values().recipients, Some(6));
}

#[test]
fn stored_limits_go_on_where_they_were() {
    let values = LimitValues {
        connections: Some(3),
        recipients: Some(5),
        messages: Some(10),
        per_minute: Some(30),
    };
    assert_eq!(LearntLimits::stored(values, START).values(), values);
}
