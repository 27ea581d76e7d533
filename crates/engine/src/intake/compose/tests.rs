use mail_parser::{MessageParser, MimeHeaders as _};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::intake::fixture::{MESSAGE_BYTES, from_json, octets, wire};

/// A message that is good but for what `changes` says.
fn with(changes: serde_json::Value) -> Result<NewMessage, Refusal> {
    let mut message = json!({
        "from": "Case Clerk <case@office.example.com>", "to": ["client@example.com"], "subject": "Your policy", "text": "Hello",
    });
    let serde_json::Value::Object(changes) = changes else {
        panic!("an object")
    };
    for (name, value) in changes {
        message[name] = value;
    }
    from_json(&message.to_string())
}

fn refused(changes: serde_json::Value) -> Refusal {
    with(changes.clone()).expect_err(&changes.to_string())
}

#[test]
fn text_alone_is_one_part() {
    let message = with(json!({"cc": ["Ünal <b@example.com>", "c@example.com"], "bcc": ["hidden@example.com"],
        "subject": "Grüße an alle", "text": "Liebe Grüße,\nCase\r\n", "headers": {"X-Case": "42", "X-Ort": "Köln"},
        "reply_to": ["desk@office.example.com"]}))
    .expect("taken in");
    insta::assert_snapshot!(wire(&message));
    insta::assert_debug_snapshot!(message.shown);
    assert_eq!(message.recipients.len(), 4);
}

#[test]
fn text_html_and_file_nest_as_mixed_and_alternative() {
    let message = with(json!({"html": "<p>Hello</p>", "attachments":
        [{"filename": "Übersicht.pdf", "content_type": "application/pdf", "content": "JVBERi0xLjQK"}]}))
    .expect("taken in");
    insta::assert_snapshot!(wire(&message));
    assert_eq!(message.shown.mime_type, "multipart/mixed");
}

#[test]
fn what_is_written_reads_back() {
    let file: Vec<u8> = (0..=255).cycle().take(5000).collect();
    let content = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &file);
    let csv = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, b"a,b\nc\r\nd\re\0");
    let text = "Zeile 1 — ä\n.\n..two dots\nFrom here\n".repeat(40);
    let message = with(json!({"subject": "日本語 — a rather long subject that has to be folded over several lines, twice", "text": text,
        "html": "<b>x</b>", "attachments": [
            {"filename": "a \"b\".bin", "content": content},
            {"filename": "a \"b\".bin", "content": csv, "content_type": "text/csv"},
            {"filename": "a \"b\".bin", "content": content, "content_type": "message/rfc822"}]}))
    .expect("taken in");
    let (header, body) = octets(&message);
    assert!(header.is_ascii());
    let whole = [header, body].concat();
    let parsed = MessageParser::default().parse(&whole).expect("a message");
    assert_eq!(
        parsed.subject(),
        Some("日本語 — a rather long subject that has to be folded over several lines, twice")
    );
    let read = parsed.body_text(0).expect("a text").replace("\r\n", "\n");
    assert_eq!(read.trim_end(), text.trim_end());
    for (place, expected) in [(0, &file[..]), (1, b"a,b\nc\r\nd\re\0"), (2, &file)] {
        let attachment = parsed.attachment(place).expect("an attachment");
        let same = attachment.contents() == expected;
        assert!(same, "attachment {place} came back as another");
        assert_eq!(attachment.attachment_name(), Some("a \"b\".bin"));
    }
    for line in whole.split(|&b| b == b'\n') {
        assert!(line.len() < 999);
    }
}

#[test]
fn every_line_end_becomes_crlf() {
    for (text, expected) in [
        ("", "\r\n"),
        ("a", "a\r\n"),
        ("a\nb\r\nc\rd\n\n", "a\r\nb\r\nc\r\nd\r\n\r\n"),
        ("\r\r\n\u{e9}\r", "\r\n\r\n\u{e9}\r\n"),
    ] {
        assert_eq!(crlf(text.to_owned()), expected);
    }
}

#[test]
fn same_draft_builds_the_same_octets() {
    let build = || octets(&with(json!({"html": "<p>x</p>"})).expect("taken in"));
    assert_eq!(build(), build());
}

