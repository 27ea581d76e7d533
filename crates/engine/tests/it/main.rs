//! The engine over a real SQLite file and a relay on loopback.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where something is wrong"
)]

mod blame;
mod clock;
mod connections;
mod fairness;
mod house;
mod limits;
mod lost;
mod memory;
mod misbehaviour;
mod outage;
mod recovery;
mod relays;
mod schedule;
mod stopping;
mod waiting;
