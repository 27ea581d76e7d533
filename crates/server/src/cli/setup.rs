//! `postroom setup`: the first administrator of a new server.

use std::process::ExitCode;

use anyhow::Context as _;
use axum::http::Method;
use clap::Args;

use super::ConfigFile;
use super::operator::Operator;
use super::out::out;
use super::user::read_password;
use crate::http::wire::people::Setup;
use crate::setup;

/// Make the first administrator, or show the secret that makes them on the web page
#[derive(Debug, Args)]
pub(super) struct SetupCommand {
    /// What they sign in with; without it, the secret is shown
    #[arg(long, requires_all = ["name", "email", "password_stdin"])]
    login: Option<String>,
    /// Their name
    #[arg(long, requires = "login")]
    name: Option<String>,
    /// Their address
    #[arg(long, requires = "login")]
    email: Option<String>,
    /// Read the password from standard input (its first line)
    #[arg(long, requires = "login")]
    password_stdin: bool,
    /// What the root of the offices is called
    #[arg(long, value_name = "NAME", requires = "login")]
    office: Option<String>,
    #[command(flatten)]
    config: ConfigFile,
}

/// Runs the command.
///
/// # Errors
/// Where the server is set up already, or something given cannot be used.
pub(super) async fn run(command: SetupCommand) -> anyhow::Result<ExitCode> {
    let config = command.config.load()?;
    let (Some(login), Some(name), Some(email)) = (command.login, command.name, command.email) else {
        let path = setup::file(&config.server.data_dir);
        let secret = std::fs::read_to_string(&path).with_context(|| {
            format!(
                "there is no secret in {}: the server is set up, or has not been started yet",
                path.display()
            )
        })?;
        out!("{}", secret.trim_end());
        return Ok(ExitCode::SUCCESS);
    };
    let given = Setup {
        secret: None,
        office: command.office,
        password: read_password()?,
        login,
        name,
        email,
    };
    let operator = Operator::connect(&config).await?;
    let (): () = operator
        .change(Method::POST, "/api/v1/setup", None, &given)
        .await?;
    operator.close().await;
    out!("{} administers the server now", given.login);
    Ok(ExitCode::SUCCESS)
}