#[test]
fn bcc_alone_shows_no_name() {
    let message = with(json!({"to": [], "bcc": ["hidden@example.com"]})).expect("taken in");
    let wire = wire(&message);
    assert!(wire.contains("\nTo: undisclosed-recipients:;\n") && !wire.contains("hidden"));
    assert_eq!(message.shown.bcc, "hidden@example.com");
}

#[test]
fn line_ends_in_any_field_are_refused() {
    let evil = "x\r\nBcc: victim@example.com";
    for changes in [
        json!({"from": format!("Case {evil} <case@office.example.com>")}),
        json!({"to": [format!("client@example.com{evil}")]}),
        json!({"to": [format!("\"{evil}\" <client@example.com>")]}),
        json!({"cc": [evil]}),
        json!({"bcc": [evil]}),
        json!({"reply_to": [evil]}),
        json!({"subject": evil}),
        json!({"subject": "a\nb"}),
        json!({"subject": "a\rb"}),
        json!({"subject": "a\u{0}b"}),
        json!({"headers": {"X-Case": evil}}),
        json!({"headers": {evil: "x"}}),
        json!({"headers": {"X-A: b\r\nBcc": "x"}}),
        json!({"headers": {"X A": "x"}}),
        json!({"headers": {"X-A:": "x"}}),
        json!({"headers": {"": "x"}}),
        json!({"attachments": [{"filename": evil, "content": ""}]}),
        json!({"attachments": [{"filename": "a", "content_type": format!("text/plain;{evil}"), "content": ""}]}),
        json!({"tags": [evil]}),
        json!({"external_id": evil}),
    ] {
        let refusal = refused(changes.clone());
        let codes = ["header_injection", "bad_address", "bad_header", "bad_value"];
        assert!(codes.contains(&refusal.code()), "{changes}: {refusal}");
    }
}

/// A change that is a mistake, the code of its refusal and the field that it names.
type Mistake = (serde_json::Value, &'static str, &'static str);

fn mistakes() -> Vec<Mistake> {
    vec![
        (json!({"form": "x"}), "unknown_field", "form"),
        (json!({"from": null}), "missing_field", "from"),
        (json!({"from": "case"}), "bad_address", "from"),
        (json!({"to": ["a@x.test", "a@b@c"]}), "bad_address", "to[1]"),
        (json!({"to": "a@x.test"}), "wrong_type", "to"),
        (json!({"subject": 7}), "wrong_type", "subject"),
        (json!({"headers": {"X": 1}}), "wrong_type", "headers.X"),
        (
            json!({"headers": {"Bcc": "a@x.test"}}),
            "reserved_header",
            "headers.Bcc",
        ),
        (
            json!({"headers": {"content-type": "text/html"}}),
            "reserved_header",
            "headers.content-type",
        ),
        (
            json!({"headers": {"X": "y".repeat(20_000)}}),
            "bad_header",
            "headers.X",
        ),
        (
            json!({"attachments": [{"filename": "a", "content": "%%"}]}),
            "bad_base64",
            "attachments[0].content",
        ),
        (
            json!({"attachments": [{"filename": "a"}]}),
            "missing_field",
            "attachments[0].content",
        ),
        (
            json!({"attachments": [{"name": "a", "content": ""}]}),
            "unknown_field",
            "attachments[0].name",
        ),
        (json!({"attachments": ["a"]}), "wrong_type", "attachments[0]"),
        (
            json!({"attachments": [{"content_type": "pdf", "content": ""}]}),
            "bad_value",
            "attachments[0].content_type",
        ),
        (json!({"kind": "spam"}), "unknown_kind", "kind"),
        (json!({"kind": "alert"}), "kind_not_permitted", "kind"),
        (json!({"send_at": "tomorrow"}), "bad_value", "send_at"),
        (
            json!({"send_at": "2028-01-01T00:00:00Z"}),
            "send_at_too_far",
            "send_at",
        ),
        (json!({"metadata": "x"}), "wrong_type", "metadata"),
        (
            json!({"metadata": {"x": "y".repeat(20_000)}}),
            "too_large",
            "metadata",
        ),
        (
            json!({"from": "eve@office.example.com"}),
            "from_not_permitted",
            "from",
        ),
        (
            json!({"text": "x".repeat(MESSAGE_BYTES + 1)}),
            "too_large",
            "message",
        ),
    ]
}

