//! Log lines on standard error, for people or for programs.

use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Sets another filter.
type SetFilter = Box<dyn Fn(EnvFilter) + Send + Sync>;

/// What a reload sets the level with; there is one log in a process.
static SET_FILTER: OnceLock<SetFilter> = OnceLock::new();

/// Starts to log; a second call changes nothing.
///
/// # Errors
/// Where `log.level` is no filter.
pub fn start(config: &Log) -> anyhow::Result<()> {
    let lines = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_target(false);
    let filter = filter(config)?;
    // Only tests start twice in a process; then the first log stays.
    match config.format {
        LogFormat::Text => {
            let lines = lines
                .with_ansi(false)
                .with_env_filter(filter)
                .with_filter_reloading();
            let handle = lines.reload_handle();
            if lines.try_init().is_ok() {
                keep(move |filter| drop(handle.reload(filter)));
            }
        }
        LogFormat::Json => {
            let lines = lines
                .json()
                .flatten_event(true)
                .with_env_filter(filter)
                .with_filter_reloading();
            let handle = lines.reload_handle();
            if lines.try_init().is_ok() {
                keep(move |filter| drop(handle.reload(filter)));
            }
        }
    }
    Ok(())
}

/// Logs as much as configured from now on; nothing where the log was not started or the level is no filter.
pub fn set_level(config: &Log) {
    if let (Some(set), Ok(filter)) = (SET_FILTER.get(), filter(config)) {
        set(filter);
    }
}

fn keep(set: impl Fn(EnvFilter) + Send + Sync + 'static) {
    drop(SET_FILTER.set(Box::new(set)));
}

fn filter(config: &Log) -> anyhow::Result<EnvFilter> {
    EnvFilter::builder().parse(&config.level).map_err(|error| {
        anyhow::anyhow!(
            "log.level is {:?}: {error}; use error, warn, info, debug or trace",
            config.level
        )
    })
}
