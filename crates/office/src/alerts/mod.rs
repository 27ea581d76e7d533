//! Raises alerts from facts (DESIGN invariant 14) and mails them to those who chose so.
//!
//! [`AlertDesk::step`] does a bounded part of what there is to do and can be cut off anywhere: facts are passed in the
//! transaction that raises their alerts, and an alert counts each fact once. [`run()`] is the thin loop around it.

mod desk;
mod plan;
mod run;
mod snapshot;

pub use desk::{AlertDesk, AlertSettings, Stepped};
pub use run::run;
pub use snapshot::ServerRelay;
