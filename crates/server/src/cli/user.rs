//! `postroom user`: adds and lists users.

use std::io::Read as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::ConfigFile;
use super::operator::Operator;
use super::out::out;
use crate::http::admin_wire::{NewPerson, PersonMade, PersonRow};

/// Add and list users
#[derive(Debug, Args)]
pub(super) struct UserCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a user
    Add(Add),
    /// List users
    List(ConfigFile),
}

#[derive(Debug, Args)]
struct Add {
    /// What they sign in with
    #[arg(long)]
    login: String,
    /// Their address, which they send from
    #[arg(long)]
    email: String,
    /// Their name
    #[arg(long)]
    name: String,
    /// Read the password from standard input (its first line); without it they cannot sign in, but have keys
    #[arg(long)]
    password_stdin: bool,
    /// Their office's name; without it the System Office
    #[arg(long)]
    office: Option<String>,
    /// super_user, enterprise_view, administrator or customize_list_layout; several with commas or again
    #[arg(long = "rights", alias = "right", value_name = "RIGHT", value_delimiter = ',')]
    rights: Vec<String>,
    #[command(flatten)]
    config: ConfigFile,
}

/// Runs the command.
///
/// # Errors
/// What is wrong with the user, or the store.
pub(super) async fn run(command: UserCommand) -> anyhow::Result<ExitCode> {
    match command.action {
        Action::Add(add) => add_user(add).await?,
        Action::List(file) => list(&file).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn add_user(add: Add) -> anyhow::Result<()> {
    let config = add.config.load()?;
    let password = add.password_stdin.then(read_password).transpose()?;
    let new = NewPerson {
        login: add.login,
        name: add.name,
        email: add.email,
        password,
        office: add.office,
        rights: add.rights,
    };
    let operator = Operator::connect(&config).await?;
    let made: PersonMade = operator.post("/admin/v1/users", &new).await?;
    operator.close().await;
    out!("user {} added: {} in {}", made.id, new.login, made.office);
    Ok(())
}

fn read_password() -> anyhow::Result<String> {
    let mut given = String::new();
    std::io::stdin()
        .take(4096)
        .read_to_string(&mut given)
        .context("the password on standard input")?;
    let first = given.lines().next().unwrap_or("");
    anyhow::ensure!(!first.is_empty(), "there is no password on standard input");
    Ok(first.to_owned())
}

async fn list(file: &ConfigFile) -> anyhow::Result<()> {
    let operator = Operator::connect(&file.load()?).await?;
    let users: Vec<PersonRow> = operator.get("/admin/v1/users").await?;
    operator.close().await;
    for user in users {
        let disabled = if user.disabled { " (disabled)" } else { "" };
        out!(
            "{:>4}  {:<16} {:<24} {:<32} {:<20} {}{disabled}",
            user.id,
            user.login,
            user.name,
            user.email,
            user.office,
            user.rights.join(",")
        );
    }
    Ok(())
}
