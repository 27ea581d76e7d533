//! Fair share: a sender's single message does not wait behind another's many.

use std::collections::BTreeSet;

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
    /// Others' messages that went since.
    others: u64,
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
                others: 0,
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
    pub(super) fn shares(&mut self, office: u8, mut seen: Vec<(Duration, Seen)>, now: Duration) {
        seen.sort_by_key(|(at, _)| *at);
        let mut begun = BTreeSet::new();
        for (at, seen) in seen {
            let of_office = self.singles.iter_mut().filter(|single| single.office == office);
            for single in of_office.filter(|single| single.since <= at) {
                match seen {
                    Seen::Begun(sender) if sender == single.sender => {
                        begun.insert(single.id);
                    }
                    Seen::Taken(sender) if sender != single.sender && !begun.contains(&single.id) => {
                        single.others += 1;
                    }
                    Seen::Begun(_) | Seen::Taken(_) => {}
                }
            }
        }
        let (went, wait): (Vec<_>, Vec<_>) = std::mem::take(&mut self.singles)
            .into_iter()
            .partition(|single| begun.contains(&single.id));
        self.singles = wait;
        for single in went {
            if single.others > 0 {
                self.coverage.see("fair share", "went between others' mail");
            }
            self.judge_share(&single, now);
        }
    }

    fn judge_share(&mut self, single: &Single, now: Duration) {
        if single.others > OTHERS_MAX + single.on_wire {
            let what = format!(
                "letter {}, alone of its sender, waited for {} of others, with {} on the wire when it came",
                single.number, single.others, single.on_wire
            );
            self.broken(Rule::FairShare, now, what);
        }
    }

    /// No single message has waited for too many others.
    pub(super) fn judge_shares(&mut self, now: Duration) {
        for single in std::mem::take(&mut self.singles) {
            self.judge_share(&single, now);
            let waits = self
                .open
                .get(&single.id)
                .is_some_and(|known| known.state == MessageState::Queued);
            if waits && single.others <= OTHERS_MAX + single.on_wire {
                self.singles.push(single);
            }
        }
    }
}
