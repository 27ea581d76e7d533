//! Connections to relays: a feed of jobs for each relay, and the tasks that carry them.

mod edges;
mod feed;
mod pool;
mod worker;

pub(crate) use edges::Edges;
pub(crate) use pool::{Pool, PoolParts};
pub(crate) use worker::Ended;
