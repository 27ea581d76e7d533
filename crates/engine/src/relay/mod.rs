//! Connections to relays: a feed of jobs for each relay, and the tasks that carry them.

mod account;
mod edges;
mod feed;
mod limits_writer;
mod parts;
mod pool;
mod roster;
mod worker;

pub(crate) use account::Account;
pub(crate) use edges::Edges;
pub(crate) use limits_writer::{LimitsWriter, Looks};
pub(crate) use parts::{Life, PoolParts};
pub(crate) use pool::Pool;
pub(crate) use roster::Ticket;
pub(crate) use worker::Ended;
