//! `postroom config check` and `postroom config show`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::out::out;
use super::{ConfigFile, environment};
use crate::config::{Loaded, Origin, load, show};
use crate::node::engine_settings;
use crate::reload::Identities;

/// Look at the configuration
#[derive(Debug, Args)]
pub(super) struct ConfigCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Say whether the server would start with a configuration, or everything that is wrong with it
    Check(ToRead),
    /// Show what holds, key by key, and where each value comes from; secrets are hidden
    Show(Show),
}

#[derive(Debug, Args)]
struct ToRead {
    /// The configuration file, .toml or .xml; without one, --config or POSTROOM_CONFIG names it
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigFile,
}

#[derive(Debug, Args)]
struct Show {
    #[command(flatten)]
    read: ToRead,
    /// Only the keys that were set, in the file or by a variable
    #[arg(long)]
    set: bool,
}

impl ToRead {
    fn load(&self) -> anyhow::Result<Loaded> {
        match &self.file {
            Some(file) => Ok(load(Some(file), &environment())?),
            None => self.config.load(),
        }
    }
}

/// Looks at the configuration.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) async fn run(command: &ConfigCommand) -> anyhow::Result<ExitCode> {
    match &command.action {
        Action::Check(read) => {
            let loaded = read.load()?;
            engine_settings(&loaded)?;
            Identities::read(&loaded).await?;
            out!("ok");
            for line in summary(&loaded) {
                out!("  {line}");
            }
        }
        Action::Show(show_them) => {
            let loaded = show_them.read.load()?;
            for row in show(&loaded) {
                if !show_them.set || row.origin != Origin::Default {
                    out!("{} = {}  # {}", row.path, row.value, row.origin);
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What the configuration comes to, in a few lines.
fn summary(config: &Loaded) -> Vec<String> {
    let http = if config.http.tls_certificate.as_os_str().is_empty() {
        "HTTP"
    } else {
        "HTTPS"
    };
    let plain = config.submission.listen.iter().map(ToString::to_string);
    let tls = config
        .submission
        .listen_tls
        .iter()
        .map(|at| format!("{at} (TLS)"));
    let smtp: Vec<String> = plain.chain(tls).collect();
    let relays: Vec<String> = config
        .relay
        .iter()
        .map(|relay| format!("{} at {}:{}", relay.name, relay.host, relay.port))
        .collect();
    vec![
        format!("data in {}", config.server.data_dir.display()),
        format!("{http} on {}", config.http.listen),
        format!("SMTP on {}", or_none(&smtp)),
        format!("relays: {}", or_none(&relays)),
        format!(
            "queue {}, daily limits: system {}, user {}",
            if config.queue.enabled {
                "enabled"
            } else {
                "disabled"
            },
            limit(config.limits.system_daily_limit),
            limit(config.limits.user_daily_limit)
        ),
    ]
}

fn or_none(items: &[String]) -> String {
    if items.is_empty() {
        "none".to_owned()
    } else {
        items.join(", ")
    }
}

fn limit(limit: u64) -> String {
    if limit == 0 {
        "none".to_owned()
    } else {
        limit.to_string()
    }
}
