//! What a session's answers say of the relay's own limits, before they are judged as failures (SPEC D8).

use std::io::ErrorKind;

use postroom_domain::classify::SmtpPhase;
use postroom_domain::{Progress, Throttle, throttle};
use postroom_smtp::client::{Answers, Cause, Outcome as Spoken, Phase, SessionError};
use postroom_smtp::reply::Reply as SmtpReply;

use super::said::{phase, spoken};

/// A limit of the relay that a session met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Limited {
    /// Nobody was given the message: it is as if it had not been tried. `worked` is what the relay does take.
    Message {
        /// The limit.
        throttle: Throttle,
        /// What the relay does take.
        worked: u32,
    },
    /// The relay took the transaction's other recipients.
    Recipients {
        /// The limit.
        throttle: Throttle,
        /// How many it took.
        accepted: usize,
        /// The places of those that are to be tried in a further transaction.
        places: Vec<usize>,
    },
}

/// Finds the limit that a transaction met; `None` where it met none.
pub(crate) fn limited(said: &Spoken, progress: Progress) -> Option<Limited> {
    match said {
        Spoken::Finished(answers) => in_answers(answers, progress),
        Spoken::Failed(error) => Some(Limited::Message {
            throttle: limit_of(error, progress)?,
            worked: carried(progress),
        }),
        Spoken::Uncertain(_) | Spoken::Untried(_) | Spoken::Unsendable(_) => None,
    }
}

/// The places of recipients that were more than the relay takes in one transaction: had it taken the
/// content, a further transaction would have named them.
pub(crate) fn over_limit(answers: &Answers) -> Vec<usize> {
    let mut progress = Progress::default();
    let mut places = Vec::new();
    for (place, reply) in answers.recipients.iter().enumerate() {
        if reply.is_success() {
            progress.accepted += 1;
        } else if throttle(SmtpPhase::Rcpt, Some(&spoken(reply)), progress) == Some(Throttle::Recipients) {
            places.push(place);
        }
    }
    places
}

/// Finds the limit for which a session ended or was not opened. What is known of our own side (a name without address, a
/// certificate, a token) is no limit, nor is a fault of this machine.
pub(crate) fn limit_of(error: &SessionError, progress: Progress) -> Option<Throttle> {
    let at = phase(error.phase);
    if let Some(reply) = error.reply() {
        return throttle(at, Some(&spoken(reply)), progress);
    }
    let is_lost = match &error.cause {
        Cause::Closed | Cause::Timeout(_) => true,
        Cause::Io(error) => is_loss(error.kind()),
        Cause::Unresolved { .. }
        | Cause::Refused(_)
        | Cause::Unexpected(_)
        | Cause::Garbage(_)
        | Cause::Tls(_)
        | Cause::Forbidden { .. }
        | Cause::Token(_)
        | Cause::PlainTextBehindStartTls
        | Cause::Missing(_) => false,
    };
    if is_lost {
        throttle(at, None, progress)
    } else {
        None
    }
}

/// Whether the other side, or the way to it, ended a connection.
fn is_loss(kind: ErrorKind) -> bool {
    [
        ErrorKind::ConnectionRefused,
        ErrorKind::ConnectionReset,
        ErrorKind::ConnectionAborted,
        ErrorKind::BrokenPipe,
        ErrorKind::UnexpectedEof,
        ErrorKind::TimedOut,
    ]
    .contains(&kind)
}

fn in_answers(answers: &Answers, progress: Progress) -> Option<Limited> {
    let says = |phase: SmtpPhase, reply: &SmtpReply, accepted: usize| {
        throttle(phase, Some(&spoken(reply)), Progress { accepted, ..progress })
    };
    let whole = |throttle, worked| Some(Limited::Message { throttle, worked });
    if !answers.mail.is_success() {
        return whole(says(SmtpPhase::Mail, &answers.mail, 0)?, carried(progress));
    }
    let (mut accepted, mut places, mut first) = (0, Vec::new(), None);
    for (place, reply) in answers.recipients.iter().enumerate() {
        if reply.is_success() {
            accepted += 1;
        } else if let Some(throttle) = says(SmtpPhase::Rcpt, reply, accepted) {
            first.get_or_insert(throttle);
            places.push(place);
        }
    }
    let taken = match &answers.data {
        Some((_, reply)) if reply.is_success() => true,
        Some((at, reply)) => {
            let at = if matches!(at, Phase::Data) {
                SmtpPhase::Data
            } else {
                SmtpPhase::Content
            };
            if let Some(throttle) = says(at, reply, accepted) {
                return whole(throttle, u32::try_from(accepted / 2).unwrap_or(u32::MAX));
            }
            false
        }
        None => false,
    };
    let throttle = first?;
    if taken {
        return Some(Limited::Recipients {
            throttle,
            accepted,
            places,
        });
    }
    if accepted > 0 {
        // The content was refused: that is the message's failure, whatever its recipients met.
        return None;
    }
    whole(throttle, 0)
}

fn carried(progress: Progress) -> u32 {
    u32::try_from(progress.carried).unwrap_or(u32::MAX)
}

/// Finds the limit for which a relay ended a session with these words instead of answering MAIL.
pub(crate) fn limit_in(words: &SmtpReply, progress: Progress) -> Option<Throttle> {
    throttle(SmtpPhase::Mail, Some(&spoken(words)), progress)
}

/// The reply that refused a transaction as a whole.
pub(crate) fn refusal(said: &Spoken) -> Option<&SmtpReply> {
    match said {
        Spoken::Finished(answers) if !answers.mail.is_success() => Some(&answers.mail),
        Spoken::Finished(answers) => match &answers.data {
            Some((_, reply)) => Some(reply),
            None => answers.recipients.first(),
        },
        Spoken::Failed(error) => error.reply(),
        Spoken::Uncertain(_) | Spoken::Untried(_) | Spoken::Unsendable(_) => None,
    }
}

/// Writes a limit into the log.
pub(crate) fn log(relay: &str, throttle: Throttle, reply: Option<&SmtpReply>) {
    let code = reply.map_or(0, |reply| reply.code);
    let enhanced = reply.and_then(|reply| spoken(reply).enhanced);
    tracing::info!(
        relay.name = relay,
        limit = throttle.name(),
        reply.code = code,
        reply.enhanced = enhanced.map(|enhanced| enhanced.to_string()),
        "relay limit reached; lowering the load, message returned untried"
    );
}
