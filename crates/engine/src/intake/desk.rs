//! What every builder of messages needs at hand.

use postroom_domain::{Refusal, Timestamp};
use postroom_store::NewMessage;

use super::compose;
use super::draft::Draft;
use super::limits::IntakeLimits;
use super::raw::{self, RawSubmission};
use super::sender::{Directory, Principal};
use crate::random::Random;

/// Checks and builds messages without a store; [`Intake`](super::Intake) does it with one.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// The limits.
    pub limits: &'a IntakeLimits,
    /// The name of this server in Message-ID and Received.
    pub host: &'a str,
    /// The time of submission.
    pub now: Timestamp,
    /// Chance, for Message-IDs and boundaries.
    pub random: &'a dyn Random,
    /// Who is a user.
    pub directory: &'a dyn Directory,
    /// Who hands the message in.
    pub principal: &'a Principal,
}

impl Desk<'_> {
    /// Writes a draft as a message.
    ///
    /// # Errors
    /// A [`Refusal`] that names what is wrong.
    pub fn draft(&self, draft: Draft) -> Result<NewMessage, Refusal> {
        compose::build(self, draft)
    }

    /// Completes a raw message.
    ///
    /// # Errors
    /// A [`Refusal`] that names what is wrong.
    pub fn raw(&self, submission: RawSubmission) -> Result<NewMessage, Refusal> {
        raw::build(self, submission)
    }

    /// Refuses a message that is over the limit.
    pub(super) fn check_size(&self, bytes: usize) -> Result<(), Refusal> {
        if bytes <= self.limits.message_bytes {
            return Ok(());
        }
        Err(Refusal::TooLarge {
            field: "message".to_owned(),
            most_bytes: u64::try_from(self.limits.message_bytes).unwrap_or(u64::MAX),
        })
    }
}
