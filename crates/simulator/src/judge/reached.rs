//! What a run has reached: events and faults by the states of the mail that they met.

use super::*;

impl Judge {
    /// Notes which states an event finds mail in.
    pub(crate) fn meets(&mut self, event: &str) {
        for state in self.states(|_| true) {
            self.coverage.see(coverage::EVENTS, coverage::pair(event, state));
        }
    }

    /// Notes the states of the mail that is there during a fault: of all offices, or of one.
    pub(crate) fn sees(&mut self, fault: &str, of: impl Fn(u8) -> bool) {
        for state in self.states(of) {
            self.coverage.see(coverage::FAULTS, coverage::pair(fault, state));
        }
    }

    fn states(&self, of: impl Fn(u8) -> bool) -> Vec<MessageState> {
        let some = |state: &MessageState| {
            let mut open = self.open.values();
            open.any(|known| known.state == *state && of(known.letter.office))
        };
        MessageState::ALL.into_iter().filter(some).collect()
    }

    /// Notes what is wrong now.
    pub(super) fn sees_faults(&mut self, sight: &Sight<'_>) {
        for (n, relay) in sight.relays.iter().enumerate() {
            let faults = {
                let state = relay.state();
                state.ways.faults(state.setup.addresses)
            };
            for fault in faults {
                self.sees(&fault, |office| usize::from(office) == n / 2);
            }
        }
        for fault in &sight.faults {
            self.sees(fault, |_| true);
        }
    }
}
