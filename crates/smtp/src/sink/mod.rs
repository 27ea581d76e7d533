//! A scriptable SMTP server that keeps or discards what it takes, for tests, the demo and `postroom sink`.
//!
//! It is a real server on a real port, and fast; and it misbehaves on request, below the protocol where wanted:
//!
//! - by [`Plan`]: at a [`Stage`] of the n-th connection or message, an [`Act`] in place of the proper answer;
//! - by [`Mode`], switched at run time for the whole relay;
//! - by recipient ([`ByAddress`]), for people at a demo who have nothing but an address field.

mod config;
mod convention;
mod conversation;
mod handle;
mod ledger;
mod limits;
mod login;
mod mail;
mod plan;
mod transaction;
mod wire;

pub use config::{ByAddress, Keep, Offers, SinkAuth, SinkConfig, SinkTls};
pub use handle::{Sink, SinkHandle};
pub use ledger::ReceivedMessage;
pub use limits::{ConnectionLimit, SinkLimits};
pub use plan::{Act, Mode, Nth, Plan, Rule, Stage};
