//! A relay's own limits (SPEC D8): which replies state one, and what has been learnt of them.
//!
//! A limit is not a failure: the message goes back untried and the load adapts. That only holds while something shows that
//! the relay works otherwise; else nothing would ever end a message's wait, and the reply is a failure as
//! [`classify`](mod@crate::classify) has it. The first row that fits decides:
//!
//! | phase | reply | limit | what shows that the relay works |
//! | --- | --- | --- | --- |
//! | RCPT | x.5.3; 452 or 552 without an enhanced code that speaks of no storage; 4xx "too many recipients" without x.7.x | recipients | a recipient of this transaction was accepted |
//! | DATA, content | x.5.3, or 4xx "too many recipients" without x.7.x | recipients | more than one recipient was accepted |
//! | MAIL and later | 4xx: too many messages, and "session" or "connection" | messages | this session carried a message |
//! | any | 4xx: too many, a maximum or a limit of concurrent connections, sessions or threads | connections | other sessions work, or are open and came as far as content |
//! | MAIL and later | 432 (Exchange) | connections | the same |
//! | before MAIL, or MAIL of a session's first message | 421, a close, silence | connections | other sessions work |
//! | any | 4xx: a rate, "too much mail", "throttling", "slow down", x.7.28, 451 4.7.500 to 4.7.699 | pace | it took a message within [`LATELY`] |
//!
//! Replies of real servers that the rows stand for:
//!
//! | server | reply | limit |
//! | --- | --- | --- |
//! | Exchange Online | `432 4.3.2 Concurrent connections limit exceeded`, `432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded` | connections |
//! | Exchange Server | `421 4.3.2 The maximum number of concurrent connections has exceeded a limit` | connections |
//! | Exchange Server | `421 4.4.2 Message submission rate for this client has exceeded the configured limit` | pace |
//! | Exchange Online | `451 4.7.500 Server busy. Please try again later` | pace |
//! | Outlook.com | `421 RP-003 … exceeded the connection limit allowed`; `421 RP-001 … exceeded the rate limit allowed` | connections; pace |
//! | Postfix | `421 4.7.0 mx Error: too many connections from 192.0.2.1`, `421 4.3.2 All server ports are busy` | connections |
//! | Postfix | `450 4.7.1 Error: too much mail from …`, `450 4.7.1 Error: too many recipients from …` | pace |
//! | Postfix, Sendmail, Gmail | `452 4.5.3 Too many recipients` | recipients |
//! | Exim | `421 Too many concurrent SMTP connections`; `452 too many recipients`; `421 too many messages in this connection` | connections; recipients; messages |
//! | Sendmail | `421 4.3.2 Too many open connections.`; `421 4.3.2 Connection rate limit exceeded.` | connections; pace |
//! | Gmail | `421 4.7.28 … unusual rate …`, `450 4.2.1 Peak SMTP relay limit exceeded`, `454 4.7.0 Too many login attempts` | pace |
//! | Amazon SES | `454 Throttling failure: Maximum sending rate exceeded.` | pace |
//! | others | `450 4.7.1 too many messages in this session` | messages |
//!
//! No limit of the relay: a mailbox that is full (x.2.2) or receives too much (`450 4.2.1 The user you are trying to contact
//! is receiving mail too quickly`), errors and bad recipients that were too many, and a day's quota, which the retry
//! schedule waits for.

mod learnt;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::classify::SmtpPhase;
use crate::outcome::Reply;

pub use self::learnt::{LearntLimits, LimitValues};

/// How long after the relay took a message a refusal for pace is a limit; servers count by the hour at most.
pub const LATELY: Duration = Duration::from_hours(1);

/// The account whose limits they are: a provider's server and the mailbox that signs in there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelayAccount {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Who signs in; empty without sign-in.
    pub user: String,
}

/// A limit of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Throttle {
    /// Connections at a time.
    Connections,
    /// Recipients of a transaction.
    Recipients,
    /// Messages of a session.
    Messages,
    /// Messages of a time.
    Pace,
}

impl Throttle {
    /// Its name in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Recipients => "recipients",
            Self::Messages => "messages",
            Self::Pace => "pace",
        }
    }
}

/// What shows that a relay works although it refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Witness {
    /// Nothing.
    #[default]
    Nothing,
    /// It took a message within [`LATELY`].
    Lately,
    /// Other sessions of the account work at this moment.
    OtherSessions,
}

/// How far a session had come when it was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Recipients of the transaction that were accepted.
    pub accepted: usize,
    /// Messages that the session carried before this one.
    pub carried: u64,
    /// What shows that the relay works.
    pub witness: Witness,
    /// Whether other sessions of the account are open.
    pub others: Others,
}

/// Whether other sessions of an account are open that came as far as content, however long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Others {
    /// None is.
    #[default]
    Closed,
    /// Some are: they may be all that the relay takes.
    Open,
}

