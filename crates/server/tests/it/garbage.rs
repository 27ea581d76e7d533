//! Hundreds of malformed conversations and bodies from fixed seeds: each gets an answer, nothing hangs, exactly what
//! was acknowledged is kept, and afterwards a good message goes.

use postroom_server::config::Trusted;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

use crate::dialogue::Dialogue;
use crate::server::{GOOD, Server};

const SMTP_SEEDS: u64 = 400;
const JSON_SEEDS: u64 = 400;

/// What conversations are made of, before they are spoilt.
const LINES: [&str; 22] = [
    "EHLO client.example.test\r\n",
    "HELO client\r\n",
    "MAIL FROM:<case@example.test>\r\n",
    "MAIL FROM:<case@example.test> SIZE=120 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x+2By\r\n",
    "MAIL FROM:<>\r\n",
    "RCPT TO:<client@example.com>\r\n",
    "RCPT TO:<\"a b\"@example.com> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a@example.com\r\n",
    "RCPT TO:<jürgen@exämple.com>\r\n",
    "DATA\r\n",
    "Subject: x\r\n\r\n.a\r\n.\r\n",
    ".\r\n",
    "From: case@example.test\r\nTo: a@example.com\r\n\r\ntext\r\n.\r\n",
    "BDAT 5\r\nab\r\nc",
    "BDAT 0 LAST\r\n",
    "BDAT 99999999999999999999 LAST\r\n",
    "AUTH PLAIN AGRhbmEAd3Jvbmc=\r\n",
    "AUTH LOGIN\r\nZGFuYQ==\r\n*\r\n",
    "RSET\r\n",
    "NOOP x\r\n",
    "VRFY case\r\n",
    "STARTTLS\r\n",
    "HELP\r\n",
];

#[tokio::test]
async fn malformed_conversations_are_answered_and_keep_nothing_that_was_not_acknowledged() {
    let server = Server::with(|config, _| {
        config.submission.trusted = vec![Trusted {
            network: "127.0.0.1".parse().unwrap(),
            login: "case".to_owned(),
        }];
    })
    .await;
    server.person("case").await;
    let mut queued = 0;
    for seed in 0..SMTP_SEEDS {
        let said = conversation(&mut StdRng::seed_from_u64(seed));
        let mut dialogue = Dialogue::connect(server.running.smtp()[0]).await;
        dialogue.write(&said).await;
        dialogue.finish().await;
        while let Some(reply) = dialogue.next_reply().await {
            assert!((200..600).contains(&reply.code), "seed {seed}: {reply:?}");
            assert_ne!((reply.code, reply.enhanced()), (451, "4.3.0"), "seed {seed}");
            queued += u64::from(reply.text.contains("Queued as"));
        }
    }
    assert_eq!(server.kept().await, queued);
    assert!(queued > 0, "some conversations are good enough for a message");
    let reply = server
        .greeted()
        .await
        .send("case", &["client@example.com"], GOOD)
        .await;
    reply.expect(250);
}

fn conversation(random: &mut StdRng) -> Vec<u8> {
    let mut said = Vec::new();
    if random.random_ratio(3, 4) {
        said.extend_from_slice(LINES[0].as_bytes());
    }
    if random.random_ratio(1, 2) {
        said.extend_from_slice(b"MAIL FROM:<case@example.test>\r\nRCPT TO:<client@example.com>\r\n");
    }
    for _ in 0..random.random_range(1..9) {
        let mut line = LINES[random.random_range(0..LINES.len())].as_bytes().to_vec();
        if random.random_ratio(1, 2) {
            spoil(random, &mut line);
        }
        said.extend_from_slice(&line);
    }
    said
}

const MESSAGE: &str = r#"{"from": "Case <case@example.test>", "to": ["client@example.com", "Lee <lee@example.test>"],
 "cc": [], "bcc": ["b@example.com"], "reply_to": ["case@example.test"], "subject": "Your policy", "text": "Dear client",
 "html": "<p>Dear client</p>", "headers": {"X-Case": "42"},
 "attachments": [{"filename": "p.pdf", "content_type": "application/pdf", "content": "JVBERi0="}],
 "kind": "direct", "send_at": null, "tags": ["a"], "external_id": "4711", "metadata": {"deep": [1, {"er": true}]}}"#;

