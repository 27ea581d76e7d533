//! Where a message is built, and the room in memory that its copies take meanwhile.

use postroom_domain::Refusal;

use super::Intake;
use crate::budget::{NoRoom, Reservation};

/// From this size on a message is built on a thread that may block: compressing takes milliseconds.
const LARGE_BYTES: u64 = 256 * 1024;
/// Copies of a draft that exist at once while it is parsed, or written and packed, beside the one that the caller has
/// room for.
const DRAFT_COPIES: u64 = 2;
/// The same of a raw message: packed beside as it came.
const RAW_COPIES: u64 = 1;

/// How a message is built.
#[derive(Debug, Clone, Copy)]
pub(super) enum Building {
    /// At once.
    Here,
    /// Where blocking does no harm, with room for so many bytes beside the message.
    Apart {
        /// Bytes of the copies.
        bytes: u64,
    },
}

impl Building {
    /// A draft of this size.
    pub(super) const fn of_draft(content_bytes: usize) -> Self {
        Self::of(content_bytes as u64, DRAFT_COPIES)
    }

    /// A raw message of this size.
    pub(super) const fn of_raw(content_bytes: usize) -> Self {
        Self::of(content_bytes as u64, RAW_COPIES)
    }

    /// A message that is stored with content of this size: its header alone is written again.
    pub(super) const fn of_stored(content_bytes: u64) -> Self {
        Self::of(content_bytes, 0)
    }

    const fn of(content_bytes: u64, copies: u64) -> Self {
        if content_bytes < LARGE_BYTES {
            return Self::Here;
        }
        Self::Apart {
            bytes: content_bytes.saturating_mul(copies),
        }
    }
}

impl Intake {
    /// Room for content that is loaded to be sent again; `None` for small content, which needs none.
    pub(super) async fn room_to_load(&self, content_bytes: u64) -> Result<Option<Reservation>, Refusal> {
        if content_bytes < LARGE_BYTES {
            return Ok(None);
        }
        self.room(content_bytes).await.map(Some)
    }

    /// Runs work on content within the budget.
    pub(super) async fn run<T>(
        &self,
        building: Building,
        work: impl FnOnce() -> Result<T, Refusal> + Send,
    ) -> Result<T, Refusal> {
        let Building::Apart { bytes } = building else {
            return work();
        };
        let _room = match bytes {
            // Whoever loaded the message has room for it, and must not wait for more of the same share.
            0 => None,
            bytes => Some(self.room(bytes).await?),
        };
        let threads = tokio::runtime::Handle::try_current().map(|handle| handle.runtime_flavor());
        if threads.is_ok_and(|flavor| flavor == tokio::runtime::RuntimeFlavor::MultiThread) {
            tokio::task::block_in_place(work)
        } else {
            work()
        }
    }

    async fn room(&self, bytes: u64) -> Result<Reservation, Refusal> {
        let room = self.budget.building.reserve_in_turn(bytes).await;
        room.map_err(|NoRoom| Refusal::ServerBusy)
    }
}
