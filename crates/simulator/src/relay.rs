//! A relay as the world knows it: its ways, what it has taken, and when it was truly bad.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postroom_domain::health::ONE_CONTENT_WAIT;

use crate::case::{ConnectionsLimit, MessagesLimit, RelaySetup, Turn};
use crate::letters::Sender;
use crate::pipe::Link;

/// A relay; it outlives the process.
#[derive(Debug, Clone)]
pub(crate) struct Relay(Arc<Mutex<RelayState>>);

/// What everybody's mail meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Bad {
    /// Nothing: it behaves.
    #[default]
    No,
    Refuses,
    Unreachable,
    Rejects,
    Mute,
    Full,
    WantsSignIn,
    SilentAtDot,
    ClosesAfterDot,
    Dark,
}

/// A relay's ways.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ways {
    pub(crate) bad: Bad,
    pub(crate) connections: Option<(u32, ConnectionsLimit)>,
    pub(crate) recipients: Option<u32>,
    pub(crate) messages: Option<(u32, MessagesLimit)>,
    pub(crate) refused: BTreeSet<Sender>,
    pub(crate) closed_on: BTreeSet<Sender>,
    pub(crate) dead_address: Option<u8>,
    pub(crate) busy_address: Option<u8>,
}

impl Ways {
    /// What is wrong with it or limits it now.
    pub(crate) fn faults(&self, addresses: u8) -> Vec<String> {
        let dead = |place: Option<u8>| place.is_some_and(|place| place < addresses);
        let named = [
            (self.connections.is_some(), "limit of connections"),
            (self.recipients.is_some(), "limit of recipients"),
            (self.messages.is_some(), "limit of messages"),
            (!self.refused.is_empty(), "one sender refused"),
            (!self.closed_on.is_empty(), "one sender's content closes"),
            (dead(self.dead_address), "dead address"),
            (dead(self.busy_address), "busy address"),
        ];
        let bad = (self.bad != Bad::No).then(|| format!("{:?}", self.bad));
        let named = named.into_iter().filter(|(is_so, _)| *is_so);
        bad.into_iter()
            .chain(named.map(|(_, name)| name.to_owned()))
            .collect()
    }

    /// Whether nobody's mail can go at all.
    fn is_bad(&self, addresses: u8) -> bool {
        let dead = |place: Option<u8>| place.is_some_and(|place| place < addresses);
        let lost = u8::from(dead(self.dead_address))
            + u8::from(dead(self.busy_address) && self.busy_address != self.dead_address);
        self.bad != Bad::No || lost >= addresses
    }
}

/// A message as a relay took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) letter: u32,
    pub(crate) sender: Option<Sender>,
    pub(crate) recipients: Vec<String>,
    pub(crate) at: Duration,
}

/// What an answer shows to somebody who knows nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Showed {
    /// It works.
    Works,
    /// It refuses this sender's mail.
    Refuses(Sender),
    /// It hangs up on this sender's mail.
    HangsUp(Sender),
}

/// Everything about a relay.
#[derive(Debug)]
pub(crate) struct RelayState {
    pub(crate) setup: RelaySetup,
    pub(crate) ways: Ways,
    /// When it was truly bad: from, and until.
    bad_times: Vec<(Duration, Option<Duration>)>,
    pub(crate) open: BTreeMap<u64, Link>,
    /// Connections of a host that lost power.
    lost: Vec<Link>,
    connections: u64,
    /// What its answers showed, in the order of time.
    showed: Vec<(Duration, Showed)>,
    /// Whose mail alone suffers or suffered, and until when.
    suffers: BTreeMap<Sender, Option<Duration>>,
    /// Taken and not yet looked at by the world.
    pub(crate) taken: Vec<Taken>,
    /// Tries of those who are to try again.
    pub(crate) grey: BTreeMap<(u32, String), u32>,
    /// When it last reset every connection.
    pub(crate) reset_at: Option<Duration>,
    /// When somebody last dialled it.
    pub(crate) dialled: Option<Duration>,
    /// When somebody last dialled it or said something to it.
    pub(crate) heard: Option<Duration>,
    /// Whose transactions began, not yet looked at by the world.
    pub(crate) begun: Vec<(Duration, Sender)>,
    /// Refusals, by name.
    pub(crate) refusals: BTreeMap<&'static str, u64>,
}

