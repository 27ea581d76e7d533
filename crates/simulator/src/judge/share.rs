//! Fair share: a sender's single message does not wait behind another's many.

use std::collections::BTreeMap;

use super::*;
use crate::case::Sort;
use crate::letters::Sender;

/// Messages of others that may go before a single one, beyond those on the wire when it came.
const OTHERS_MAX: u64 = 20;

/// A single message that waits for its turn.
#[derive(Debug, Clone)]
pub(super) struct Single {
    id: MessageId,
    number: u32,
    sender: Sender,
    office: u8,
    since: Duration,
    /// Messages that were on the wire when it came.
    on_wire: u64,
    /// When others' messages went since.
    others: Vec<Duration>,
}

impl Single {
    /// How many of others went before its own turn came, where a relay saw its own at `begun`: a message that has its turn
    /// is still on its way for as long as the relay takes to open a session.
    fn behind(&self, begun: Duration, opening: Duration) -> u64 {
        let turn = begun.saturating_sub(opening);
        self.others.iter().filter(|at| **at < turn).count() as u64
    }
}

/// What relays of an office saw of its senders, in the order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// A transaction of this sender began.
    Begun(Sender),
    /// A message of this sender was taken.
    Taken(Sender),
}

impl Judge {
    /// Watches a message that was accepted while its sender had nothing else under way.
    pub(super) fn watch_share(&mut self, id: MessageId, letter: Letter, on_wire: u64, now: Duration) {
        let alone = !self
            .open
            .values()
            .any(|known| known.letter.sender == letter.sender);
        // Notices take turns by office, not by the person who caused them.
        if alone && letter.sort != Sort::Notice {
            self.singles.push(Single {
                id,
                number: letter.number,
                sender: letter.sender,
                office: letter.office,
                since: now,
                on_wire,
                others: Vec::new(),
            });
        }
    }

    /// Somebody acted on mail, or the process ended: what was watched is no measure any more.
    pub(crate) fn forget_shares(&mut self) {
        self.singles.clear();
    }

    /// A sender handed in more: theirs is no single message any more.
    pub(crate) fn forget_share_of(&mut self, sender: Sender) {
        self.singles.retain(|single| single.sender != sender);
    }

    /// Counts what an office's relays saw, in the order of time.
    pub(super) fn shares(&mut self, sight: &Sight<'_>, office: u8, mut seen: Vec<(Duration, Seen)>) {
        seen.sort_by_key(|(at, _)| *at);
        let mut begun = BTreeMap::new();
        for (at, seen) in seen {
            let of_office = self.singles.iter_mut().filter(|single| single.office == office);
            for single in of_office.filter(|single| single.since <= at) {
                match seen {
                    Seen::Begun(sender) if sender == single.sender => {
                        begun.entry(single.id).or_insert(at);
                    }
                    Seen::Taken(sender) if sender != single.sender && !begun.contains_key(&single.id) => {
                        single.others.push(at);
                    }
                    Seen::Begun(_) | Seen::Taken(_) => {}
                }
            }
        }
        let (went, wait): (Vec<_>, Vec<_>) = std::mem::take(&mut self.singles)
            .into_iter()
            .partition(|single| begun.contains_key(&single.id));
        self.singles = wait;
        for single in went {
            if !single.others.is_empty() {
                self.coverage.see("fair share", "went between others' mail");
            }
            let at = begun.get(&single.id).copied().unwrap_or_default();
            self.judge_share(sight, &single, at);
        }
    }

    /// Judges a message that a relay saw at a time, or had not seen by then; says whether that is fair.
    fn judge_share(&mut self, sight: &Sight<'_>, single: &Single, at: Duration) -> Share {
        let others = single.behind(at, opening(sight, single.office));
        if others <= OTHERS_MAX + single.on_wire {
            return Share::Fair;
        }
        let what = format!(
            "letter {}, alone of its sender, waited for {others} of others, with {} on the wire when it came",
            single.number, single.on_wire
        );
        self.broken(Rule::FairShare, sight.clock.elapsed(), what);
        Share::Unfair
    }

    /// No single message has waited for too many others.
    pub(super) fn judge_shares(&mut self, sight: &Sight<'_>) {
        for single in std::mem::take(&mut self.singles) {
            let share = self.judge_share(sight, &single, sight.clock.elapsed());
            let waits = self
                .open
                .get(&single.id)
                .is_some_and(|known| known.state == MessageState::Queued);
            if waits && share == Share::Fair {
                self.singles.push(single);
            }
        }
    }
}

/// Whether a message had its turn in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Share {
    Fair,
    Unfair,
}

/// How long the slower of an office's relays takes from the connection to the first message.
fn opening(sight: &Sight<'_>, office: u8) -> Duration {
    let relays = sight.relays.iter().skip(usize::from(office) * 2).take(2);
    let latency = relays.map(|relay| relay.state().setup.latency_ms).max();
    Duration::from_millis(latency.unwrap_or_default() * 8)
}
