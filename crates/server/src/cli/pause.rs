//! `postroom pause`: sending paused for an office or a user.

use std::process::ExitCode;

use axum::http::Method;
use clap::{Args, Subcommand};
use postroom_domain::legible;

use super::ConfigFile;
use super::operator::Operator;
use super::out::out;
use super::people::People;
use crate::http::wire::limits::{NewPause, PauseRow, Pauses};

/// Pause sending for an office or a user, and resume it
#[derive(Debug, Args)]
pub(super) struct PauseCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List who is paused, since when and why
    List(ConfigFile),
    /// Pause the mail of an office's users; what is queued and what comes in is kept and waits
    Office {
        #[command(flatten)]
        config: ConfigFile,
        /// Its name or number
        office: String,
        /// Why, for those who look at the list
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Pause the mail of one user
    User {
        #[command(flatten)]
        config: ConfigFile,
        /// Their login
        login: String,
        /// Why, for those who look at the list
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// End a pause: what waited leaves in its order
    Resume {
        #[command(flatten)]
        config: ConfigFile,
        /// The office's name or number
        #[arg(long, required_unless_present = "user", conflicts_with = "user")]
        office: Option<String>,
        /// The user's login
        #[arg(long)]
        user: Option<String>,
    },
}

/// Runs the command.
///
/// # Errors
/// Where there is no such office, user or pause.
pub(super) async fn run(command: PauseCommand) -> anyhow::Result<ExitCode> {
    match command.what {
        What::List(config) => list(&config).await?,
        What::Office {
            config,
            office,
            reason,
        } => pause(&config, Some(&office), None, reason).await?,
        What::User {
            config,
            login,
            reason,
        } => pause(&config, None, Some(&login), reason).await?,
        What::Resume { config, office, user } => resume(&config, office.as_deref(), user.as_deref()).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(config: &ConfigFile) -> anyhow::Result<()> {
    let operator = Operator::connect(&config.load()?).await?;
    let pauses: Pauses = operator.get("/api/v1/pauses").await?;
    operator.close().await;
    for pause in &pauses.pauses {
        print(pause);
    }
    Ok(())
}

async fn pause(
    config: &ConfigFile,
    office: Option<&str>,
    login: Option<&str>,
    reason: String,
) -> anyhow::Result<()> {
    let operator = Operator::connect(&config.load()?).await?;
    let people = People::read(&operator).await?;
    let new = NewPause {
        office: office
            .map(|name| people.office(name))
            .transpose()?
            .map(|office| office.id),
        user: login
            .map(|login| people.user(login))
            .transpose()?
            .map(|user| user.id),
        reason,
    };
    let paused: anyhow::Result<PauseRow> = operator.post("/api/v1/pauses", &new).await;
    operator.close().await;
    print(&paused?);
    Ok(())
}

async fn resume(config: &ConfigFile, office: Option<&str>, login: Option<&str>) -> anyhow::Result<()> {
    let operator = Operator::connect(&config.load()?).await?;
    let people = People::read(&operator).await?;
    let id = match (office, login) {
        (Some(name), _) => format!("office-{}", people.office(name)?.id),
        (None, login) => format!("user-{}", people.user(login.unwrap_or(""))?.id),
    };
    let path = format!("/api/v1/pauses/{id}");
    let ended: anyhow::Result<()> = operator.change(Method::DELETE, &path, None, &()).await;
    operator.close().await;
    ended?;
    out!("resumed {id}");
    Ok(())
}

fn print(pause: &PauseRow) {
    let named = pause.office.as_ref().or(pause.user.as_ref());
    let name = named.map_or("", |named| named.name.as_str());
    out!(
        "{}  {}  since {}  by {}  {}",
        pause.id,
        legible::shown(name),
        pause.since,
        pause.by,
        legible::shown(&pause.reason)
    );
}
