//! Postroom: RFC 5321 and friends: codec, replies, client and server sessions.

pub mod client;
pub mod reply;
pub mod sink;
pub mod stream;
