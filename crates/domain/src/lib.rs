//! Types and rules of Postroom, pure: no I/O, no async, no SQL.
//!
//! Everything else speaks in these words (`SPEC.md` §1); values that exist are valid, because they are parsed
//! at the edge of the system.

pub mod clock;
pub mod id;
pub mod kind;
pub mod outcome;
pub mod scope;
pub mod state;

pub use clock::{Clock, ManualClock, Timestamp};
pub use id::{Epoch, Generation, KeyId, MessageId, NodeSlot, OfficeId, RouteId, UserId};
pub use kind::{Category, Kind};
pub use outcome::{Blame, EnhancedCode, Failure, Lasting, Reply};
pub use scope::{Arm, Scope};
pub use state::{InvalidTransition, MessageEvent, MessageState, RecipientState, ShownType};