impl Relay {
    pub(crate) fn new(setup: RelaySetup) -> Self {
        Self(Arc::new(Mutex::new(RelayState {
            setup,
            ways: Ways::default(),
            bad_times: Vec::new(),
            open: BTreeMap::new(),
            lost: Vec::new(),
            connections: 0,
            showed: Vec::new(),
            suffers: BTreeMap::new(),
            taken: Vec::new(),
            grey: BTreeMap::new(),
            reset_at: None,
            dialled: None,
            heard: None,
            begun: Vec::new(),
            refusals: BTreeMap::new(),
        })))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, RelayState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RelayState {
    /// Changes its ways.
    pub(crate) fn turn(&mut self, turn: &Turn, now: Duration) {
        let mut momentary = false;
        match turn {
            Turn::Good => {
                self.ways = Ways::default();
                for until in self.suffers.values_mut() {
                    until.get_or_insert(now);
                }
                self.lost.drain(..).for_each(|link| link.forget());
            }
            Turn::Refuses => self.ways.bad = Bad::Refuses,
            Turn::Unreachable => self.ways.bad = Bad::Unreachable,
            Turn::Rejects => self.ways.bad = Bad::Rejects,
            Turn::Mute => self.ways.bad = Bad::Mute,
            Turn::Full => self.ways.bad = Bad::Full,
            Turn::WantsSignIn => self.ways.bad = Bad::WantsSignIn,
            Turn::SilentAtDot => self.ways.bad = Bad::SilentAtDot,
            Turn::ClosesAfterDot => self.ways.bad = Bad::ClosesAfterDot,
            Turn::Dark => {
                self.ways.bad = Bad::Dark;
                for link in std::mem::take(&mut self.open).into_values() {
                    link.go_dark();
                    self.lost.push(link);
                }
            }
            Turn::Resets => {
                momentary = true;
                self.reset_at = Some(now);
                self.open.values().for_each(Link::reset);
            }
            Turn::MostConnections { most, says } => self.ways.connections = Some((*most, *says)),
            Turn::MostRecipients { most } => self.ways.recipients = Some(*most),
            Turn::MostMessages { most, says } => self.ways.messages = Some((*most, *says)),
            Turn::RefusesSender { office, sender } => {
                self.ways.refused.insert(Sender::of(*office, *sender));
                self.suffers.insert(Sender::of(*office, *sender), None);
            }
            Turn::ClosesOnSender { office, sender } => {
                self.ways.closed_on.insert(Sender::of(*office, *sender));
                self.suffers.insert(Sender::of(*office, *sender), None);
            }
            Turn::DeadAddress { address } => self.ways.dead_address = Some(*address),
            Turn::BusyAddress { address } => self.ways.busy_address = Some(*address),
        }
        self.note(momentary, now);
    }

    fn note(&mut self, momentary: bool, now: Duration) {
        let bad = self.ways.is_bad(self.setup.addresses);
        match self.bad_times.last_mut() {
            Some((_, until @ None)) if !bad => *until = Some(now),
            Some((_, None)) => {}
            _ if bad => self.bad_times.push((now, None)),
            _ if momentary => self.bad_times.push((now, Some(now))),
            _ => {}
        }
    }

    /// Whether it is truly bad.
    pub(crate) fn is_bad(&self) -> bool {
        self.ways.is_bad(self.setup.addresses)
    }

    /// Whether it was truly bad at any time of `from..=to`.
    pub(crate) fn was_bad(&self, from: Duration, to: Duration) -> bool {
        let overlaps =
            |&(began, until): &(Duration, Option<Duration>)| began <= to && until.is_none_or(|u| u >= from);
        self.bad_times.iter().any(overlaps)
    }

    /// Whether this sender's mail suffered at any time from then on.
    pub(crate) fn was_bad_for(&self, sender: Sender, from: Duration) -> bool {
        let until = self.suffers.get(&sender);
        until.is_some_and(|until| until.is_none_or(|until| until >= from))
    }

    /// Whether some sender's mail suffered at any time from then on.
    pub(crate) fn was_bad_for_some(&self, from: Duration) -> bool {
        let mut times = self.suffers.values();
        times.any(|until| until.is_none_or(|until| until >= from))
    }

    /// Notes what an answer shows.
    pub(crate) fn shows(&mut self, showed: Showed, now: Duration) {
        self.showed.push((now, showed));
    }

    /// Whether nobody could tell at that time that not everybody's mail suffers: since its last good answer three messages
    /// met the same, of two senders, or of one for so long that there is nothing else to go by.
    pub(crate) fn seemed_bad(&self, at: Duration) -> bool {
        // What it has said, and what has arrived, differ by what is under way.
        let heard = at.saturating_sub(Duration::from_millis(self.setup.latency_ms * 2));
        let (mut refused, mut hung_up): (Vec<_>, Vec<_>) = Default::default();
        for &(when, showed) in self.showed.iter().rev().filter(|(when, _)| *when <= at) {
            match showed {
                Showed::Works if when <= heard => break,
                Showed::Works => {}
                Showed::Refuses(sender) => refused.push((when, sender)),
                Showed::HangsUp(sender) => hung_up.push((when, sender)),
            }
        }
        let of_two = |of: &[(Duration, Sender)]| {
            let first = of.first().map(|(_, sender)| *sender);
            of.len() >= 3 && of.iter().any(|(_, sender)| Some(*sender) != first)
        };
        let lasts = hung_up
            .last()
            .is_some_and(|(when, _)| *when + ONE_CONTENT_WAIT <= at);
        of_two(&refused) || of_two(&hung_up) || (hung_up.len() >= 3 && lasts)
    }

    /// Since when it has behaved; `None` while it does not.
    pub(crate) fn good_since(&self) -> Option<Duration> {
        match self.bad_times.last() {
            None => Some(Duration::ZERO),
            Some((_, until)) => *until,
        }
    }

    /// Names a connection.
    pub(crate) fn connect(&mut self, link: Link) -> u64 {
        self.connections += 1;
        self.open.insert(self.connections, link);
        self.connections
    }

    /// Whether a connection is one too many.
    pub(crate) fn is_over(&self, connection: u64) -> Option<ConnectionsLimit> {
        let (most, says) = self.ways.connections?;
        let before = self.open.range(..connection).count();
        (u32::try_from(before).unwrap_or(u32::MAX) >= most).then_some(says)
    }

    /// Whether it still knows a connection.
    pub(crate) fn knows(&self, connection: u64) -> bool {
        self.open.contains_key(&connection)
    }

    /// Counts a refusal.
    pub(crate) fn refused(&mut self, name: &'static str) {
        *self.refusals.entry(name).or_default() += 1;
    }

    /// The process is gone, and its connections with it.
    pub(crate) fn process_gone(&mut self) {
        self.open.clear();
        self.lost.clear();
    }
}
