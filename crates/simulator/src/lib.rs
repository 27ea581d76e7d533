//! The engine and the real SQLite store under a clock that jumps from event to event: days pass in a second, and every
//! seed does the same again.
//!
//! ```text
//! seed ──plan──▶ Case { setup, events } ──world──▶ engine + store + relays ──judge──▶ violations, trace, coverage
//!                   ▲                                                                      │
//!                   └────────────── shrink: fewer events that still fail ◀─────────────────┘
//! ```
//!
//! One runtime of one thread with a paused clock and no I/O driver; connections are pipes, relays are scripts that
//! know what is truly bad and for whom. A kill drops the runtime and the store and opens the file again.
//!
//! Not simulated: TLS, HTTP, DNS, argon2, MIME, SQLite's crash safety, the kernel's TCP.

pub mod case;
pub mod chance;
mod clock;
pub mod coverage;
mod faults;
mod judge;
mod letters;
mod network;
mod pipe;
pub mod plan;
mod relay;
mod script;
pub mod shrink;
mod world;

pub use judge::{Rule, Violation};
pub use world::{Report, run, run_until};
