//! Thousands of malformed conversations: no panic, no hang, and nothing but replies comes back.

use postroom_smtp::reply::Reply;
use postroom_smtp::server::{AuthPolicy, SessionConfig, SessionEnd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Talk, open_config};

const SESSIONS: u64 = 3_000;
const PIECES_PER_SESSION_MAX: u64 = 60;

/// What conversations are made of; most of it fits nowhere.
const PIECES: &[&[u8]] = &[
    b"EHLO client.example.com\r\n",
    b"HELO x\r\n",
    b"MAIL FROM:<ann@example.com>\r\n",
    b"MAIL FROM:<> SIZE=10 BODY=8BITMIME SMTPUTF8\r\n",
    b"MAIL FROM:<\xc3\xbc@example.com> SMTPUTF8\r\n",
    b"MAIL FROM:<a@b> SIZE=99999999999999999999999\r\n",
    b"RCPT TO:<bob@example.test>\r\n",
    b"RCPT TO:<nobody@example.com>\r\n",
    b"RCPT TO:<@a,@b:c@d> NOTIFY=DELAY ORCPT=rfc822;x+41\r\n",
    b"RCPT TO:<\"a\\\"b\"@[IPv6:::1]>\r\n",
    b"DATA\r\n",
    b".\r\n",
    b"..\r\n",
    b"\r\n.\r\n",
    b"BDAT 5\r\n",
    b"BDAT 7 LAST\r\n",
    b"BDAT 0 LAST\r\n",
    b"AUTH PLAIN\r\n",
    b"AUTH LOGIN\r\n",
    b"AUTH PLAIN AGFubkBleGFtcGxlLmNvbQBzZWNyZXQ=\r\n",
    b"*\r\n",
    b"AAAA\r\n",
    b"RSET\r\n",
    b"NOOP\r\n",
    b"VRFY x\r\n",
    b"STARTTLS\r\n",
    b"text of a message\r\n",
    b"MAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nwhole message\r\n.\r\n",
    b"MAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nBDAT 8 LAST\r\nlines\r\n\r\n",
    // From here on, rarer.
    b"\r\n",
    b"BDAT 18446744073709551615 LAST\r\n",
    b"QUIT\r\n",
    b" ",
    b"<",
    b">",
    b"\"",
    b"=",
    b"\0",
    b"\xff\xfe",
    b"\r",
    b"\n",
    b"MAIL FROM:",
    b"RCPT TO:",
    b"SIZE=",
];

/// So many of them are commands and texts, which come more often than the rest.
const SENSIBLE_PIECES: u64 = 29;

/// SplitMix64: the same conversations in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    fn conversation(&mut self) -> Vec<u8> {
        let mut said = Vec::new();
        for _ in 0..self.roll(PIECES_PER_SESSION_MAX) + 1 {
            // Most pieces are sensible commands, so that conversations come further than the first line.
            let kinds = if self.roll(4) == 0 {
                PIECES.len() as u64
            } else {
                SENSIBLE_PIECES
            };
            match self.roll(40) {
                0 => said.extend((0..self.roll(40)).map(|_| self.byte())),
                1 => said.extend(std::iter::repeat_n(
                    b'x',
                    usize::try_from(self.roll(9_000)).unwrap(),
                )),
                _ => said.extend_from_slice(PIECES[usize::try_from(self.roll(kinds)).unwrap()]),
            }
        }
        said
    }

    fn byte(&self) -> u8 {
        self.0.to_le_bytes()[3]
    }
}

fn config(seed: u64) -> SessionConfig {
    let mut config = open_config();
    if seed.is_multiple_of(4) {
        config.auth = AuthPolicy::Required;
    }
    if seed.is_multiple_of(3) {
        config.limits.message_bytes_max = 64;
    }
    config.limits.errors_max = if seed.is_multiple_of(5) { 5 } else { 50 };
    config
}

#[tokio::test(start_paused = true)]
async fn malformed_conversations_get_replies_and_an_end() {
    let mut ends = std::collections::HashMap::<SessionEnd, u32>::new();
    let mut messages = 0;
    for seed in 0..SESSIONS {
        let mut dice = Dice(seed);
        let said = dice.conversation();
        let mut talk = Talk::connect(
            config(seed),
            postroom_smtp::server::TlsMode::Off,
            super::support::LOOPBACK,
        );
        let mut rest = said.as_slice();
        while !rest.is_empty() {
            let cut = usize::try_from(dice.roll(400) + 1).unwrap().min(rest.len());
            let (part, after) = rest.split_at(cut);
            if talk.stream.write_all(part).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
            rest = after;
        }
        talk.stream.shutdown().await.unwrap();
        let mut heard = Vec::new();
        talk.stream.read_to_end(&mut heard).await.unwrap();
        let mut replies = heard.as_slice();
        while !replies.is_empty() {
            let (_, used) = Reply::parse(replies)
                .unwrap_or_else(|error| panic!("seed {seed}: {error}"))
                .unwrap_or_else(|| panic!("seed {seed}: half a reply"));
            replies = &replies[used..];
        }
        let summary = talk.end().await.summary;
        messages += summary.messages;
        *ends.entry(summary.end).or_default() += 1;
    }
    // The dice reach deep enough to be worth their time.
    assert!(messages > 100, "{messages} messages, {ends:?}");
    assert!(ends.len() >= 6, "{ends:?}");
}
