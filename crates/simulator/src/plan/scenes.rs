//! What can go wrong, each as a few events.

use super::*;

/// What can go wrong in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Scene {
    #[default]
    Rhythm,
    Outage,
    OutageAndTry,
    Dark,
    Resets,
    Connections,
    RecipientsAndMessages,
    Sender,
    Addresses,
    OffDuringOutage,
    Expiry,
    Clock,
    Store,
    Descriptors,
    Kill,
    Hold,
    Pause,
    People,
    Limits,
    Settings,
}

const SCENES: [Scene; 20] = [
    Scene::Rhythm,
    Scene::Outage,
    Scene::OutageAndTry,
    Scene::Dark,
    Scene::Resets,
    Scene::Connections,
    Scene::RecipientsAndMessages,
    Scene::Sender,
    Scene::Addresses,
    Scene::OffDuringOutage,
    Scene::Expiry,
    Scene::Clock,
    Scene::Store,
    Scene::Descriptors,
    Scene::Kill,
    Scene::Hold,
    Scene::Pause,
    Scene::People,
    Scene::Limits,
    Scene::Settings,
];

/// A random part of the scenes: what is always there hides what is rare.
pub(super) fn scenes(dice: &mut Dice) -> Vec<Scene> {
    let share = dice.pick(&[15, 30, 60, 100]);
    let mut some: Vec<Scene> = SCENES.iter().copied().filter(|_| dice.percent(share)).collect();
    if some.is_empty() {
        some.push(dice.pick(&SCENES));
    }
    some
}

impl Plan {
    pub(super) fn scene(&mut self, at: u64) {
        let scenes = self.scenes.clone();
        let office = self.office();
        match self.dice.pick(&scenes) {
            Scene::Rhythm => self.rhythm(at, office),
            Scene::Outage => {
                let (relays, long) = (self.relays_of(office), self.how_long());
                self.outage(at, office, &relays, long);
            }
            Scene::OutageAndTry => self.outage_and_try(at, office),
            Scene::Dark => self.dark(at, office),
            Scene::Resets => self.resets(at, office),
            Scene::Connections => self.connections(at, office),
            Scene::RecipientsAndMessages => self.recipients_and_messages(at, office),
            Scene::Sender => self.one_sender(at, office),
            Scene::Addresses => self.addresses(at, office),
            Scene::OffDuringOutage => self.off_during_outage(at, office),
            Scene::Expiry => {
                let relays = [office * 2, office * 2 + 1];
                let wait = self.setup.max_wait_min * MINUTE;
                let sender = self.sender(office);
                self.plain(at + MINUTE, office, sender, 40);
                self.outage(at, office, &relays, wait + 3 * HOUR);
            }
            Scene::Clock => self.clock(at, office),
            Scene::Store => self.store(at, office),
            Scene::Descriptors => {
                let sender = self.sender(office);
                self.at(at, Event::Descriptors { gone: true });
                self.plain(at + SECOND, office, sender, 10);
                let long = self.dice.pick(&[20 * SECOND, 10 * MINUTE]);
                self.at(at + long, Event::Descriptors { gone: false });
            }
            Scene::Kill => self.kill(at, office),
            Scene::Hold => {
                let part = u8::try_from(self.dice.below(3)).unwrap_or(0);
                self.burst(at.saturating_sub(500));
                self.at(at, Event::Hold { part });
                let long = self.how_long();
                let past_limits = self.dice.percent(30);
                self.at(at + long, Event::Release { past_limits });
            }
            Scene::Pause => self.pause(at, office),
            Scene::People => self.people(at, office),
            Scene::Limits => {
                let (user, system) = (self.dice.pick(&[0, 5, 20, 100]), self.dice.pick(&[0, 0, 30, 200]));
                self.at(at, Event::Limits { user, system });
                self.burst(at + SECOND);
                self.burst(at + MINUTE);
            }
            Scene::Settings => {
                let relay = office * 2 + u8::try_from(self.dice.below(2)).unwrap_or(0);
                let connections = self.dice.pick(&[1, 2, 5, 20]);
                self.burst(at.saturating_sub(300));
                self.at(at, Event::Settings { relay, connections });
            }
        }
    }

    /// The relay's host loses power while mail is on its way.
    fn dark(&mut self, at: u64, office: u8) {
        let long = self.dice.pick(&[15 * SECOND, 2 * MINUTE]);
        self.burst(at.saturating_sub(SECOND));
        let sender = self.sender(office);
        self.plain(at.saturating_sub(300), office, sender, 25);
        for relay in self.relays_of(office) {
            self.turn(at, relay, Turn::Dark);
            self.turn(at + long, relay, Turn::Good);
        }
    }

