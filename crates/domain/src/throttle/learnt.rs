//! What has been learnt of the limits of a relay's account.
//!
//! | limit | lowered | to | raised |
//! | --- | --- | --- | --- |
//! | connections | the relay refuses one while others work | those that are left, at least one | by one, while all are in use |
//! | recipients | it accepts fewer than a transaction has | those that it accepted | by one, with a transaction of that many |
//! | messages | it refuses one more in a session | those that the session carried | by one, with a session of that many |
//! | pace | it says that mail comes too fast | what it took in the last minute, then by a quarter | by a tenth, while it is used up |
//!
//! A raise comes after a quiet time without a refusal. One that is refused doubles the quiet time, up to a limit; so a
//! limit that stands is tried ever more rarely. Refusals of connections that no answer follows teach nothing: a relay that
//! then works for nobody was going away, and what was known before holds again.
//!
//! | pace | what happens | then |
//! | --- | --- | --- |
//! | open | "too fast" | paused for a second |
//! | paused | the pause ends | open |
//! | open, after a pause | "too fast" | paused twice as long, at most a minute |
//! | open, after a pause | a message is taken | open, the next pause is a second again |

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Throttle;
use crate::clock::Timestamp;

/// The first pause after "too fast".
const PAUSE_FIRST: Duration = Duration::from_secs(1);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_mins(1);
/// A limit on recipients that has grown beyond this is forgotten; RFC 5321 §4.5.3.1.8 asks relays for 100 at least.
const RECIPIENTS_MAX: u32 = 1_000;

/// The quiet times of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Quiet {
    first: Duration,
    longest: Duration,
}

const fn quiet(throttle: Throttle) -> Quiet {
    match throttle {
        Throttle::Connections => Quiet {
            first: Duration::from_secs(5),
            longest: Duration::from_hours(1),
        },
        Throttle::Recipients | Throttle::Messages => Quiet {
            first: Duration::from_hours(1),
            longest: Duration::from_hours(24),
        },
        Throttle::Pace => Quiet {
            first: Duration::from_mins(2),
            longest: Duration::from_hours(1),
        },
    }
}

/// The limits as numbers; `None` where no limit is known. This is what is stored and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct LimitValues {
    /// Connections at a time.
    pub connections: Option<u32>,
    /// Recipients of a transaction.
    pub recipients: Option<u32>,
    /// Messages of a session.
    pub messages: Option<u32>,
    /// Messages in any minute.
    pub per_minute: Option<u32>,
}

/// A number that the relay does not let us pass, and when one more is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bound {
    value: u32,
    quiet: Duration,
    raise_at: Timestamp,
    last: Last,
}

/// What was done to a bound last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Lowered,
    Raised,
}

impl Bound {
    fn new(value: u32, throttle: Throttle, now: Timestamp) -> Self {
        let quiet = quiet(throttle).first;
        Self {
            value: value.max(1),
            quiet,
            raise_at: now.plus(quiet),
            last: Last::Lowered,
        }
    }

    fn raise(&mut self, by: u32, now: Timestamp) {
        self.value = self.value.saturating_add(by);
        self.raise_at = now.plus(self.quiet);
        self.last = Last::Raised;
    }
}

/// The limits of a relay's account as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LearntLimits {
    connections: Option<Bound>,
    recipients: Option<Bound>,
    messages: Option<Bound>,
    per_minute: Option<Bound>,
    /// The connections' bound before refusals that no answer has followed yet.
    before: Option<Option<Bound>>,
    pause: Option<Pause>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pause {
    length: Duration,
    until: Timestamp,
}

impl LearntLimits {
    /// Goes on with stored limits.
    pub fn stored(values: LimitValues, now: Timestamp) -> Self {
        let bound = |value: Option<u32>, throttle| value.map(|value| Bound::new(value, throttle, now));
        Self {
            connections: bound(values.connections, Throttle::Connections),
            recipients: bound(values.recipients, Throttle::Recipients),
            messages: bound(values.messages, Throttle::Messages),
            per_minute: bound(values.per_minute, Throttle::Pace),
            before: None,
            pause: None,
        }
    }

    /// The limits as numbers.
    pub fn values(&self) -> LimitValues {
        let value = |bound: &Option<Bound>| bound.as_ref().map(|bound| bound.value);
        LimitValues {
            connections: value(&self.connections),
            recipients: value(&self.recipients),
            messages: value(&self.messages),
            per_minute: value(&self.per_minute),
        }
    }

