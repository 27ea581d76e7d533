//! The server from outside, laid out like its routes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where something is wrong"
)]

mod actions;
mod admin;
mod alerts;
mod audit;
mod bad_input;
mod bulk;
mod cli;
mod command_line;
mod content;
mod dialogue;
mod disk_full;
mod events;
mod explain;
mod export;
mod garbage;
mod health;
mod house;
mod limits;
mod limits_live;
mod list;
mod mending;
mod openapi;
mod outage_live;
mod matrix;
mod pauses;
mod people;
mod reference;
mod scope;
mod sendmail;
mod server;
mod session;
mod submission;
mod submit;
mod truth;
