//! Prints how many messages a second one core checks, completes and packs; the store is not in it.
//!
//! `cargo run --release -p postroom-engine --example intake_rate`
#![expect(clippy::print_stdout, reason = "a measurement prints its figures")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use postroom_domain::{Address, OfficeId, Refusal, RouteId, Timestamp, UserId};
use postroom_engine::SystemRandom;
use postroom_engine::intake::{
    Desk, Draft, Envelope, Extras, GivenEnvelope, Identity, IntakeLimits, KindRights, NobodyKnown, Origin,
    Principal, Protocol, RawSubmission, SenderRights,
};
use postroom_store::Submitter;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let from: Address = "case@office.example.com".parse()?;
    let to: Address = "client@example.com".parse()?;
    let identity = Identity {
        user: UserId(3),
        office: OfficeId(1),
        route: RouteId::SERVER,
    };
    let principal = Principal {
        submitted_by: Submitter::User(UserId(3)),
        rights: Arc::new(SenderRights::new("a user sends as themself").with(&from, identity)),
        kinds: KindRights::UserMail,
    };
    let desk = Desk {
        limits: &IntakeLimits::default(),
        host: "mail.example.com",
        now: Timestamp::from_micros(1_795_426_200_000_000),
        random: &SystemRandom,
        directory: &NobodyKnown,
        principal: &principal,
    };

    let raw = raw_message(4096);
    rate("raw, 4 KiB", || {
        desk.raw(RawSubmission {
            octets: raw.clone(),
            envelope: Envelope::Given(GivenEnvelope {
                mail_from: Some(from.clone()),
                recipients: vec![to.clone().into()],
                ..GivenEnvelope::default()
            }),
            origin: Origin {
                protocol: Protocol::Esmtpsa,
                helo: Some("desk.office.example.com".to_owned()),
            },
            extras: Extras::default(),
        })
    })?;

    let text: String = words().take(4096).collect();
    let json =
        serde_json::json!({"from": "Case Clerk <case@office.example.com>", "to": ["client@example.com"],
        "subject": "Your policy", "text": text, "kind": "direct"})
        .to_string();
    rate("JSON, 4 KiB", || desk.draft(Draft::from_json(json.as_bytes())?))
}

/// Text with the entropy of letters: words drawn from a list by a fixed sequence.
fn words() -> impl Iterator<Item = char> {
    const WORDS: [&str; 16] = [
        "policy",
        "renewal",
        "meeting",
        "attached",
        "please",
        "Tuesday",
        "client",
        "premium",
        "the",
        "a",
        "with",
        "and",
        "review",
        "signature",
        "form",
        "regards",
    ];
    let mut state = 1_u64;
    std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let place = usize::try_from(state >> 60).unwrap_or(0);
        let end = if state >> 40 & 15 == 0 { ".\n" } else { " " };
        WORDS
            .get(place)
            .into_iter()
            .flat_map(|word| word.chars())
            .chain(end.chars())
    })
    .flatten()
}

fn raw_message(bytes: usize) -> Vec<u8> {
    let header = "From: Case Clerk <case@office.example.com>\r\nTo: client@example.com\r\nSubject: Your policy\r\nDate: Mon, 23 Nov 2026 09:30:00 +0000\r\nMessage-ID: <1@office.example.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";
    let text: String = words().take(bytes - header.len()).collect();
    [header, &text.replace('\n', "\r\n")].concat().into_bytes()
}

fn rate<T>(
    what: &str,
    mut one: impl FnMut() -> Result<T, Refusal>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut best = 0.0_f64;
    for _ in 0..5 {
        let start = Instant::now();
        let mut n = 0.0;
        while start.elapsed() < Duration::from_millis(700) {
            for _ in 0..64 {
                black_box(one()?);
            }
            n += 64.0;
        }
        best = best.max(n / start.elapsed().as_secs_f64());
    }
    println!(
        "{what}: {best:.0} messages/s, {:.1} µs each (best of 5)",
        1e6 / best
    );
    Ok(())
}
