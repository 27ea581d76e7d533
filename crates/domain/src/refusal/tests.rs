use std::collections::BTreeSet;

use super::*;

/// One of each, with hostile text where text comes from outside.
fn every_one() -> Vec<Refusal> {
    let hostile = || "to[1]\r\n250 ok\0\u{202e}".to_owned();
    let error = || Address::parse("a\r\n@b@c").expect_err("no address");
    let mut all = vec![
        Refusal::BadAddress {
            field: hostile(),
            error: error(),
        },
        Refusal::NoRecipients,
        Refusal::TooManyRecipients {
            count: 1001,
            most: 1000,
        },
        Refusal::BareLineEnd { line: 3 },
        Refusal::NulCharacter { line: 9 },
        Refusal::HeaderInjection { field: hostile() },
        Refusal::BadHeader {
            field: hostile(),
            reason: "has no colon".into(),
        },
        Refusal::ReservedHeader {
            field: hostile(),
            name: hostile(),
            instead: "use from",
        },
        Refusal::LineTooLong { line: 4, most: 998 },
        Refusal::BadMime {
            reason: hostile().into(),
        },
        Refusal::EmptyMessage,
        Refusal::TooLarge {
            field: "message".into(),
            most_bytes: 5,
        },
        Refusal::BatchTooLarge {
            count: 2000,
            most: 1000,
        },
        Refusal::BadJson { reason: hostile() },
    ];
    all.extend(every_one_of_the_api());
    all
}

fn every_one_of_the_api() -> Vec<Refusal> {
    let hostile = || "x\r\n250 ok\0".to_owned();
    let address = || Address::parse("case@example.com").expect("address");
    vec![
        Refusal::UnknownField {
            field: "x".repeat(5000),
            known: "to, cc".into(),
        },
        Refusal::MissingField { field: "from".into() },
        Refusal::WrongType {
            field: "to".into(),
            expected: "a list".into(),
            found: "a number".into(),
        },
        Refusal::BadValue {
            field: "tags".into(),
            reason: "too many".into(),
        },
        Refusal::BadBase64 {
            field: "attachments[0].content".into(),
            reason: hostile(),
        },
        Refusal::UnknownKind {
            field: "kind".into(),
            error: NotAKind(hostile()),
        },
        Refusal::SendAtTooFar { most_days: 365 },
        Refusal::FromNotPermitted {
            address: address(),
            reason: "it is another user's".into(),
        },
        Refusal::KindNotPermitted { kind: Kind::Alert },
        Refusal::OfficeSendsLocally,
        Refusal::IdempotencyKeyReused,
        Refusal::IdempotencyKeyInvalid {
            reason: "has more than 256 characters".into(),
        },
        Refusal::QueueDisabled,
        Refusal::StoreUnavailable,
        Refusal::ContentDamaged,
        Refusal::StoreFull,
        Refusal::ServerBusy,
        Refusal::SenderTooSlow,
    ]
}

#[test]
fn both_faces_agree_and_stand_in_the_table() {
    let table = include_str!("../refusal.rs");
    let mut codes = BTreeSet::new();
    for refusal in every_one() {
        let (basic, enhanced) = refusal.smtp();
        assert_eq!(basic / 100, u16::from(enhanced.0), "{refusal:?}");
        let line = format!(
            "//! | `{}` | {} | {basic} {enhanced} |",
            refusal.code(),
            refusal.http_status()
        );
        assert!(table.contains(&line), "the table misses {line}");
        assert!(
            codes.insert(refusal.code()),
            "{} stands for two refusals",
            refusal.code()
        );
        // What is damaged stays so.
        let passes = refusal.http_status() >= 500 && refusal != Refusal::ContentDamaged;
        assert_eq!(
            passes || ["too_many_recipients", "sender_too_slow"].contains(&refusal.code()),
            basic < 500,
            "{refusal:?}"
        );
    }
    let lines = table.lines().filter(|line| line.starts_with("//! | `")).count();
    assert_eq!(lines, codes.len(), "every line of the table is a refusal");
}

#[test]
fn detail_is_short_and_cannot_end_its_line() {
    for refusal in every_one() {
        let detail = refusal.detail();
        assert!(!detail.chars().any(crate::legible::is_hidden), "{detail:?}");
        assert!(
            (10..=Refusal::MAX_DETAIL_CHARS).contains(&detail.chars().count()),
            "{detail}"
        );
    }
}

#[test]
fn bad_address_names_field_text_and_mistake() {
    let error = Address::parse("a@b@c").expect_err("two signs");
    let refusal = Refusal::BadAddress {
        field: "to[1]".into(),
        error,
    };
    assert_eq!(refusal.detail(), "to[1]: \"a@b@c\" has two @ signs");
    assert_eq!(refusal.field(), Some("to[1]"));
}

#[test]
fn detail_that_is_too_long_ends_with_an_ellipsis() {
    let detail = |chars: usize| {
        let reason = "x".repeat(chars);
        let refusal = Refusal::BadJson { reason };
        (refusal.to_string().chars().count(), refusal.detail())
    };
    let prefix = detail(0).0;
    let (whole, fits) = detail(Refusal::MAX_DETAIL_CHARS - prefix);
    assert_eq!(
        (whole, fits.chars().last()),
        (Refusal::MAX_DETAIL_CHARS, Some('x'))
    );
    let (_, cut) = detail(Refusal::MAX_DETAIL_CHARS - prefix + 1);
    assert_eq!(cut.chars().count(), Refusal::MAX_DETAIL_CHARS);
    assert!(cut.ends_with("x…"));
}

#[test]
fn refusal_names_the_field_or_header_that_is_wrong() {
    let fields: BTreeSet<_> = every_one()
        .iter()
        .filter_map(|refusal| refusal.field().map(str::to_owned))
        .collect();
    for field in ["messages", "send_at", "from", "kind", "Idempotency-Key"] {
        assert!(fields.contains(field), "{field}");
    }
    assert_eq!(Refusal::NoRecipients.field(), None);
    assert_eq!(
        Refusal::StoreFull.title(),
        "There is no room to store the message"
    );
}
