//! `postroom queue`: the list for the operator, who sees everything.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use postroom_domain::legible;
use serde_json::{Value, json};

use super::ConfigFile;
use super::operator::Operator;
use super::out::out;
use super::sweep::{self, Release, Which};
use crate::http::admin_wire::Flushed;

/// List, show, explain, requeue, hold and delete messages
#[derive(Debug, Args)]
pub(super) struct QueueCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List messages, newest first
    List(List),
    /// Show one message with its recipients and attempts
    Show(Show),
    /// Say why a message has not gone, and what happens next
    Why(Why),
    /// List failed mail in groups by what failed it
    Failures(ConfigFile),
    /// Send again exactly what a cause failed, once it is fixed
    Replay(Replay),
    /// Put messages back to Outbox, to be tried now
    Requeue(Which),
    /// Send ended messages again, as new ones
    Resend(Which),
    /// Delete messages; in Outbox this cancels them
    Delete(Which),
    /// Keep messages back until they are released
    Hold(Which),
    /// Let held messages go
    Release(Release),
    /// Make every deferred message due now
    Flush(ConfigFile),
}

#[derive(Debug, Args)]
struct List {
    /// Only this Type
    #[arg(long = "type", value_enum, default_value = "all")]
    shown: Type,
    /// Words to find in subject and addresses
    #[arg(long)]
    search: Option<String>,
    /// Rows, 1 to 200
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigFile,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Type {
    All,
    Outbox,
    Sent,
    Failed,
}

#[derive(Debug, Args)]
struct Show {
    /// The message's id
    id: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigFile,
}

#[derive(Debug, Args)]
struct Why {
    /// The message's id
    id: String,
    #[command(flatten)]
    config: ConfigFile,
}

#[derive(Debug, Args)]
struct Replay {
    /// The group, as `failures` names it: 0-auth
    group: String,
    /// Only count what would be done
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    config: ConfigFile,
}

/// Runs the command.
///
/// # Errors
/// Where the store cannot be asked, or there is no such message.
pub(super) async fn run(command: QueueCommand) -> anyhow::Result<ExitCode> {
    match command.action {
        Action::List(list) => print_list(list).await,
        Action::Show(show) => print_one(show).await,
        Action::Why(why) => explain(why).await,
        Action::Failures(file) => failures(&file).await,
        Action::Replay(replay) => send_again(replay).await,
        Action::Requeue(which) => sweep::act("requeue", which).await,
        Action::Resend(which) => sweep::act("resend", which).await,
        Action::Delete(which) => sweep::act("delete", which).await,
        Action::Hold(which) => sweep::act("hold", which).await,
        Action::Release(release) => sweep::release(release).await,
        Action::Flush(file) => {
            let operator = Operator::connect(&file.load()?).await?;
            let flushed: Flushed = operator.post("/admin/v1/flush", &json!({})).await?;
            operator.close().await;
            out!("{} deferred messages are due now", flushed.made_due);
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn print_list(list: List) -> anyhow::Result<ExitCode> {
    let shown = match list.shown {
        Type::All => "all",
        Type::Outbox => "outbox",
        Type::Sent => "sent",
        Type::Failed => "failed",
    };
    let mut query = form_urlencoded::Serializer::new(format!("limit={}&type={shown}", list.limit));
    if let Some(words) = &list.search {
        query.append_pair("q", words);
    }
    let path = format!("/api/v1/messages?{}", query.finish());
    let operator = Operator::connect(&list.config.load()?).await?;
    let page: Value = operator.get(&path).await?;
    operator.close().await;
    if list.json {
        out!("{page:#}");
        return Ok(ExitCode::SUCCESS);
    }
    for row in page.get("rows").and_then(Value::as_array).into_iter().flatten() {
        out!(
            "{}  {:<9} {:>2}  {:<30} {:<30} {}",
            text(row, "id"),
            text(row, "state"),
            text(row, "attempts"),
            text(row, "from"),
            text(row, "to"),
            text(row, "subject"),
        );
        if row.get("error").is_some_and(|error| !error.is_null()) {
            out!("               {}", text(row, "error"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn print_one(show: Show) -> anyhow::Result<ExitCode> {
    let id: String = form_urlencoded::byte_serialize(show.id.as_bytes()).collect();
    let operator = Operator::connect(&show.config.load()?).await?;
    let detail: Value = operator.get(&format!("/api/v1/messages/{id}")).await?;
    let attempts: Value = operator.get(&format!("/api/v1/messages/{id}/attempts")).await?;
    operator.close().await;
    if show.json {
        out!(
            "{:#}",
            json!({"message": detail, "attempts": attempts.get("attempts")})
        );
        return Ok(ExitCode::SUCCESS);
    }
    for name in [
        "id",
        "date",
        "state",
        "from",
        "to",
        "cc",
        "bcc",
        "subject",
        "message_id",
        "size_bytes",
        "error",
    ] {
        out!("{name:<12} {}", text(&detail, name));
    }
    let list = |value: &Value, name: &str| {
        value
            .get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    for recipient in list(&detail, "recipients_detail") {
        out!(
            "  {:<8} {} {} {}",
            text(&recipient, "state"),
            text(&recipient, "address"),
            text(&recipient, "code"),
            text(&recipient, "text")
        );
    }
    for attempt in list(&attempts, "attempts") {
        out!(
            "attempt {:>2} {} {:<9} {} {} {}",
            text(&attempt, "number"),
            text(&attempt, "started_at"),
            text(&attempt, "outcome"),
            text(&attempt, "relay"),
            text(&attempt, "code"),
            text(&attempt, "text")
        );
    }
    Ok(ExitCode::SUCCESS)
}

async fn explain(why: Why) -> anyhow::Result<ExitCode> {
    let id: String = form_urlencoded::byte_serialize(why.id.as_bytes()).collect();
    let operator = Operator::connect(&why.config.load()?).await?;
    let found: Value = operator.get(&format!("/api/v1/messages/{id}/explain")).await?;
    operator.close().await;
    out!("{}", text(&found, "sentence"));
    for evidence in found
        .get("evidence")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let words = evidence.as_str().unwrap_or("");
        let words = legible::shown(words);
        out!("  {words}");
    }
    for (name, title) in [
        ("advice", "What to do: "),
        ("next", "Next: "),
        ("next_at", "At: "),
    ] {
        let words = text(&found, name);
        if !words.is_empty() {
            out!("{title}{words}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn failures(file: &ConfigFile) -> anyhow::Result<ExitCode> {
    let operator = Operator::connect(&file.load()?).await?;
    let found: Value = operator.get("/api/v1/failures").await?;
    operator.close().await;
    for group in found
        .get("groups")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        out!(
            "{:<14} {:>8}  {}  {} {}",
            text(group, "id"),
            text(group, "count"),
            text(group, "latest_at"),
            text(group, "sentence"),
            text(group, "advice")
        );
    }
    Ok(ExitCode::SUCCESS)
}

async fn send_again(replay: Replay) -> anyhow::Result<ExitCode> {
    let group: String = form_urlencoded::byte_serialize(replay.group.as_bytes()).collect();
    let operator = Operator::connect(&replay.config.load()?).await?;
    let request = json!({"dry_run": replay.dry_run});
    let report: Value = operator
        .post(&format!("/api/v1/failures/{group}/requeue"), &request)
        .await?;
    operator.close().await;
    Ok(sweep::print(&report))
}

/// A field as it is printed: control and other hidden characters, which could steer a terminal, are gone.
pub(super) fn text(value: &Value, name: &str) -> String {
    let plain = match value.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    legible::shown(&plain).into_owned()
}
