use proptest::prelude::*;

use super::*;
use crate::intake::fixture::{MESSAGE_BYTES, address, at_desk, by_smtp, case, octets, take, wire};
use crate::intake::sender::KindRights;
use postroom_store::RecipientRole as Role;

const PLAIN: &str = "From: Case Clerk <case@office.example.com>\r\nTo: client@example.com,\r\n \"B, C\" <cc@example.com>\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nX-Odd :   kept  as it is \r\n\r\n..dots and\ttabs  \r\n.\r\n\r\nend without line end";

fn refused(octets: &str) -> Refusal {
    take(by_smtp(octets, &["client@example.com"])).expect_err("refused")
}

#[test]
fn body_is_byte_identical_and_fields_keep_their_form() {
    let message = take(by_smtp(PLAIN, &["client@example.com"])).expect("taken in");
    let (header, body) = octets(&message);
    let (fields, expected_body) = PLAIN.split_once("\r\n\r\n").expect("two parts");
    assert_eq!(body, expected_body.as_bytes());
    assert!(header.ends_with(format!("{fields}\r\n\r\n").as_bytes()));
    assert_eq!(message.shown.size_bytes, (header.len() + body.len()) as u64);
}

#[test]
fn missing_fields_are_added_at_the_top() {
    let message = take(by_smtp(PLAIN, &["client@example.com", "hidden@example.com"])).expect("taken in");
    insta::assert_snapshot!(wire(&message), @r#"
    Received: from desk.office.example.com
    	by mail.example.com (Postroom) with ESMTPSA;
    	Mon, 23 Nov 2026 09:30:00 +0000
    Date: Mon, 23 Nov 2026 09:30:00 +0000
    Message-ID: <63cbe1e459320dd7044c3cd7f43c661c@mail.example.com>
    From: Case Clerk <case@office.example.com>
    To: client@example.com,
     "B, C" <cc@example.com>
    Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=
    X-Odd :   kept  as it is 

    ..dots and	tabs  
    .

    end without line end
    "#);
    insta::assert_debug_snapshot!(message.shown, @r#"
    Shown {
        from: "Case Clerk <case@office.example.com>",
        to: "client@example.com, \"B, C\" <cc@example.com>",
        cc: "",
        bcc: "",
        subject: "Grüße",
        preview: "..dots and tabs . end without line end",
        mime_type: "text/plain",
        message_id: "<63cbe1e459320dd7044c3cd7f43c661c@mail.example.com>",
        size_bytes: 431,
    }
    "#);
    let roles: Vec<_> = message
        .recipients
        .iter()
        .map(|r| (r.address.as_str(), r.role))
        .collect();
    assert_eq!(
        roles,
        [
            ("client@example.com", Role::To),
            ("hidden@example.com", Role::Envelope)
        ]
    );
}

#[test]
fn present_date_and_message_id_stay() {
    let octets =
        "Message-Id: <a@b>\r\nDate: Fri, 1 Jan 2021 00:00:00 +0100\r\nFrom: case@office.example.com\r\n\r\nx";
    let message = take(by_smtp(octets, &["client@example.com"])).expect("taken in");
    let wire = wire(&message).to_lowercase();
    assert_eq!(wire.matches("\nmessage-id:").count(), 1);
    assert_eq!(wire.matches("\ndate:").count(), 1);
    assert_eq!(message.shown.message_id, "<a@b>");
}

#[test]
fn bcc_never_travels_but_is_shown() {
    let octets = "From: case@office.example.com\r\nBCC: one@example.com,\r\n two@example.com\r\nbcc : three@example.com\r\nResent-Bcc: four@example.com\r\nTo: client@example.com\r\n\r\nhello";
    let message = take(by_smtp(octets, &["client@example.com", "two@example.com"])).expect("taken in");
    let wire = wire(&message).to_lowercase();
    for trace in ["bcc", "one@", "two@", "three@", "four@"] {
        assert!(!wire.contains(trace), "{trace} in {wire}");
    }
    assert_eq!(
        message.shown.bcc,
        "one@example.com, two@example.com, three@example.com"
    );
    assert_eq!(message.recipients[1].role, Role::Bcc);
}

#[test]
fn kind_field_is_used_and_stripped() {
    let octets = |kind: &str| format!("From: case@office.example.com\r\nX-Postroom-Kind: {kind}\r\n\r\nx");
    let message = take(by_smtp(octets("form_letter"), &["client@example.com"])).expect("taken in");
    assert_eq!(message.kind, Kind::FormLetter);
    assert!(!wire(&message).contains("Postroom-Kind"));
    assert_eq!(refused(&octets("spam")).code(), "unknown_kind");
    assert_eq!(refused(&octets("password_reset")).code(), "kind_not_permitted");

    let mut system = case();
    system.kinds = KindRights::Every;
    let submission = by_smtp(octets("password_reset"), &["client@example.com"]);
    let message = at_desk(&system, |desk| build(desk, submission)).expect("taken in");
    assert_eq!(
        (message.kind, message.shown.preview.as_str()),
        (Kind::PasswordReset, "")
    );
}

#[test]
fn kind_follows_from_the_recipients_where_nobody_says() {
    let kind = |to: &[&str]| take(by_smtp(PLAIN, to)).map(|message| message.kind);
    assert_eq!(
        kind(&["a@office.example.com", "B@OFFICE.example.com"]),
        Ok(Kind::IntraOffice)
    );
    assert_eq!(kind(&["a@office.example.com", "b@example.com"]), Ok(Kind::Direct));
}

#[test]
fn nobody_sends_as_somebody_else() {
    for octets in [
        "From: eve@office.example.com\r\n\r\nx",
        "From: case@office.example.com, eve@office.example.com\r\n\r\nx",
        "From: case@office.example.com\r\nSender: eve@office.example.com\r\n\r\nx",
        "From: \"case@office.example.com\" <eve@office.example.com>\r\n\r\nx",
    ] {
        assert_eq!(refused(octets).code(), "from_not_permitted", "{octets}");
    }
    let mut submission = by_smtp(PLAIN, &["client@example.com"]);
    let Envelope::Given(given) = &mut submission.envelope else {
        panic!("an envelope was given");
    };
    given.mail_from = Some(address("eve@office.example.com"));
    assert_eq!(
        take(submission).expect_err("refused").code(),
        "from_not_permitted"
    );
}

#[test]
fn null_reverse_path_is_taken_and_from_tells_whose_mail_it_is() {
    let mut submission = by_smtp(PLAIN, &["client@example.com"]);
    submission.envelope = Envelope::Given(GivenEnvelope {
        recipients: vec![address("client@example.com").into()],
        ..GivenEnvelope::default()
    });
    let message = take(submission.clone()).expect("taken in");
    assert_eq!((message.mail_from.as_str(), message.sender.0), ("", 3));
    submission.octets = b"Subject: x\r\n\r\nx".to_vec();
    assert_eq!(take(submission).expect_err("refused").code(), "bad_header");
}

#[test]
fn missing_from_is_the_envelopes() {
    let message = take(by_smtp("Subject: cron\r\n\r\nx", &["client@example.com"])).expect("taken in");
    assert!(wire(&message).contains("\nFrom: <case@office.example.com>\nSubject: cron\n"));
    assert_eq!(message.shown.from, "case@office.example.com");
    let message = take(by_smtp("\r\nno header at all", &["client@example.com"])).expect("taken in");
    assert!(wire(&message).contains("\nFrom: <case@office.example.com>\n\nno header"));
}

#[test]
fn envelope_comes_from_the_header_where_none_is_given() {
    let mut submission = by_smtp(
        "From: Case <case@office.example.com>\r\nTo: a@example.com, A <a@example.com>\r\nCc: team: b@example.com;\r\nBcc: c@example.com\r\n\r\nx",
        &[],
    );
    submission.envelope = Envelope::FromHeader;
    let message = take(submission.clone()).expect("taken in");
    assert_eq!(message.mail_from, "case@office.example.com");
    let roles: Vec<_> = message
        .recipients
        .iter()
        .map(|r| (r.address.as_str(), r.role))
        .collect();
    assert_eq!(
        roles,
        [
            ("a@example.com", Role::To),
            ("b@example.com", Role::Cc),
            ("c@example.com", Role::Bcc)
        ]
    );
    submission.octets = b"From: case@office.example.com\r\nTo: a@@example.com\r\n\r\nx".to_vec();
    assert_eq!(
        take(submission.clone()).expect_err("refused").detail(),
        "To: \"a@@example.com\" has two @ signs"
    );
    submission.octets = b"From: case@office.example.com\r\n\r\nx".to_vec();
    assert_eq!(take(submission).expect_err("refused").code(), "no_recipients");
}

#[test]
fn hidden_characters_in_names_travel_as_they_came() {
    let fields = "From: \u{200f}שרה <case@office.example.com>\r\nTo: \u{200f}דנה <a@example.com>\r\nCc: Ca\u{202e}se <b@example.com>";
    let mut submission = by_smtp(format!("{fields}\r\n\r\nx"), &[]);
    submission.envelope = Envelope::FromHeader;
    let message = take(submission.clone()).expect("taken in");
    let (header, _) = octets(&message);
    assert!(header.ends_with(format!("{fields}\r\n\r\n").as_bytes()));
    assert_eq!(message.recipients.len(), 2);
    assert_eq!(message.shown.cc, "Case <b@example.com>");
    submission.octets = "From: case@office.example.com\r\nTo: A <\u{200b}a@example.com>\r\n\r\nx"
        .as_bytes()
        .to_vec();
    assert_eq!(take(submission).expect_err("refused").code(), "bad_address");
}

#[test]
fn parameters_follow_from_the_octets() {
    let parameters = |octets: &str, to: &str, charset| {
        let mut submission = by_smtp(octets, &[to]);
        if let Envelope::Given(given) = &mut submission.envelope {
            given.charset = charset;
        }
        let parameters = take(submission).expect("taken in").parameters;
        (parameters.body, parameters.smtputf8)
    };
    let from = "From: case@office.example.com\r\n";
    let body = format!("{from}\r\nGrüße");
    let header = format!("{from}Subject: Grüße\r\n\r\nx");
    let (unsaid, said) = (DeclaredCharset::Unsaid, DeclaredCharset::SmtpUtf8);
    assert_eq!(parameters(PLAIN, "a@x.test", said), (BodyType::SevenBit, false));
    assert_eq!(
        parameters(&body, "a@x.test", said),
        (BodyType::EightBitMime, false)
    );
    assert_eq!(
        parameters(&header, "a@x.test", unsaid),
        (BodyType::EightBitMime, false)
    );
    assert_eq!(
        parameters(&header, "a@x.test", said),
        (BodyType::EightBitMime, true)
    );
    assert_eq!(parameters(PLAIN, "ä@x.test", unsaid), (BodyType::SevenBit, true));
    assert_eq!(parameters(PLAIN, "a@ä.test", unsaid), (BodyType::SevenBit, false));
}

#[test]
fn bad_octets_are_named() {
    let from = "From: case@office.example.com\r\n";
    let long = format!("{from}Subject: {}\r\n\r\nx", "y".repeat(1000));
    for (octets, code) in [
        (
            format!("{from}\r\nhello\n.\nMAIL FROM:<x@y>\r\n"),
            "bare_line_end",
        ),
        (format!("{from}Subject: a\rb\r\n\r\nx"), "bare_line_end"),
        (
            format!("{from}From: case@office.example.com\r\n\r\nx"),
            "bad_header",
        ),
        (format!("{from}no colon here\r\n\r\nx"), "bad_header"),
        (format!("{from}Subject: a\0b\r\n\r\nx"), "bad_header"),
        ("From: nobody\r\n\r\nx".to_owned(), "bad_address"),
        (long, "line_too_long"),
        (
            format!("{from}\r\n{}", "x\r\n".repeat(MESSAGE_BYTES / 3)),
            "too_large",
        ),
    ] {
        assert_eq!(refused(&octets).code(), code);
    }
    let many: Vec<String> = (0..1001).map(|n| format!("r{n}@example.com")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(
        take(by_smtp(PLAIN, &many)).expect_err("refused").code(),
        "too_many_recipients"
    );
    assert_eq!(
        take(by_smtp(PLAIN, &[])).expect_err("refused").code(),
        "no_recipients"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Thousands of malformed messages: each is taken in or refused by name, and none breaks anything.
    #[test]
    fn malformed_messages_are_taken_or_refused(
        head in "((From|To|Bcc|bcc |Sender|Subject|Date|Message-ID|Content-Type|X-Postroom-Kind|X)(:|)( |)(case@office.example.com|=\\?utf-8\\?Q\\?=C3\\?=|multipart/mixed; boundary=x|a@b@c|\"|<|>|,|;|\\(|\r\n | ){0,4}(\r\n|\r\n|\r\n|\n|\r|)){0,8}",
        gap in "(\r\n|\r\n|\n|)",
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let octets = [head.as_bytes(), gap.as_bytes(), &body].concat();
        match take(by_smtp(&octets, &["client@example.com"])) {
            Ok(message) => {
                let (header, body) = super::super::fixture::octets(&message);
                prop_assert!(octets.ends_with(&body));
                prop_assert!(header.ends_with(b"\r\n\r\n") || header.ends_with(b"+0000\r\n\r\n"));
                let lower = header.to_ascii_lowercase();
                prop_assert!(!lower.windows(6).any(|w| w == b"\r\nbcc:" || w == b"\r\nbcc "));
            }
            Err(refusal) => prop_assert!(refusal.http_status() < 500),
        }
    }

    #[test]
    fn any_octets_are_taken_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Err(refusal) = take(by_smtp(&octets, &["client@example.com"])) {
            prop_assert!(refusal.http_status() < 500);
        }
    }

    /// What was taken in once is taken in again, and gains nothing but another trace field.
    #[test]
    fn second_pass_changes_nothing_but_the_trace(body in "[ -~é\r\n]{0,80}") {
        let body = body.replace(['\r', '\n'], "\r\n");
        let octets = format!("From: case@office.example.com\r\nBcc: x@y.test\r\nSubject: a\r\n b\r\n\r\n{body}");
        let once = super::super::fixture::octets(&take(by_smtp(&octets, &["client@example.com"])).expect("once"));
        let twice = take(by_smtp([once.0.clone(), once.1.clone()].concat(), &["client@example.com"])).expect("twice");
        let twice = super::super::fixture::octets(&twice);
        prop_assert!(twice.0.ends_with(&once.0));
        prop_assert_eq!(twice.1, once.1);
    }
}
