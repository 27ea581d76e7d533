//! The store's behaviours, the same for every backend.

#![allow(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where something is wrong"
)]

mod build;
mod conformance;
mod damage;
mod files;
mod filled;
mod hurry;
mod inline;
mod on_disk;
mod sqlite;
mod tamper;
mod upgrade;
