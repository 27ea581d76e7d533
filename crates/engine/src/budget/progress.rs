//! Watches that a client that holds room for content goes on sending it while others wait.

use std::time::Duration;

use tokio::time::Instant;

use super::share::{NoRoom, Share};

/// Time over which progress is judged.
const WINDOW: Duration = Duration::from_secs(10);
/// Least progress of a window while others wait: 64 KiB a second.
const WINDOW_BYTES_MIN: u64 = 640 * 1_024;

/// The progress of one sender.
#[derive(Debug, Clone, Copy)]
pub struct SenderProgress {
    window_from: Instant,
    received_bytes: u64,
}

impl SenderProgress {
    /// How often at least a sender is to be looked at.
    pub const CHECK_EVERY: Duration = WINDOW;

    /// Begins to watch.
    pub const fn new(now: Instant) -> Self {
        Self {
            window_from: now,
            received_bytes: 0,
        }
    }

    /// Notes how much has come in all; to be called as content arrives, and each [`SenderProgress::CHECK_EVERY`] without.
    ///
    /// # Errors
    /// [`NoRoom`] where too little came in the window while others wait for the share: the sender is to be dropped.
    pub fn check(&mut self, received_bytes: u64, share: &Share, now: Instant) -> Result<(), NoRoom> {
        if now.duration_since(self.window_from) < WINDOW {
            return Ok(());
        }
        let progress = received_bytes.saturating_sub(self.received_bytes);
        *self = Self {
            window_from: now,
            received_bytes,
        };
        if progress >= WINDOW_BYTES_MIN || !share.is_contended() {
            return Ok(());
        }
        Err(share.refuse())
    }
}
