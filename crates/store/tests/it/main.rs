//! The store's behaviours, the same for every backend.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a case that meets what it does not expect fails"
)]

mod build;
mod conformance;
mod sqlite;
