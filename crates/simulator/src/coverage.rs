//! What runs have reached.

use std::collections::BTreeMap;
use std::fmt;

use postroom_domain::MessageState;

/// How often each thing was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage(BTreeMap<(&'static str, String), u64>);

impl Coverage {
    /// Notes that something of a table was seen.
    pub fn see(&mut self, table: &'static str, what: impl Into<String>) {
        self.see_times(table, what, 1);
    }

    /// Notes that something was seen so often.
    pub fn see_times(&mut self, table: &'static str, what: impl Into<String>, times: u64) {
        *self.0.entry((table, what.into())).or_default() += times;
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        for ((table, what), times) in &other.0 {
            *self.0.entry((table, what.clone())).or_default() += times;
        }
    }

    /// What of [`wanted`] was never seen.
    pub fn missing(&self) -> Vec<String> {
        wanted()
            .into_iter()
            .filter(|key| !self.0.contains_key(key))
            .map(|(table, what)| format!("{table}: {what}"))
            .collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = "";
        for ((table, what), times) in &self.0 {
            if *table != last {
                writeln!(f, "{table}")?;
                last = table;
            }
            writeln!(f, "  {times:>9}  {what}")?;
        }
        for what in self.missing() {
            writeln!(f, "          0  {what}")?;
        }
        Ok(())
    }
}

/// The table of events by the states of the mail that they met.
pub(crate) const EVENTS: &str = "state by event";
/// The table of faults by the states of the mail that was there meanwhile.
pub(crate) const FAULTS: &str = "fault by state";

/// How a pair of a table of two is called.
pub(crate) fn pair(what: &str, state: MessageState) -> String {
    format!("{what} / {}", state.name())
}

/// What a soak has to reach.
pub fn wanted() -> Vec<(&'static str, String)> {
    let unfinished = || MessageState::ALL.into_iter().filter(|state| !state.is_final());
    let pairs = |table, of: &'static [&'static str]| {
        let all = of
            .iter()
            .flat_map(move |what| unfinished().map(|state| pair(what, state)));
        all.map(move |what| (table, what)).collect::<Vec<_>>()
    };
    let listed = LISTED
        .iter()
        .flat_map(|(table, all)| all.iter().map(|what| (*table, (*what).to_owned())));
    listed
        .chain(pairs(EVENTS, MET))
        .chain(pairs(FAULTS, FAULTY))
        .collect()
}

/// Events that mail of every state has to meet.
const MET: &[&str] = &[
    "Submit",
    "Relay",
    "Hold",
    "Release",
    "Requeue",
    "Delete",
    "Flush",
    "Pause",
    "Resume",
    "PauseSending",
    "ResumeSending",
    "Limits",
    "Settings",
    "Kill",
    "Stop",
    "Clock",
    "Store",
    "Descriptors",
];

/// Faults during which mail of every state has to be there.
const FAULTY: &[&str] = &[
    "Refuses",
    "Unreachable",
    "Rejects",
    "Mute",
    "Full",
    "WantsSignIn",
    "SilentAtDot",
    "ClosesAfterDot",
    "Dark",
    "limit of connections",
    "limit of recipients",
    "limit of messages",
    "one sender refused",
    "one sender's content closes",
    "dead address",
    "busy address",
    "clock wrong",
    "no descriptors",
    "store Slow",
    "store Full",
    "store Unavailable",
    "store LosesAnswers",
];

/// Everything else that a soak has to reach.
const LISTED: &[(&str, &[&str])] = &[
    (
        "actions",
        &[
            "hold: Done",
            "hold: Sending",
            "release: Done",
            "release: WrongState",
            "requeue: Done",
            "requeue: OverLimit",
            "delete: Done",
            "delete: Sending",
        ],
    ),
    (
        "alerts",
        &[
            "smtp_failed",
            "server_down",
            "server_up",
            "limit_reached",
            "undeliverable",
            "damaged",
        ],
    ),
    ("ends", &["expired", "damaged"]),
    ("explained", &["deferred: Its next attempt tries the server"]),
    ("fair share", &["went between others' mail"]),
    (
        "results of attempts",
        &["Deferred", "Failed", "Partial", "Sent", "Uncertain"],
    ),
    (
        "state after state",
        &[
            "queued > sending",
            "queued > sent",
            "queued > deferred",
            "queued > held",
            "queued > failed",
            "sending > queued",
            "sending > deferred",
            "sending > sent",
            "deferred > sending",
            "deferred > queued",
            "deferred > sent",
            "deferred > failed",
            "deferred > held",
            "held > queued",
            "held > sent",
            "scheduled > sent",
            "scheduled > held",
            "failed > queued",
        ],
    ),
    (
        "refusals of relays",
        &[
            "421 at an address",
            "421 connections",
            "432 connections",
            "closed connections",
            "messages of a session",
            "452 recipients",
            "452 storage",
            "530 sign-in",
            "550 recipient",
            "550 sender",
            "451 grey",
            "554 greeting",
            "no greeting",
            "no answer to a connection",
            "no descriptor",
            "connection refused",
            "closed in content",
            "silent at the dot",
            "closed after the dot",
        ],
    ),
    ("edges of health", &["down", "up"]),
];
