//! Whether a relay is fit for mail (SPEC D4, DESIGN invariant 19), as a pure state machine.
//!
//! | state | what happens | next | edge |
//! | --- | --- | --- | --- |
//! | up | a failure, and the row shows no outage ([`evidence`]) | up | |
//! | up | a failure, and the row shows an outage | down | went down |
//! | up | the relay took or judged a message | up, a new row | |
//! | down | its probe is due and one starts | probing | |
//! | down, probing | failure of a message that was under way | the same | |
//! | probing | the probe fails | down, the next probe later | |
//! | probing | the probe's sender is refused, and the outage is not about senders | up, the load ramps | came up |
//! | probing | the probe is given back untried | down, a probe is due at once | |
//! | down | somebody wants waiting mail tried | down, a probe is due at once | |
//! | down, probing | the relay took or judged a message | up, the load ramps | came up |
//!
//! Every edge is returned once; who receives it raises the one alert and makes the waiting mail due.

pub mod evidence;
mod known;

use std::time::Duration;

use self::evidence::Row;
pub use self::evidence::{FAILURES_TO_GO_DOWN, FailedAt, FailedMessage, ONE_CONTENT_WAIT, ONE_SENDER_WAIT};
use self::known::KnownFailures;
use crate::clock::Timestamp;
use crate::id::{MessageId, UserId};
use crate::outcome::Reply;
use crate::retry::Chance;

/// How far a probe's interval strays to either side, in percent.
pub const PROBE_JITTER_PERCENT: u8 = 10;
/// How long mail waits for a relay to come Up before it fails, unless configured otherwise.
pub const MAX_WAIT_DEFAULT: Duration = Duration::from_hours(24);

/// The times of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthPolicy {
    /// The wait before the first probe.
    pub probe_first: Duration,
    /// The longest wait between probes.
    pub probe_longest: Duration,
    /// How long the load takes to grow to all connections after the relay came up.
    pub ramp: Duration,
}

impl Default for HealthPolicy {
    fn default() -> Self {
        Self {
            probe_first: Duration::from_secs(30),
            probe_longest: Duration::from_mins(10),
            ramp: Duration::from_secs(30),
        }
    }
}

/// The health of one relay as one node sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayHealth {
    policy: HealthPolicy,
    state: State,
    last_probe: Option<MessageId>,
    failures: KnownFailures,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Up { since: Option<Timestamp>, row: Row },
    Down(Outage),
    Probing { outage: Outage, message: MessageId },
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Outage {
    since: Timestamp,
    /// The last failure; not known of an outage that was found.
    failed: Option<FailedMessage>,
    /// Whose mail alone failed in it; `None` where it was that of several, or is not known.
    only: Option<UserId>,
    error: Reply,
    interval: Duration,
    next_probe_at: Timestamp,
}

/// What a relay is shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthState {
    /// Mail goes to it.
    Up,
    /// Nothing goes to it until a probe is due.
    Down,
    /// One message tries it.
    Probing,
}

/// A change that concerns people; each is returned once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthEdge {
    /// The relay went Down (A2).
    WentDown {
        /// When.
        since: Timestamp,
        /// The failure that did it.
        error: Reply,
    },
    /// The relay is Up again (A3).
    CameUp {
        /// When it had gone Down.
        down_since: Timestamp,
        /// When it came Up.
        at: Timestamp,
    },
}

impl RelayHealth {
    /// A relay that nothing is known against: Up, with all its connections at once.
    pub fn new(policy: HealthPolicy) -> Self {
        let state = State::Up {
            since: None,
            row: Row::default(),
        };
        Self {
            policy,
            state,
            last_probe: None,
            failures: KnownFailures::default(),
        }
    }

    /// A relay that was Down when the node stopped, or that another node found Down: a probe is due at once.
    pub fn found_down(policy: HealthPolicy, since: Timestamp, error: Reply, now: Timestamp) -> Self {
        let outage = Outage {
            since,
            failed: None,
            only: None,
            error,
            interval: policy.probe_first,
            next_probe_at: now,
        };
        Self {
            policy,
            state: State::Down(outage),
            last_probe: None,
            failures: KnownFailures::default(),
        }
    }

