//! The server session.

mod auth;
mod content;
mod garbage;
mod limits;
mod listener;
mod room;
mod support;
mod tls;
mod transcripts;
