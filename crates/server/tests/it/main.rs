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
mod connection_test;
mod connections;
mod content;
mod dialogue;
mod disk_full;
mod drafts;
mod dry_run;
mod events;
mod explain;
mod export;
mod fence;
mod first_start;
mod garbage;
mod guessing;
mod health;
mod history;
mod house;
mod layout;
mod limits;
mod limits_live;
mod list;
mod local;
mod matrix;
mod memory;
mod mending;
mod names;
mod openapi;
mod outage_live;
mod own_relay;
mod pauses;
mod people;
mod reference;
mod reload;
mod scope;
mod sendmail;
mod server;
mod session;
mod settings;
mod submission;
mod submit;
mod truth;
mod upkeep;
mod views;