    fn resets(&mut self, at: u64, office: u8) {
        let sender = self.sender(office);
        self.plain(at, office, sender, 20);
        for relay in self.relays_of(office) {
            let at = at + self.dice.below(3 * SECOND);
            self.turn(at, relay, Turn::Resets);
        }
    }

    /// Letters that come just when connections have been idle for long enough.
    pub(super) fn rhythm(&mut self, at: u64, office: u8) {
        let idle = self
            .setup
            .relays
            .get(usize::from(office) * 2)
            .map_or(60, |relay| relay.idle_s);
        let mut at = at;
        for _ in 0..self.dice.between(3, 8) {
            let sender = self.sender(office);
            let count = self.dice.pick(&[1, 3, 10]);
            self.plain(at, office, sender, count);
            at += idle * SECOND + self.dice.below(3 * SECOND);
        }
    }

    /// An outage, and somebody who asks for a try when it is over.
    pub(super) fn outage_and_try(&mut self, at: u64, office: u8) {
        let relays = [office * 2, office * 2 + 1];
        let long = self.dice.pick(&[10 * MINUTE, 40 * MINUTE, 3 * HOUR]);
        let sender = self.sender(office);
        self.plain(at + SECOND, office, sender, 8);
        let over = self.outage(at, office, &relays, long);
        let asked = over + self.dice.between(1, 60) * SECOND;
        let event = if self.dice.percent(70) {
            Event::Requeue { office, most: 5 }
        } else {
            Event::Flush
        };
        self.at(asked, event);
    }

    pub(super) fn connections(&mut self, at: u64, office: u8) {
        let long = self.dice.pick(&[10 * MINUTE, HOUR, 6 * HOUR]);
        for relay in self.relays_of(office) {
            let turn = Turn::MostConnections {
                most: self.dice.pick(&[1, 2, 3]),
                says: self.dice.pick(&[
                    ConnectionsLimit::Greeting,
                    ConnectionsLimit::Mail,
                    ConnectionsLimit::Close,
                ]),
            };
            self.turn(at, relay, turn);
            self.turn(at + long, relay, Turn::Good);
        }
        for n in 0..3 {
            let sender = self.sender(office);
            self.plain(at + n * 20 * SECOND, office, sender, 20);
        }
    }

    pub(super) fn recipients_and_messages(&mut self, at: u64, office: u8) {
        let long = self.dice.pick(&[10 * MINUTE, HOUR, 6 * HOUR]);
        let relays = [office * 2, office * 2 + 1];
        let limits_recipients = self.dice.percent(50);
        for relay in relays {
            let turn = if limits_recipients {
                Turn::MostRecipients {
                    most: self.dice.pick(&[1, 5]),
                }
            } else {
                Turn::MostMessages {
                    most: self.dice.pick(&[1, 3]),
                    says: self.dice.pick(&[MessagesLimit::Mail, MessagesLimit::Close]),
                }
            };
            self.turn(at, relay, turn);
            self.turn(at + long, relay, Turn::Good);
        }
        for n in 0..4 {
            let sender = self.sender(office);
            self.letters += 4;
            let event = Event::Submit {
                office,
                sender,
                count: 4,
                recipients: 12,
                to: Recipients::Good,
                sort: Sort::Letter,
                later_s: 0,
            };
            self.at(at + SECOND + n * 30 * SECOND, event);
        }
    }

    /// One person's mail is refused, or the connection closed on it; the others' is not.
    pub(super) fn one_sender(&mut self, at: u64, office: u8) {
        let sender = self.sender(office);
        let long = self.dice.pick(&[10 * MINUTE, HOUR, 6 * HOUR]);
        let refuses = self.dice.percent(50);
        for relay in [office * 2, office * 2 + 1] {
            let turn = if refuses {
                Turn::RefusesSender { office, sender }
            } else {
                Turn::ClosesOnSender { office, sender }
            };
            self.turn(at, relay, turn);
            self.turn(at + long, relay, Turn::Good);
        }
        let count = self.dice.pick(&[3, 6, 12]);
        self.plain(at + SECOND, office, sender, count);
        for n in 0..3 {
            let other = self.sender(office);
            self.plain(at + 2 * SECOND + n * MINUTE, office, other, 3);
        }
    }

    pub(super) fn addresses(&mut self, at: u64, office: u8) {
        let long = self.how_long();
        for relay in [office * 2, office * 2 + 1] {
            let address = u8::try_from(self.dice.below(2)).unwrap_or(0);
            let turn = if self.dice.percent(50) {
                Turn::DeadAddress { address }
            } else {
                Turn::BusyAddress { address }
            };
            self.turn(at, relay, turn);
            self.turn(at + long, relay, Turn::Good);
        }
        let sender = self.sender(office);
        self.plain(at + SECOND, office, sender, 15);
    }