/// Values that stand where another was.
const VALUES: [&str; 16] = [
    "null",
    "true",
    "-1",
    "1e999",
    "99999999999999999999999",
    "\"\"",
    "\"\\u0000\"",
    "\"a\\r\\nBcc: x@example.com\"",
    "\"\\ud800\"",
    "[]",
    "{}",
    "[[[[]]]]",
    "[null]",
    "{\"filename\": 1}",
    "\"2026-13-45T99:00:00Z\"",
    "\"JVBERi0\"",
];

#[tokio::test]
async fn malformed_bodies_get_a_problem_and_keep_nothing_that_was_not_acknowledged() {
    let server = Server::start().await;
    let key = server.with_case().await;
    let mut accepted = 0;
    for seed in 0..JSON_SEEDS {
        let random = &mut StdRng::seed_from_u64(seed);
        let mut message = MESSAGE.as_bytes().to_vec();
        if random.random_ratio(2, 3) {
            replace_value(random, &mut message);
        }
        if random.random_ratio(1, 2) {
            spoil(random, &mut message);
        }
        let (path, body) = match random.random_range(0..4) {
            0 => ("/api/v1/messages/batch", batch(&message)),
            1 => ("/api/v1/session", message),
            _ => ("/api/v1/messages", message),
        };
        let (status, answer) = server.post(path, Some(&key), body).await;
        assert!(status.as_u16() < 500, "seed {seed}: {status} {answer}");
        if status.is_success() {
            accepted += answer["accepted"].as_u64().unwrap_or(1);
        } else {
            assert!(
                answer["code"].is_string() && answer["detail"].is_string(),
                "{answer}"
            );
        }
    }
    assert_eq!(server.kept().await, accepted);
    assert!((1..JSON_SEEDS / 2).contains(&accepted), "{accepted} were good");
    let (status, answer) = server.post("/api/v1/messages", Some(&key), MESSAGE).await;
    assert_eq!(status.as_u16(), 202, "{answer}");
}

#[tokio::test]
async fn deep_and_wide_bodies_are_refused() {
    let server = Server::start().await;
    let key = server.with_case().await;
    let deep = format!("{{\"metadata\": {}", "[".repeat(200_000));
    let wide = format!(
        "{{\"to\": [{}\"a@example.com\"]}}",
        "\"a@example.com\",".repeat(20_000)
    );
    for body in [
        deep,
        wide,
        "[".repeat(100_000),
        String::new(),
        "\u{feff}{}".to_owned(),
    ] {
        let (status, answer) = server.post("/api/v1/messages", Some(&key), body).await;
        assert!((400..500).contains(&status.as_u16()), "{answer}");
    }
    assert_eq!(server.kept().await, 0);
}

fn batch(message: &[u8]) -> Vec<u8> {
    [b"{\"messages\": [", message, b", ", MESSAGE.as_bytes(), b"]}"].concat()
}

/// Puts another value behind one of the colons.
fn replace_value(random: &mut StdRng, text: &mut Vec<u8>) {
    let colons: Vec<usize> = (0..text.len().saturating_sub(1))
        .filter(|&at| text[at..].starts_with(b"\": "))
        .collect();
    let at = colons[random.random_range(0..colons.len())] + 3;
    let end = value_end(&text[at..]) + at;
    let value = VALUES[random.random_range(0..VALUES.len())];
    text.splice(at..end, value.bytes());
}

/// Where the JSON value at the start of `text` ends; the sample has no brackets in its strings.
fn value_end(text: &[u8]) -> usize {
    let (mut depth, mut quoted) = (0, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' | b',' if !quoted && depth == 0 => return at,
            b']' | b'}' if !quoted => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// Changes a few octets: flips, cuts, doubles, and what parsers dislike.
fn spoil(random: &mut StdRng, octets: &mut Vec<u8>) {
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..=octets.len());
        match random.random_range(0..7) {
            0 => octets.truncate(at),
            1 => octets.insert(at, 0),
            2 => octets.insert(at, b'\n'),
            3 => octets.insert(at, 0xff),
            4 => drop(octets.splice(at..at, std::iter::repeat_n(b'A', 3_000))),
            5 => octets.extend_from_within(at..),
            _ => {
                if let Some(octet) = octets.get_mut(at) {
                    *octet = random.next_u32().to_le_bytes()[0];
                }
            }
        }
    }
}
