//! Log lines on standard error, for people or for programs.
//!
//! Nothing that logs ever fails or waits: standard error may be a full disk, a closed pipe or a reader that is stopped.

mod writer;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tracing_subscriber::EnvFilter;

use self::writer::LogWriter;

use crate::config::{Log, LogFormat};

/// Sets another filter.
type SetFilter = Box<dyn Fn(EnvFilter) + Send + Sync>;

/// What a reload sets the level with; there is one log in a process.
static SET_FILTER: OnceLock<SetFilter> = OnceLock::new();
/// What writes the lines, once the log was started.
static WRITER: OnceLock<LogWriter> = OnceLock::new();
/// Lines that could not be written since the start.
static LOST: LazyLock<Counter> = LazyLock::new(Counter::default);

/// The target of the HTML parser's log, and what those of its modules begin with.
const HTML_PARSER: &str = "html5ever";
/// How long the end of the process waits for lines that are still queued.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);
/// How long a thread that panicked waits for its line: the panic may be about to end the process.
const PANIC_FLUSH_TIMEOUT: Duration = Duration::from_millis(100);

/// Starts to log, and logs panics from now on; a second call changes nothing.
///
/// # Errors
/// Where `log.level` is not a valid filter, or the system gives no thread.
pub fn start(config: &Log) -> anyhow::Result<()> {
    let filter = filter(config)?;
    if WRITER.get().is_some() {
        return Ok(());
    }
    let writer = LogWriter::start(std::io::stderr(), LOST.clone())?;
    let writer = WRITER.get_or_init(|| writer);
    std::panic::set_hook(Box::new(log_panic));
    let lines = tracing_subscriber::fmt()
        .with_writer(writer.clone())
        // It would report them with eprintln!, which panics where standard error fails.
        .log_internal_errors(false)
        .with_target(false);
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

/// Counts the log lines that could not be written since the start.
pub fn lost_lines() -> Counter {
    LOST.clone()
}

/// Writes text for whoever watches the start to standard error, as it is.
pub fn print(text: &str) {
    match WRITER.get() {
        Some(writer) => writer.put(text.as_bytes()),
        // Nobody may be there to read it.
        None => drop(std::io::stderr().write_all(text.as_bytes())),
    }
}

/// Waits for lines that are queued, for a moment at most; called before the process ends.
pub fn flush() {
    if let Some(writer) = WRITER.get() {
        writer.flush(FLUSH_TIMEOUT);
    }
}

/// Logs a panic instead of printing it, which would panic again where standard error fails.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let message = panic.payload_as_str().unwrap_or("a value that is not text");
    let at = panic.location().map(ToString::to_string).unwrap_or_default();
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    tracing::error!(
        thread.name = thread.name(),
        panic.at = at,
        panic.backtrace = backtrace,
        "a thread panicked: {message}"
    );
    if let Some(writer) = WRITER.get() {
        writer.flush(PANIC_FLUSH_TIMEOUT);
    }
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
    let parse = |level: &str| {
        EnvFilter::builder().parse(level).map_err(|error| {
            anyhow::anyhow!(
                "log.level is {:?}: {error}; use error, warn, info, debug or trace",
                config.level
            )
        })
    };
    parse(&config.level)?;
    // The HTML parser would log the text of messages, and a warning for each word between the rows of a table. A directive
    // for one of its modules would count more than the one that switches all of it off.
    let others = config
        .level
        .split(',')
        .filter(|one| !one.trim().starts_with(HTML_PARSER));
    let others: Vec<&str> = others.collect();
    let off = format!("{HTML_PARSER}=off");
    Ok(parse(&others.join(","))?.add_directive(off.parse()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_of_messages_is_never_logged() {
        for level in [
            "info",
            "trace",
            "html5ever=trace",
            "html5ever",
            "html5ever::tree_builder=trace",
            "info,html5ever::tokenizer=debug,postroom=debug",
            "info,html5ever::tokenizer[parse]=trace",
        ] {
            let config = Log {
                level: level.to_owned(),
                ..Log::default()
            };
            let filter = filter(&config).unwrap().to_string();
            assert!(filter.contains("html5ever=off"), "{level}: {filter}");
            assert_eq!(filter.matches("html5ever").count(), 1, "{level}: {filter}");
        }
    }

    #[test]
    fn other_directives_stay_and_wrong_ones_are_refused() {
        let filter_of = |level: &str| {
            filter(&Log {
                level: level.to_owned(),
                ..Log::default()
            })
        };
        let filter = filter_of("warn,html5ever::tokenizer=debug,postroom=debug").unwrap();
        let filter = filter.to_string();
        assert!(
            filter.contains("postroom=debug") && filter.contains("warn"),
            "{filter}"
        );
        assert!(filter_of("info,html5ever::tokenizer=nonsense").is_err());
    }
}
