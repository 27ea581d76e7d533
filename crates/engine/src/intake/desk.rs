//! What every builder of messages needs at hand.

use postroom_domain::{Refusal, Timestamp};

use super::limits::IntakeLimits;
use super::sender::{Directory, Principal};
use crate::random::Random;

/// What is at hand while one message is built.
#[derive(Debug, Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) limits: &'a IntakeLimits,
    pub(super) host: &'a str,
    pub(super) now: Timestamp,
    pub(super) random: &'a dyn Random,
    pub(super) directory: &'a dyn Directory,
    pub(super) principal: &'a Principal,
}

impl Desk<'_> {
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
