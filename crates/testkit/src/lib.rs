//! Postroom: for tests only: a scripted relay, certificates and messages.
//!
//! Everything here panics when it cannot do its part: that is a test's failure, and the message says which part.
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test kit has nobody to return an error to; its users are tests"
)]

pub mod identity;
pub mod message;
pub mod relay;
