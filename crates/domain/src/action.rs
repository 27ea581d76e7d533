//! What people can do to messages, and what a message's state says to it (SPEC C1–C4).
//!
//! | verb | done in | skipped in | refused in |
//! | --- | --- | --- | --- |
//! | requeue | queued, scheduled, held, deferred, failed | sent | sending |
//! | resend | sent, failed | queued, scheduled, held, deferred | sending |
//! | delete | all others | | sending |
//! | hold | queued, scheduled, deferred | held, sent, failed | sending |
//! | release | held | all others | sending |

use serde::{Deserialize, Serialize};

use crate::state::{MessageEvent, MessageState};

/// Something that people do to messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Back to Outbox, tried now.
    Requeue,
    /// A new message like it.
    Resend,
    /// The record goes.
    Delete,
    /// Kept back.
    Hold,
    /// Let go.
    Release,
}

/// What a state says to a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is done.
    Do,
    /// It makes no sense for this message.
    Skip,
    /// Not now: an attempt is under way.
    Busy,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 5] = [
        Self::Requeue,
        Self::Resend,
        Self::Delete,
        Self::Hold,
        Self::Release,
    ];

    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requeue => "requeue",
            Self::Resend => "resend",
            Self::Delete => "delete",
            Self::Hold => "hold",
            Self::Release => "release",
        }
    }

    /// The verb of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.name() == name)
    }

    /// What the state of a message says to it, by the module's table.
    pub const fn verdict(self, state: MessageState) -> Verdict {
        if matches!(state, MessageState::Sending) {
            return Verdict::Busy;
        }
        let fits = match self {
            Self::Requeue => state.after(MessageEvent::Requeue).is_ok(),
            Self::Resend => state.is_final(),
            Self::Delete => true,
            Self::Hold => state.after(MessageEvent::Hold).is_ok(),
            Self::Release => matches!(state, MessageState::Held),
        };
        if fits { Verdict::Do } else { Verdict::Skip }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_verdicts_holds() {
        use MessageState::{Deferred, Failed, Held, Queued, Scheduled, Sending, Sent};
        for (verb, done, skipped) in [
            (
                Verb::Requeue,
                &[Queued, Scheduled, Held, Deferred, Failed][..],
                &[Sent][..],
            ),
            (
                Verb::Resend,
                &[Sent, Failed],
                &[Queued, Scheduled, Held, Deferred],
            ),
            (
                Verb::Delete,
                &[Queued, Scheduled, Held, Deferred, Sent, Failed],
                &[],
            ),
            (Verb::Hold, &[Queued, Scheduled, Deferred], &[Held, Sent, Failed]),
            (
                Verb::Release,
                &[Held],
                &[Queued, Scheduled, Deferred, Sent, Failed],
            ),
        ] {
            assert!(
                done.iter().all(|state| verb.verdict(*state) == Verdict::Do),
                "{verb:?}"
            );
            assert!(
                skipped.iter().all(|state| verb.verdict(*state) == Verdict::Skip),
                "{verb:?}"
            );
            assert_eq!(verb.verdict(Sending), Verdict::Busy);
            assert_eq!(done.len() + skipped.len(), 6);
            assert_eq!(Verb::from_name(verb.name()), Some(verb));
        }
    }
}
