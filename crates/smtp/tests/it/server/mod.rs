//! The server session.

mod auth;
mod content;
mod garbage;
mod limits;
mod listener;
mod support;
mod tls;
mod transcripts;
