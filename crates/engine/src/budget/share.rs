//! A bounded number of bytes that holders reserve, in order of arrival.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of one unit of the semaphore underneath.
const UNIT_BYTES: u64 = 1_024;

/// No room came free in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no memory for this content came free in time")]
pub struct NoRoom;

/// A part of the budget.
#[derive(Debug)]
pub struct Share {
    units: Arc<Semaphore>,
    capacity_units: u32,
    waiting: AtomicU32,
    waits: AtomicU64,
    refusals: AtomicU64,
}

/// How a share is used, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Bytes reserved now.
    pub used_bytes: u64,
    /// Most bytes.
    pub capacity_bytes: u64,
    /// Reservations that wait now.
    pub waiting: u32,
    /// Reservations that had to wait, since the start.
    pub waits: u64,
    /// Reservations that found no room in time, since the start.
    pub refusals: u64,
}

/// Bytes reserved; given back when dropped.
#[derive(Debug)]
pub struct Reservation(OwnedSemaphorePermit);

/// Counts a waiting reservation while it waits.
struct Waits<'a>(&'a AtomicU32);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Share {
    /// A share of this many bytes, at least one unit.
    pub(super) fn new(bytes: u64) -> Self {
        let units = (bytes / UNIT_BYTES).clamp(1, Semaphore::MAX_PERMITS as u64 / 2);
        let capacity_units = u32::try_from(units).unwrap_or(u32::MAX);
        Self {
            units: Arc::new(Semaphore::new(capacity_units as usize)),
            capacity_units,
            waiting: AtomicU32::new(0),
            waits: AtomicU64::new(0),
            refusals: AtomicU64::new(0),
        }
    }

    /// Units that hold so many bytes; all there are for content that is larger than the share.
    fn units_of(&self, bytes: u64) -> u32 {
        u32::try_from(bytes.div_ceil(UNIT_BYTES))
            .unwrap_or(u32::MAX)
            .min(self.capacity_units)
    }

    /// Reserves bytes if they are free and nobody waits for them.
    pub fn try_reserve(&self, bytes: u64) -> Option<Reservation> {
        Arc::clone(&self.units)
            .try_acquire_many_owned(self.units_of(bytes))
            .ok()
            .map(Reservation)
    }

    /// Reserves bytes, waiting in order for at most `wait_max`.
    ///
    /// # Errors
    /// [`NoRoom`] where they did not come free in that time.
    pub async fn reserve(&self, bytes: u64, wait_max: Duration) -> Result<Reservation, NoRoom> {
        if let Some(reserved) = self.try_reserve(bytes) {
            return Ok(reserved);
        }
        let reserved = tokio::time::timeout(wait_max, self.reserve_in_turn(bytes)).await;
        reserved.unwrap_or_else(|_| Err(self.refuse()))
    }

    /// Reserves bytes, waiting in order for as long as it takes: only where every holder waits for nothing.
    ///
    /// # Errors
    /// [`NoRoom`] where the share was closed, which nobody does.
    pub async fn reserve_in_turn(&self, bytes: u64) -> Result<Reservation, NoRoom> {
        if let Some(reserved) = self.try_reserve(bytes) {
            return Ok(reserved);
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.waits.fetch_add(1, Ordering::Relaxed);
        let _waits = Waits(&self.waiting);
        let units = self.units_of(bytes);
        let permit = Arc::clone(&self.units).acquire_many_owned(units).await;
        permit.map(Reservation).map_err(|_| NoRoom)
    }

    /// Whether somebody waits for bytes.
    pub fn is_contended(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Counts a refusal.
    pub(super) fn refuse(&self) -> NoRoom {
        self.refusals.fetch_add(1, Ordering::Relaxed);
        NoRoom
    }

    /// Bytes that a reservation of this share lacks for content of so many.
    pub(super) fn bytes_beyond(&self, held: &Reservation, bytes: u64) -> u64 {
        let wanted = u64::from(self.units_of(bytes)) * UNIT_BYTES;
        wanted.saturating_sub(held.bytes())
    }

    /// How it is used now.
    pub fn usage(&self) -> Usage {
        let free = u64::try_from(self.units.available_permits()).unwrap_or(u64::MAX);
        let capacity = u64::from(self.capacity_units);
        Usage {
            used_bytes: capacity.saturating_sub(free) * UNIT_BYTES,
            capacity_bytes: capacity * UNIT_BYTES,
            waiting: self.waiting.load(Ordering::Relaxed),
            waits: self.waits.load(Ordering::Relaxed),
            refusals: self.refusals.load(Ordering::Relaxed),
        }
    }
}

impl Reservation {
    /// What is reserved is a multiple of this.
    pub const UNIT_BYTES: u64 = UNIT_BYTES;

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.0.num_permits() as u64 * UNIT_BYTES
    }

    /// Keeps `bytes` and gives back the rest; keeps all where it holds no more.
    pub fn shrink_to(&mut self, bytes: u64) {
        let keep = usize::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(usize::MAX);
        let surplus = self.0.num_permits().saturating_sub(keep);
        drop(self.0.split(surplus));
    }

    /// Adds another reservation of the same share.
    pub fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
    }

    /// Takes `bytes` out as a reservation of their own, or all where it holds no more.
    #[must_use]
    pub fn split_off(&mut self, bytes: u64) -> Option<Self> {
        let wanted = usize::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(usize::MAX);
        self.0.split(wanted.min(self.0.num_permits())).map(Self)
    }
}