    /// Notes a failure that may be the relay's.
    pub fn relay_failed(
        &mut self,
        failed: FailedMessage,
        error: &Reply,
        now: Timestamp,
        chance: Chance,
    ) -> Option<HealthEdge> {
        let novelty = self.failures.add(failed);
        match &mut self.state {
            State::Up { row, .. } => {
                if !row.add(failed, novelty, now) {
                    return None;
                }
                let interval = self.policy.probe_first;
                let only = row.only_sender();
                self.state = State::Down(Outage {
                    since: now,
                    failed: Some(failed),
                    only,
                    error: error.clone(),
                    interval,
                    next_probe_at: now.plus(chance.spread(interval, PROBE_JITTER_PERCENT)),
                });
                Some(HealthEdge::WentDown {
                    since: now,
                    error: error.clone(),
                })
            }
            State::Probing { outage, message } if *message == failed.id => {
                let is_other_fault = failed.at == FailedAt::Sender
                    && outage.failed.is_some_and(|last| last.at != FailedAt::Sender);
                if is_other_fault {
                    return self.relay_answered(now);
                }
                let interval = (outage.interval * 2).min(self.policy.probe_longest);
                self.state = State::Down(Outage {
                    since: outage.since,
                    failed: Some(failed),
                    only: outage.only.filter(|&only| only == failed.sender),
                    error: error.clone(),
                    interval,
                    next_probe_at: now.plus(chance.spread(interval, PROBE_JITTER_PERCENT)),
                });
                None
            }
            State::Down(outage) | State::Probing { outage, .. } => {
                outage.only = outage.only.filter(|&only| only == failed.sender);
                None
            }
        }
    }

    /// Notes that the relay answered for a message: took it, or refused it for the message's or a recipient's sake.
    pub fn relay_answered(&mut self, now: Timestamp) -> Option<HealthEdge> {
        self.failures.answered();
        match &mut self.state {
            State::Up { row, .. } => {
                row.clear();
                None
            }
            State::Down(outage) | State::Probing { outage, .. } => {
                let down_since = outage.since;
                self.state = State::Up {
                    since: Some(now),
                    row: Row::default(),
                };
                Some(HealthEdge::CameUp { down_since, at: now })
            }
        }
    }

    /// Whether one message may try a relay that is Down.
    pub fn probe_is_due(&self, now: Timestamp) -> bool {
        matches!(&self.state, State::Down(outage) if outage.next_probe_at <= now)
    }

    /// Makes the next probe due now, because somebody wants waiting mail tried. The interval stays what it is.
    pub fn probe_at_once(&mut self, now: Timestamp) {
        if let State::Down(outage) = &mut self.state {
            outage.next_probe_at = outage.next_probe_at.min(now);
        }
    }

    /// Chooses the probe among waiting messages, in rotation: the first behind the last probe, else the first of all.
    pub fn choose_probe(&self, waiting: impl IntoIterator<Item = MessageId>) -> Option<MessageId> {
        let last = self.last_probe.unwrap_or(MessageId::MIN);
        waiting
            .into_iter()
            .min_by_key(|&message| (message <= last, message))
    }

    /// Starts the probe with `message`; `false`, and nothing changed, where none is due.
    #[must_use]
    pub fn start_probe(&mut self, message: MessageId, now: Timestamp) -> bool {
        let due = self.probe_is_due(now);
        if let (true, State::Down(outage)) = (due, &self.state) {
            let outage = outage.clone();
            self.state = State::Probing { outage, message };
            self.last_probe = Some(message);
        }
        due
    }

    /// The message that probed last; the next probe is another one.
    pub const fn last_probe(&self) -> Option<MessageId> {
        self.last_probe
    }

    /// The sender whose mail failed last in a way that may be the mail's own doing: another's tells more of the relay.
    pub fn suspect(&self) -> Option<UserId> {
        let (State::Down(outage) | State::Probing { outage, .. }) = &self.state else {
            return None;
        };
        let failed = outage.failed.filter(|failed| failed.at != FailedAt::Session)?;
        Some(failed.sender)
    }

    /// Whether that sender's mail alone failed since the relay went Down, so that another's may well go.
    pub fn suspects_one(&self) -> bool {
        let (State::Down(outage) | State::Probing { outage, .. }) = &self.state else {
            return false;
        };
        outage.only.is_some()
    }

