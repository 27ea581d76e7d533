//! The sessions as their users meet them: over a stream, against a peer that may misbehave.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test's helpers may fail the test"
)]

mod client;
mod codec;
mod server;
