//! Failures in a row, and whether they show that a relay is Down.
//!
//! A failure before MAIL says nothing of any message. From MAIL on it may be the message's or its sender's doing, until a
//! message of another sender fails the same way:
//!
//! | failures in a row, with no answer between them | Down |
//! | --- | --- |
//! | three messages before MAIL | yes |
//! | three messages, none refused for its sender, of two senders | yes; after [`REPEATED_WAIT`] where some of them failed before the relay took others |
//! | three messages of one sender, before their content | after [`ONE_SENDER_WAIT`] |
//! | three messages of one sender, in their content too | after [`ONE_CONTENT_WAIT`] |
//! | three messages whose senders are refused, of two senders | yes |
//! | any number of messages of one sender that is refused | no |
//!
//! Suspicion needs no message of another sender to be sought: a relay that is Up takes mail in fair order, so that within
//! minutes every sender who has mail has been tried, and any answer ends the row. Where one sender alone has mail, a row
//! that goes on for so long is all the evidence there can be. Content is suspected for longer: servers hang up on what their
//! filters dislike. What may be the mail's own doing counts for [`EVIDENCE_AGE_MAX`] after it came last: old failures
//! say nothing about the relay now.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::{MessageId, UserId};

/// Different messages that must fail in a row before a relay is Down.
pub const FAILURES_TO_GO_DOWN: usize = 3;
/// How long a row of failures of one sender's messages goes on before it takes a relay Down.
pub const ONE_SENDER_WAIT: Duration = Duration::from_mins(5);
/// The same where the connection was lost in the content.
pub const ONE_CONTENT_WAIT: Duration = Duration::from_hours(1);

/// The same where the messages had failed before, and the relay took others since: they are tried at once when it is Up
/// again, and one of another sender may only come next.
pub const REPEATED_WAIT: Duration = Duration::from_secs(20);

/// How long a failure from MAIL on counts after one of its kind came last.
pub const EVIDENCE_AGE_MAX: Duration = Duration::from_hours(6);

/// Whether a message's failure shows something new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Novelty {
    /// It had not failed.
    New,
    /// It failed before the relay took others.
    Repeated,
}

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

/// Failures in a row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Row(Vec<Entry>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    /// When the message failed first.
    at: Timestamp,
    /// When one of the same sender failed in the same way last.
    last: Timestamp,
    failed: FailedMessage,
    novelty: Novelty,
}

/// What some of the failures amount to.
struct Count {
    messages: usize,
    new: usize,
    senders: usize,
    lasted: Duration,
}

impl Count {
    fn is_enough(&self) -> bool {
        self.messages >= FAILURES_TO_GO_DOWN
    }

    fn has_enough_new(&self) -> bool {
        self.new >= FAILURES_TO_GO_DOWN || self.lasted >= REPEATED_WAIT
    }
}

impl Row {
    /// Adds a failure; answers whether the row shows that the relay is Down.
    pub(super) fn add(&mut self, failed: FailedMessage, novelty: Novelty, now: Timestamp) -> bool {
        let is_old =
            |entry: &Entry| entry.failed.at != FailedAt::Session && now.since(entry.last) > EVIDENCE_AGE_MAX;
        self.0.retain(|entry| !is_old(entry));
        let is_alike = |known: &FailedMessage| (known.sender, known.at) == (failed.sender, failed.at);
        let is_same = |known: &FailedMessage| known.id == failed.id && known.at == failed.at;
        let (mut alike, mut has_same) = (0, false);
        for entry in self.0.iter_mut().filter(|entry| is_alike(&entry.failed)) {
            entry.last = now;
            alike += 1;
            has_same |= is_same(&entry.failed);
        }
        let entry = Entry {
            at: now,
            last: now,
            failed,
            novelty,
        };
        // More of the same kind by the same sender show nothing new, unless others failed before; this bounds the row.
        let is_repeated = |known: &&mut Entry| is_alike(&known.failed) && known.novelty == Novelty::Repeated;
        if !has_same && alike < FAILURES_TO_GO_DOWN {
            self.0.push(entry);
        } else if !has_same
            && novelty == Novelty::New
            && let Some(known) = self.0.iter_mut().find(is_repeated)
        {
            *known = Entry {
                at: known.at,
                ..entry
            };
        }
        self.shows_refusal(now) || self.shows_outage(now)
    }

    /// The sender of all that failed, where it is one.
    pub(super) fn only_sender(&self) -> Option<UserId> {
        let mut senders = self.0.iter().map(|entry| entry.failed.sender);
        let first = senders.next()?;
        senders.all(|sender| sender == first).then_some(first)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The clock was moved by so many microseconds.
    pub(super) fn clock_moved(&mut self, micros: i64) {
        for entry in &mut self.0 {
            entry.at = entry.at.moved(micros);
            entry.last = entry.last.moved(micros);
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
            || (all.is_enough() && all.senders >= 2 && all.has_enough_new())
            || (all.is_enough() && all.lasted >= ONE_CONTENT_WAIT)
    }

    /// Counts different messages and different senders, and how long ago the first of these failures was.
    fn count(&self, counts: impl Fn(FailedAt) -> bool, now: Timestamp) -> Count {
        let entries = self.0.iter().filter(|entry| counts(entry.failed.at));
        let first = entries.clone().map(|entry| entry.at).min();
        let messages = entries.clone().map(|entry| entry.failed.id);
        let new = entries.clone().filter(|entry| entry.novelty == Novelty::New);
        Count {
            messages: messages.collect::<BTreeSet<_>>().len(),
            new: new.map(|entry| entry.failed.id).collect::<BTreeSet<_>>().len(),
            senders: entries
                .map(|entry| entry.failed.sender)
                .collect::<BTreeSet<_>>()
                .len(),
            lasted: first.map_or(Duration::ZERO, |first| now.since(first)),
        }
    }
}

#[cfg(test)]
mod tests;
