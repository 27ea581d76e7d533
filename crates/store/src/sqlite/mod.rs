//! The embedded store: one SQLite file, one writer thread, a pool of readers.
//!
//! Architecture invariant: nothing outside [`writer`] writes, and nothing inside it waits for anything but the disk.

mod arms;
mod checkpoint;
mod content_read;
mod counts;
mod detail;
mod error;
mod find;
mod group;
mod inbox;
mod jump;
mod kept;
mod kept_counts;
mod lanes;
mod list;
mod merge;
mod migrate;
mod open;
mod page;
mod people;
mod people_rows;
mod probe;
mod readers;
mod rows;
mod search;
mod tally;
mod words;
mod writer;

pub use open::{SqliteOptions, SqliteStore};
