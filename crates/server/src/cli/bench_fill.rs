//! `postroom bench-fill`: sample messages in a new database, for measurements.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use postroom_domain::Clock as _;
use postroom_store::sqlite::fill::{FillPlan, fill};

use super::ConfigFile;
use super::out::note;
use crate::clock::SystemClock;
use crate::node::Lock;

/// Options of `postroom bench-fill`.
#[derive(Debug, Args)]
pub(super) struct FillArgs {
    #[command(flatten)]
    file: ConfigFile,
    /// How many messages
    #[arg(long, default_value_t = 1_000_000)]
    messages: u64,
    /// Over how many days up to now
    #[arg(long, default_value_t = 60)]
    days: u32,
}

/// Fills the database of the configured data folder, which no server may be using.
pub(super) fn run(args: &FillArgs) -> anyhow::Result<ExitCode> {
    let folder = args.file.load()?.config.server.data_dir;
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let _lock = Lock::take(&folder)?;
    let plan = FillPlan::new(args.messages, args.days, SystemClock.now());
    fill(folder.join("postroom.db"), &plan, |written| {
        let _ = write!(std::io::stderr(), "\r{written} of {} messages", args.messages);
    })?;
    note!("");
    writeln!(
        std::io::stdout(),
        "{} messages over {} days",
        args.messages,
        args.days
    )?;
    Ok(ExitCode::SUCCESS)
}
