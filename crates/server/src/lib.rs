//! Postroom's server: command line, configuration, HTTP API, life cycle.
//!
//! The binary is a few lines around this library, so that tests can start its parts in their own process.

pub mod alerts;
pub mod certificate;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connections;
pub mod demo;
pub mod descriptors;
pub mod http;
pub mod logging;
mod memory;
pub mod node;
mod origin;
pub mod reload;
pub mod serve;
mod setup;
pub mod submission;
pub mod supervision;
