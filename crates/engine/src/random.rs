//! Chance, which comes in from outside like time.

use std::fmt;

use postroom_domain::retry::Chance;
use rand::RngExt as _;

/// Gives chances. Production has the thread's generator, tests a fixed one.
pub trait Random: Send + Sync + fmt::Debug {
    /// The next chance.
    fn chance(&self) -> Chance;
}

/// The thread's generator, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn chance(&self) -> Chance {
        Chance::new(rand::rng().random())
    }
}

/// No chance at all: every jitter in the middle.
#[derive(Debug, Clone, Copy, Default)]
pub struct Even;

impl Random for Even {
    fn chance(&self) -> Chance {
        Chance::EVEN
    }
}