    /// Ends a probe that was given back untried: another is due at once.
    pub fn probe_given_back(&mut self, message: MessageId, now: Timestamp) {
        if let State::Probing {
            outage,
            message: probe,
        } = &self.state
            && *probe == message
        {
            let mut outage = outage.clone();
            outage.next_probe_at = now;
            self.state = State::Down(outage);
        }
    }

    /// The clock was moved by so many microseconds: what is known by it moves along.
    pub fn clock_moved(&mut self, micros: i64) {
        match &mut self.state {
            State::Up { since, row } => {
                *since = since.map(|since| since.moved(micros));
                row.clock_moved(micros);
            }
            State::Down(outage) | State::Probing { outage, .. } => {
                outage.since = outage.since.moved(micros);
                outage.next_probe_at = outage.next_probe_at.moved(micros);
            }
        }
    }

    /// What the relay is shown as.
    pub const fn state(&self) -> HealthState {
        match self.state {
            State::Up { .. } => HealthState::Up,
            State::Down(_) => HealthState::Down,
            State::Probing { .. } => HealthState::Probing,
        }
    }

    /// Since when it is down or up; `None` for a relay that has been up from the start.
    pub const fn since(&self) -> Option<Timestamp> {
        match &self.state {
            State::Up { since, .. } => *since,
            State::Down(outage) | State::Probing { outage, .. } => Some(outage.since),
        }
    }

    /// The relay's last failure while it is not Up.
    pub const fn last_error(&self) -> Option<&Reply> {
        match &self.state {
            State::Up { .. } => None,
            State::Down(outage) | State::Probing { outage, .. } => Some(&outage.error),
        }
    }

    /// When to look at it again: the next probe's time while it is Down.
    pub const fn next_probe_at(&self) -> Option<Timestamp> {
        match &self.state {
            State::Down(outage) => Some(outage.next_probe_at),
            State::Up { .. } | State::Probing { .. } => None,
        }
    }

    /// When the load has grown to all connections after the relay came up; `None` while it is not Up, and where it has
    /// been Up from the start.
    pub fn full_load_at(&self) -> Option<Timestamp> {
        match &self.state {
            State::Up { since, .. } => since.map(|since| since.plus(self.policy.ramp)),
            State::Down(_) | State::Probing { .. } => None,
        }
    }

    /// Connections that this node may open now: none while Down, one while probing, else the [`ramp`].
    pub fn connections_allowed(&self, most: u32, nodes: u32, now: Timestamp) -> u32 {
        match &self.state {
            State::Up { since, .. } => ramp(*since, now, self.policy.ramp, most, nodes),
            State::Down(_) => 0,
            State::Probing { .. } => 1,
        }
    }
}

/// The connections that one of `nodes` may hold to a relay that is up since `up_since`: one at first, then evenly
/// more until `length` has passed and it is this node's share of `most` (always at least one).
pub fn ramp(up_since: Option<Timestamp>, now: Timestamp, length: Duration, most: u32, nodes: u32) -> u32 {
    let share = (most / nodes.max(1)).max(1);
    let Some(since) = up_since else { return share };
    let passed = now.since(since);
    if passed >= length {
        return share;
    }
    let grown = u128::from(share - 1) * passed.as_micros() / length.as_micros().max(1);
    u32::try_from(grown).map_or(share, |n| n + 1)
}

/// Attempts that a message may spend on trying a relay that is Down before its own time: half of all that it has. The
/// others last it through a long outage.
pub const fn attempts_to_probe_early(attempts_max: u32) -> u32 {
    attempts_max.div_ceil(2)
}

/// Whether mail that waits since `waiting_since` has found no relay Up for `max_wait`: it then ends Failed with the
/// relay's last error (D4). A relay's outage counts from its beginning or the mail's, whichever is later.
pub fn waited_too_long(
    waiting_since: Timestamp,
    down_since: Timestamp,
    now: Timestamp,
    max_wait: Duration,
) -> bool {
    given_up_at(waiting_since, down_since, max_wait) <= now
}

/// When [`waited_too_long`] becomes true, should the relay stay Down.
pub fn given_up_at(waiting_since: Timestamp, down_since: Timestamp, max_wait: Duration) -> Timestamp {
    waiting_since.max(down_since).plus(max_wait)
}

#[cfg(test)]
mod tests;
