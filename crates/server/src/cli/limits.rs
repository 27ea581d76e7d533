//! `postroom limits`: daily limits and what was taken of them.

use std::process::ExitCode;

use axum::http::Method;
use clap::{Args, Subcommand};
use postroom_domain::legible;

use super::ConfigFile;
use super::operator::Operator;
use super::out::out;
use crate::http::wire::limits::{ForecastAnswer, LimitsAnswer, LimitsEdit, UsageAnswer};

/// Show and set daily limits, and what was sent
#[derive(Debug, Args)]
pub(super) struct LimitsCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the limits and when the next day begins
    Show(ConfigFile),
    /// Set limits; mail that waits and fits then leaves at once
    ///
    /// What is left out stays. A limit below what was sent today is refused; so is one that the configuration file sets.
    Set {
        #[command(flatten)]
        config: ConfigFile,
        /// Messages a day of the whole server; 0 for no limit
        #[arg(long, value_name = "MESSAGES")]
        system: Option<u64>,
        /// Messages a day of each user; 0 for no limit
        #[arg(long, value_name = "MESSAGES")]
        user: Option<u64>,
        /// Whose midnight begins a day, such as Europe/Berlin
        #[arg(long, value_name = "NAME")]
        time_zone: Option<String>,
    },
    /// Show how many messages were sent on each day, by the whole server and by each user
    Usage {
        #[command(flatten)]
        config: ConfigFile,
        /// How many days, with today
        #[arg(long, default_value_t = 7)]
        days: u16,
    },
    /// Say how many of so many messages would go today, and when the rest would
    Forecast {
        #[command(flatten)]
        config: ConfigFile,
        /// How many messages
        count: u64,
        /// The address that they would be sent as
        #[arg(long, value_name = "ADDRESS")]
        from: String,
    },
}

/// Runs the command.
///
/// # Errors
/// What is wrong with the limits, or the store.
pub(super) async fn run(command: LimitsCommand) -> anyhow::Result<ExitCode> {
    match command.what {
        What::Show(config) => show(&config).await?,
        What::Set {
            config,
            system,
            user,
            time_zone,
        } => {
            let edit = LimitsEdit {
                system_daily_limit: system,
                user_daily_limit: user,
                time_zone,
            };
            set(&config, &edit).await?;
        }
        What::Usage { config, days } => usage(&config, days).await?,
        What::Forecast { config, count, from } => forecast(&config, count, &from).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(config: &ConfigFile) -> anyhow::Result<()> {
    let operator = Operator::connect(&config.load()?).await?;
    let limits: LimitsAnswer = operator.get("/api/v1/limits").await?;
    operator.close().await;
    print(&limits);
    Ok(())
}

async fn set(config: &ConfigFile, edit: &LimitsEdit) -> anyhow::Result<()> {
    let operator = Operator::connect(&config.load()?).await?;
    let before: LimitsAnswer = operator.get("/api/v1/limits").await?;
    let set = operator.change(Method::PUT, "/api/v1/limits", Some(before.version), edit);
    let limits: anyhow::Result<LimitsAnswer> = set.await;
    operator.close().await;
    print(&limits?);
    Ok(())
}

fn print(limits: &LimitsAnswer) {
    let row = |key: &str, value: &str| {
        let pinned = limits.set_in_configuration.contains(&format!("limits.{key}"));
        out!(
            "{key:<20} {value}{}",
            if pinned {
                "  (set in the configuration)"
            } else {
                ""
            }
        );
    };
    row("system_daily_limit", &number(limits.system_daily_limit));
    row("user_daily_limit", &number(limits.user_daily_limit));
    row("time_zone", &limits.time_zone);
    out!("{:<20} {}, ends {}", "day", limits.day, limits.day_ends_at);
}

fn number(limit: u64) -> String {
    if limit == 0 {
        "0 (no limit)".to_owned()
    } else {
        limit.to_string()
    }
}

async fn usage(config: &ConfigFile, days: u16) -> anyhow::Result<()> {
    let operator = Operator::connect(&config.load()?).await?;
    let usage: UsageAnswer = operator.get(&format!("/api/v1/limits/usage?days={days}")).await?;
    operator.close().await;
    for day in usage.system.unwrap_or_default() {
        out!("{}  {:>9}  the whole server", day.day, day.used);
    }
    for user in usage.users.unwrap_or_default() {
        let name = legible::shown(&user.user.name);
        for day in user.days {
            out!("{}  {:>9}  {name}", day.day, day.used);
        }
    }
    Ok(())
}

async fn forecast(config: &ConfigFile, count: u64, from: &str) -> anyhow::Result<()> {
    let operator = Operator::connect(&config.load()?).await?;
    let from: String = form_urlencoded::byte_serialize(from.as_bytes()).collect();
    let path = format!("/api/v1/limits/forecast?count={count}&from={from}");
    let told: anyhow::Result<ForecastAnswer> = operator.get(&path).await;
    operator.close().await;
    let told = told?;
    out!("{:<10}  {:>9}", "today", told.today);
    for day in told.later {
        out!("{:<10}  {:>9}", day.day, day.count);
    }
    if told.beyond > 0 {
        out!("{:<10}  {:>9}", "later", told.beyond);
    }
    Ok(())
}
