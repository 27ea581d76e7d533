//! A relay's side of a connection, by its ways at each moment.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::time::sleep;

use crate::case::{ConnectionsLimit, MessagesLimit};
use crate::clock::SimClock;
use crate::letters::{GONE, GREY, Sender};
use crate::pipe::End;
use crate::relay::{Bad, Relay, Showed, Taken};

/// Words by which the judge knows a refusal for the sake of a limit: it must cost no attempt.
pub(crate) const LIMIT: &str = "LIMIT";

/// What the connection does after a command.
enum Then {
    Say(String),
    SayAndClose(String),
    Close,
    Silence,
}

/// A connection.
pub(crate) struct Conversation {
    relay: Relay,
    clock: std::sync::Arc<SimClock>,
    connection: u64,
    address: u8,
    stream: BufReader<End>,
    messages: u32,
    sender: Option<Sender>,
    recipients: Vec<String>,
}

impl Conversation {
    pub(crate) fn new(
        relay: Relay,
        clock: std::sync::Arc<SimClock>,
        connection: u64,
        address: u8,
        end: End,
    ) -> Self {
        Self {
            relay,
            clock,
            connection,
            address,
            stream: BufReader::new(end),
            messages: 0,
            sender: None,
            recipients: Vec::new(),
        }
    }

    /// Serves it to its end.
    pub(crate) async fn run(mut self) {
        let greeting = self.greeting();
        if self.perform(greeting).await {
            let mut line = Vec::new();
            loop {
                line.clear();
                match self.stream.read_until(b'\n', &mut line).await {
                    Ok(n) if n > 0 => {}
                    _ => break,
                }
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                let then = self.command(&text).await;
                if !self.perform(then).await {
                    break;
                }
            }
        }
        self.relay.state().open.remove(&self.connection);
    }

    /// Does it; answers whether the connection goes on.
    async fn perform(&mut self, then: Then) -> bool {
        match then {
            Then::Say(text) => self.say(&text).await,
            Then::SayAndClose(text) => {
                self.say(&text).await;
                let _closed = self.stream.get_mut().shutdown().await;
                false
            }
            Then::Close => {
                let _closed = self.stream.get_mut().shutdown().await;
                false
            }
            Then::Silence => {
                let mut ignored = [0; 1_024];
                while matches!(self.stream.read(&mut ignored).await, Ok(n) if n > 0) {}
                false
            }
        }
    }

    async fn say(&mut self, text: &str) -> bool {
        let line = format!("{text}\r\n");
        self.stream.get_mut().write_all(line.as_bytes()).await.is_ok()
    }

    fn greeting(&self) -> Then {
        let mut relay = self.relay.state();
        if relay.ways.busy_address == Some(self.address) {
            relay.refused("421 at an address");
            return Then::SayAndClose("421 4.3.2 BUSY, try another address".to_owned());
        }
        if relay.ways.bad == Bad::Rejects {
            relay.refused("554 greeting");
            return Then::SayAndClose("554 5.3.2 BAD no service".to_owned());
        }
        if matches!(relay.ways.bad, Bad::Mute | Bad::Dark) {
            relay.refused("no greeting");
            return Then::Silence;
        }
        match relay.is_over(self.connection) {
            Some(ConnectionsLimit::Greeting) => {
                relay.refused("421 connections");
                Then::SayAndClose(format!("421 4.7.0 {LIMIT} too many connections"))
            }
            Some(ConnectionsLimit::Close) => {
                relay.refused("closed connections");
                Then::Close
            }
            Some(ConnectionsLimit::Mail) | None => Then::Say("220 sim.example ESMTP".to_owned()),
        }
    }

