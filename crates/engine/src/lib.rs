//! What makes mail move: intake, the scheduler over lanes, delivery through relays, outcomes, recovery.

pub mod budget;
mod counters;
mod delivery;
mod engine;
pub mod intake;
pub mod packing;
mod random;
mod recovery;
mod relay;
mod scheduler;
mod settings;
mod status;
mod tasks;

pub use engine::{EngineHandle, RelayError, StartError};
pub use random::{Even, Random, Seeded, SystemRandom};
pub use settings::{EngineSettings, Pace, RelaySettings, Sending};
pub use status::{EngineStatus, Place, RelayStatus};
pub use tasks::{TaskEnd, TaskEnded};
