//! The server from outside, laid out like its routes.

mod actions;
mod admin;
mod bad_input;
mod content;
mod events;
mod health;
mod house;
mod list;
mod openapi;
mod scope;
mod session;
mod submit;
