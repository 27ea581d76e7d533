//! From a leased message to a transaction, and from the relay's answers to what is written down.

mod judge;
mod prepare;
mod recorder;

pub(crate) use judge::{Judge, Judgement, Signal, given_back};
pub(crate) use prepare::{Job, prepare};
pub(crate) use recorder::Recorder;