    async fn command(&mut self, line: &str) -> Then {
        self.relay.state().heard = Some(self.clock.elapsed());
        let verb: String = line.chars().take(4).collect::<String>().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => Then::Say(
                "250-sim.example\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250 SMTPUTF8".to_owned(),
            ),
            "MAIL" => self.mail(line),
            "RCPT" => self.rcpt(line),
            "DATA" => self.data().await,
            "RSET" => {
                (self.sender, self.recipients) = (None, Vec::new());
                Then::Say("250 2.0.0 Ok".to_owned())
            }
            "QUIT" => {
                let wait = self.relay.state().setup.quit_ms;
                sleep(Duration::from_millis(wait)).await;
                Then::SayAndClose("221 2.0.0 Bye".to_owned())
            }
            _ => Then::Say("500 5.5.2 Unknown".to_owned()),
        }
    }

    fn mail(&mut self, line: &str) -> Then {
        let sender = between(line).and_then(Sender::of_address);
        (self.sender, self.recipients) = (None, Vec::new());
        let now = self.clock.elapsed();
        let mut relay = self.relay.state();
        relay.begun.extend(sender.map(|sender| (now, sender)));
        if relay.ways.bad == Bad::Full {
            relay.refused("452 storage");
            return Then::Say("452 4.3.1 BAD insufficient system storage".to_owned());
        }
        if relay.ways.bad == Bad::WantsSignIn {
            relay.refused("530 sign-in");
            return Then::Say("530 5.7.0 BAD authentication required".to_owned());
        }
        if relay.is_over(self.connection) == Some(ConnectionsLimit::Mail) {
            relay.refused("432 connections");
            return Then::Say(format!("432 4.3.2 {LIMIT} concurrent connections exceeded"));
        }
        if let Some((most, says)) = relay.ways.messages
            && self.messages >= most
        {
            relay.refused("messages of a session");
            return match says {
                MessagesLimit::Mail => {
                    Then::Say(format!("450 4.7.1 {LIMIT} too many messages in this session"))
                }
                MessagesLimit::Close => {
                    Then::SayAndClose(format!("421 4.7.0 {LIMIT} too many messages in this session"))
                }
            };
        }
        let Some(sender) = sender else {
            return Then::Say("501 5.1.7 whose address is that".to_owned());
        };
        if relay.ways.refused.contains(&sender) {
            relay.refused("550 sender");
            relay.shows(Showed::Refuses(sender), self.clock.elapsed());
            return Then::Say("550 5.7.1 SENDER may not send as this address".to_owned());
        }
        self.sender = Some(sender);
        Then::Say("250 2.1.0 Ok".to_owned())
    }

    fn rcpt(&mut self, line: &str) -> Then {
        let (Some(_), Some(address)) = (self.sender, between(line)) else {
            return Then::Say("503 5.5.1 MAIL first".to_owned());
        };
        let mut relay = self.relay.state();
        if address.starts_with(GONE) {
            relay.refused("550 recipient");
            return Then::Say("550 5.1.1 GONE no such person".to_owned());
        }
        if let Some(most) = relay.ways.recipients
            && u32::try_from(self.recipients.len()).unwrap_or(u32::MAX) >= most
        {
            relay.refused("452 recipients");
            return Then::Say(format!("452 4.5.3 {LIMIT} too many recipients"));
        }
        self.recipients.push(address.to_owned());
        Then::Say("250 2.1.5 Ok".to_owned())
    }

    async fn data(&mut self) -> Then {
        let (Some(sender), false) = (self.sender, self.recipients.is_empty()) else {
            if self.sender.is_some() {
                self.works();
            }
            return Then::Say("554 5.5.1 no valid recipients".to_owned());
        };
        if !self.say("354 go on").await {
            return Then::Close;
        }
        let closes = self.relay.state().ways.closed_on.contains(&sender);
        let Some(content) = self.content(closes).await else {
            if closes {
                let mut relay = self.relay.state();
                relay.refused("closed in content");
                relay.shows(Showed::HangsUp(sender), self.clock.elapsed());
            }
            return Then::Close;
        };
        let bad = self.relay.state().ways.bad;
        let wait = self.relay.state().setup.dot_ms;
        sleep(Duration::from_millis(wait)).await;
        if !self.relay.state().knows(self.connection) {
            return Then::Silence;
        }
        if bad == Bad::SilentAtDot {
            self.relay.state().refused("silent at the dot");
            return Then::Silence;
        }
        if bad == Bad::ClosesAfterDot {
            self.take(&content);
            self.relay.state().refused("closed after the dot");
            return Then::Close;
        }
        if self.is_grey(&content) {
            self.relay.state().refused("451 grey");
            return Then::Say("451 4.7.1 GREY try again".to_owned());
        }
        self.take(&content);
        self.works();
        self.messages += 1;
        (self.sender, self.recipients) = (None, Vec::new());
        Then::Say("250 2.0.0 taken".to_owned())
    }

    /// Reads to the dot; `None` where the connection ends first, or is to be closed.
    async fn content(&mut self, closes: bool) -> Option<String> {
        let mut content = String::new();
        let mut line = Vec::new();
        loop {
            line.clear();
            let n = self.stream.read_until(b'\n', &mut line).await.ok()?;
            if n == 0 || closes {
                return None;
            }
            if line == b".\r\n" {
                return Some(content);
            }
            content.push_str(&String::from_utf8_lossy(&line));
        }
    }

    fn is_grey(&self, content: &str) -> bool {
        let Some(letter) = number(content) else {
            return false;
        };
        let mut relay = self.relay.state();
        let mut is_grey = false;
        for address in self.recipients.iter().filter(|address| address.starts_with(GREY)) {
            let tries = relay.grey.entry((letter, address.clone())).or_default();
            *tries += 1;
            is_grey |= *tries < 3;
        }
        is_grey
    }

    fn works(&self) {
        let now = self.clock.elapsed();
        self.relay.state().shows(Showed::Works, now);
    }

    fn take(&self, content: &str) {
        let at = self.clock.elapsed();
        let taken = Taken {
            letter: number(content).unwrap_or(u32::MAX),
            sender: self.sender,
            recipients: self.recipients.clone(),
            at,
        };
        self.relay.state().taken.push(taken);
    }
}

/// What stands between angle brackets.
fn between(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once('<')?;
    rest.split_once('>').map(|(inner, _)| inner)
}

/// The letter's number, from its Message-ID.
fn number(content: &str) -> Option<u32> {
    let (_, rest) = content.split_once("Message-ID: <")?;
    rest.split('@').next()?.parse().ok()
}
