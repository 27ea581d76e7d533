//! Failures in a row, and whether they show that a relay is Down.
//!
//! A failure before MAIL says nothing of any message. From MAIL on it may be the message's or its sender's doing, until a
//! message of another sender fails the same way:
//!
//! | failures in a row, with no answer between them | Down |
//! | --- | --- |
//! | three messages before MAIL | yes |
//! | three messages, none refused for its sender, of two senders | yes |
//! | three messages of one sender, before their content | after [`ONE_SENDER_WAIT`] |
//! | three messages of one sender, in their content too | after [`ONE_CONTENT_WAIT`] |
//! | three messages whose senders are refused, of two senders | yes |
//! | any number of messages of one sender that is refused | no |
//!
//! Suspicion needs no message of another sender to be sought: a relay that is Up takes mail in fair order, so that within
//! minutes every sender who has mail has been tried, and any answer ends the row. Where one sender alone has mail, a row
//! that goes on for so long is all the evidence there can be. Content is suspected for longer: servers hang up on what their
//! filters dislike.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::{MessageId, UserId};

/// Different messages that must fail in a row before a relay is Down.
pub const FAILURES_TO_GO_DOWN: usize = 3;
/// How long a row of failures of one sender's messages goes on before it takes a relay Down.
pub const ONE_SENDER_WAIT: Duration = Duration::from_mins(5);
/// The same where the connection was lost in the content.
pub const ONE_CONTENT_WAIT: Duration = Duration::from_hours(1);

/// A failure that may be the relay's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedMessage {
    /// The message that was tried.
    pub id: MessageId,
    /// Whose mail it is.
    pub sender: UserId,
    /// How far the session had come.
    pub at: FailedAt,
}

impl FailedMessage {
    /// A failure that no message had a part in, whoever's it is.
    pub const fn in_session(id: MessageId) -> Self {
        Self {
            id,
            sender: UserId(0),
            at: FailedAt::Session,
        }
    }
}

/// How far a session had come when the relay failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailedAt {
    /// Before MAIL: no message had a part in it.
    Session,
    /// From MAIL on, before the content.
    Transaction,
    /// In the content, or in place of an answer to it.
    Content,
    /// At MAIL: this sender may not send ([`Blame::Sender`](crate::outcome::Blame::Sender)).
    Sender,
}

/// Failures in a row, each with the time at which it came first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Row(Vec<(Timestamp, FailedMessage)>);

/// What some of the failures amount to.
struct Count {
    messages: usize,
    senders: usize,
    lasted: Duration,
}

impl Count {
    fn is_enough(&self) -> bool {
        self.messages >= FAILURES_TO_GO_DOWN
    }
}

impl Row {
    /// Adds a failure; answers whether the row shows that the relay is Down.
    pub(super) fn add(&mut self, failed: FailedMessage, now: Timestamp) -> bool {
        let is_alike = |known: &FailedMessage| (known.sender, known.at) == (failed.sender, failed.at);
        let is_known = self
            .0
            .iter()
            .any(|(_, known)| known.id == failed.id && known.at == failed.at);
        // More of the same kind by the same sender show nothing new; this bounds the row.
        if !is_known && self.0.iter().filter(|(_, known)| is_alike(known)).count() < FAILURES_TO_GO_DOWN {
            self.0.push((now, failed));
        }
        self.shows_refusal(now) || self.shows_outage(now)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The clock was moved by so many microseconds.
    pub(super) fn clock_moved(&mut self, micros: i64) {
        for (at, _) in &mut self.0 {
            *at = at.moved(micros);
        }
    }

    fn shows_refusal(&self, now: Timestamp) -> bool {
        let refused = self.count(|at| at == FailedAt::Sender, now);
        refused.is_enough() && refused.senders >= 2
    }

    fn shows_outage(&self, now: Timestamp) -> bool {
        let all = self.count(|at| at != FailedAt::Sender, now);
        let before_content = self.count(|at| matches!(at, FailedAt::Session | FailedAt::Transaction), now);
        let before_mail = self.count(|at| at == FailedAt::Session, now);
        before_mail.is_enough()
            || (before_content.is_enough() && before_content.lasted >= ONE_SENDER_WAIT)
            || (all.is_enough() && (all.senders >= 2 || all.lasted >= ONE_CONTENT_WAIT))
    }

    /// Counts different messages and different senders, and how long ago the first of these failures was.
    fn count(&self, counts: impl Fn(FailedAt) -> bool, now: Timestamp) -> Count {
        let failed = self.0.iter().filter(|(_, failed)| counts(failed.at));
        let first = failed.clone().map(|(at, _)| *at).min();
        let (mut messages, mut senders): (Vec<_>, Vec<_>) =
            failed.map(|(_, failed)| (failed.id, failed.sender)).unzip();
        messages.sort_unstable();
        messages.dedup();
        senders.sort_unstable();
        senders.dedup();
        Count {
            messages: messages.len(),
            senders: senders.len(),
            lasted: first.map_or(Duration::ZERO, |first| now.since(first)),
        }
    }
}
