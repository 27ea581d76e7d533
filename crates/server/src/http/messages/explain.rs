//! "Why hasn't it gone?" (SPEC C5) from the record, the relays and the service.

use postroom_domain::MessageState;
use postroom_domain::health::HealthState;
use postroom_engine::RelayStatus;
use postroom_store::Detail;

use crate::http::App;
use crate::http::wire::detail::Explanation;

/// Whether mail is sent at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// It is.
    On,
    /// The configuration has switched the queue off.
    Off,
}

impl Service {
    pub(super) fn of(app: &App) -> Self {
        if app.queue_is_enabled() {
            Self::On
        } else {
            Self::Off
        }
    }
}

/// Says in a sentence why a message is where it is.
pub(super) fn explain(found: &Detail, relays: &[RelayStatus], service: Service) -> Explanation {
    let row = &found.row;
    let down = relays.iter().find(|relay| relay.state != HealthState::Up);
    let mut evidence: Vec<String> = row
        .error
        .iter()
        .map(|reply| format!("the last answer was: {reply}"))
        .collect();
    let (sentence, next, next_at) = match row.state {
        MessageState::Sent => (
            "The relay has accepted it for every recipient.".to_owned(),
            "Nothing: what happens behind the relay is not known here.".to_owned(),
            None,
        ),
        MessageState::Failed => (
            format!(
                "It was given up after {} for at least one recipient.",
                attempts(row.attempts)
            ),
            "Nothing by itself: mend the cause and send it again with Resend Failed E-mail.".to_owned(),
            None,
        ),
        MessageState::Held => held(row),
        MessageState::Scheduled => (
            "Its time to be sent has not come.".to_owned(),
            "It is sent when its time comes.".to_owned(),
            row.send_at,
        ),
        MessageState::Sending => (
            "It is being handed to the relay right now.".to_owned(),
            "The relay's answer decides.".to_owned(),
            None,
        ),
        MessageState::Queued | MessageState::Deferred if service == Service::Off => (
            "The e-mail queue is disabled in the server configuration.".to_owned(),
            "It waits and is sent once the queue is enabled again.".to_owned(),
            None,
        ),
        MessageState::Queued | MessageState::Deferred if down.is_some() => {
            if let Some(relay) = down {
                evidence.extend(
                    relay
                        .last_error
                        .iter()
                        .map(|reply| format!("the relay {}: {reply}", relay.name)),
                );
            }
            (
                "The relay that it leaves through is down.".to_owned(),
                "It is sent as soon as the relay is back; waiting costs it no attempts.".to_owned(),
                None,
            )
        }
        MessageState::Deferred => (
            format!("It was not accepted after {}.", attempts(row.attempts)),
            "It is tried again at the time beside.".to_owned(),
            row.next_attempt_at,
        ),
        MessageState::Queued => (
            "It is due and waits for its turn.".to_owned(),
            "It is sent as soon as a connection is free.".to_owned(),
            None,
        ),
    };
    Explanation {
        sentence,
        evidence,
        next,
        next_at,
    }
}

fn held(row: &postroom_store::Row) -> (String, String, Option<postroom_domain::Timestamp>) {
    let reason = row.hold.as_ref().map_or("", |hold| hold.reason.as_str());
    let sentence = match reason {
        "system_limit" => "The daily limit of the whole server has been reached.",
        "user_limit" => "The sender's daily limit has been reached.",
        "administrator" => "An administrator holds it back.",
        "restored" => "It came from a backup, and whether it had been sent is not known.",
        _ => "It is held back.",
    };
    let until = row.hold.as_ref().and_then(|hold| hold.until);
    let next = if until.is_some() {
        "It is released by itself at the time beside."
    } else {
        "It waits until somebody releases it."
    };
    (sentence.to_owned(), next.to_owned(), until)
}

fn attempts(n: u16) -> String {
    match n {
        1 => "one attempt".to_owned(),
        n => format!("{n} attempts"),
    }
}
