//! `postroom audit`: who did what, and whether the log is whole.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use postroom_domain::legible;

use super::ConfigFile;
use super::operator::Operator;
use super::out::out;
use crate::http::wire::audit::{AuditCheck, AuditPage};

/// Exit status 2: something is wrong with the log.
const WRONG: u8 = 2;

/// Look at the audit log
#[derive(Debug, Args)]
pub(super) struct AuditCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List entries, newest first
    List {
        #[command(flatten)]
        config: ConfigFile,
        /// At most so many entries, up to 200
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Only entries before this number
        #[arg(long, value_name = "NUMBER")]
        before: Option<u64>,
    },
    /// Check that no entry was changed, removed or put in, and print the head of the chain
    ///
    /// Keep the printed head somewhere else. With --remembered it has to be found in the chain: this shows a log that
    /// was written anew by somebody who can write the database file. Exit status 2: something is wrong.
    Verify {
        #[command(flatten)]
        config: ConfigFile,
        /// A head that was printed earlier
        #[arg(long, value_name = "HEAD")]
        remembered: Option<String>,
    },
}

/// Runs the command.
///
/// # Errors
/// Where the store cannot be asked.
pub(super) async fn run(command: AuditCommand) -> anyhow::Result<ExitCode> {
    match command.what {
        What::List {
            config,
            limit,
            before,
        } => list(&config, limit, before).await,
        What::Verify { config, remembered } => verify(&config, remembered.as_deref()).await,
    }
}

async fn list(config: &ConfigFile, limit: u32, before: Option<u64>) -> anyhow::Result<ExitCode> {
    let operator = Operator::connect(&config.load()?).await?;
    let before = before.map_or_else(String::new, |before| format!("&before={before}"));
    let page: AuditPage = operator
        .get(&format!("/api/v1/audit?limit={limit}{before}"))
        .await?;
    operator.close().await;
    for entry in page.entries {
        let who = entry.actor_name.map_or(entry.actor.clone(), |name| {
            format!("{} ({})", entry.actor, legible::shown(&name))
        });
        let detail = if entry.detail.is_null() {
            String::new()
        } else {
            entry.detail.to_string()
        };
        out!(
            "{:>6}  {}  {who}  {}  {}  {}  {detail}",
            entry.seq,
            entry.at,
            entry.action,
            entry.subject,
            entry.count
        );
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify(config: &ConfigFile, remembered: Option<&str>) -> anyhow::Result<ExitCode> {
    let operator = Operator::connect(&config.load()?).await?;
    let query = remembered.map_or_else(String::new, |head| {
        let head: String = form_urlencoded::byte_serialize(head.as_bytes()).collect();
        format!("?remembered={head}")
    });
    let check: AuditCheck = operator.get(&format!("/api/v1/audit/verify{query}")).await?;
    operator.close().await;
    out!("{} entries, head {}", check.entries, check.head);
    for problem in &check.problems {
        out!("{problem}");
    }
    if check.problems.is_empty() {
        out!("the audit log is whole");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::from(WRONG))
}
