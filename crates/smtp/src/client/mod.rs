//! The client session: hands messages to a relay, several over one connection, with the next envelope on the wire
//! before the relay has answered the last dot (RFC 5321, RFC 2920).
//!
//! ```text
//! Connector ──connect──▶ Session ──deliver(transaction, at_dot)──▶ Delivery { outcome, next }
//!                           ▲                                          │
//!                           └───────────── deliver(next, …) ◀──────────┘
//! ```
//!
//! | step | sent | failure becomes |
//! | --- | --- | --- |
//! | open | greeting, EHLO, STARTTLS, AUTH | [`SessionError`] with its [`Phase`] |
//! | envelope | MAIL, RCPT …, DATA in one write where PIPELINING is offered | replies, or [`Outcome::Failed`] |
//! | content | up to the last block | [`Outcome::Failed`]: no dot was written |
//! | dot | last block, dot and the next envelope in one write | [`Outcome::Uncertain`] |
//!
//! Architecture invariant: the session knows no queue, no schedule and no domain type. It never decides what a refusal
//! means; it says who said what, when.

mod addresses;
mod capabilities;
mod command;
mod config;
mod connect;
mod content;
mod deliver;
mod dial;
mod error;
mod handshake;
mod outcome;
mod reach;
mod session;
mod sign_in;
mod tls;
mod transaction;
mod wire;

pub use addresses::Addresses;
pub use capabilities::Capabilities;
pub use config::{ChunkingUse, Credentials, PipeliningUse, RelayAddress, RelayConfig, Timeouts, TlsPolicy};
pub use connect::Connector;
pub use content::Content;
pub use dial::{Carrier, Connection, Dial, DialFuture, Dialler};
pub use error::{Cause, LocalFault, Missing, Phase, SessionError};
pub use handshake::Milestone;
pub use outcome::{Answers, AtDot, Delivery, Outcome, Unsendable, Untried, Verdict};
pub use reach::{Reach, connect_to, resolve};
pub use session::Session;
pub use sign_in::{AuthUse, TokenError, TokenFuture, TokenSource, Tokens};
pub use tls::{TlsFault, TlsFaultKind, TlsInfo, TlsSetupError, Trust};
pub use transaction::{Notify, Progress, Recipient, ReturnContent, Transaction};
pub use wire::Activity;
