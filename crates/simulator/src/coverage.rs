//! What runs have reached.

use std::collections::BTreeMap;
use std::fmt;

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

    /// What of [`WANTED`] was never seen.
    pub fn missing(&self) -> Vec<String> {
        let seen = |table: &'static str, what: &str| self.0.contains_key(&(table, what.to_owned()));
        WANTED
            .iter()
            .flat_map(|(table, all)| all.iter().map(move |what| (*table, *what)))
            .filter(|(table, what)| !seen(table, what))
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
        Ok(())
    }
}

/// What a soak has to reach.
pub const WANTED: &[(&str, &[&str])] = &[
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
            "failed > sent",
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
            "connection refused",
            "closed in content",
            "silent at the dot",
            "closed after the dot",
        ],
    ),
    ("edges of health", &["down", "up"]),
];
