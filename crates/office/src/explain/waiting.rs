//! Mail that is on its way.

use std::time::Duration;

use postroom_domain::health::{HealthState, attempts_to_probe_early, given_up_at};
use postroom_domain::{MessageState, RouteId, Timestamp};
use postroom_engine::RelayStatus;
use postroom_store::Waits;

use super::{Explained, Known, Service, attempts, says, with_last_words};

pub(super) fn scheduled(known: &Known<'_>) -> Explained {
    // Its time may have come while no relay was Up: it waits for that, like what is due.
    if known.found.row.send_at.is_some_and(|at| at <= known.now) {
        return outbox(known);
    }
    says(
        "Its time to be sent has not come.",
        "It is sent, and counted for the daily limits, when its time comes; until then it can be cancelled.",
        known.found.row.send_at,
    )
}

pub(super) fn sending(known: &Known<'_>) -> Explained {
    let number = known.found.row.attempts + 1;
    let mut explanation = says(
        format!(
            "Attempt {number} of {} is under way right now.",
            known.attempts_max
        ),
        "The relay's answer decides.",
        None,
    );
    if let Some(at) = known.situation.waits.and_then(|waits| waits.under_way_since) {
        explanation.evidence.push(format!("under way since {at}"));
    }
    if let [relay] = known.relays.as_slice() {
        explanation.evidence.push(format!(
            "it is handed to the relay {} ({})",
            relay.name, relay.address
        ));
    }
    explanation
}

/// Queued and deferred mail.
pub(super) fn outbox(known: &Known<'_>) -> Explained {
    if let Some((reason, next)) = service_is_not_on(known.service) {
        return with_last_words(says(reason, next, None), known);
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
                "An administrator has to set the SMTP server in the Office Settings of the System Office, or in the server configuration."
            } else {
                "An administrator has to set the SMTP server in the Office Settings."
            }
            .to_owned(),
        );
        return explanation;
    }
    if !known.relays.iter().any(RelayStatus::is_fit) {
        let is_refused = known.relays.iter().all(|relay| relay.state == HealthState::Up);
        return if is_refused {
            refused(known)
        } else {
            relay_down(known)
        };
    }
    let row = &known.found.row;
    if row.state == MessageState::Deferred && row.next_attempt_at.is_some_and(|at| at > known.now) {
        return deferred(known);
    }
    queued(known)
}

/// Why no mail is sent at all, and when it will be.
const fn service_is_not_on(service: Service) -> Option<(&'static str, &'static str)> {
    match service {
        Service::On => None,
        Service::Paused => Some((
            "Sending is paused in the server configuration.",
            "The message is kept, and is sent once sending is resumed there.",
        )),
        Service::Off => Some((
            "The e-mail queue is disabled in the server configuration.",
            "It is kept, and sent once the queue is enabled again.",
        )),
    }
}

