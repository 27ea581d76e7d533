//! Mail that has ended.

use postroom_domain::{FailureCause, RecipientState, plain};
use postroom_store::RecipientDetail;

use super::{Explained, Known, attempts, says, with_last_words};

/// Recipients that are named one by one.
const NAMED_MAX: usize = 20;

pub(super) fn sent(known: &Known<'_>) -> Explained {
    let relay = match known.relays.as_slice() {
        [relay] => format!("The relay {}", relay.name),
        _ => "The relay".to_owned(),
    };
    let mut explanation = says(
        format!("{relay} has accepted it for every recipient; Sent says no more than that."),
        "Nothing: what happens behind the relay is not known here. A later failure comes to the sender as a letter.",
        None,
    );
    if let Some(at) = known.found.row.sent_on {
        explanation
            .evidence
            .push(format!("the last acceptance was at {at}"));
    }
    explanation
}

/// Mail of which something stored is damaged.
fn damaged() -> Explained {
    let (what, advice) = FailureCause::Damaged.words();
    let mut explanation = says(
        what,
        "Nothing by itself. The administrators of the System Office have been told.",
        None,
    );
    explanation.advice = Some(advice.to_owned());
    explanation
}

pub(super) fn failed(known: &Known<'_>) -> Explained {
    let row = &known.found.row;
    let recipients = &known.found.recipients;
    let lost: Vec<&RecipientDetail> = recipients
        .iter()
        .filter(|one| one.state == RecipientState::Failed)
        .collect();
    if known.situation.cause == Some(FailureCause::Damaged) {
        return damaged();
    }
    let whom = match (lost.len(), recipients.len()) {
        (lost, all) if lost == all => "".to_owned(),
        (lost, all) => format!(" for {lost} of its {all} recipients; the others have it"),
    };
    let rule = if row.attempts >= known.attempts_max {
        format!("It was given up after {}{whom}.", attempts(row.attempts))
    } else if row.error.as_ref().is_some_and(|reply| reply.code == 0) && row.attempts == 0 {
        format!("It found no relay that was up for too long and was given up{whom}.")
    } else {
        format!("It was refused for good after {}{whom}.", attempts(row.attempts))
    };
    let mut explanation = with_last_words(
        says(
            rule,
            "Nothing by itself: fix the cause and send it again with Resend Failed E-mail.",
            None,
        ),
        known,
    );
    for one in lost.iter().take(NAMED_MAX) {
        let Some(reply) = &one.reply else { continue };
        let meaning = plain::plain(reply).map_or("", |meaning| meaning.what);
        explanation.evidence.push(
            format!("{}: {reply} {meaning}", one.address)
                .trim_end()
                .to_owned(),
        );
    }
    if lost.len() > NAMED_MAX {
        explanation
            .evidence
            .push(format!("and {} more recipients", lost.len() - NAMED_MAX));
    }
    if explanation.advice.is_none()
        && let Some(reply) = &row.error
    {
        explanation.advice = Some(FailureCause::of(None, reply).words().1.to_owned());
    }
    explanation
}
