//! The store contract of Postroom and its backends.
//!
//! The contract ([`contract`]) speaks in intents, one transaction each; no connection, SQL or row type leaves the
//! crate. Hot operations take batches. Every backend returns the same [`StoreError`] and passes the same conformance
//! suite.

pub mod contract;
mod error;
pub mod sqlite;

pub use contract::*;
pub use error::StoreError;
pub use sqlite::{
    SqliteOptions, SqliteStore, Threads, WriteFault, WriteFaults, WriteOperation, WritePriority,
};
