//! `postroom office`: the tree of offices.

use std::process::ExitCode;

use axum::http::Method;
use clap::{Args, Subcommand, ValueEnum};

use super::ConfigFile;
use super::operator::Operator;
use super::out::out;
use super::people::People;
use crate::http::wire::people::{NewOffice, OfficeEdit, OfficeEdited, OfficeRow, Switch};

/// Add, list, rename, move and remove offices
#[derive(Debug, Args)]
pub(super) struct OfficeCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List offices with their places in the tree
    List(ConfigFile),
    /// Add an office
    Add {
        /// Its name
        name: String,
        /// The office that it lies below; without it the System Office
        #[arg(long, value_name = "OFFICE")]
        below: Option<String>,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Rename an office
    Rename {
        /// Its name or number
        office: String,
        /// Its new name
        name: String,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Move an office with everything below it
    Move {
        /// Its name or number
        office: String,
        /// The office that it shall lie below
        #[arg(long, value_name = "OFFICE")]
        below: String,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Turn office security on or off: proxies count only while it is on
    Security {
        /// Its name or number
        office: String,
        /// on or off
        switch: OnOff,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Set the domains that an office's people may send from
    Domains {
        /// Its name or number
        office: String,
        /// Domains as in example.com; leave empty to inherit from the parent office
        #[arg(value_name = "DOMAIN")]
        domains: Vec<String>,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Remove an office that has and had nothing in it
    Remove {
        /// Its name or number
        office: String,
        #[command(flatten)]
        config: ConfigFile,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OnOff {
    On,
    Off,
}

/// Runs the command.
///
/// # Errors
/// What is wrong with the change, or the store.
pub(super) async fn run(command: OfficeCommand) -> anyhow::Result<ExitCode> {
    match command.action {
        Action::List(config) => list(&config).await?,
        Action::Add { name, below, config } => add(name, below, &config).await?,
        Action::Rename { office, name, config } => {
            let edit = |_: &People| {
                Ok(OfficeEdit {
                    name: Some(name),
                    ..OfficeEdit::default()
                })
            };
            change(&office, &config, edit).await?;
        }
        Action::Move {
            office,
            below,
            config,
        } => {
            let edit = |people: &People| {
                Ok(OfficeEdit {
                    parent: Some(people.office(&below)?.id),
                    ..OfficeEdit::default()
                })
            };
            change(&office, &config, edit).await?;
        }
        Action::Security {
            office,
            switch,
            config,
        } => {
            let security = match switch {
                OnOff::On => Switch::On,
                OnOff::Off => Switch::Off,
            };
            let edit = |_: &People| {
                Ok(OfficeEdit {
                    security: Some(security),
                    ..OfficeEdit::default()
                })
            };
            change(&office, &config, edit).await?;
        }
        Action::Domains {
            office,
            domains,
            config,
        } => {
            let edit = |_: &People| {
                Ok(OfficeEdit {
                    allowed_sender_domains: Some(domains),
                    ..OfficeEdit::default()
                })
            };
            change(&office, &config, edit).await?;
        }
        Action::Remove { office, config } => remove(&office, &config).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(config: &ConfigFile) -> anyhow::Result<()> {
    let operator = Operator::connect(&config.load()?).await?;
    let people = People::read(&operator).await?;
    operator.close().await;
    let mut rows: Vec<_> = people
        .offices
        .iter()
        .map(|office| (people.path(office), office))
        .collect();
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    for (path, office) in rows {
        let off = if office.security == Switch::Off {
            "  (office security off)"
        } else {
            ""
        };
        out!("{:>4}  {path}{off}", office.id);
    }
    Ok(())
}

async fn add(name: String, below: Option<String>, config: &ConfigFile) -> anyhow::Result<()> {
    let operator = Operator::connect(&config.load()?).await?;
    let people = People::read(&operator).await?;
    let parent = below.map(|below| people.office(&below).map(|office| office.id));
    let new = NewOffice {
        name,
        parent: parent.transpose()?,
    };
    let made: OfficeRow = operator.post("/api/v1/offices", &new).await?;
    operator.close().await;
    out!("office {} added: {}", made.id, made.name);
    Ok(())
}

async fn change(
    office: &str,
    config: &ConfigFile,
    edit: impl FnOnce(&People) -> anyhow::Result<OfficeEdit>,
) -> anyhow::Result<()> {
    let operator = Operator::connect(&config.load()?).await?;
    let people = People::read(&operator).await?;
    let before = people.office(office)?;
    let edit = edit(&people)?;
    let path = format!("/api/v1/offices/{}", before.id);
    let edited: OfficeEdited = operator
        .change(Method::PATCH, &path, Some(before.version), &edit)
        .await?;
    let people = People::read(&operator).await?;
    operator.close().await;
    let after = edited.office;
    let security = match after.security {
        Switch::On => "on",
        Switch::Off => "off",
    };
    let domains = match after.allowed_sender_domains.as_slice() {
        [] => String::new(),
        domains => format!(", allowed sender domains: {}", domains.join(", ")),
    };
    out!(
        "office {}: {}, office security {security}{domains}",
        after.id,
        people.path(&after)
    );
    match edited.people_refused {
        0 => {}
        1 => out!("1 person cannot send from their address any more; postroom check names them"),
        n => out!("{n} people cannot send from their address any more; postroom check names them"),
    }
    Ok(())
}

async fn remove(office: &str, config: &ConfigFile) -> anyhow::Result<()> {
    let operator = Operator::connect(&config.load()?).await?;
    let people = People::read(&operator).await?;
    let before = people.office(office)?;
    let path = format!("/api/v1/offices/{}", before.id);
    let (): () = operator
        .change(Method::DELETE, &path, Some(before.version), &())
        .await?;
    operator.close().await;
    out!("office {} removed: {}", before.id, before.name);
    Ok(())
}
