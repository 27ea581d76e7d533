//! The client session against the scripted sink.

mod authenticating;
mod connecting;
mod content_and_dot;
mod envelope;
mod harness;
mod opening;
mod pipelining;
mod starting_tls;
