//! Connections to relays: a feed of jobs for each relay, and the tasks that carry them.

mod edges;
mod feed;
mod parts;
mod pool;
mod roster;
mod worker;

pub(crate) use edges::Edges;
pub(crate) use parts::{Life, PoolParts};
pub(crate) use pool::Pool;
pub(crate) use roster::Ticket;
pub(crate) use worker::Ended;
