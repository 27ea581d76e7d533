//! `postroom queue requeue|resend|delete|hold|release`: by ids, or all that match.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::ConfigFile;
use super::operator::Operator;
use super::out::out;

/// Exit status 2: not everything that was asked was done.
const NOT_ALL_DONE: u8 = 2;

/// Which messages: ids, or all that match
#[derive(Debug, Args)]
pub(super) struct Which {
    /// The messages' ids, up to 1,000; without any, --type, --search or --all say which
    #[arg(num_args = 1..=1000, required_unless_present_any = ["shown", "search", "all"])]
    ids: Vec<String>,
    /// All of this Type
    #[arg(long = "type", value_enum, conflicts_with_all = ["ids", "all"])]
    shown: Option<Type>,
    /// All with these words in subject and addresses
    #[arg(long, value_name = "WORDS", conflicts_with_all = ["ids", "all"])]
    search: Option<String>,
    /// Every message
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    /// Only count what would be done
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    config: ConfigFile,
}

/// Which messages to release
#[derive(Debug, Args)]
pub(super) struct Release {
    #[command(flatten)]
    which: Which,
    /// Past the daily limits; with ids alone
    #[arg(long)]
    past_limits: bool,
}

/// The Types of the list.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Type {
    Outbox,
    Sent,
    Failed,
}

impl Type {
    const fn name(self) -> &'static str {
        match self {
            Self::Outbox => "outbox",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}

/// Releases messages.
///
/// # Errors
/// As for [`act`].
pub(super) async fn release(release: Release) -> anyhow::Result<ExitCode> {
    let extra = release.past_limits.then_some("past_limits");
    send("release", release.which, extra).await
}

/// Does `action` to messages.
///
/// # Errors
/// Where the server cannot be asked.
pub(super) async fn act(action: &str, which: Which) -> anyhow::Result<ExitCode> {
    send(action, which, None).await
}

async fn send(action: &str, which: Which, extra: Option<&str>) -> anyhow::Result<ExitCode> {
    let mut request = Map::new();
    request.insert("action".to_owned(), json!(action));
    request.insert("dry_run".to_owned(), json!(which.dry_run));
    if let Some(extra) = extra {
        request.insert(extra.to_owned(), json!(true));
    }
    if which.ids.is_empty() {
        let mut filter = Map::new();
        if let Some(shown) = which.shown {
            filter.insert("type".to_owned(), json!(shown.name()));
        }
        if let Some(words) = &which.search {
            filter.insert("q".to_owned(), json!(words));
        }
        request.insert("filter".to_owned(), Value::Object(filter));
    } else {
        request.insert("ids".to_owned(), json!(which.ids));
    }
    let operator = Operator::connect(&which.config.load()?).await?;
    let report: Value = operator.post("/api/v1/messages/actions", &request).await?;
    operator.close().await;
    Ok(print(&report))
}

/// Prints what became of the messages.
pub(super) fn print(report: &Value) -> ExitCode {
    let number = |name: &str| report.get(name).and_then(Value::as_u64).unwrap_or(0);
    if report.get("state").is_some() {
        // More than is waited for: a job goes on in the server.
        out!(
            "job {} does it: {} messages; see postroom job show {}",
            number("id"),
            number("total"),
            number("id")
        );
        return ExitCode::SUCCESS;
    }
    let items = report.get("items").and_then(Value::as_array);
    for item in items.into_iter().flatten() {
        let text = |name: &str| super::queue::text(item, name);
        let line = format!("{}  {}  {}", text("id"), text("outcome"), text("reason"));
        out!("{}", line.trim_end());
    }
    let (done, skipped, refused) = (number("done"), number("skipped"), number("refused"));
    out!("{done} done, {skipped} skipped, {refused} refused");
    if skipped + refused == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_ALL_DONE)
    }
}
