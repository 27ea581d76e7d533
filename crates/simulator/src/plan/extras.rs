//! What many seeds have besides their scenes, so that each rule and each state meets what it is about.

use super::*;

impl Plan {
    /// What many seeds have besides.
    pub(super) fn extras(&mut self, end: u64) {
        if self.dice.percent(40) {
            let (at, office) = (self.dice.below(end), self.office());
            self.share(at, office);
        }
        if self.dice.percent(25) {
            let (at, office) = (self.dice.below(end), self.office());
            self.damage(at, office);
        }
        if self.dice.percent(40) {
            let (at, office) = (self.dice.below(end), self.office());
            self.everything_waits(at, office);
        }
    }

    /// The disk damages what waits for relays that are bad, and for its time.
    fn damage(&mut self, at: u64, office: u8) {
        let relays = [office * 2, office * 2 + 1];
        let sender = self.sender(office);
        self.plain(at + SECOND, office, sender, 12);
        self.outage(at, office, &relays, 20 * MINUTE);
        let most = self.dice.pick(&[1, 4]);
        self.at(at + 5 * MINUTE, Event::Damage { office, most });
    }

    /// One sender's many and then another's single one.
    fn share(&mut self, at: u64, office: u8) {
        let senders = self.setup.offices.get(usize::from(office)).copied().unwrap_or(1);
        if senders < 2 {
            return;
        }
        let many = self.sender(office);
        let single = (many + 1) % senders;
        let count = self.dice.pick(&[50, 70]);
        self.plain(at, office, many, count);
        let later = self.dice.pick(&[300, 2_000, 10_000]);
        self.plain(at + later, office, single, 1);
    }

    /// Mail of every state waits while something happens.
    fn everything_waits(&mut self, at: u64, office: u8) {
        let sender = self.sender(office);
        let long = self.dice.pick(&[5 * MINUTE, 40 * MINUTE]);
        for relay in [office * 2, office * 2 + 1] {
            let bad = self.bad();
            self.turn(at, relay, bad);
            self.turn(at + long, relay, Turn::Good);
        }
        self.plain(at + SECOND, office, sender, 9);
        for (later_s, to) in [(7_200, Recipients::Good), (0, Recipients::Grey)] {
            self.letters += 3;
            let event = Event::Submit {
                office,
                sender,
                count: 3,
                recipients: 1,
                to,
                sort: Sort::Letter,
                later_s,
            };
            self.at(at + SECOND, event);
        }
        self.at(at + 20 * SECOND, Event::Hold { part: 1 });
        let (happens, ends) = self.happening(office, sender);
        let at = at + MINUTE;
        self.at(at, happens);
        self.at(at + MINUTE, ends);
        let past_limits = self.dice.percent(50);
        self.at(at + 2 * MINUTE, Event::Release { past_limits });
    }

    /// Something that happens to everything, and what ends it.
    fn happening(&mut self, office: u8, sender: u8) -> (Event, Event) {
        let sender = Some(sender);
        let fault = self.dice.pick(&[
            StoreTurn::Slow,
            StoreTurn::Full,
            StoreTurn::Unavailable,
            StoreTurn::LosesAnswers,
        ]);
        let relay = office * 2;
        self.dice.pick(&[
            (Event::Kill { off_s: 20 }, Event::Flush),
            (Event::Stop { off_s: 20 }, Event::Flush),
            (Event::Delete { office, most: 1 }, Event::Flush),
            (Event::Requeue { office, most: 1 }, Event::Flush),
            (Event::Limits { user: 20, system: 0 }, Event::Flush),
            (
                Event::Settings {
                    relay,
                    connections: 2,
                },
                Event::Flush,
            ),
            (Event::Pause { office, sender }, Event::Resume { office, sender }),
            (Event::PauseSending, Event::ResumeSending),
            (
                Event::Descriptors { gone: true },
                Event::Descriptors { gone: false },
            ),
            (
                Event::Clock { wrong_by_min: 60 },
                Event::Clock { wrong_by_min: 0 },
            ),
            (
                Event::Store { fault },
                Event::Store {
                    fault: StoreTurn::Well,
                },
            ),
            (
                Event::Store { fault },
                Event::Store {
                    fault: StoreTurn::Well,
                },
            ),
        ])
    }
}