/// Which limit of the relay a refusal states, by the module's table; `None` for a failure. `reply` is `None` where the
/// connection ended without one.
pub fn throttle(phase: SmtpPhase, reply: Option<&Reply>, progress: Progress) -> Option<Throttle> {
    let others_work = progress.witness == Witness::OtherSessions;
    let Some(reply) = reply.filter(|reply| reply.code != 0) else {
        return (others_work && is_unproven(phase, progress)).then_some(Throttle::Connections);
    };
    let said = Said::of(reply);
    if said.is_of_recipients(phase, progress.accepted) {
        return Some(Throttle::Recipients);
    }
    if !(400..=499).contains(&reply.code) {
        return None;
    }
    if progress.carried > 0 && is_at_mail_or_later(phase) && said.is_of_messages() {
        return Some(Throttle::Messages);
    }
    let refuses_session = reply.code == 421 && is_unproven(phase, progress);
    let is_exchange = reply.code == 432 && is_at_mail_or_later(phase);
    let is_pace = said.is_of_pace();
    let took_lately = progress.witness >= Witness::Lately;
    let says_connections = said.is_of_connections() || is_exchange;
    let others_are_open = others_work || progress.others == Others::Open;
    if (others_are_open && says_connections) || (others_work && refuses_session && !is_pace) {
        return Some(Throttle::Connections);
    }
    (took_lately && is_pace).then_some(Throttle::Pace)
}

const fn is_at_mail_or_later(phase: SmtpPhase) -> bool {
    matches!(
        phase,
        SmtpPhase::Mail | SmtpPhase::Rcpt | SmtpPhase::Data | SmtpPhase::Content
    )
}

/// Whether the session had yet to show that the relay serves it.
const fn is_unproven(phase: SmtpPhase, progress: Progress) -> bool {
    !is_at_mail_or_later(phase) || (matches!(phase, SmtpPhase::Mail) && progress.carried == 0)
}

/// A reply, with its text in lower case.
struct Said {
    code: u16,
    enhanced: Option<(u16, u16)>,
    text: String,
}

impl Said {
    fn of(reply: &Reply) -> Self {
        Self {
            code: reply.code,
            enhanced: reply.enhanced.map(|enhanced| (enhanced.1, enhanced.2)),
            text: reply.text.to_ascii_lowercase(),
        }
    }

    fn has(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.text.contains(word))
    }

    fn is_of_recipients(&self, phase: SmtpPhase, accepted: usize) -> bool {
        let enough = match phase {
            SmtpPhase::Rcpt => accepted > 0,
            SmtpPhase::Data | SmtpPhase::Content => accepted > 1,
            SmtpPhase::Connect
            | SmtpPhase::Tls
            | SmtpPhase::Greeting
            | SmtpPhase::Ehlo
            | SmtpPhase::Auth
            | SmtpPhase::Mail => false,
        };
        if !enough || self.code == 421 || self.has(&["invalid", "unknown", "bad recipient"]) {
            return false;
        }
        match self.enhanced {
            Some((5, 3)) => true,
            Some((7, _)) => false,
            None if phase == SmtpPhase::Rcpt && matches!(self.code, 452 | 552) => {
                !self.has(&["storage", "space", "quota", "mailbox", "disk", "full"])
            }
            Some(_) | None => (400..=499).contains(&self.code) && self.has(&["too many recipients"]),
        }
    }

    fn is_of_messages(&self) -> bool {
        self.has(&[
            "too many messages",
            "too many mails",
            "too many transactions",
            "number of messages",
            "messages per",
            "message limit",
        ]) && self.has(&["session", "connection"])
    }

    fn is_of_connections(&self) -> bool {
        let counted = self.has(&[
            "concurren",
            "simultaneous",
            "connections",
            "connection limit",
            "sessions",
            "thread limit",
        ]);
        let passed = self.has(&[
            "too many", "too much", "maximum", "limit", "exceed", "numerous", "reached",
        ]);
        (counted && passed && !self.has(&["rate", "per minute", "per hour"]))
            || self.has(&["server ports are busy"])
    }

    fn is_of_pace(&self) -> bool {
        if self.has(&["receiving mail", "daily", "per day", "24 hours", "24h"]) {
            return false;
        }
        let by_code = match (self.code, self.enhanced) {
            (_, Some((7, 28))) => true,
            (451, Some((7, detail))) => (500..=699).contains(&detail),
            _ => false,
        };
        by_code
            || self.has(&[
                "rate limit",
                "ratelimit",
                "rate-limit",
                "rate exceeded",
                "rate has exceeded",
                "rate for this client",
                "sending rate",
                "unusual rate",
                "throttl",
                "too quickly",
                "too fast",
                "slow down",
                "too much mail",
                "too many messages",
                "too many recipients from",
                "too many login",
                "too many auth",
                "too many new tls",
                "relay limit exceeded",
                "per minute",
                "per hour",
                "this hour",
            ])
    }
}
