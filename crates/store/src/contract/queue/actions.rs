//! What people do to messages, and what becomes of it.

use postroom_domain::{MessageState, Rule, Scope, Timestamp, Verb};

/// What a person may see and may act on (V6, V7).
#[derive(Debug, Clone)]
pub struct Authority {
    /// Outside this an id does not exist.
    pub see: Scope,
    /// Inside `see` but outside this, an action is refused.
    pub act: Scope,
    /// Inside `see` but outside this, Hold and Release are refused.
    pub hold: Scope,
}

/// What became of an action on one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionOutcome {
    /// Done.
    Done,
    /// No such message in what the person may see.
    NotFound,
    /// Seen, but not this person's to act on.
    NotPermitted,
    /// Somebody holds it back, and the person may not release it: no other action lets it go either.
    HeldBack,
    /// An attempt is under way (409).
    Sending,
    /// Its stored record is damaged: nothing can be done to it.
    Damaged,
    /// It carries a link that works once, and a copy of it would go to whoever the message went to.
    LiveLink,
    /// The action does not fit its state, for example requeueing a Sent message.
    WrongState(MessageState),
    /// Its office or sender is paused: resume them first.
    Paused,
    /// It stays held under a daily limit, at least until then; only administrators of the System Office let it go past
    /// the limit (L3).
    OverLimit {
        /// The start of the next day.
        until: Timestamp,
    },
}

/// How [`Queue::release`](super::Queue::release) meets limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Release {
    /// They are asked.
    #[default]
    WithinLimits,
    /// They are not, and nothing is charged: for administrators of the System Office alone (L3).
    PastLimits,
}

impl ActionOutcome {
    /// The rule that refuses it, where a rule about people does.
    pub const fn rule(self, verb: Verb) -> Option<Rule> {
        match (self, verb) {
            (Self::HeldBack, _) | (Self::NotPermitted, Verb::Hold | Verb::Release) => Some(Rule::HoldMessage),
            (Self::NotPermitted, Verb::Requeue | Verb::Resend | Verb::Delete) => Some(Rule::ActOnMessage),
            (Self::LiveLink, _) => Some(Rule::SecretBody),
            (
                Self::Done
                | Self::NotFound
                | Self::Sending
                | Self::Damaged
                | Self::WrongState(_)
                | Self::Paused
                | Self::OverLimit { .. },
                _,
            ) => None,
        }
    }

    /// Why nothing was done, in a sentence; empty where it was.
    pub fn reason(self, verb: Verb) -> String {
        match self {
            Self::Done => String::new(),
            Self::NotFound => "there is no such message among those that you may see".to_owned(),
            Self::NotPermitted => match verb {
                Verb::Hold | Verb::Release => {
                    "you may look at this message, but holding and releasing is for super users and administrators"
                }
                Verb::Requeue | Verb::Resend | Verb::Delete => {
                    "you may look at this message, but acting on it is for its sender, the office's super users and, for notifications, administrators"
                }
            }
            .to_owned(),
            Self::HeldBack => {
                "it is held back by somebody, and whatever lets it go is for super users and administrators".to_owned()
            }
            Self::Sending => "an attempt is under way: try again when it has ended".to_owned(),
            Self::Damaged => "the stored record of this message is damaged and cannot be read".to_owned(),
            Self::LiveLink => {
                "it carries a link that works once, so no copy of it can be sent: invite the person again, or let them ask for a new password".to_owned()
            }
            Self::WrongState(state) => wrong_state(verb, state),
            Self::Paused => {
                "sending is paused for its office or its sender: an administrator has to resume it first".to_owned()
            }
            Self::OverLimit { until } => format!(
                "it stays held under a daily limit, at least until {until}; administrators of the System Office can release it past the limit"
            ),
        }
    }
}

fn wrong_state(verb: Verb, state: MessageState) -> String {
    let verb = match verb {
        Verb::Requeue => "be put back to Outbox",
        Verb::Resend => "be sent again before it has ended",
        Verb::Delete => "be deleted",
        Verb::Hold => "be held",
        Verb::Release => "be released",
    };
    format!("a message that is {} cannot {verb}", state.name())
}