    /// The relays are bad, the process is off for longer than mail may wait, and the relays are good again.
    pub(super) fn off_during_outage(&mut self, at: u64, office: u8) {
        let off = self.setup.max_wait_min * MINUTE + self.dice.pick(&[MINUTE, HOUR]);
        let relays = [office * 2, office * 2 + 1];
        let sender = self.sender(office);
        self.plain(at + SECOND, office, sender, 12);
        let down = self.dice.pick(&[5 * MINUTE, 9 * MINUTE]);
        for relay in relays {
            let bad = self.bad();
            self.turn(at, relay, bad);
            self.turn(at + down + off / 2, relay, Turn::Good);
        }
        let off_s = off / SECOND;
        let event = if self.dice.percent(50) {
            Event::Kill { off_s }
        } else {
            Event::Stop { off_s }
        };
        self.at(at + down, event);
    }

    pub(super) fn clock(&mut self, at: u64, office: u8) {
        let minutes = self.dice.pick(&[60, 1_440, 43_200]);
        let ahead = self.dice.percent(50);
        let wrong_by_min = if ahead { minutes } else { -minutes };
        let long = self.dice.pick(&[10 * SECOND, MINUTE, 20 * MINUTE]);
        self.burst(at.saturating_sub(SECOND));
        if self.dice.percent(50) {
            let relays = self.relays_of(office);
            self.outage(at.saturating_sub(MINUTE), office, &relays, long + 2 * MINUTE);
        }
        self.at(at, Event::Clock { wrong_by_min });
        self.burst(at + 2 * SECOND);
        self.at(at + long, Event::Clock { wrong_by_min: 0 });
        self.burst(at + long + SECOND);
    }

    pub(super) fn store(&mut self, at: u64, office: u8) {
        let fault = self.dice.pick(&[
            StoreTurn::Slow,
            StoreTurn::Full,
            StoreTurn::Unavailable,
            StoreTurn::LosesAnswers,
        ]);
        let sender = self.sender(office);
        self.plain(at.saturating_sub(300), office, sender, 10);
        self.at(at, Event::Store { fault });
        self.plain(at + SECOND, office, sender, 5);
        let long = self.dice.pick(&[5 * SECOND, 2 * MINUTE, 20 * MINUTE]);
        let fault = StoreTurn::Well;
        self.at(at + long, Event::Store { fault });
    }

    pub(super) fn kill(&mut self, at: u64, office: u8) {
        let sender = self.sender(office);
        let before = self.dice.pick(&[0, 50, 400, 2_000]);
        self.plain(at.saturating_sub(before), office, sender, 15);
        let off_s = self.dice.pick(&[1, 30, 600, 20_000]);
        let event = if self.dice.percent(70) {
            Event::Kill { off_s }
        } else {
            Event::Stop { off_s }
        };
        self.at(at, event);
    }

    pub(super) fn pause(&mut self, at: u64, office: u8) {
        let long = self.how_long();
        self.burst(at.saturating_sub(500));
        if self.dice.percent(30) {
            self.at(at, Event::PauseSending);
            self.burst(at + SECOND);
            self.at(at + long, Event::ResumeSending);
            return;
        }
        let sender = self.dice.percent(50).then(|| self.sender(office));
        self.at(at, Event::Pause { office, sender });
        self.burst(at + SECOND);
        self.at(at + long, Event::Resume { office, sender });
    }

    pub(super) fn people(&mut self, at: u64, office: u8) {
        self.burst(at.saturating_sub(2 * SECOND));
        let most = self.dice.pick(&[1, 5, 30]);
        let event = if self.dice.percent(60) {
            Event::Requeue { office, most }
        } else {
            Event::Delete { office, most }
        };
        self.at(at, event);
    }

    /// Both or one of an office's relays are bad for a while; answers until when.
    pub(super) fn outage(&mut self, at: u64, office: u8, relays: &[u8], long: u64) -> u64 {
        for &relay in relays {
            let bad = self.bad();
            self.turn(at, relay, bad);
            self.turn(at + long, relay, Turn::Good);
        }
        for n in 0..4 {
            let sender = self.sender(office);
            let at = at + self.dice.below(long.max(1)) * n / 4;
            let count = self.dice.pick(&[1, 2, 4]);
            self.plain(at, office, sender, count);
        }
        at + long
    }

    pub(super) fn bad(&mut self) -> Turn {
        self.dice.pick(&[
            Turn::Refuses,
            Turn::Unreachable,
            Turn::Rejects,
            Turn::Mute,
            Turn::Full,
            Turn::WantsSignIn,
            Turn::SilentAtDot,
            Turn::ClosesAfterDot,
            Turn::Dark,
        ])
    }

    pub(super) fn how_long(&mut self) -> u64 {
        self.dice
            .pick(&[15 * SECOND, MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR, 5 * HOUR])
    }
}
