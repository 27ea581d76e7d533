//! Types and rules of Postroom, pure: no I/O, no async, no SQL.
//!
//! Everything else speaks in these words (`SPEC.md` §1); values that exist are valid, because they are parsed
//! at the edge of the system.

pub mod action;
pub mod address;
pub mod alert;
pub mod cause;
pub mod classify;
pub mod clock;
pub mod connections;
pub mod damage;
pub mod figures;
pub mod health;
pub mod hold;
pub mod id;
pub mod kind;
pub mod layout;
pub mod legible;
pub mod limits;
pub mod mailbox;
pub mod network;
pub mod outcome;
pub mod people;
pub mod plain;
pub mod rate;
pub mod reach;
pub mod refusal;
pub mod retry;
pub mod rule;
pub mod scope;
pub mod state;
mod steady;
pub mod throttle;
pub mod trouble;
pub mod typed;

pub use action::{Verb, Verdict};
pub use address::{Address, AddressError, AddressProblem, BadSenderDomain, SenderDomain};
pub use cause::FailureCause;
pub use classify::{Heard, SmtpPhase, classify};
pub use clock::{Clock, ManualClock, Timestamp};
pub use connections::{
    Activity, ConnectionClass, ConnectionId, ConnectionLimits, ConnectionShare, ConnectionTable,
    ConnectionsFull, Entered,
};
pub use damage::Damage;
pub use figures::{Figures, History, Latencies, Reading, Span, Step, Totals, latency_class};
pub use health::{HealthEdge, HealthPolicy, HealthState, RelayHealth};
pub use hold::HoldReason;
pub use id::{Epoch, Generation, KeyId, MessageId, NodeSlot, OfficeId, ProxyId, RouteId, UserId};
pub use kind::{Category, Kind, Poster};
pub use layout::{Column, Layout, LayoutError, ShownColumn, SortKey, SortOrder};
pub use limits::{Admission, Charge, Day, DayRule};
pub use mailbox::Mailbox;
pub use outcome::{Blame, EnhancedCode, Failure, Lasting, Reply};
pub use people::{OFFICES_ABOVE_MAX, PeopleRule};
pub use rate::{RateLimiter, Rates};
pub use reach::{ReachPolicy, Unreachable};
pub use refusal::Refusal;
pub use retry::{AfterFailure, BadSchedule, Chance, PermanentFailures, RetrySchedule};
pub use rule::Rule;
pub use scope::{Arm, Scope};
pub use state::{InvalidTransition, MessageEvent, MessageState, RecipientState, ShownType};
pub use steady::SteadyClock;
pub use throttle::{LearntLimits, LimitValues, Others, Progress, RelayAccount, Throttle, Witness, throttle};
pub use trouble::{Trouble, trouble};
pub use typed::Typed;
