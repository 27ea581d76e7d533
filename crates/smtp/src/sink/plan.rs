//! Scripted misbehaviour: at which stage of which connection or message, what is done instead.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::reply::Reply;

/// A moment of a session at which a sink can misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// After the connection is accepted.
    Greeting,
    /// EHLO.
    Ehlo,
    /// HELO.
    Helo,
    /// STARTTLS.
    StartTls,
    /// AUTH, before any of its steps.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA.
    Data,
    /// The first bytes of the content have arrived.
    Content,
    /// The content's end has arrived; the message is not kept unless the answer is 2yz.
    FinalDot,
    /// The message is kept, and the answer not yet given.
    Kept,
    /// RSET.
    Rset,
    /// QUIT.
    Quit,
}

/// Which of a series, counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nth {
    /// Each.
    #[default]
    Any,
    /// This one.
    Only(u64),
    /// This one and those after it.
    From(u64),
}

impl Nth {
    const fn holds(self, n: u64) -> bool {
        match self {
            Self::Any => true,
            Self::Only(only) => n == only,
            Self::From(first) => n >= first,
        }
    }
}

/// What a sink does instead of answering properly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Gives this reply; at a command that it accepts or refuses, it means what it says.
    Reply(Reply),
    /// Gives this reply and closes.
    ReplyThenClose(Reply),
    /// Gives this reply, and then never says anything again.
    ReplyThenSilence(Reply),
    /// Sends these bytes as they are, and goes on.
    Say(Vec<u8>),
    /// Sends these bytes as they are, and closes.
    SayThenClose(Vec<u8>),
    /// Waits, and then answers properly.
    Stall(Duration),
    /// Answers properly, one byte at a time with this pause between them.
    Drip(Duration),
    /// Never answers, and reads on until the client goes away.
    Silence,
    /// Closes without a word.
    Close,
    /// Cuts the connection with a TCP reset where there is TCP.
    Cut,
}

/// One line of a plan.
#[derive(Debug, Clone)]
pub struct Rule {
    stage: Stage,
    connection: Nth,
    message: Nth,
    act: Act,
    times_left: Option<Arc<AtomicU64>>,
}

impl Rule {
    /// Acts at this stage of every connection and message.
    #[must_use]
    pub const fn at(stage: Stage, act: Act) -> Self {
        Self {
            stage,
            connection: Nth::Any,
            message: Nth::Any,
            act,
            times_left: None,
        }
    }

    /// Limits the rule to these connections of the sink.
    #[must_use]
    pub fn on_connection(self, connection: Nth) -> Self {
        Self { connection, ..self }
    }

    /// Limits the rule to these messages (MAIL commands) of a connection.
    #[must_use]
    pub fn on_message(self, message: Nth) -> Self {
        Self { message, ..self }
    }

    /// Limits how often the rule acts over all connections.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self {
            times_left: Some(Arc::new(AtomicU64::new(times))),
            ..self
        }
    }

    fn claim(&self) -> bool {
        let Some(left) = &self.times_left else { return true };
        left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1))
            .is_ok()
    }
}

/// Rules, of which the first that fits acts.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    rules: Vec<Rule>,
}

impl Plan {
    /// Adds a rule after those that are there.
    #[must_use]
    pub fn with(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    pub(super) fn act(&self, stage: Stage, connection: u64, message: u64) -> Option<&Act> {
        let fits = |rule: &&Rule| {
            rule.stage == stage
                && rule.connection.holds(connection)
                && rule.message.holds(message)
                && rule.claim()
        };
        self.rules.iter().find(fits).map(|rule| &rule.act)
    }
}

impl From<Rule> for Plan {
    fn from(rule: Rule) -> Self {
        Self { rules: vec![rule] }
    }
}

/// How the whole relay is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Well.
    #[default]
    Up,
    /// Connections are refused, and those that stand are closed.
    Down,
    /// Every answer comes this late.
    Tarpit(Duration),
    /// AUTH is refused with 535 5.7.8.
    RejectAuth,
    /// The greeting, or the next command, is answered with 421 4.3.2 and a close.
    Busy,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_rule_that_fits_acts_and_only_so_often() {
        let plan = Plan::default()
            .with(
                Rule::at(Stage::Mail, Act::Close)
                    .on_connection(Nth::Only(2))
                    .times(1),
            )
            .with(Rule::at(Stage::Mail, Act::Cut).on_message(Nth::From(3)));
        assert_eq!(plan.act(Stage::Mail, 1, 1), None);
        assert_eq!(plan.act(Stage::Mail, 2, 1), Some(&Act::Close));
        assert_eq!(plan.act(Stage::Mail, 2, 1), None);
        assert_eq!(plan.act(Stage::Mail, 2, 4), Some(&Act::Cut));
        assert_eq!(plan.act(Stage::Rcpt, 2, 4), None);
    }
}
