//! `postroom key`: makes API keys.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::ConfigFile;
use super::operator::Operator;
use super::out::out;
use crate::http::admin_wire::{KeyMade, NewKey};

/// Make API keys
#[derive(Debug, Args)]
pub(super) struct KeyCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make an API key and print it, this once
    Add(Add),
}

#[derive(Debug, Args)]
struct Add {
    /// The login of the user that the key stands for
    #[arg(long, required_unless_present = "office", conflicts_with = "office")]
    user: Option<String>,
    /// The name of the office that the key belongs to
    #[arg(long)]
    office: Option<String>,
    /// What an office's key may do: send, read, manage, post_notifications; several with commas or again
    #[arg(
        long = "scopes",
        alias = "scope",
        value_name = "SCOPE",
        value_delimiter = ',',
        requires = "office"
    )]
    scopes: Vec<String>,
    /// What it is for
    #[arg(long, default_value = "")]
    label: String,
    #[command(flatten)]
    config: ConfigFile,
}

/// Runs the command.
///
/// # Errors
/// What is wrong with the key, or the store.
pub(super) async fn run(command: KeyCommand) -> anyhow::Result<ExitCode> {
    let Action::Add(add) = command.action;
    let operator = Operator::connect(&add.config.load()?).await?;
    let new = NewKey {
        user: add.user,
        office: add.office,
        label: add.label,
        scopes: add.scopes,
    };
    let made: KeyMade = operator.post("/admin/v1/keys", &new).await?;
    operator.close().await;
    out!("{}", made.secret);
    eprintln!("key {} made; keep it now, it is not shown again", made.id);
    Ok(ExitCode::SUCCESS)
}
