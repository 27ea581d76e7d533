//! `postroom check`: recounts tallies and lanes.

use std::process::ExitCode;

use super::ConfigFile;
use super::operator::Operator;
use super::out::out;
use crate::http::admin_wire::Checked;

/// Exit status 2: something differs.
const DIFFERS: u8 = 2;

/// Recounts and prints what differs.
///
/// # Errors
/// Where the store cannot be asked.
pub(super) async fn run(file: &ConfigFile) -> anyhow::Result<ExitCode> {
    let operator = Operator::connect(&file.load()?).await?;
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