fn deferred(known: &Known<'_>) -> Explained {
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

/// What is said of mail that has had half of its attempts.
const OWN_TRY: &str =
    "Its next attempt tries the server, or sooner if other mail gets through or you choose Resend";

/// The same where its wait ends before.
const GIVEN_UP_FIRST: &str =
    "Postroom stops trying when its wait ends, unless other mail gets through or you choose Resend first";

/// Connections to every relay of its route are not allowed.
fn refused(known: &Known<'_>) -> Explained {
    let mut explanation = says(
        "Connections to the e-mail server that it leaves through are not allowed.",
        "It is kept, and sent once they are; waiting costs no attempts.",
        None,
    );
    explanation.evidence = known.relays.iter().map(|relay| load(relay, known.now)).collect();
    explanation.advice = Some(
        "An administrator has to correct the host in the SMTP settings, or have its network allowed in the server \
         configuration (allow_relay_networks under [network])."
            .to_owned(),
    );
    explanation
}

/// Every relay of its route is Down, or connections to it are not allowed.
fn relay_down(known: &Known<'_>) -> Explained {
    // What was scheduled begins to wait once it is queued.
    let waits = known
        .situation
        .waits
        .filter(|_| known.found.row.state != MessageState::Scheduled);
    let gives_up = waits.map(|waits| gives_up_at(waits, &known.relays, known.max_wait));
    let (next, next_at) = next_try(&known.relays, known.now);
    let is_probing = known
        .relays
        .iter()
        .any(|relay| relay.state == HealthState::Probing);
    let own = own_try(known)
        .filter(|&at| !is_probing && at > known.now && next_at.is_none_or(|next_at| next_at < at));
    let (next, next_at) = match (own, gives_up) {
        (Some(at), Some(gives_up)) if gives_up <= at => (GIVEN_UP_FIRST, Some(gives_up)),
        (Some(at), _) => (OWN_TRY, Some(at)),
        (None, _) => (next, next_at),
    };
    let mut explanation = says(
        "The e-mail server that it leaves through is down.",
        format!("{next}; once it answers, the waiting mail is sent. Waiting costs no attempts."),
        next_at,
    );
    let known_of = |relay: &RelayStatus| match relay.state {
        HealthState::Up => vec![load(relay, known.now)],
        HealthState::Down | HealthState::Probing => outage(relay, known.now),
    };
    explanation
        .evidence
        .extend(known.relays.iter().flat_map(known_of));
    let gives_up = gives_up.map(|at| format!("it is given up at {at}, should the server stay down"));
    explanation.evidence.extend(gives_up);
    explanation
}

/// The time of a message that keeps the attempts which it has left, and tries a relay that is Down no earlier.
fn own_try(known: &Known<'_>) -> Option<Timestamp> {
    let row = &known.found.row;
    let keeps = row.state == MessageState::Deferred
        && u32::from(row.attempts) >= attempts_to_probe_early(u32::from(known.attempts_max));
    row.next_attempt_at.filter(|_| keeps)
}

/// When the next message tries a route whose relays are Down.
pub(super) fn next_try(relays: &[RelayStatus], now: Timestamp) -> (&'static str, Option<Timestamp>) {
    if relays.iter().any(|relay| relay.state == HealthState::Probing) {
        return ("One message is trying the server right now", None);
    }
    match relays.iter().filter_map(|relay| relay.next_probe_at).min() {
        Some(at) if at > now => (
            "One message tries the server at the time beside, or at once with Resend",
            Some(at),
        ),
        Some(_) | None => ("One message tries the server next", None),
    }
}

/// The end of the wait, by the same rule as the engine's: no relay has taken mail since the last of them went Down or was
/// refused, and time in which no server ran, or sending was paused, does not count.
pub(super) fn gives_up_at(waits: Waits, relays: &[RelayStatus], max_wait: Duration) -> Timestamp {
    let down_since = relays.iter().filter_map(RelayStatus::unfit_since).max();
    given_up_at(waits.since, down_since.unwrap_or(waits.since), max_wait)
}

/// What is known of a relay that is not Up.
pub(super) fn outage(relay: &RelayStatus, now: Timestamp) -> Vec<String> {
    let name = &relay.name;
    let since = relay.since.map_or_else(String::new, |at| format!(" since {at}"));
    let said = relay
        .last_error
        .as_ref()
        .map_or_else(String::new, |reply| format!(": {reply}"));
    let mut evidence = vec![format!("the relay {name} is down{since}{said}")];
    if relay.state == HealthState::Probing {
        evidence.push(format!("one message is trying the relay {name} right now"));
    } else if let Some(at) = relay.next_probe_at.filter(|&at| at > now) {
        evidence.push(format!("nothing tries the relay {name} before {at}"));
    }
    evidence
}

/// What is known of a relay of mail that is due.
pub(super) fn load(relay: &RelayStatus, now: Timestamp) -> String {
    let (name, open) = (&relay.name, relay.connections);
    if let (HealthState::Up, Some(trouble)) = (relay.state, &relay.last_error) {
        return format!("the relay {name} is not used at the moment: {trouble}");
    }
    match (relay.state, relay.full_load_at.filter(|&at| at > now)) {
        (HealthState::Up, None) => format!("the relay {name} is up, with {open} connections open"),
        (HealthState::Up, Some(at)) => {
            format!(
                "the relay {name} is up again: its load grows until {at}, with {open} connections open now"
            )
        }
        (HealthState::Down | HealthState::Probing, _) => format!("the relay {name} is down"),
    }
}

/// It is due.
fn queued(known: &Known<'_>) -> Explained {
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
    let relays = known.relays.iter();
    explanation
        .evidence
        .extend(relays.map(|relay| load(relay, known.now)));
    explanation
}
