//! From a leased message to a transaction, and from the relay's answers to what is written down.

mod held;
mod judge;
mod prepare;
mod recorder;

pub(crate) use held::HeldLease;
pub(crate) use judge::{Judge, Judgement, LocalTrouble, Signal, untried};
pub(crate) use prepare::{BoxedJob, prepare};
pub(crate) use recorder::Recorder;
