//! From a leased message to a transaction, and from the relay's answers to what is written down.

mod held;
mod judge;
mod limited;
mod prepare;
mod recorder;
mod room;
mod said;

pub(crate) use held::HeldLease;
#[cfg(test)]
pub(crate) use judge::RelayFailure;
pub(crate) use judge::{Judge, Judgement, LocalTrouble, Signal, ended_damaged, untried};
pub(crate) use limited::{Limited, limit_in, limit_of, limited, log as log_limit, refusal};
pub(crate) use prepare::{BoxedJob, prepare};
pub(crate) use recorder::Recorder;
pub(crate) use room::JobRoom;
