//! What a run is made of, as data: a setup and events, kept as text that can be read, cut down and run again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A whole run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The world as it begins.
    pub setup: Setup,
    /// What happens, in the order of time.
    pub events: Vec<Timed>,
}

/// The world as it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// Where the engine's chances begin.
    pub seed: u64,
    /// Seconds between two looks of the engine at its queue; 0 for never.
    pub look_every_s: u64,
    /// Messages of one step.
    pub step: u32,
    /// Minutes that mail waits for a relay.
    pub max_wait_min: u64,
    /// Senders of each office.
    pub offices: Vec<u8>,
    /// Two relays of each office, one after the other.
    pub relays: Vec<RelaySetup>,
    /// Messages a day of each user; 0 for no limit.
    pub user_limit: u64,
    /// Messages a day of the whole server; 0 for no limit.
    pub system_limit: u64,
}

/// A relay, and how the engine uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelaySetup {
    /// Most connections.
    pub connections: u32,
    /// Messages that a connection carries.
    pub messages_per_connection: u32,
    /// Seconds that an idle connection is kept.
    pub idle_s: u64,
    /// Messages a minute; 0 for no limit.
    pub per_minute: u32,
    /// Addresses of its name.
    pub addresses: u8,
    /// Milliseconds that octets take each way.
    pub latency_ms: u64,
    /// Milliseconds that the relay thinks after a dot.
    pub dot_ms: u64,
    /// Milliseconds that the relay thinks after QUIT.
    pub quit_ms: u64,
}

/// An event and when it happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timed {
    /// Milliseconds since the beginning.
    pub at_ms: u64,
    /// What happens.
    #[serde(flatten)]
    pub event: Event,
}

impl Timed {
    /// When it happens.
    pub const fn at(&self) -> Duration {
        Duration::from_millis(self.at_ms)
    }
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Event {
    /// A sender hands in so many messages.
    Submit {
        /// The office, from 0.
        office: u8,
        /// The sender within it, from 0.
        sender: u8,
        /// How many.
        count: u16,
        /// Recipients of each.
        recipients: u16,
        /// What the relay thinks of the recipients.
        to: Recipients,
        /// What sort of mail.
        sort: Sort,
        /// Seconds from now before which they are not sent; 0 for at once.
        later_s: u64,
    },
    /// A relay changes its ways.
    Relay {
        /// Which, from 0.
        relay: u8,
        /// How.
        turn: Turn,
    },
    /// Every message that waits, of those with a number that leaves `part` by 3, is held.
    Hold {
        /// 0 to 2.
        part: u8,
    },
    /// Everything that somebody holds is released.
    Release {
        /// Whether past the limits.
        past_limits: bool,
    },
    /// Somebody asks to try what waits or has failed again: the first so many.
    Requeue {
        /// The office, from 0.
        office: u8,
        /// How many.
        most: u16,
    },
    /// Somebody deletes what waits or has ended: the first so many.
    Delete {
        /// The office, from 0.
        office: u8,
        /// How many.
        most: u16,
    },
    /// Makes deferred mail due.
    #[default]
    Flush,
    /// An office's or a sender's mail is paused.
    Pause {
        /// The office, from 0.
        office: u8,
        /// The sender; `None` for the whole office.
        sender: Option<u8>,
    },
    /// The pause ends.
    Resume {
        /// The office, from 0.
        office: u8,
        /// The sender; `None` for the whole office.
        sender: Option<u8>,
    },
    /// Delivery is paused.
    PauseSending,
    /// Delivery goes on.
    ResumeSending,
    /// The daily limits change.
    Limits {
        /// Of each user; 0 for none.
        user: u64,
        /// Of the server; 0 for none.
        system: u64,
    },
    /// Somebody changes a relay's settings.
    Settings {
        /// Which, from 0.
        relay: u8,
        /// Most connections.
        connections: u32,
    },
    /// The process is killed and starts again so much later.
    Kill {
        /// Seconds.
        off_s: u64,
    },
    /// The process is stopped and starts again so much later.
    Stop {
        /// Seconds.
        off_s: u64,
    },
    /// The process is killed, and the stored content of the first so many of an office's mail that waits is damaged
    /// before it starts again.
    Damage {
        /// The office, from 0.
        office: u8,
        /// How many.
        most: u16,
    },
    /// Somebody sets the machine's clock; minutes ahead, or back.
    Clock {
        /// How far it is from the truth from here on, in minutes.
        wrong_by_min: i64,
    },
    /// The store has a fault until it is told otherwise.
    Store {
        /// Which.
        fault: StoreTurn,
    },
    /// The process has no descriptor left for connections, or has again.
    Descriptors {
        /// Whether there are none.
        gone: bool,
    },
}

/// What a relay thinks of a message's recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipients {
    /// It takes them.
    #[default]
    Good,
    /// It takes all but the first, which does not exist.
    OneGone,
    /// It takes them at the third try.
    Grey,
}

