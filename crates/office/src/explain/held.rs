//! Mail that is kept back on purpose.

use postroom_domain::Timestamp;
use postroom_store::{Pause, PauseOf};

use super::{Explained, Holder, Known, says};

pub(super) fn held(known: &Known<'_>) -> Explained {
    let hold = known.found.row.hold.as_ref();
    let until = hold.and_then(|hold| hold.until);
    let by_itself = if until.is_some() {
        "It is released by itself at the time beside, in its order, as far as that day's limits have room."
    } else {
        "It waits until somebody releases it."
    };
    match hold.map_or("", |hold| hold.reason.as_str()) {
        "system_limit" => advised(
            says(
                "The daily limit of the whole server has been reached.",
                by_itself,
                until,
            ),
            "An administrator of the System Office can raise the limit, or release it past the limit.",
        ),
        "user_limit" => advised(
            says(
                "The daily limit of whoever sent it has been reached.",
                by_itself,
                until,
            ),
            "An administrator of the System Office can raise the limit, or release it past the limit.",
        ),
        "administrator" => by_somebody(known, by_itself, until),
        "restored" => advised(
            says(
                "It came back from a backup, and whether it had been sent meanwhile is not known.",
                by_itself,
                until,
            ),
            "Look whether the recipient has it; then release or delete it.",
        ),
        "paused" => paused(known),
        _ => says("It is held back.", by_itself, until),
    }
}

fn advised(mut explanation: Explained, advice: &str) -> Explained {
    explanation.advice = Some(advice.to_owned());
    explanation
}

fn by_somebody(known: &Known<'_>, by_itself: &str, until: Option<Timestamp>) -> Explained {
    let mut explanation = advised(
        says(
            "A Super User or an administrator holds it back.",
            by_itself,
            until,
        ),
        "A Super User or an administrator can release it.",
    );
    if let Some((holder, since)) = &known.holder {
        explanation.evidence.push(held_by(holder, *since));
    }
    explanation
}

pub(super) fn held_by(holder: &Holder, since: Timestamp) -> String {
    let whom = match holder {
        Holder::Person(name) => name.as_str(),
        Holder::Administrator => "an administrator",
        Holder::Key => "an API key",
        Holder::Operator => "the operator of the server",
    };
    format!("held by {whom} since {since}")
}

fn paused(known: &Known<'_>) -> Explained {
    let row = &known.found.row;
    let covers = |pause: &&Pause| match pause.of {
        PauseOf::Office(office) => office == row.office.0,
        PauseOf::Sender(sender) => sender == row.sender.0,
    };
    let pause = known.pauses.iter().find(covers);
    let whom = match pause.map(|pause| pause.of) {
        Some(PauseOf::Sender(_)) => format!("for {}", row.sender.1),
        Some(PauseOf::Office(_)) | None => format!("for the office {}", row.office.1),
    };
    let mut explanation = says(
        format!("Sending is paused {whom}."),
        "It is sent, in its order, once sending is resumed.",
        None,
    );
    if let Some(pause) = pause {
        let why = if pause.reason.is_empty() {
            String::new()
        } else {
            format!(": {}", pause.reason)
        };
        explanation
            .evidence
            .push(format!("paused since {}{why}", pause.since));
    }
    advised(explanation, "An administrator can resume sending.")
}
