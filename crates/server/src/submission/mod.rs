//! Mail coming in by SMTP (SPEC I3): the listeners, and what they ask the office and the intake.

mod admission;
mod handler;
mod listeners;
mod words;

pub use handler::Door;
pub use listeners::{Listeners, SubmissionError};
