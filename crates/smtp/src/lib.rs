//! Postroom: RFC 5321 and friends: codec, replies, client and server sessions.

pub mod auth;
pub mod client;
pub mod codec;
pub mod extensions;
pub mod reply;
pub mod server;
pub mod sink;
pub mod stream;
pub mod tls;
