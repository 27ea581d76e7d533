//! From a seed to a case: a world drawn to extremes, and scenes that begin at any time and run into each other.

mod extras;
mod scenes;

use crate::case::{
    Case, ConnectionsLimit, Event, MessagesLimit, Recipients, RelaySetup, Setup, Sort, StoreTurn, Timed, Turn,
};
use crate::chance::Dice;

use scenes::{Scene, scenes};

/// How much happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// Days of the run.
    pub days: u64,
    /// Messages, at least.
    pub letters: u64,
    /// Scenes with a fault, at least.
    pub faults: u64,
}

impl Scale {
    /// For a look at every commit.
    pub const SMALL: Self = Self {
        days: 1,
        letters: 150,
        faults: 12,
    };
    /// For a soak.
    pub const LARGE: Self = Self {
        days: 3,
        letters: 500,
        faults: 30,
    };
}

/// Makes another number of a seed.
const EXTRAS: u64 = 0x5e_ed0f;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// Draws a case.
pub fn plan(seed: u64, scale: Scale) -> Case {
    let mut dice = Dice::new(seed);
    let setup = setup(seed, &mut dice);
    let mut plan = Plan {
        scenes: scenes(&mut dice),
        dice,
        setup,
        events: Vec::new(),
        letters: 0,
    };
    let end = scale.days * 24 * HOUR;
    for _ in 0..scale.faults {
        let at = plan.dice.below(end);
        plan.scene(at);
    }
    while plan.letters < scale.letters {
        let at = plan.dice.below(end);
        plan.burst(at);
    }
    // From a number of their own, so that the rest of a seed stays what it was.
    plan.dice = Dice::new(seed ^ EXTRAS);
    plan.extras(end);
    plan.events.sort_by_key(|event| event.at_ms);
    Case {
        setup: plan.setup,
        events: plan.events,
    }
}

fn setup(seed: u64, dice: &mut Dice) -> Setup {
    let offices: Vec<u8> = (0..dice.between(1, 3))
        .map(|_| dice.pick(&[1, 2, 3, 5]))
        .collect();
    let relays = (0..offices.len() * 2).map(|_| relay(dice)).collect();
    Setup {
        seed,
        // Half of them never poll: whatever is done there, something told the engine of or waited for.
        look_every_s: if seed.is_multiple_of(2) { 0 } else { 600 },
        step: dice.pick(&[1, 2, 4, 8]),
        max_wait_min: dice.pick(&[10, 60, 1_440]),
        offices,
        relays,
        user_limit: dice.pick(&[0, 0, 10, 40]),
        system_limit: dice.pick(&[0, 0, 60]),
    }
}

fn relay(dice: &mut Dice) -> RelaySetup {
    RelaySetup {
        connections: dice.pick(&[1, 2, 4, 20]),
        messages_per_connection: dice.pick(&[1, 3, 1_000, 1_000]),
        idle_s: dice.pick(&[2, 60]),
        per_minute: dice.pick(&[0, 0, 0, 30]),
        addresses: dice.pick(&[1, 1, 2]),
        latency_ms: dice.pick(&[0, 1, 40, 300]),
        dot_ms: dice.pick(&[0, 10, 1_000, 8_000]),
        quit_ms: dice.pick(&[0, 80, 1_000, 4_000]),
    }
}

struct Plan {
    dice: Dice,
    setup: Setup,
    scenes: Vec<Scene>,
    events: Vec<Timed>,
    letters: u64,
}

impl Plan {
    fn at(&mut self, at_ms: u64, event: Event) {
        self.events.push(Timed { at_ms, event });
    }

    fn office(&mut self) -> u8 {
        let n = u64::try_from(self.setup.offices.len()).unwrap_or(1);
        u8::try_from(self.dice.below(n)).unwrap_or(0)
    }

    fn sender(&mut self, office: u8) -> u8 {
        let n = self.setup.offices.get(usize::from(office)).copied().unwrap_or(1);
        u8::try_from(self.dice.below(u64::from(n))).unwrap_or(0)
    }

    fn turn(&mut self, at: u64, relay: u8, turn: Turn) {
        self.at(at, Event::Relay { relay, turn });
    }

    /// The relays of an office: the first, the second, or both.
    fn relays_of(&mut self, office: u8) -> Vec<u8> {
        let first = office * 2;
        self.dice.pick(&[
            vec![first],
            vec![first, first + 1],
            vec![first, first + 1],
            vec![first + 1],
        ])
    }

    fn submit(&mut self, at: u64, office: u8, sender: u8, count: u64) {
        self.letters += count;
        let to = self.dice.pick(&[
            Recipients::Good,
            Recipients::Good,
            Recipients::Good,
            Recipients::Good,
            Recipients::Grey,
            Recipients::OneGone,
        ]);
        let recipients = match to {
            Recipients::OneGone => self.dice.pick(&[1, 3]),
            Recipients::Good | Recipients::Grey => self.dice.pick(&[1, 1, 1, 2, 12]),
        };
        let event = Event::Submit {
            office,
            sender,
            count: u16::try_from(count).unwrap_or(1),
            recipients,
            to,
            sort: self
                .dice
                .pick(&[Sort::Letter, Sort::Letter, Sort::Form, Sort::Notice]),
            later_s: self.dice.pick(&[0, 0, 0, 0, 0, 30, 7_200, 90_000]),
        };
        self.at(at, event);
    }

    fn burst(&mut self, at: u64) {
        let office = self.office();
        for _ in 0..self.dice.between(1, 3) {
            let sender = self.sender(office);
            let count = self.dice.pick(&[1, 2, 5, 12, 40]);
            let at = at + self.dice.pick(&[0, 0, 500, 20 * SECOND]);
            self.submit(at, office, sender, count);
        }
    }

    /// Plain letters that should go at once.
    fn plain(&mut self, at: u64, office: u8, sender: u8, count: u64) {
        self.letters += count;
        let event = Event::Submit {
            office,
            sender,
            count: u16::try_from(count).unwrap_or(1),
            recipients: 1,
            to: Recipients::Good,
            sort: Sort::Letter,
            later_s: 0,
        };
        self.at(at, event);
    }
}
