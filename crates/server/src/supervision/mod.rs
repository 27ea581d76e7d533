//! Watches the parts of the server that run as long as it does.
//!
//! A part that ends before the server stops has failed: it returned, or it panicked. What then happens is fixed for
//! each [`Part`]: it is started again, or the server stops with [`EXIT_PART_ENDED`], so that whoever supervises the
//! process starts a new one.

#[cfg(debug_assertions)]
mod fault;
mod part;
mod supervisor;

pub use part::Part;
pub use supervisor::{Failure, Supervisor};

/// Exit status of a server that stopped because a part of it had ended (`EX_SOFTWARE` of sysexits.h).
pub const EXIT_PART_ENDED: u8 = 70;
