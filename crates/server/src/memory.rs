//! Gives memory that large messages took back to the system.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How often the allocator is asked.
const EVERY: Duration = Duration::from_secs(5);
/// A block of this size is a mapping of its own, of which no page is ever touched.
const BLOCK_BYTES: usize = 64 << 20;

/// Asks the allocator again and again, until the server stops.
///
/// The allocator keeps what is freed for a moment and gives it back when it next works on large blocks. After a burst of
/// large mail there may be no next time, and what was kept would stay: so there is one.
pub(crate) async fn give_back(stopping: CancellationToken) {
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        drop(std::hint::black_box(Vec::<u8>::with_capacity(BLOCK_BYTES)));
    }
}
