//! `postroom job`: actions on many messages, as they go on.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::ConfigFile;
use super::operator::Operator;
use super::out::out;
use super::queue::text;

/// Look at jobs and cancel them
#[derive(Debug, Args)]
pub(super) struct JobCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the latest jobs, newest first
    List {
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Show one job, and the first messages that it did nothing to
    Show {
        /// The job's number
        id: i64,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Cancel a job; what it has done stays done
    Cancel {
        /// The job's number
        id: i64,
        #[command(flatten)]
        config: ConfigFile,
    },
}

/// Runs the command.
///
/// # Errors
/// Where the store cannot be asked, or there is no such job.
pub(super) async fn run(command: JobCommand) -> anyhow::Result<ExitCode> {
    match command.what {
        What::List { config } => {
            let operator = Operator::connect(&config.load()?).await?;
            let found: Value = operator.get("/api/v1/jobs").await?;
            operator.close().await;
            let jobs = found.get("jobs").and_then(Value::as_array);
            jobs.into_iter().flatten().for_each(print);
        }
        What::Show { id, config } => {
            let operator = Operator::connect(&config.load()?).await?;
            let job: Value = operator.get(&format!("/api/v1/jobs/{id}")).await?;
            let items: Value = operator.get(&format!("/api/v1/jobs/{id}/items")).await?;
            operator.close().await;
            print(&job);
            let items = items.get("items").and_then(Value::as_array);
            for item in items.into_iter().flatten() {
                out!(
                    "{}  {}  {}",
                    text(item, "id"),
                    text(item, "outcome"),
                    text(item, "reason")
                );
            }
        }
        What::Cancel { id, config } => {
            let operator = Operator::connect(&config.load()?).await?;
            let job: Value = operator
                .post(&format!("/api/v1/jobs/{id}/cancel"), &json!({}))
                .await?;
            operator.close().await;
            print(&job);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print(job: &Value) {
    out!(
        "{:>6}  {}  {:<9}  {:<8}  {} of {}: {} done, {} skipped, {} refused  {}",
        text(job, "id"),
        text(job, "started_at"),
        text(job, "state"),
        text(job, "action"),
        text(job, "visited"),
        text(job, "total"),
        text(job, "done"),
        text(job, "skipped"),
        text(job, "refused"),
        text(job, "reason")
    );
}
