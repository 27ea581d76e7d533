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
