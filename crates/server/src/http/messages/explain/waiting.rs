//! Mail that is on its way.

use postroom_domain::health::HealthState;
use postroom_domain::{MessageState, RouteId};
use postroom_store::Waits;

use super::{Known, Service, attempts, says, with_last_words};
use crate::http::wire::detail::Explanation;

pub(super) fn scheduled(known: &Known<'_>) -> Explanation {
    says(
        "Its time to be sent has not come.",
        "It is sent, and counted for the daily limits, when its time comes; until then it can be cancelled.",
        known.found.row.send_at,
    )
}

pub(super) fn sending(known: &Known<'_>) -> Explanation {
    let number = known.found.row.attempts + 1;
    let mut explanation = says(
        format!(
            "Attempt {number} of {} is under way right now.",
            known.attempts_max
        ),
        "The relay's answer decides.",
        None,
    );
    if let [relay] = known.relays.as_slice() {
        explanation.evidence.push(format!(
            "it is handed to the relay {} ({})",
            relay.name, relay.address
        ));
    }
    explanation
}

/// Queued and deferred mail.
pub(super) fn outbox(known: &Known<'_>) -> Explanation {
    if known.service == Service::Off {
        return with_last_words(
            says(
                "The e-mail queue is disabled in the server configuration.",
                "It is kept, and sent once the queue is enabled again.",
                None,
            ),
            known,
        );
    }
    if known.relays.is_empty() {
        let mut explanation = with_last_words(
            says(
                "There is no SMTP server for it to leave through.",
                "It is kept, and sent once SMTP settings are there.",
                None,
            ),
            known,
        );
        explanation.advice = Some(
            if known.situation.route == RouteId::SERVER {
                "An administrator has to set the SMTP server in the server configuration."
            } else {
                "An administrator has to set the SMTP server in the Office Settings."
            }
            .to_owned(),
        );
        return explanation;
    }
    if known.relays.iter().all(|relay| relay.state != HealthState::Up) {
        return relay_down(known);
    }
    let row = &known.found.row;
    if row.state == MessageState::Deferred && row.next_attempt_at.is_some_and(|at| at > known.now) {
        return deferred(known);
    }
    queued(known)
}

fn deferred(known: &Known<'_>) -> Explanation {
    let row = &known.found.row;
    with_last_words(
        says(
            format!(
                "It was not accepted in {}; it is given up after {}.",
                attempts(row.attempts),
                known.attempts_max
            ),
            format!("Attempt {} is made at the time beside.", row.attempts + 1),
            row.next_attempt_at,
        ),
        known,
    )
}

/// Every relay of its way out is Down.
fn relay_down(known: &Known<'_>) -> Explanation {
    let waits = known.situation.waits;
    let gives_up = waits.map(|waits| waits.since.plus(known.max_wait));
    let mut explanation = says(
        "The e-mail server that it leaves through is down.",
        "It is sent as soon as the server is back; waiting costs it no attempts. At the time beside it is given up.",
        gives_up,
    );
    for relay in &known.relays {
        let state = match relay.state {
            HealthState::Up => "up",
            HealthState::Down => "down",
            HealthState::Probing => "being tried with one message",
        };
        let since = relay.since.map_or_else(String::new, |at| format!(" since {at}"));
        let said = relay
            .last_error
            .as_ref()
            .map_or_else(String::new, |reply| format!(": {reply}"));
        explanation
            .evidence
            .push(format!("the relay {} is {state}{since}{said}", relay.name));
    }
    explanation
}

/// It is due.
fn queued(known: &Known<'_>) -> Explanation {
    let ahead = known.situation.waits.and_then(|waits| waits.ahead);
    let sentence = match ahead {
        Some(0) => "It is due and the next of its sender and kind.".to_owned(),
        Some(Waits::AHEAD_MAX..) => {
            format!(
                "It is due, behind {} or more of its sender and kind.",
                Waits::AHEAD_MAX
            )
        }
        Some(1) => "It is due, behind one message of its sender and kind.".to_owned(),
        Some(n) => format!("It is due, behind {n} messages of its sender and kind."),
        None => "It is due and waits for its turn.".to_owned(),
    };
    let mut explanation = with_last_words(
        says(
            sentence,
            "It is sent when its turn comes: senders take turns, so others' many letters do not delay it.",
            None,
        ),
        known,
    );
    for relay in &known.relays {
        explanation.evidence.push(format!(
            "the relay {} is up, with {} connections open",
            relay.name, relay.connections
        ));
    }
    explanation
}
