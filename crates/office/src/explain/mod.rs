//! "Why hasn't it gone?" (SPEC C5): one sentence with the rule, the evidence, what happens next and when.

mod ended;
mod gather;
mod held;
#[cfg(test)]
mod tests;
mod waiting;

use std::time::Duration;

use postroom_domain::{FailureCause, MessageState, OfficeId, Timestamp, plain};
use postroom_engine::RelayStatus;
use postroom_store::{Detail, Pause, Situation};

pub use gather::{ExplainParts, Explainer, settings_place};

/// Why a message is where it is, and what happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// One sentence with the rule.
    pub sentence: String,
    /// What that rests on.
    pub evidence: Vec<String>,
    /// What somebody can do about it.
    pub advice: Option<String>,
    /// What happens next.
    pub next: String,
    /// When.
    pub next_at: Option<Timestamp>,
    /// Where the SMTP settings are that have to be changed; `None` where they are not to blame.
    pub settings: Option<SettingsPlace>,
}

/// Where the SMTP settings of a route are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingsPlace {
    /// In the Office Settings of an office.
    Office(OfficeId),
    /// In the server's configuration file.
    Configuration,
}

/// What an explanation rests on.
#[derive(Debug)]
struct Known<'a> {
    /// The message.
    found: &'a Detail,
    /// Where it stands.
    situation: Situation,
    /// The relays of its own way out.
    relays: Vec<RelayStatus>,
    /// Who holds it back and since when, where somebody does and that is known.
    holder: Option<(Holder, Timestamp)>,
    /// Every pause.
    pauses: &'a [Pause],
    /// Whether mail is sent at all.
    service: Service,
    /// Attempts before it is given up.
    attempts_max: u16,
    /// How long mail waits for a relay.
    max_wait: Duration,
    /// Now.
    now: Timestamp,
}

/// Who holds a message back, as the one who asks may know it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Holder {
    /// Somebody whom they know of, by name.
    Person(String),
    /// Somebody else.
    Administrator,
    /// An API key.
    Key,
    /// The operator, at the command line.
    Operator,
}

/// Whether mail is sent at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// It is.
    On,
    /// The configuration has mail taken in and not sent.
    Paused,
    /// The configuration has switched the queue off.
    Off,
}

/// Says in a sentence why a message is where it is.
fn explain(known: &Known<'_>) -> Explained {
    let mut explanation = match known.found.row.state {
        MessageState::Sent => ended::sent(known),
        MessageState::Failed => ended::failed(known),
        MessageState::Held => held::held(known),
        MessageState::Scheduled => waiting::scheduled(known),
        MessageState::Sending => waiting::sending(known),
        MessageState::Queued | MessageState::Deferred => waiting::outbox(known),
    };
    if let Some(damage) = known.found.damage {
        explanation.evidence.push(damage.words().to_owned());
    }
    explanation
}

/// Whether the SMTP settings are what keeps it from leaving: no relay is there, or Up and allowed to be connected to, or its
/// last attempt failed of them.
fn blames_settings(known: &Known<'_>) -> bool {
    let failed_of_them = known.situation.cause.is_some_and(FailureCause::is_of_settings);
    match known.found.row.state {
        MessageState::Failed => failed_of_them,
        MessageState::Queued | MessageState::Deferred => {
            failed_of_them || !known.relays.iter().any(RelayStatus::is_fit)
        }
        MessageState::Sent | MessageState::Held | MessageState::Scheduled | MessageState::Sending => false,
    }
}

/// An explanation without evidence yet.
fn says(sentence: impl Into<String>, next: impl Into<String>, next_at: Option<Timestamp>) -> Explained {
    Explained {
        sentence: sentence.into(),
        evidence: Vec::new(),
        advice: None,
        next: next.into(),
        next_at,
        settings: None,
    }
}

/// The last thing that went wrong: the words as they were said, then what they mean and what to do.
fn with_last_words(mut explanation: Explained, known: &Known<'_>) -> Explained {
    if let Some(reply) = &known.found.row.error {
        explanation.evidence.push(format!("the last answer was: {reply}"));
        if let Some(meaning) = plain::plain(reply) {
            explanation.evidence.push(meaning.what.to_owned());
            explanation
                .advice
                .get_or_insert_with(|| meaning.advice.to_owned());
        }
    }
    explanation
}

fn attempts(n: u16) -> String {
    match n {
        1 => "one attempt".to_owned(),
        n => format!("{n} attempts"),
    }
}
