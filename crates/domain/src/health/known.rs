//! Messages whose failures may be their own doing, and are known.

use std::collections::BTreeSet;

use super::evidence::{FailedAt, FailedMessage, Novelty};
use crate::id::MessageId;

/// Messages that are remembered at most, before and after the relay answered last.
const KNOWN_MAX: usize = 1_024;

/// Messages whose failures may be their own doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct KnownFailures {
    /// Since the relay answered last.
    recent: BTreeSet<MessageId>,
    /// Before it took others: that they fail again shows little of the relay.
    earlier: BTreeSet<MessageId>,
}

impl KnownFailures {
    pub(super) fn add(&mut self, failed: FailedMessage) -> Novelty {
        let is_own = matches!(failed.at, FailedAt::Transaction | FailedAt::Content);
        if is_own && self.recent.len() < KNOWN_MAX {
            self.recent.insert(failed.id);
        }
        if is_own && self.earlier.contains(&failed.id) {
            Novelty::Repeated
        } else {
            Novelty::New
        }
    }

    pub(super) fn answered(&mut self) {
        self.earlier.append(&mut self.recent);
        while self.earlier.len() > KNOWN_MAX {
            self.earlier.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::UserId;

    fn add(known: &mut KnownFailures, n: usize, at: FailedAt) -> Novelty {
        known.add(FailedMessage {
            id: MessageId::from_ord(i64::try_from(n).expect("small")),
            sender: UserId(1),
            at,
        })
    }

    #[test]
    fn failure_is_repeated_where_the_relay_took_others_since() {
        use FailedAt::{Content, Sender, Session, Transaction};
        let mut known = KnownFailures::default();
        for at in [Content, Transaction, Session, Sender] {
            assert_eq!(add(&mut known, 1, at), Novelty::New);
        }
        known.answered();
        for at in [Content, Transaction] {
            assert_eq!(add(&mut known, 1, at), Novelty::Repeated);
            assert_eq!(add(&mut known, 2, at), Novelty::New);
        }
        for at in [Session, Sender] {
            assert_eq!(
                add(&mut known, 1, at),
                Novelty::New,
                "{at:?} is nobody's own doing"
            );
            add(&mut known, 3, at);
        }
        known.answered();
        assert_eq!(add(&mut known, 3, Content), Novelty::New);
    }

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let mut known = KnownFailures::default();
        for n in 0..2 * KNOWN_MAX {
            add(&mut known, n, FailedAt::Content);
        }
        assert_eq!(known.recent.len(), KNOWN_MAX);
        known.answered();
        assert_eq!((known.recent.len(), known.earlier.len()), (0, KNOWN_MAX));
        add(&mut known, 2 * KNOWN_MAX, FailedAt::Content);
        known.answered();
        assert_eq!(known.earlier.len(), KNOWN_MAX);
        assert_eq!(
            [0, 1, 2 * KNOWN_MAX].map(|n| add(&mut known, n, FailedAt::Content)),
            [Novelty::New, Novelty::Repeated, Novelty::Repeated],
            "the oldest message is forgotten first"
        );
    }
}
