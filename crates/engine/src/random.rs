//! Chance, which comes in from outside like time.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use postroom_domain::retry::Chance;
use rand::{Rng as _, RngExt as _};

/// Gives chances and numbers. Production has the thread's generator, tests a fixed or a seeded one.
pub trait Random: Send + Sync + fmt::Debug {
    /// The next chance.
    fn chance(&self) -> Chance;

    /// The next 64 bits; nobody can guess those of [`SystemRandom`].
    fn bits(&self) -> u64;
}

/// The thread's generator, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn chance(&self) -> Chance {
        Chance::new(rand::rng().random())
    }

    fn bits(&self) -> u64 {
        rand::rng().next_u64()
    }
}

/// No chance at all: every jitter in the middle.
#[derive(Debug, Clone, Copy, Default)]
pub struct Even;

impl Random for Even {
    fn chance(&self) -> Chance {
        Chance::EVEN
    }

    fn bits(&self) -> u64 {
        1 << 63
    }
}

/// The same numbers again for the same seed (SplitMix64); for tests.
#[derive(Debug)]
pub struct Seeded(AtomicU64);

impl Seeded {
    /// Starts at `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Random for Seeded {
    fn chance(&self) -> Chance {
        // 32 bits are enough for a jitter, and every one of them is a number of f64.
        let bits = u32::try_from(self.bits() >> 32).unwrap_or(u32::MAX);
        Chance::new(f64::from(bits) / f64::from(u32::MAX))
    }

    fn bits(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
