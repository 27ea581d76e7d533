//! Connections to relays: a feed of jobs for each relay, and the tasks that carry them.

mod feed;
mod pool;
mod worker;

pub(crate) use pool::{Pool, PoolParts};
pub(crate) use worker::Ended;
