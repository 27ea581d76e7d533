//! `postroom key`: makes, lists and revokes API keys.

use std::process::ExitCode;

use axum::http::Method;
use clap::{Args, Subcommand};
use jiff::civil::Date;
use postroom_domain::{Clock as _, Timestamp};

use super::ConfigFile;
use super::days::end_of;
use super::operator::Operator;
use super::out::{note, out};
use crate::clock::SystemClock;
use crate::http::admin_wire::{KeyMade, NewKey};
use crate::http::wire::people::{KeyRow, Keys};

/// Make, list and revoke API keys
#[derive(Debug, Args)]
pub(super) struct KeyCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make an API key and print it, this once
    Add(Add),
    /// List API keys, without their secrets
    List(ConfigFile),
    /// End an API key
    Revoke {
        /// Its number, as postroom key list shows it
        id: i64,
        #[command(flatten)]
        config: ConfigFile,
    },
}

#[derive(Debug, Args)]
struct Add {
    /// The login of the user that the key stands for
    #[arg(long, required_unless_present = "office", conflicts_with = "office")]
    user: Option<String>,
    /// The name of the office that the key belongs to
    #[arg(long)]
    office: Option<String>,
    /// What an office's key may do: send, read, manage, post_notifications; several with commas or again
    #[arg(
        long = "scopes",
        alias = "scope",
        value_name = "SCOPE",
        value_delimiter = ',',
        requires = "office"
    )]
    scopes: Vec<String>,
    /// What it is for
    #[arg(long, default_value = "")]
    label: String,
    /// Its last day (2027-01-06, UTC); without one it works until it is revoked
    #[arg(long, value_name = "DAY")]
    until: Option<Date>,
    #[command(flatten)]
    config: ConfigFile,
}

/// Runs the command.
///
/// # Errors
/// What is wrong with the key, or the store.
pub(super) async fn run(command: KeyCommand) -> anyhow::Result<ExitCode> {
    match command.action {
        Action::Add(add) => make(add).await?,
        Action::List(config) => list(&config).await?,
        Action::Revoke { id, config } => {
            let operator = Operator::connect(&config.load()?).await?;
            let path = format!("/api/v1/keys/{id}");
            let (): () = operator.change(Method::DELETE, &path, None, &()).await?;
            operator.close().await;
            out!("key {id} revoked");
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(config: &ConfigFile) -> anyhow::Result<()> {
    let operator = Operator::connect(&config.load()?).await?;
    let found: Keys = operator.get("/api/v1/keys").await?;
    operator.close().await;
    let now = SystemClock.now();
    for key in &found.keys {
        out!("{}", line(key, now));
    }
    Ok(())
}

fn line(key: &KeyRow, now: Timestamp) -> String {
    let whose = key.user.as_ref().map_or_else(
        || format!("{} ({})", key.office.name, key.scopes.join(",")),
        |user| user.name.clone(),
    );
    let maker = key
        .made_by
        .as_ref()
        .filter(|maker| key.user.as_ref() != Some(*maker));
    let maker = maker.map_or_else(String::new, |maker| format!(" by {}", maker.name));
    let used = key
        .last_used_at
        .map_or_else(|| "no use recorded".to_owned(), |at| format!("last used {at}"));
    let end = match key.ends_at {
        None => String::new(),
        Some(at) if at <= now => format!("  expired {at}"),
        Some(at) => format!("  expires {at}"),
    };
    let KeyRow {
        id,
        prefix,
        created_at,
        label,
        ..
    } = key;
    format!("{id:>4}  {prefix}…  {whose}  {created_at}{maker}  {used}{end}  {label}")
}

async fn make(add: Add) -> anyhow::Result<()> {
    let ends_at = add.until.map(end_of).transpose()?;
    let operator = Operator::connect(&add.config.load()?).await?;
    let new = NewKey {
        user: add.user,
        office: add.office,
        label: add.label,
        scopes: add.scopes,
        ends_at,
    };
    let made: KeyMade = operator.post("/admin/v1/keys", &new).await?;
    operator.close().await;
    out!("{}", made.secret);
    note!("key {} made; keep it now, it is not shown again", made.id);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::http::wire::session::Named;

    #[test]
    fn line_says_what_is_known_of_a_key_and_whether_it_has_expired() {
        let now = Timestamp::from_micros(1_764_460_800_000_000);
        let named = |id, name: &str| Named {
            id,
            name: name.to_owned(),
        };
        let mut key = KeyRow {
            id: 7,
            prefix: "pk_abc".to_owned(),
            label: "CRM".to_owned(),
            office: named(2, "North Office"),
            user: None,
            scopes: vec!["send".to_owned(), "read".to_owned()],
            created_at: now,
            made_by: None,
            ends_at: None,
            last_used_at: None,
        };
        assert_eq!(
            line(&key, now),
            "   7  pk_abc…  North Office (send,read)  2025-11-30T00:00:00Z  no use recorded  CRM"
        );
        key.user = Some(named(3, "North Clerk"));
        key.made_by = Some(named(4, "North Partner"));
        key.last_used_at = Some(now);
        key.ends_at = Some(now.plus(Duration::from_secs(1)));
        assert_eq!(
            line(&key, now),
            "   7  pk_abc…  North Clerk  2025-11-30T00:00:00Z by North Partner  last used 2025-11-30T00:00:00Z  expires \
             2025-11-30T00:00:01Z  CRM"
        );
        key.made_by.clone_from(&key.user);
        key.ends_at = Some(now);
        assert!(!line(&key, now).contains(" by "));
        assert!(line(&key, now).contains("  expired 2025-11-30T00:00:00Z  "));
    }
}
