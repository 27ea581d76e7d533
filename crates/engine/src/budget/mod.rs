//! One byte budget for the content of messages in memory, on its way in and on its way out.
//!
//! The budget is divided into shares that never lend to each other, so that full intake cannot stop delivery, a large
//! message cannot stop a small one:
//!
//! | share | who takes from it | when |
//! | --- | --- | --- |
//! | `requests` | bodies of API requests that carry no message | as octets arrive |
//! | `incoming.small` | messages up to [`SMALL_BYTES`] by SMTP and HTTP | before they are read |
//! | `incoming.large` | larger ones, once it is known that they are | before more is read |
//! | `building` | the copies made while a large message is parsed, encoded and packed | for that time |
//! | `outgoing.small` | leased messages up to [`OUTGOING_SMALL_BYTES`] | before they are loaded |
//! | `outgoing.large` | larger ones, of which one relay has at most half | before they are loaded |
//!
//! Architecture invariant: nobody waits for bytes of a share while holding bytes of the same share, but for the step
//! from small to large. Whoever waits, waits in order and for a bounded time; `building` alone is waited for without a
//! bound, because whoever holds it waits for nothing. A message larger than its share takes all of it and goes alone.

mod progress;
mod share;

use std::sync::Arc;
use std::time::Duration;

pub use progress::SenderProgress;
pub use share::{NoRoom, Reservation, Share, Usage};

/// Content up to this size is small.
pub const SMALL_BYTES: u64 = 256 * 1024;
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
    pub incoming: Lane,
    /// Copies made while a message is built.
    pub building: Share,
    /// Messages on their way to relays.
    pub outgoing: Lane,
}

/// A share for small content beside one for large.
#[derive(Debug)]
pub struct Lane {
    /// Small content.
    pub small: Share,
    /// Larger content.
    pub large: Share,
}

impl Lane {
    /// The share that content of this size takes from, where up to [`SMALL_BYTES`] are small.
    pub const fn for_size(&self, bytes: u64) -> &Share {
        if bytes <= SMALL_BYTES {
            &self.small
        } else {
            &self.large
        }
    }
}

impl ContentBudget {
    /// Divides `bytes`, at least [`CONTENT_BYTES_MIN`].
    pub fn new(bytes: u64) -> Self {
        let part = |of_32: u64| Share::new(bytes.max(CONTENT_BYTES_MIN) / 32 * of_32);
        Self {
            requests: part(1),
            incoming: Lane {
                small: part(3),
                large: part(8),
            },
            building: part(5),
            outgoing: Lane {
                small: part(3),
                large: part(12),
            },
        }
    }

    /// Every share with the name it has in metrics.
    pub const fn shares(&self) -> [(&'static str, &Share); 6] {
        [
            ("requests", &self.requests),
            ("incoming_small", &self.incoming.small),
            ("incoming_large", &self.incoming.large),
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
