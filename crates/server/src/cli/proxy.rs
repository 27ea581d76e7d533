//! `postroom proxy`: who sees whose mail on their behalf.

use std::process::ExitCode;

use axum::http::Method;
use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;

use super::ConfigFile;
use super::days::{end_of, start_of};
use super::operator::Operator;
use super::out::out;
use super::people::People;
use crate::http::wire::people::{Level, NewProxy, Proxies, ProxyRow};

/// Let assistants see and manage others' mail
#[derive(Debug, Args)]
pub(super) struct ProxyCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List proxies
    List(ConfigFile),
    /// Let an assistant see a principal's mail
    Add(Add),
    /// End a proxy
    Remove {
        /// Its number, as postroom proxy list shows it
        id: i64,
        #[command(flatten)]
        config: ConfigFile,
    },
}

#[derive(Debug, Args)]
struct Add {
    /// The login of the person who shall see
    #[arg(long)]
    assistant: String,
    /// The login of the person whose mail it is
    #[arg(long)]
    principal: String,
    /// view: look at the mail; manage: act on it and send as the principal, too
    #[arg(long, default_value = "view")]
    level: GivenLevel,
    /// The first day (2026-12-24, UTC)
    #[arg(long, value_name = "DAY")]
    from: Option<Date>,
    /// The last day (2027-01-06, UTC)
    #[arg(long, value_name = "DAY")]
    until: Option<Date>,
    #[command(flatten)]
    config: ConfigFile,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum GivenLevel {
    View,
    Manage,
}

/// Runs the command.
///
/// # Errors
/// What is wrong with the proxy, or the store.
pub(super) async fn run(command: ProxyCommand) -> anyhow::Result<ExitCode> {
    match command.action {
        Action::List(config) => list(&config).await?,
        Action::Add(add) => give(add).await?,
        Action::Remove { id, config } => {
            let operator = Operator::connect(&config.load()?).await?;
            let path = format!("/api/v1/proxies/{id}");
            let (): () = operator.change(Method::DELETE, &path, None, &()).await?;
            operator.close().await;
            out!("proxy {id} removed");
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(config: &ConfigFile) -> anyhow::Result<()> {
    let operator = Operator::connect(&config.load()?).await?;
    let people = People::read(&operator).await?;
    let found: Proxies = operator.get("/api/v1/proxies").await?;
    operator.close().await;
    for proxy in found.proxies {
        out!("{:>4}  {}", proxy.id, line(&people, &proxy));
    }
    Ok(())
}

async fn give(add: Add) -> anyhow::Result<()> {
    let operator = Operator::connect(&add.config.load()?).await?;
    let people = People::read(&operator).await?;
    let new = NewProxy {
        assistant: people.user(&add.assistant)?.id,
        principal: Some(people.user(&add.principal)?.id),
        level: match add.level {
            GivenLevel::View => Level::View,
            GivenLevel::Manage => Level::Manage,
        },
        from: add.from.map(start_of).transpose()?,
        until: add.until.map(end_of).transpose()?,
    };
    let made: ProxyRow = operator.post("/api/v1/proxies", &new).await?;
    operator.close().await;
    out!("proxy {} made: {}", made.id, line(&people, &made));
    Ok(())
}

fn line(people: &People, proxy: &ProxyRow) -> String {
    let verb = match proxy.level {
        Level::View => "sees the mail of",
        Level::Manage => "manages the mail of",
    };
    let times: String = [("from", proxy.from), ("until", proxy.until)]
        .into_iter()
        .filter_map(|(word, at)| Some(format!(" {word} {}", at?)))
        .collect();
    let idle = if proxy.active {
        ""
    } else {
        "  (does not count now)"
    };
    format!(
        "{} {verb} {}{times}{idle}",
        people.login(proxy.assistant.id),
        people.login(proxy.principal.id)
    )
}
