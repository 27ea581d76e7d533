//! The embedded store: one SQLite file, one writer thread, a pool of readers.
//!
//! Architecture invariant: nothing outside [`writer`] writes, and nothing inside it waits for anything but the disk.

mod checkpoint;
mod error;
mod group;
mod inbox;
mod kept;
mod lanes;
mod migrate;
mod open;
mod readers;
mod tally;
mod writer;

pub use open::{SqliteOptions, SqliteStore};
