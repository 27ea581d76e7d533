//! `postroom check`: recounts tallies and lanes.

use std::process::ExitCode;

use clap::Args;

use super::ConfigFile;
use super::operator::Operator;
use super::out::out;
use crate::http::admin_wire::{Acknowledged, Checked};

/// Exit status 2: something differs.
const DIFFERS: u8 = 2;

/// Options of `postroom check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    file: ConfigFile,
    /// Stop reporting losses of committed work that were reported before
    #[arg(long)]
    acknowledge_losses: bool,
}

/// Recounts and prints what differs.
///
/// # Errors
/// Where the store cannot be asked.
pub(super) async fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let operator = Operator::connect(&args.file.load()?).await?;
    if args.acknowledge_losses {
        let acknowledged: Acknowledged = operator
            .post("/admin/v1/acknowledge-losses", &serde_json::json!({}))
            .await?;
        out!("{} losses acknowledged", acknowledged.losses);
    }
    let checked: Checked = operator.post("/admin/v1/check", &serde_json::json!({})).await?;
    operator.close().await;
    out!(
        "{} messages, {} of them unfinished",
        checked.messages,
        checked.work
    );
    for difference in &checked.differences {
        out!("{difference}");
    }
    if checked.differences.is_empty() {
        out!("all counts are right");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::from(DIFFERS))
}
