//! `postroom key`: makes, lists and revokes API keys.

use std::process::ExitCode;

use axum::http::Method;
use clap::{Args, Subcommand};

use super::ConfigFile;
use super::operator::Operator;
use super::out::{note, out};
use crate::http::admin_wire::{KeyMade, NewKey};
use crate::http::wire::people::Keys;

/// Make, list and revoke API keys
#[derive(Debug, Args)]
pub(super) struct KeyCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make an API key and print it, this once
    Add(Add),
    /// List API keys, without their secrets
    List(ConfigFile),
    /// End an API key
    Revoke {
        /// Its number, as postroom key list shows it
        id: i64,
        #[command(flatten)]
        config: ConfigFile,
    },
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
    match command.action {
        Action::Add(add) => make(add).await?,
        Action::List(config) => list(&config).await?,
        Action::Revoke { id, config } => {
            let operator = Operator::connect(&config.load()?).await?;
            let path = format!("/api/v1/keys/{id}");
            let (): () = operator.change(Method::DELETE, &path, None, &()).await?;
            operator.close().await;
            out!("key {id} revoked");
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(config: &ConfigFile) -> anyhow::Result<()> {
    let operator = Operator::connect(&config.load()?).await?;
    let found: Keys = operator.get("/api/v1/keys").await?;
    operator.close().await;
    for key in found.keys {
        let whose = key.user.map_or_else(
            || format!("{} ({})", key.office.name, key.scopes.join(",")),
            |user| user.name,
        );
        let used = key
            .last_used_at
            .map_or_else(|| "never used".to_owned(), |at| format!("last used {at}"));
        let ends = key.ends_at.map_or_else(String::new, |at| format!("  ends {at}"));
        out!(
            "{:>4}  {}…  {whose}  {}  {used}{ends}  {}",
            key.id,
            key.prefix,
            key.created_at,
            key.label
        );
    }
    Ok(())
}

async fn make(add: Add) -> anyhow::Result<()> {
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
    note!("key {} made; keep it now, it is not shown again", made.id);
    Ok(())
}