#[test]
fn mistakes_are_named_by_their_path() {
    for (changes, code, field) in mistakes() {
        let refusal = refused(changes);
        assert_eq!(
            (refusal.code(), refusal.field()),
            (code, Some(field)),
            "{refusal}"
        );
    }
    assert_eq!(refused(json!({"to": []})).code(), "no_recipients");
    assert_eq!(
        refused(json!({"subject": "", "text": ""})).code(),
        "empty_message"
    );
    assert_eq!(from_json("{\"from\": ").expect_err("no JSON").code(), "bad_json");
    assert_eq!(from_json("[]").expect_err("no object").code(), "wrong_type");
    let many: Vec<String> = (0..1001).map(|n| format!("r{n}@example.com")).collect();
    assert_eq!(refused(json!({"to": many})).code(), "too_many_recipients");
}

#[test]
fn batch_reports_each_message_and_its_own_limit() {
    let good = json!({"from": "case@office.example.com", "to": ["a@x.test"], "text": "x"});
    let body = json!({"messages": [good, {"from": 7}]}).to_string();
    let drafts = Draft::batch_from_json(body.as_bytes(), 2).expect("a batch");
    let codes: Vec<_> = drafts
        .iter()
        .map(|d| d.as_ref().err().map(Refusal::code))
        .collect();
    assert_eq!(codes, [None, Some("wrong_type")]);
    let refusal = Draft::batch_from_json(body.as_bytes(), 1).expect_err("too many");
    assert_eq!(refusal.code(), "batch_too_large");
}

#[test]
fn time_to_send_that_has_passed_means_now() {
    let send_at = |text: &str| with(json!({"send_at": text})).map(|message| message.send_at);
    assert_eq!(send_at("2026-11-23T09:29:59Z"), Ok(None));
    assert!(send_at("2026-11-23T10:30:01+01:00").is_ok_and(|at| at.is_some()));
}

#[test]
fn utf8_local_part_needs_smtputf8_and_foreign_domain_does_not() {
    let needs = |to: &str| {
        with(json!({"to": [to]})).map(|m| (m.parameters.smtputf8, m.recipients[0].address.clone()))
    };
    assert_eq!(needs("ü@example.com"), Ok((true, "ü@example.com".to_owned())));
    assert_eq!(
        needs("u@büro.example"),
        Ok((false, "u@xn--bro-hoa.example".to_owned()))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_values_are_taken_or_refused_and_never_break_the_header(
        name in "[\\PC\r\n\0]{0,30}", subject in "[\\PC\t]{0,120}", header in "[ -~]{0,20}", value in "[\\PC]{0,200}", text in "[\\PC\r\n]{0,200}",
    ) {
        let to = format!("{name} <client@example.com>");
        match with(json!({"to": [to], "subject": subject, "headers": {header: value}, "text": text, "html": text})) {
            Ok(message) => {
                let (header, body) = octets(&message);
                for line in header.split_inclusive(|&b| b == b'\n') {
                    prop_assert!(line.ends_with(b"\r\n") && line.len() <= 1000);
                }
                let whole = [header, body].concat();
                let again = super::super::lines::check(&whole, &crate::intake::IntakeLimits::default());
                prop_assert!(again.is_ok(), "{again:?}");
                let parsed = MessageParser::default().parse(&whole).expect("a message");
                prop_assert_eq!(parsed.subject().unwrap_or_default().trim(), subject.trim());
            }
            Err(refusal) => prop_assert!(refusal.http_status() < 500),
        }
    }

    #[test]
    fn any_json_is_taken_or_refused(body in "[\\[\\]{}\":,a-z0-9 ]{0,80}|\\PC{0,60}") {
        if let Err(refusal) = from_json(&body) {
            prop_assert!(refusal.http_status() < 500);
        }
    }
}
