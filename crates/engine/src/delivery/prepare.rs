//! Makes a transaction of what the store kept.

use std::time::Duration;

use bytes::Bytes;
use postroom_domain::{RecipientState, Timestamp, UserId};
use postroom_smtp::client::{Content, Notify, Recipient, ReturnContent, Transaction};
use postroom_store::{Deliverable, PendingRecipient, RecipientOutcome};

use super::held::HeldLease;
use super::room::JobRoom;
use crate::packing::{self, UnpackError};

/// A leased message on its way through a connection.
#[derive(Debug)]
pub(crate) struct Job {
    /// The fence and the count of attempts.
    pub(crate) lease: HeldLease,
    /// Whose mail it is.
    pub(crate) sender: UserId,
    /// The store's recipient numbers, in the order of the transaction's recipients.
    pub(crate) indexes: Vec<u16>,
    /// Whether a recipient ended undelivered in an earlier attempt.
    pub(crate) failed_before: bool,
    /// What goes over the wire.
    pub(crate) transaction: Transaction,
    /// When the attempt began.
    pub(crate) started_at: Timestamp,
    /// How often a session gave it back untried.
    pub(crate) untried: u8,
    /// Recipients that a further transaction of this attempt takes: what the relay accepts in one is limited.
    pub(crate) rest: Rest,
    /// What earlier transactions of this attempt left: whether the relay accepted anybody, and whom it did not.
    pub(crate) earlier: Earlier,
    /// Its content's room in memory, given back with the job.
    pub(crate) _room: JobRoom,
}

/// Recipients for a further transaction, with their numbers.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    indexes: Vec<u16>,
    recipients: Vec<Recipient>,
}

/// What came of the earlier transactions of an attempt.
#[derive(Debug, Default)]
pub(crate) struct Earlier {
    pub(crate) accepted: usize,
    pub(crate) others: Vec<RecipientOutcome>,
    pub(crate) elapsed: Duration,
}

impl Job {
    /// Leaves the first `most` recipients in the transaction and the others for a further one.
    pub(crate) fn limit_recipients(&mut self, most: usize) {
        if self.indexes.len() > most.max(1) {
            let places: Vec<_> = (most.max(1)..self.indexes.len()).collect();
            self.put_back(&places);
        }
    }

    /// Leaves the recipients at these places, in ascending order, for a further transaction.
    pub(crate) fn put_back(&mut self, places: &[usize]) {
        let mut back = Rest::default();
        let (indexes, recipients) = (
            std::mem::take(&mut self.indexes),
            std::mem::take(&mut self.transaction.recipients),
        );
        for (place, (index, recipient)) in indexes.into_iter().zip(recipients).enumerate() {
            if places.binary_search(&place).is_ok() {
                back.indexes.push(index);
                back.recipients.push(recipient);
            } else {
                self.indexes.push(index);
                self.transaction.recipients.push(recipient);
            }
        }
        back.indexes.append(&mut self.rest.indexes);
        back.recipients.append(&mut self.rest.recipients);
        self.rest = back;
        self.transaction.progress = self.lease.carries(&self.indexes);
    }

    /// Whether a further transaction is to follow.
    pub(crate) const fn has_rest(&self) -> bool {
        !self.rest.indexes.is_empty()
    }

    /// The numbers of the recipients that a further transaction would take.
    pub(crate) fn rest(&self) -> &[u16] {
        &self.rest.indexes
    }

    /// Puts the rest into the transaction, beside or in place of those that it had.
    pub(crate) fn take_rest(&mut self) {
        self.indexes.append(&mut self.rest.indexes);
        self.transaction.recipients.append(&mut self.rest.recipients);
        self.transaction.progress = self.lease.carries(&self.indexes);
    }

    /// Goes on with the rest after a transaction that came to this.
    pub(crate) fn next_transaction(&mut self, told: Vec<RecipientOutcome>, elapsed: Duration) {
        let sent = |told: &RecipientOutcome| told.state == RecipientState::Sent;
        self.earlier.accepted += told.iter().filter(|told| sent(told)).count();
        self.earlier
            .others
            .extend(told.into_iter().filter(|told| !sent(told)));
        self.earlier.elapsed = elapsed;
        self.indexes.clear();
        self.transaction.recipients.clear();
        self.take_rest();
    }
}

/// A job as queues and connections hand it on: some 500 bytes that stay where they are.
pub(crate) type BoxedJob = Box<Job>;

/// Unpacks the content and puts the envelope into the session's words.
///
/// # Errors
/// The lease, and [`UnpackError`], where the kept content cannot be read.
pub(crate) fn prepare(
    mut lease: HeldLease,
    message: Deliverable,
    room: JobRoom,
    now: Timestamp,
) -> Result<Job, (HeldLease, UnpackError)> {
    let raw = match packing::unpack(message.content) {
        Ok(raw) => raw,
        Err(error) => return Err((lease, error)),
    };
    let (indexes, recipients): (Vec<u16>, Vec<Recipient>) =
        message.pending.into_iter().map(recipient).unzip();
    let transaction = Transaction {
        id: lease.id.ord().cast_unsigned(),
        mail_from: message.mail_from,
        recipients,
        content: Content::new(Bytes::from(raw)),
        utf8_headers: message.parameters.smtputf8,
        ret: message.parameters.ret.as_deref().and_then(return_content),
        envid: message.parameters.envid,
        progress: lease.carries(&indexes),
    };
    Ok(Job {
        lease,
        sender: message.sender,
        indexes,
        failed_before: message.failed_before,
        transaction,
        started_at: now,
        untried: 0,
        rest: Rest::default(),
        earlier: Earlier::default(),
        _room: room,
    })
}

fn recipient(pending: PendingRecipient) -> (u16, Recipient) {
    let recipient = Recipient {
        address: pending.address,
        notify: pending.notify.as_deref().and_then(notify),
        orcpt: pending.orcpt,
    };
    (pending.index, recipient)
}

/// RFC 3461 §4.3.
fn return_content(text: &str) -> Option<ReturnContent> {
    if text.eq_ignore_ascii_case("FULL") {
        Some(ReturnContent::Full)
    } else if text.eq_ignore_ascii_case("HDRS") {
        Some(ReturnContent::Headers)
    } else {
        None
    }
}

/// RFC 3461 §4.1.
fn notify(text: &str) -> Option<Notify> {
    if text.eq_ignore_ascii_case("NEVER") {
        return Some(Notify::Never);
    }
    let has = |word: &str| text.split(',').any(|part| part.eq_ignore_ascii_case(word));
    let on = Notify::On {
        success: has("SUCCESS"),
        failure: has("FAILURE"),
        delay: has("DELAY"),
    };
    (on != Notify::On {
        success: false,
        failure: false,
        delay: false,
    })
    .then_some(on)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dsn_words_are_read_whatever_their_case() {
        assert_eq!(notify("never"), Some(Notify::Never));
        let both = Notify::On {
            success: true,
            failure: false,
            delay: true,
        };
        assert_eq!(notify("SUCCESS,delay"), Some(both));
        assert_eq!(notify("sometimes"), None);
        assert_eq!(return_content("hdrs"), Some(ReturnContent::Headers));
    }
}
