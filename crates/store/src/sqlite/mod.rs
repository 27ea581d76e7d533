//! The embedded store: one SQLite file, one writer thread, a pool of readers.
//!
//! Architecture invariant: nothing outside the writer writes, and nothing inside it waits for anything but the disk.

mod actions;
mod administration;
mod arms;
mod audit;
mod bulk;
mod cells;
mod check;
mod checkpoint;
mod codes;
mod content_read;
mod counts;
mod deeds;
mod depth;
mod detail;
mod edit;
mod enqueue;
mod error;
mod facts;
#[doc(hidden)]
pub mod fill;
mod find;
mod forecast;
mod group;
mod hold;
mod inbox;
mod jobs;
mod jump;
mod kept;
mod kept_counts;
mod lanes;
mod layouts;
mod lease;
mod limit_settings;
mod limits;
mod limits_read;
mod list;
mod load;
mod local;
mod matcher;
mod merge;
mod migrate;
mod open;
mod outcomes;
mod page;
mod pauses;
mod people;
mod people_rows;
mod probe;
mod promote;
mod queue;
mod readers;
mod relay_states;
mod room;
mod rows;
mod search;
mod settle;
mod situation;
mod sort;
mod tally;
mod text;
mod upkeep;
mod words;
mod writer;

pub use open::{SqliteOptions, SqliteStore};
