//! Log lines on standard error, for people or for programs.

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Starts to log; a second call changes nothing.
///
/// # Errors
/// Where `log.level` is no filter.
pub fn start(config: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(&config.level).map_err(|error| {
        anyhow::anyhow!(
            "log.level is {:?}: {error}; use error, warn, info, debug or trace",
            config.level
        )
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    let started = match config.format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    // Only tests start twice in a process.
    drop(started);
    Ok(())
}
