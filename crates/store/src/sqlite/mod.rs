//! The embedded store: one SQLite file, one writer, a pool of readers.
//!
//! Time that the store measures is tokio's: the real one on its own threads, virtual in a runtime with a paused clock.
//!
//! Architecture invariant: nothing outside the writer writes, and nothing inside it waits for anything but the disk.

mod actions;
mod administration;
mod ahead;
mod alert_rows;
mod alerts;
mod arms;
mod audit;
mod bulk;
mod cells;
mod check;
mod checkpoint;
mod clock_moves;
mod codes;
mod content_read;
mod counts;
mod deeds;
mod depth;
mod detail;
mod drafts;
mod edit;
mod enqueue;
mod error;
mod facts;
mod failures;
mod faults;
mod files;
#[doc(hidden)]
pub mod fill;
mod find;
mod forecast;
mod group;
mod handle;
mod high_water;
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
mod measurements;
mod merge;
mod migrate;
mod names;
mod open;
mod outcomes;
mod page;
mod pauses;
mod people;
mod people_rows;
mod probe;
mod promote;
mod queue;
mod read_ahead;
mod readers;
mod relay_states;
mod room;
mod rows;
mod search;
mod settings;
mod settle;
mod situation;
mod sort;
mod space;
mod tally;
mod text;
mod throttles;
mod upkeep;
mod warm;
mod words;
mod writer;

pub use faults::{WriteFault, WriteFaults, WriteOperation, WritePriority};
pub use open::{SqliteOptions, SqliteStore, Threads};
