//! Makes a transaction of what the store kept.

use bytes::Bytes;
use postroom_domain::Timestamp;
use postroom_smtp::client::{Content, Notify, Recipient, ReturnContent, Transaction};
use postroom_store::{Deliverable, PendingRecipient};

use super::held::HeldLease;
use crate::packing::{self, UnpackError};

/// A leased message on its way through a connection.
#[derive(Debug)]
pub(crate) struct Job {
    /// The fence and the count of attempts.
    pub(crate) lease: HeldLease,
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
    now: Timestamp,
) -> Result<Job, (HeldLease, UnpackError)> {
    let mut raw = Vec::new();
    let unpacked = packing::unpack_into(&message.content.header, &mut raw)
        .and_then(|()| packing::unpack_into(&message.content.body, &mut raw));
    if let Err(error) = unpacked {
        return Err((lease, error));
    }
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
        indexes,
        failed_before: message.failed_before,
        transaction,
        started_at: now,
        untried: 0,
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
