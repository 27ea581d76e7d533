//! `postroom config check`: says whether the server would start with this configuration.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::ConfigFile;
use super::out::out;
use crate::node::engine_settings;

/// Look at the configuration
#[derive(Debug, Args)]
pub(super) struct ConfigCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Read the configuration and say what is wrong with it
    Check(ConfigFile),
}

/// Reads the configuration.
///
/// # Errors
/// What is wrong with it.
pub(super) fn run(command: &ConfigCommand) -> anyhow::Result<ExitCode> {
    let Action::Check(file) = &command.action;
    let config = file.load()?;
    engine_settings(&config)?;
    out!("the configuration is right");
    Ok(ExitCode::SUCCESS)
}