    /// Connections allowed of `configured` ones.
    pub fn connections(&self, configured: u32) -> u32 {
        self.connections
            .map_or(configured, |bound| bound.value.min(configured))
    }

    /// Notes a refusal that states a limit: `worked` is the number that the relay does take; for the pace, the messages
    /// that it took in the last minute.
    pub fn refused(&mut self, throttle: Throttle, worked: u32, now: Timestamp) {
        match throttle {
            Throttle::Connections => {
                if self.before.is_none() {
                    self.before = Some(self.connections);
                }
            }
            // What was on the wire when the pause began is refused too; that is one refusal.
            Throttle::Pace if self.paused_until(now).is_some() => return,
            Throttle::Pace => self.pause(now),
            Throttle::Recipients | Throttle::Messages => {}
        }
        let times = quiet(throttle);
        let slot = self.slot(throttle);
        match slot {
            None => *slot = Some(Bound::new(worked, throttle, now)),
            Some(bound) => {
                if bound.last == Last::Raised {
                    bound.quiet = (bound.quiet * 2).min(times.longest);
                }
                let to = match throttle {
                    Throttle::Pace => worked.min(bound.value - bound.value.div_ceil(4)),
                    Throttle::Connections | Throttle::Recipients | Throttle::Messages => worked,
                };
                bound.value = bound.value.min(to).max(1);
                bound.last = Last::Lowered;
                bound.raise_at = now.plus(bound.quiet);
            }
        }
    }

    /// Notes that the relay answered for a message: what its refusals taught holds, and a pause is over.
    pub fn answered(&mut self, now: Timestamp) {
        self.before = None;
        if self.pause.is_some_and(|pause| pause.until <= now) {
            self.pause = None;
        }
    }

    /// Notes that the relay works for nobody: refusals of connections that no answer followed taught nothing.
    pub fn nothing_works(&mut self) {
        if let Some(before) = self.before.take() {
            self.connections = before;
        }
    }

    /// Notes that `n` were in use at once, of at most `configured` (`None`: any number); raises the limit where it was
    /// used up and its quiet time is over.
    pub fn used(&mut self, throttle: Throttle, n: u32, configured: Option<u32>, now: Timestamp) {
        let ceiling = match throttle {
            Throttle::Recipients => RECIPIENTS_MAX,
            Throttle::Connections | Throttle::Messages | Throttle::Pace => configured.unwrap_or(u32::MAX),
        };
        let slot = self.slot(throttle);
        let Some(bound) = slot else { return };
        if n < bound.value || now < bound.raise_at {
            return;
        }
        let by = match throttle {
            Throttle::Pace => (bound.value / 10).max(1),
            Throttle::Connections | Throttle::Recipients | Throttle::Messages => 1,
        };
        bound.raise(by, now);
        if bound.value >= ceiling {
            *slot = None;
        }
    }

    /// Until when nothing is given to the relay, because mail came too fast.
    pub fn paused_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.pause.map(|pause| pause.until).filter(|until| *until > now)
    }

    /// The clock was moved by so many microseconds to show `now`: what is to be done after a time is done after the rest of
    /// it. No pause ends later than one that began now would.
    pub fn clock_moved(&mut self, micros: i64, now: Timestamp) {
        let bounds = [
            &mut self.connections,
            &mut self.recipients,
            &mut self.messages,
            &mut self.per_minute,
        ];
        for bound in bounds.into_iter().chain(&mut self.before).flatten() {
            bound.raise_at = bound.raise_at.moved(micros);
        }
        if let Some(pause) = &mut self.pause {
            pause.until = pause.until.moved(micros).min(now.plus(pause.length));
        }
    }

    fn pause(&mut self, now: Timestamp) {
        let length = match self.pause {
            Some(pause) => (pause.length * 2).min(PAUSE_MAX),
            None => PAUSE_FIRST,
        };
        self.pause = Some(Pause {
            length,
            until: now.plus(length),
        });
    }

    const fn slot(&mut self, throttle: Throttle) -> &mut Option<Bound> {
        match throttle {
            Throttle::Connections => &mut self.connections,
            Throttle::Recipients => &mut self.recipients,
            Throttle::Messages => &mut self.messages,
            Throttle::Pace => &mut self.per_minute,
        }
    }
}
