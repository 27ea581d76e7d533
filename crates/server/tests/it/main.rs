//! The server from outside, laid out like its routes.

mod actions;
mod admin;
mod bad_input;
mod cli;
mod content;
mod dialogue;
mod events;
mod garbage;
mod health;
mod house;
mod list;
mod openapi;
mod scope;
mod server;
mod session;
mod submission;
mod submit;
