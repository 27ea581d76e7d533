//! One byte budget for the content of messages in memory, incoming and outgoing.
//!
//! The budget is divided into shares that never lend to each other, so that full intake cannot stop delivery, a large
//! message cannot stop a small one:
//!
//! | share | who takes from it | when |
//! | --- | --- | --- |
//! | `requests` | bodies of API requests that carry no message | as octets arrive |
//! | `incoming`, small | messages up to [`SMALL_BYTES`] by SMTP and HTTP | before they are read |
//! | `incoming`, medium | those up to [`MEDIUM_BYTES`] | the same; once it is known that they are as large |
//! | `incoming`, large | larger ones | the same |
//! | `building` | the copies made while a large message is parsed, encoded and packed | for that time |
//! | `outgoing.small` | leased messages up to 64 KiB | before they are loaded |
//! | `outgoing.large` | larger ones, of which one relay has at most half | before they are loaded |
//!
//! Architecture invariant: nobody waits for bytes of a share while holding bytes of it, or of one that stands below it in
//! this order: incoming small, medium, large; a relay's part of outgoing large, outgoing large; building. So no wait is a
//! circle. Waiting is in order and for a bounded time; `building` alone is waited for without a bound, because
//! its holder waits for the store at most. A message larger than its share takes all of it and goes alone.

mod incoming;
mod progress;
mod share;

use std::sync::Arc;
use std::time::Duration;

pub use incoming::{Incoming, IncomingRoom, MEDIUM_BYTES, SMALL_BYTES};
pub use progress::SenderProgress;
pub use share::{NoRoom, Reservation, Share, Usage};

/// Leased messages up to this size are loaded together, before their sizes are known.
pub(crate) const OUTGOING_SMALL_BYTES: u64 = 64 * 1024;
/// So many of them at a time.
pub(crate) const OUTGOING_TOGETHER_MAX: usize = 16;
/// The smallest budget that can be configured.
pub const CONTENT_BYTES_MIN: u64 = 16 << 20;
/// The budget unless configured otherwise.
pub const CONTENT_BYTES_DEFAULT: u64 = 128 << 20;

/// How long leased messages wait to be loaded before they go back to the queue untried.
pub(crate) const LOAD_WAIT_MAX: Duration = Duration::from_secs(30);

/// The shares of one server.
#[derive(Debug)]
pub struct ContentBudget {
    /// Bodies of API requests that carry no message.
    pub requests: Share,
    /// Messages coming in.
    pub incoming: Incoming,
    /// Copies made while a message is built.
    pub building: Share,
    /// Messages on their way to relays.
    pub outgoing: Outgoing,
}

/// The shares of messages on their way to relays.
#[derive(Debug)]
pub struct Outgoing {
    /// Messages up to 64 KiB.
    pub small: Share,
    /// Larger ones.
    pub large: Share,
}

impl ContentBudget {
    /// Divides `bytes`, at least [`CONTENT_BYTES_MIN`].
    pub fn new(bytes: u64) -> Self {
        let part = bytes.max(CONTENT_BYTES_MIN) / 32;
        Self {
            requests: Share::new(part),
            incoming: Incoming::new(part, 2 * part, 8 * part),
            building: Share::new(5 * part),
            outgoing: Outgoing {
                small: Share::new(3 * part),
                large: Share::new(12 * part),
            },
        }
    }

    /// Every share with the name it has in metrics.
    pub const fn shares(&self) -> [(&'static str, &Share); 7] {
        let [small, medium, large] = self.incoming.shares();
        [
            ("requests", &self.requests),
            small,
            medium,
            large,
            ("building", &self.building),
            ("outgoing_small", &self.outgoing.small),
            ("outgoing_large", &self.outgoing.large),
        ]
    }
}

impl Default for ContentBudget {
    fn default() -> Self {
        Self::new(CONTENT_BYTES_DEFAULT)
    }
}

impl ContentBudget {
    /// The part of the outgoing share for large content that one relay may hold: half, so that a relay that stops
    /// taking its mail leaves room for the others'.
    pub(crate) fn share_of_one_relay(&self) -> Share {
        Share::new(self.outgoing.large.usage().capacity_bytes / 2)
    }
}

/// A budget that many hold.
pub type SharedBudget = Arc<ContentBudget>;

#[cfg(test)]
mod tests;
