//! Room for messages on their way in, in three shares by size.

use std::time::Duration;

use super::share::{NoRoom, Reservation, Share};

/// Content up to this size is small: most mail.
pub const SMALL_BYTES: u64 = 32 * 1024;
/// Content up to this size is medium, what is larger is large.
pub const MEDIUM_BYTES: u64 = 256 * 1024;

/// The shares of messages coming in.
///
/// Content whose size was not known beforehand outgrows its room. It then waits for room of the next share while it holds
/// that of its own, never the other way round, so that no two wait for each other; and of each share at most half is
/// held by those who wait for another, so that small mail passes when large mail waits.
#[derive(Debug)]
pub struct Incoming {
    small: Tier,
    medium: Tier,
    large: Share,
}

#[derive(Debug)]
struct Tier {
    share: Share,
    /// What those may hold of it who wait for more than it gives.
    outgrown: Share,
}

/// Which share room is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Small,
    Medium,
    Large,
}

/// Room that a message holds until it is stored, or is not.
#[derive(Debug)]
pub struct IncomingRoom {
    reserved: Reservation,
    size: Size,
}

impl Tier {
    fn new(bytes: u64) -> Self {
        Self {
            share: Share::new(bytes),
            outgrown: Share::new(bytes / 2),
        }
    }
}

impl Size {
    const fn of(bytes: u64) -> Self {
        if bytes <= SMALL_BYTES {
            Self::Small
        } else if bytes <= MEDIUM_BYTES {
            Self::Medium
        } else {
            Self::Large
        }
    }
}

impl Incoming {
    pub(super) fn new(small_bytes: u64, medium_bytes: u64, large_bytes: u64) -> Self {
        Self {
            small: Tier::new(small_bytes),
            medium: Tier::new(medium_bytes),
            large: Share::new(large_bytes),
        }
    }

    const fn share(&self, size: Size) -> &Share {
        match size {
            Size::Small => &self.small.share,
            Size::Medium => &self.medium.share,
            Size::Large => &self.large,
        }
    }

    /// The share that content of so many bytes takes from.
    pub const fn share_for(&self, bytes: u64) -> &Share {
        self.share(Size::of(bytes))
    }

    /// The share that room is of.
    pub const fn share_of(&self, room: &IncomingRoom) -> &Share {
        self.share(room.size)
    }

    /// Reserves room for content of at most `bytes`, waiting in order for at most `wait_max`.
    ///
    /// # Errors
    /// [`NoRoom`] where none came free in that time.
    pub async fn reserve(&self, bytes: u64, wait_max: Duration) -> Result<IncomingRoom, NoRoom> {
        let size = Size::of(bytes);
        let reserved = self.share(size).reserve(bytes, wait_max).await?;
        Ok(IncomingRoom { reserved, size })
    }

    /// Exchanges room for content of at most `bytes`, more than it was for, waiting in order for at most `wait_max`.
    ///
    /// # Errors
    /// [`NoRoom`] where none came free in that time, or too many wait like this already; the room is given back.
    pub async fn grow(
        &self,
        mut room: IncomingRoom,
        bytes: u64,
        wait_max: Duration,
    ) -> Result<IncomingRoom, NoRoom> {
        let size = Size::of(bytes);
        let share = self.share(size);
        let tier = match room.size {
            Size::Small if size != Size::Small => &self.small,
            Size::Medium if size != Size::Medium => &self.medium,
            Size::Small | Size::Medium | Size::Large => {
                // Of its own share: without a wait, for whose bytes it waits may wait for its own.
                let more = share.bytes_beyond(&room.reserved, bytes);
                let more = share.try_reserve(more).ok_or_else(|| share.refuse())?;
                room.reserved.merge(more);
                return Ok(room);
            }
        };
        let reserved = match share.try_reserve(bytes) {
            Some(reserved) => reserved,
            None => {
                let waits = tier.outgrown.try_reserve(room.reserved.bytes());
                let _waits = waits.ok_or_else(|| share.refuse())?;
                share.reserve(bytes, wait_max).await?
            }
        };
        Ok(IncomingRoom { reserved, size })
    }

    /// Every share with the name it has in metrics.
    pub(super) const fn shares(&self) -> [(&'static str, &Share); 3] {
        [
            ("incoming_small", &self.small.share),
            ("incoming_medium", &self.medium.share),
            ("incoming_large", &self.large),
        ]
    }
}

impl IncomingRoom {
    /// Keeps `bytes` and gives back the rest.
    pub fn shrink_to(&mut self, bytes: u64) {
        self.reserved.shrink_to(bytes);
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.reserved.bytes()
    }
}