/// What sort of mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// A letter.
    #[default]
    Letter,
    /// One of a form letter's.
    Form,
    /// A notification, which no limit holds.
    Notice,
}

/// How a relay changes its ways. Each says whether everybody's mail suffers ("bad") or only some.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Turn {
    /// It behaves well in every way.
    #[default]
    Good,
    /// Bad: connections are refused.
    Refuses,
    /// Bad: it does not answer the first packet.
    Unreachable,
    /// Bad: it greets with 554.
    Rejects,
    /// Bad: it takes connections and says nothing.
    Mute,
    /// Bad: 452 4.3.1 to every MAIL.
    Full,
    /// Bad: 530 5.7.0 to every MAIL.
    WantsSignIn,
    /// Bad: no dot is ever answered.
    SilentAtDot,
    /// Bad: it takes the message and closes before it says so.
    ClosesAfterDot,
    /// Bad: its host has lost power; nobody hears a FIN. With `Good` it is back, and knows no connection.
    Dark,
    /// The connections that stand are reset.
    Resets,
    /// A limit on connections.
    MostConnections {
        /// How many.
        most: u32,
        /// How it says so.
        says: ConnectionsLimit,
    },
    /// A limit on recipients of a transaction: 452 4.5.3.
    MostRecipients {
        /// How many.
        most: u32,
    },
    /// A limit on messages of a session.
    MostMessages {
        /// How many.
        most: u32,
        /// How it says so.
        says: MessagesLimit,
    },
    /// 550 5.7.1 at MAIL to this sender alone.
    RefusesSender {
        /// The office, from 0.
        office: u8,
        /// The sender within it, from 0.
        sender: u8,
    },
    /// It closes the connection in the content of this sender's mail alone.
    ClosesOnSender {
        /// The office, from 0.
        office: u8,
        /// The sender within it, from 0.
        sender: u8,
    },
    /// One of its addresses is dead: no answer to the first packet.
    DeadAddress {
        /// Which, from 0.
        address: u8,
    },
    /// One of its addresses greets with 421.
    BusyAddress {
        /// Which, from 0.
        address: u8,
    },
}

/// How a relay says that there are too many connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionsLimit {
    /// 421 in place of the greeting.
    #[default]
    Greeting,
    /// 432 4.3.2 to MAIL.
    Mail,
    /// It closes without a word.
    Close,
}

/// How a relay says that a session has carried enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessagesLimit {
    /// 450 4.7.1 to MAIL.
    #[default]
    Mail,
    /// 421 to MAIL, and it closes.
    Close,
}

/// What is wrong with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreTurn {
    /// Nothing.
    #[default]
    Well,
    /// Every write takes half a second.
    Slow,
    /// The disk is full.
    Full,
    /// It cannot answer.
    Unavailable,
    /// One write in four is done, and its answer lost.
    LosesAnswers,
}

impl Case {
    /// Writes the case as text: the setup and each event on a line of its own.
    ///
    /// # Errors
    /// Where a value cannot be written.
    pub fn to_text(&self) -> anyhow::Result<String> {
        let mut text = serde_json::to_string(&self.setup)?;
        for event in &self.events {
            text.push('\n');
            text.push_str(&serde_json::to_string(event)?);
        }
        text.push('\n');
        Ok(text)
    }

    /// Reads a case; empty lines and those that begin with `#` are for people.
    ///
    /// # Errors
    /// Where a line is neither.
    pub fn from_text(text: &str) -> anyhow::Result<Self> {
        let mut lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let setup = lines.next().ok_or_else(|| anyhow::anyhow!("the case is empty"))?;
        let setup = serde_json::from_str(setup)?;
        let events = lines.map(serde_json::from_str).collect::<Result<_, _>>()?;
        Ok(Self { setup, events })
    }
}
